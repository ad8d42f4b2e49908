package candidate

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// file is one package index as a machine's apt sees it: an archive by way of one site. The machine's own package database is one too.
type file struct {
	archive  Archive
	site     string
	status   bool
	priority int
	decided  *pin // the pin for all packages that gave the priority; nil where it is the suite's own
}

// pin is a record of the machine's preferences, ready to be asked.
type pin struct {
	patch.AptPin
	fields []field // "release": all must hold
	all    bool    // "release *"
	site   *pattern
	number *pattern // "version"
	names  []name
}

// field is one letter of a "release" pin and what it must be.
type field struct {
	letter byte // a n o l v c b; 'r' stands for archive or codename
	want   pattern
}

// name is one word of a pin's Package line.
type name struct {
	want   pattern
	source bool   // src:NAME
	arch   string // NAME:ARCH; empty is the machine's own
}

func newPin(p patch.AptPin) *pin {
	out := &pin{AptPin: p}
	kind, data, _ := strings.Cut(p.Pin, " ")
	switch data = strings.TrimSpace(data); strings.ToLower(kind) {
	case "version":
		w := newNumber(data)
		out.number = &w
	case "origin":
		w := newPattern(strings.TrimSuffix(strings.TrimPrefix(data, `"`), `"`))
		out.site = &w
	default:
		out.readRelease(data)
	}
	if p.Packages != "*" {
		for word := range strings.FieldsSeq(p.Packages) {
			out.names = append(out.names, newName(word))
		}
	}
	return out
}

func (p *pin) readRelease(data string) {
	switch {
	case data == "*":
		p.all = true
	case !strings.Contains(data, "="):
		d := field{'r', newPattern(data)}
		if data != "" && data[0] >= '0' && data[0] <= '9' {
			d = field{'v', newNumber(data)}
		}
		p.fields = append(p.fields, d)
	default:
		for part := range strings.SplitSeq(data, ",") {
			if part = strings.TrimSpace(part); len(part) >= 3 && part[1] == '=' && strings.IndexByte("voanlcb", part[0]|0x20) >= 0 {
				d := field{part[0] | 0x20, newPattern(part[2:])}
				if d.letter == 'v' {
					d.want = newNumber(part[2:])
				}
				p.fields = append(p.fields, d)
			}
		}
	}
}

func newName(word string) name {
	var n name
	word, n.source = strings.CutPrefix(word, "src:")
	if at := strings.LastIndexByte(word, ':'); at >= 0 {
		word, n.arch = word[:at], word[at+1:]
	}
	n.want = newPattern(word)
	return n
}

// about reports whether the pin is for a package, which a version from some source belongs to.
func (p *pin) about(pkg *patch.Package, source, native string) bool {
	for i := range p.names {
		n := &p.names[i]
		mine := pkg.Arch == native || pkg.Arch == "all"
		switch n.arch {
		case "", "native", native:
		case "any":
			mine = true
		default:
			mine = pkg.Arch == n.arch
		}
		subject := pkg.Name
		if n.source {
			subject = source
		}
		if mine && n.want.matches(subject) {
			return true
		}
	}
	return false
}

// matches reports whether the pin speaks of a version with these files.
func (p *pin) matches(version string, files []*file) bool {
	if p.number != nil {
		return p.number.matches(version)
	}
	for _, f := range files {
		if p.fits(f) {
			return true
		}
	}
	return false
}

func (p *pin) fits(f *file) bool {
	switch {
	case p.number != nil:
		return false
	case p.site != nil:
		return !f.status && p.site.matches(f.site)
	case p.all:
		return true
	case len(p.fields) == 0:
		return false
	}
	for i := range p.fields {
		if !p.fields[i].holds(f) {
			return false
		}
	}
	return true
}

func (d *field) holds(f *file) bool {
	if f.status { // apt calls the package database "now" and knows nothing else of it
		return strings.IndexByte("arc", d.letter) >= 0 && d.want.matches("now")
	}
	a := &f.archive.Release
	says := map[byte]string{'a': a.Suite, 'n': a.Codename, 'o': a.Origin, 'l': a.Label, 'v': a.Version, 'c': f.archive.Component, 'b': f.archive.Arch}
	is := func(s string) bool { return s != "" && d.want.matches(s) }
	if d.letter == 'r' {
		return is(a.Suite) || is(a.Codename)
	}
	return is(says[d.letter])
}

// set sets the priority that a file's versions have where no pin for a package decides.
func (f *file) set(defaults []*pin) {
	switch {
	case f.status || f.archive.Release.ButAutomaticUpgrades:
		f.priority = 100
	case f.archive.Release.NotAutomatic:
		f.priority = 1
	default:
		f.priority = 500
	}
	for _, p := range defaults {
		if (f.decided == nil || p.Priority == patch.NeverPin) && f.priority != patch.NeverPin && p.fits(f) {
			f.priority, f.decided = p.Priority, p
		}
	}
}
