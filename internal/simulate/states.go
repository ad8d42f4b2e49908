package simulate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// state is what some machines of a group have: facts, and what the engine says about them.
type state struct {
	facts    patch.Hash
	body     []byte // the facts as they travel
	os       patch.OSFacts
	verdicts patch.Vector
	packages []patch.Package // where orders are carried out; nil else
	errors   int
}

// group is the machines of one host OS.
type group struct {
	os       patch.HostOS
	meta     patch.RevisionMeta
	patches  []patch.Patch
	sigs     *detect.Signatures
	byWave   [waves + 1][]*state
	applies  int // patches, on average
	jsonSize int
}

// survey makes a group's states out of what its agents fetched. known is the facts of a real machine to go by, if any.
func survey(c Config, meta patch.RevisionMeta, patches []patch.Patch, signatures []byte, known *patch.Facts) (*group, error) {
	sigs, err := detect.Open(signatures)
	if err != nil {
		return nil, err
	}
	g := &group{os: meta.OS, meta: meta, patches: patches, sigs: sigs}
	r := rand.New(rand.NewPCG(c.Seed, uint64(len(patches))))
	lines := linesOf(meta.OS, patches, r)
	var rest []patch.Package
	if known != nil {
		lines, rest = installedOf(lines, known)
	} else {
		lines = choose(lines, c.Applicable, r)
	}
	if len(lines) == 0 {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot simulate machines of {1}", string(meta.OS)), Why: "its list names no packages that could be installed", Do: "Choose another host OS with --os."}
	}
	for i := range c.States {
		wave := modal
		if i%2 == 1 {
			wave = 1 + i/2%waves
		}
		packages := installedAt(lines, rest, wave, r)
		s, err := stateOf(sigs, osFacts(meta.OS, known), packages)
		if err != nil {
			return nil, err
		}
		if c.Work != nil {
			s.packages = packages
		}
		g.byWave[wave] = append(g.byWave[wave], s)
		counts := s.verdicts.Counts()
		g.applies += counts.Total() - counts[patch.NotApplicable]
	}
	g.applies /= c.States
	g.jsonSize = jsonSize(g)
	return g, nil
}

// installedOf keeps the lines of packages that a real machine has; its other packages stay as they are.
func installedOf(lines []line, f *patch.Facts) (kept []line, rest []patch.Package) {
	here := map[string][]patch.Package{}
	for _, p := range f.Packages {
		here[p.Source] = append(here[p.Source], p)
	}
	for _, l := range lines {
		if of := here[l.source]; len(of) > 0 {
			l.names, l.arch = nil, of[0].Arch
			for _, p := range of {
				if p.Arch == l.arch && !slices.Contains(l.names, p.Name) {
					l.names = append(l.names, p.Name)
				}
			}
			kept = append(kept, l)
			delete(here, l.source)
		}
	}
	for _, of := range here {
		rest = append(rest, of...)
	}
	return kept, rest
}

// installedAt gives the packages of a machine that is patched up to a wave, but for a few that lag behind or are ahead.
func installedAt(lines []line, rest []patch.Package, wave int, r *rand.Rand) []patch.Package {
	all := slices.Clone(rest)
	for i := range lines {
		l, at := &lines[i], wave
		switch r.IntN(300) {
		case 0:
			at = r.IntN(waves)
		case 1:
			at = waves
		}
		v := l.at(at)
		for _, name := range l.names {
			all = append(all, patch.Package{Name: name, Arch: l.arch, Version: v, Source: l.source, SourceVersion: v, State: patch.Installed})
		}
	}
	slices.SortFunc(all, func(a, b patch.Package) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Arch, b.Arch), strings.Compare(a.Version, b.Version))
	})
	return slices.CompactFunc(all, func(a, b patch.Package) bool { return a.Name == b.Name && a.Arch == b.Arch })
}

func osFacts(os patch.HostOS, known *patch.Facts) patch.OSFacts {
	if known != nil {
		return known.OS
	}
	name, arch := string(os), ""
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		name, arch = name[:i], name[i+1:]
	}
	id, release := name, ""
	if i := strings.LastIndexByte(name, '-'); i > 0 {
		id, release = name[:i], name[i+1:]
	}
	manager := map[version.Scheme]string{version.Dpkg: "dpkg", version.RPM: "rpm", version.APK: "apk"}[version.Of(os)]
	return patch.OSFacts{Key: os, ID: id, VersionID: release, Pretty: fmt.Sprintf("%s %s (simulated)", id, release), Arch: arch, Manager: manager}
}

func stateOf(sigs *detect.Signatures, os patch.OSFacts, packages []patch.Package) (*state, error) {
	f := patch.Facts{OS: os, Packages: packages}
	result, err := sigs.Evaluate(&f)
	if err != nil {
		return nil, err
	}
	s := &state{os: os, verdicts: result.Verdicts, errors: result.Errors}
	s.facts, s.body, err = agent.Pack(f)
	return s, err
}

// jsonSize is what a snapshot of the group would weigh as plain JSON.
func jsonSize(g *group) int {
	type row struct {
		ID      patch.ID      `json:"id"`
		Verdict patch.Verdict `json:"verdict"`
	}
	s := g.byWave[1][0]
	out := struct {
		patch.Receipt
		Patches []row `json:"patches"`
	}{Receipt: patch.Receipt{OS: g.os, Revision: g.meta.ID, Facts: s.facts}}
	for i, p := range g.patches {
		out.Patches = append(out.Patches, row{p.ID, s.verdicts.At(i)})
	}
	b, err := json.Marshal(out)
	if err != nil {
		return 0
	}
	return len(b)
}

// modal is the wave that most machines are patched up to.
const modal = waves - 3

// first gives a machine its wave: three of four at the modal one, the others behind, a few far, or ahead.
func first(r *rand.Rand) int {
	switch n := r.IntN(16); {
	case n < 12:
		return modal
	case n < 14:
		return modal + 1 + r.IntN(waves-modal)
	default:
		return max(1, modal-1-r.IntN(4)*r.IntN(5))
	}
}

// another gives a state other than s of the same wave, or of the next one now and then: a machine that was patched a little.
func (g *group) another(s *state, wave int, r *rand.Rand) (*state, int) {
	if wave < waves && r.IntN(3) == 0 {
		wave++
	}
	of := g.byWave[wave]
	for range 4 {
		if t := of[r.IntN(len(of))]; t != s {
			return t, wave
		}
	}
	return of[0], wave
}
