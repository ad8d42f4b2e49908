package host

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// step is one line of apt's simulated plan.
type step struct {
	verb string // Inst, Conf, Remv or Purg
	name string
	arch string
	from string
	to   string
}

// readSimulation reads the output of `apt-get -s`. Lines that begin with one of the four verbs must be understood completely; all
// others are talk.
func readSimulation(out []byte) ([]step, error) {
	var steps []step
	for raw := range bytes.Lines(out) {
		line := strings.TrimRight(string(raw), "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "Inst", "Conf", "Remv", "Purg":
		default:
			continue
		}
		s, ok := readStep(verb, rest)
		if !ok {
			return nil, fmt.Errorf("cannot understand this line of apt's plan: %q", clip(line))
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// readStep reads "NAME[:ARCH] [FROM] (TO ORIGIN… [ARCH]) …"; for removals everything after the name may be missing.
func readStep(verb, rest string) (step, bool) {
	s := step{verb: verb}
	name, rest, _ := strings.Cut(rest, " ")
	s.name, s.arch, _ = strings.Cut(name, ":")
	if !debian.ValidName(s.name) || s.arch != "" && !debian.ValidArch(s.arch) {
		return s, false
	}
	if from, ok := strings.CutPrefix(rest, "["); ok {
		s.from, rest, ok = strings.Cut(from, "]")
		if !ok || !debian.ValidVersion(s.from) {
			return s, false
		}
		rest = strings.TrimPrefix(rest, " ")
	}
	if verb == "Remv" || verb == "Purg" {
		return s, true
	}
	inside, ok := strings.CutPrefix(rest, "(")
	if !ok {
		return s, false
	}
	inside, _, ok = strings.Cut(inside, ")")
	if !ok {
		return s, false
	}
	s.to, rest, _ = strings.Cut(inside, " ")
	if i := strings.LastIndexByte(rest, '['); i >= 0 && strings.HasSuffix(rest, "]") {
		s.arch = rest[i+1 : len(rest)-1]
	}
	return s, debian.ValidVersion(s.to) && debian.ValidArch(s.arch)
}

// judge holds a simulated plan against what was approved. It gives what has to come along and what will change, or the Failure that names the first
// thing outside.
func judge(steps []step, f patch.Facts, want, allowed []patch.PlanPackage) (along []patch.PlanPackage, changes []Change, err error) {
	here := newInstalled(f)
	coming := map[[2]string]string{}
	for _, s := range steps {
		if s.verb == "Remv" || s.verb == "Purg" {
			return nil, nil, &Failure{Cause: patch.FailDependency, Text: fmt.Sprintf("apt would remove %s to install this; nothing is ever removed by a deploy", s.name)}
		}
		if s.verb != "Inst" {
			continue
		}
		same := func(p patch.PlanPackage) bool { return p.Name == s.name && p.Arch == s.arch && p.Version == s.to }
		i := slices.IndexFunc(allowed, same)
		if i < 0 {
			return nil, nil, &Failure{Cause: patch.FailDependency, Text: fmt.Sprintf("apt would also install %s:%s %s, which is not in this order", s.name, s.arch, s.to)}
		}
		old, known := here.find(s.name, s.arch)
		if err := checkChange(s, old, known, allowed[i].Back); err != nil {
			return nil, nil, err
		}
		coming[[2]string{s.name, s.arch}] = s.to
		if !slices.ContainsFunc(want, same) {
			along = append(along, allowed[i])
		}
		changes = append(changes, Change{Name: s.name, Arch: s.arch, From: old.Version, To: s.to})
	}
	for _, s := range steps {
		if s.verb != "Conf" || coming[[2]string{s.name, s.arch}] == s.to {
			continue
		}
		// What was left half-way, and does not come, is configured as it is; apt names the version that it would choose.
		if old, known := here.find(s.name, s.arch); !known || old.State != patch.Broken {
			return nil, nil, &Failure{Cause: patch.FailDependency, Text: fmt.Sprintf("apt would configure %s %s, which is not in this order", s.name, s.to)}
		}
	}
	return along, changes, missing(want, coming, here)
}

// checkChange refuses what no order may do to a package: touch a held one, go back unless it says so of just this package, or start from another
// version than dpkg's.
func checkChange(s step, old patch.Package, known, back bool) error {
	if !known {
		return nil
	}
	if old.Held {
		return &Failure{Cause: patch.FailPolicy, Text: fmt.Sprintf("%s is held on this machine (apt-mark hold) at %s", old.Name, old.Version)}
	}
	if s.from != "" && s.from != old.Version {
		return &Failure{Cause: patch.FailDrift, Text: fmt.Sprintf("apt sees %s at %s and the package database says %s", s.name, s.from, old.Version)}
	}
	if order := version.DpkgCompare(s.to, old.Version); order < 0 && !back || order == 0 && old.State == patch.Installed {
		return &Failure{Cause: patch.FailDrift, Text: fmt.Sprintf("%s is at %s, and %s is not newer; nothing is ever downgraded by a deploy", s.name, old.Version, s.to)}
	}
	return nil
}

func missing(want []patch.PlanPackage, coming map[[2]string]string, here installed) error {
	for _, p := range want {
		if coming[[2]string{p.Name, p.Arch}] == p.Version {
			continue
		}
		if old, ok := here.find(p.Name, p.Arch); ok && old.State == patch.Installed && old.Version == p.Version {
			continue
		}
		return &Failure{Cause: patch.FailDependency, Text: fmt.Sprintf("apt's plan leaves out %s:%s %s", p.Name, p.Arch, p.Version)}
	}
	return nil
}

// installed finds packages of the facts by name and architecture; "all" and the native one are the same slot.
type installed struct {
	native string
	at     map[[2]string]patch.Package
}

func newInstalled(f patch.Facts) installed {
	in := installed{native: f.OS.Arch, at: make(map[[2]string]patch.Package, len(f.Packages))}
	for _, p := range f.Packages {
		if p.State != patch.Removed {
			in.at[[2]string{p.Name, in.slot(p.Arch)}] = p
		}
	}
	return in
}

func (in installed) slot(arch string) string {
	if arch == "all" || arch == "" {
		return in.native
	}
	return arch
}

func (in installed) find(name, arch string) (patch.Package, bool) {
	p, ok := in.at[[2]string{name, in.slot(arch)}]
	return p, ok
}
