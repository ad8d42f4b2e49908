package detect

import (
	"bytes"
	"sort"

	"github.com/fettle-project/fettle/internal/candidate"
	"github.com/fettle-project/fettle/internal/patch"
)

// Provenance says where a package comes from, as far as a machine's own policy asks for it.
type Provenance struct {
	Archive candidate.Archive
	// Brings are packages of a new name that it leads to, directly or not: the new kernel of a meta package.
	Brings []patch.NewPackage
	Phased int // share of machines that may have it by now, in percent; 100 is all
}

// maxArchives bounds the archives of one file, and their texts.
const maxArchives = 1 << 12

// maxPhased bounds the packages of one file whose updates are phased. Those beyond are taken for out everywhere.
const maxPhased = 1 << 16

// maxBrings bounds what one package brings.
const maxBrings = 64

// provenances collects where rules' packages come from while they are compiled.
type provenances struct {
	number                   map[candidate.Archive]int
	archives, origins, phase bytes.Buffer
	brings                   bytes.Buffer
	run, length              int // the archive + 1 of the last rules, and how many they are
	unphased, bare           int // how many rules came since a phased one, and since one that brings something
	phased                   int // how many rules have a phase
}

// add takes the next rule's provenance; nil is none.
func (p *provenances) add(from *Provenance) {
	archive := 0
	if from != nil && len(p.number) < maxArchives {
		if p.number == nil {
			p.number = map[candidate.Archive]int{}
		}
		n, known := p.number[from.Archive]
		if !known {
			n = len(p.number)
			p.number[from.Archive] = n
			p.put(&from.Archive)
		}
		archive = n + 1
		if from.Phased >= 0 && from.Phased < 100 && p.phased < maxPhased {
			p.phased++
			p.phase.Write(uvarints(p.unphased, from.Phased))
			p.unphased = -1
		}
	}
	if archive > 0 && len(from.Brings) > 0 && len(from.Brings) <= maxBrings {
		p.brings.Write(uvarints(p.bare, len(from.Brings)))
		p.bare = -1
		for _, n := range from.Brings {
			for _, s := range []string{n.Name, n.Arch, n.Version} {
				s = clip(s)
				p.brings.Write(uvarints(len(s)))
				p.brings.WriteString(s)
			}
		}
	}
	p.unphased++
	p.bare++
	if archive != p.run {
		p.endRun()
		p.run = archive
	}
	p.length++
}

func (p *provenances) endRun() {
	if p.length > 0 {
		p.origins.Write(uvarints(p.run, p.length))
	}
	p.length = 0
}

// archiveTexts are the words of an archive in the order of the format.
func archiveTexts(a *candidate.Archive) []*string {
	r := &a.Release
	return []*string{&a.Suite, &a.Component, &a.Arch, &a.Site, &r.Origin, &r.Label, &r.Suite, &r.Codename, &r.Version}
}

func (p *provenances) put(a *candidate.Archive) {
	flags := byte(0)
	if a.Release.NotAutomatic {
		flags |= 1
	}
	if a.Release.ButAutomaticUpgrades {
		flags |= 2
	}
	p.archives.WriteByte(flags)
	for _, s := range archiveTexts(a) {
		p.archives.WriteString(clip(*s))
		p.archives.WriteByte(0)
	}
}

// columns gives the sections. Rules without any provenance need none.
func (p *provenances) columns(columns map[int][]byte) {
	if len(p.number) == 0 {
		return
	}
	p.endRun()
	columns[secArchives], columns[secOrigins] = p.archives.Bytes(), p.origins.Bytes()
	columns[secPhases], columns[secBrings] = p.phase.Bytes(), p.brings.Bytes()
}

// policies are what an opened file knows of its rules' provenance.
type policies struct {
	archives []candidate.Archive
	starts   []int                      // rule at which each run begins
	origins  []int                      // archive of each run, or -1
	phased   bool                       // some rule's package is
	phases   map[int]int                // by rule
	brings   map[int][]patch.NewPackage // likewise
}

func (p *policies) open(rules int, sections map[int][]byte) error {
	if err := p.openArchives(sections[secArchives]); err != nil {
		return err
	}
	r := numbers{b: sections[secOrigins]}
	at := 0
	for len(r.b) > 0 {
		archive, length := r.upTo(len(p.archives)), r.upTo(rules-at)
		if r.bad || length == 0 || len(p.starts) == maxEntries {
			return damaged("its packages come from archives that it does not name")
		}
		p.starts, p.origins = append(p.starts, at), append(p.origins, archive-1)
		at += length
	}
	if at != 0 && at != rules {
		return damaged("it does not say of all packages where they come from")
	}
	p.phases = map[int]int{}
	r = numbers{b: sections[secPhases]}
	for at := 0; len(r.b) > 0; at++ {
		at += r.upTo(rules - at - 1)
		if percent := r.upTo(99); !r.bad && len(p.phases) < maxPhased {
			p.phases[at] = percent
			continue
		}
		return damaged("its phased updates cannot be read")
	}
	p.phased = len(p.phases) > 0
	return p.openBrings(rules, sections[secBrings])
}

func (p *policies) openBrings(rules int, col []byte) error {
	p.brings = map[int][]patch.NewPackage{}
	r := numbers{b: col}
	text := func() string {
		n := r.upTo(min(maxText, len(r.b)))
		if n > len(r.b) {
			r.bad, n = true, 0
		}
		s := clip(string(r.b[:n]))
		r.b = r.b[n:]
		return s
	}
	for at := 0; len(r.b) > 0; at++ {
		at += r.upTo(rules - at - 1)
		for range r.upTo(maxBrings) {
			p.brings[at] = append(p.brings[at], patch.NewPackage{Name: text(), Arch: text(), Version: text()})
		}
		if r.bad {
			return damaged("what its packages bring cannot be read")
		}
	}
	return nil
}

func (p *policies) openArchives(col []byte) error {
	for len(col) > 0 {
		var a candidate.Archive
		a.Release.NotAutomatic, a.Release.ButAutomaticUpgrades = col[0]&1 != 0, col[0]&2 != 0
		col = col[1:]
		for _, s := range archiveTexts(&a) {
			end := bytes.IndexByte(col, 0)
			if end < 0 || end > maxText || len(p.archives) == maxArchives {
				return damaged("its archives cannot be read")
			}
			*s, col = clip(string(col[:end])), col[end+1:]
		}
		p.archives = append(p.archives, a)
	}
	return nil
}

// of gives a rule's archive, -1 where it has none, and its phase.
func (p *policies) of(rule int) (archive, phased int) {
	run := sort.SearchInts(p.starts, rule+1) - 1
	if run < 0 || p.origins[run] < 0 {
		return -1, 100
	}
	if percent, is := p.phases[rule]; is {
		return p.origins[run], percent
	}
	return p.origins[run], 100
}

// only gives the policies of signatures that hold nothing but some of the rules, in order.
func (p *policies) only(rules []int) policies {
	out := policies{archives: p.archives, phased: p.phased, phases: map[int]int{}, brings: map[int][]patch.NewPackage{}}
	for i, rule := range rules {
		archive, percent := p.of(rule)
		out.starts, out.origins = append(out.starts, i), append(out.origins, archive)
		if percent < 100 {
			out.phases[i] = percent
		}
		if brings := p.brings[rule]; brings != nil {
			out.brings[i] = brings
		}
	}
	return out
}
