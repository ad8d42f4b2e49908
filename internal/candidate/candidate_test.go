package candidate

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// The turns are what C++'s library gives for the same words; the real apt judges the rest in package host's random worlds.
func TestTurn(t *testing.T) {
	for _, c := range []struct {
		source, version, id string
		want                int
	}{{"a", "1", "x", 53}, {"openssl", "3.0.2-1", "0123456789abcdef0123456789abcdef", 47}, {"linux", "5.15.0-1.2", "ffff", 3}} {
		if got := Turn(c.source, c.version, c.id); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	seen := map[int]bool{}
	for i := range 5000 {
		turn := Turn("source", strings.Repeat("x", i%97), strings.Repeat("y", i/97))
		if turn < 0 || turn > 100 {
			t.Fatalf("a turn of %d", turn)
		}
		seen[turn] = true
	}
	if len(seen) != 101 {
		t.Errorf("%d of 101 turns", len(seen))
	}
}

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"perl", "PERL", true}, {"perl", "perl-base", false}, {"perl*", "perl-base", true}, {"*perl", "libperl", true}, {"?erl", "perl", true},
		{"lib[a-c]*", "libb2", true}, {"lib[!a-c]*", "libb2", false}, {"lib[", "lib[", true}, {`a\*`, "a*", true}, {`a\*`, "ab", false}, {"[]x]", "]", true},
		{"a.c", "abc", false}, {"a/*", "a/b/c", true}, {"/^lib/", "libx", true}, {"/^lib/", "xlib", false}, {"/LIB/", "xlib", true}, {"/(/", "(", false}, {"", "", true},
	} {
		p := newPattern(c.pattern)
		if got := p.matches(c.text); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.text, got)
		}
	}
}

func FuzzPin(f *testing.F) {
	f.Add("a* /b/ src:c:any", "release a=x,v=1*", "1.0-1")
	f.Fuzz(func(t *testing.T, packages, text, v string) {
		p := newPin(patch.AptPin{Packages: packages, Pin: text, Priority: 1})
		p.about(&patch.Package{Name: v, Arch: "amd64"}, v, "amd64")
		p.matches(v, []*file{{archive: Archive{Suite: v, Release: patch.Release{Origin: v, Version: v}}, site: v}, {status: true}})
	})
}

func TestRulings(t *testing.T) {
	archives := []Archive{{Suite: "bookworm", Release: patch.Release{Suite: "stable", Codename: "bookworm", Origin: "Debian"}},
		{Suite: "bookworm-backports", Release: patch.Release{Suite: "stable-backports", Codename: "bookworm-backports", Origin: "Debian", NotAutomatic: true, ButAutomaticUpgrades: true}},
		{Suite: "jammy-infra-security", Release: patch.Release{Suite: "jammy-infra-security", Codename: "jammy", Origin: "UbuntuESM"}}}
	backports := patch.AptSource{Suite: "bookworm-backports", Components: []string{"main"}}
	pin := func(names, text string, priority int) patch.AptPin {
		return patch.AptPin{Packages: names, Pin: text, Priority: priority, File: "/etc/apt/preferences.d/x"}
	}
	pkg := &patch.Package{Name: "perl", Arch: "amd64", Version: "1", Source: "perl", SourceVersion: "1"}
	for name, c := range map[string]struct {
		apt    *patch.AptPolicy
		offers []Offer // the last is judged
		code   string
		seen   string
	}{
		"plain":                    {nil, []Offer{{Version: "2", Phased: 100}}, "", ""},
		"backports not enabled":    {nil, []Offer{{Version: "2", Archive: 1, Phased: 100}}, patch.ReasonOptIn, "not among the machine's sources"},
		"subscribers only":         {nil, []Offer{{Version: "2", Archive: 2, Phased: 100}}, patch.ReasonNotEntitled, "not among the machine's sources"},
		"backports not asked for":  {&patch.AptPolicy{Sources: []patch.AptSource{backports}}, []Offer{{Version: "2", Phased: 100}, {Version: "3", Archive: 1, Phased: 100}}, patch.ReasonOptIn, "apt chooses 2 with priority 500"},
		"backports pinned up":      {&patch.AptPolicy{Sources: []patch.AptSource{backports}, Pins: []patch.AptPin{pin("perl", "release n=bookworm-backports", 600)}}, []Offer{{Version: "2", Phased: 100}, {Version: "3", Archive: 1, Phased: 100}}, "", ""},
		"pinned to a version":      {&patch.AptPolicy{Pins: []patch.AptPin{pin("perl", "version 1", 900)}}, []Offer{{Version: "2", Phased: 100}}, patch.ReasonPinned, "Pin: version 1"},
		"never":                    {&patch.AptPolicy{Pins: []patch.AptPin{pin("*", "release o=Debian", patch.NeverPin)}}, []Offer{{Version: "2", Phased: 100}}, patch.ReasonPinned, "release o=Debian"},
		"pinned to an older one":   {&patch.AptPolicy{Pins: []patch.AptPin{pin("perl", "version 0.9", 1001)}}, []Offer{{Version: "0.9", Phased: 100}, {Version: "2", Phased: 100}}, patch.ReasonPinned, "apt chooses 0.9"},
		"not this machine's turn":  {&patch.AptPolicy{MachineID: "0123456789abcdef0123456789abcdef"}, []Offer{{Version: "2", Source: "openssl", SourceVersion: "3.0.2-1", Phased: 46}}, patch.ReasonPhased, "comes at 47 %"},
		"this machine's turn":      {&patch.AptPolicy{MachineID: "0123456789abcdef0123456789abcdef"}, []Offer{{Version: "2", Source: "openssl", SourceVersion: "3.0.2-1", Phased: 47}}, "", ""},
		"never phased":             {&patch.AptPolicy{Phasing: "never"}, []Offer{{Version: "2", Phased: 99}}, patch.ReasonPhased, "out for all"},
		"hostile words":            {&patch.AptPolicy{Pins: []patch.AptPin{pin("perl \x1b[2J", "version 1", 900)}}, []Offer{{Version: "2", Phased: 100}}, patch.ReasonPinned, "perl ?[2J"},
		"too many pins":            {&patch.AptPolicy{Pins: make([]patch.AptPin, maxRecords+1)}, []Offer{{Version: "2", Phased: 100}}, patch.ReasonUnreadable, "more than 4000"},
		"apt refuses its settings": {&patch.AptPolicy{Fault: "/p has no priority"}, []Offer{{Version: "2", Phased: 100}}, patch.ReasonUnreadable, "/p has no priority"},
	} {
		r := New(c.apt, "amd64", archives).Choose(pkg, c.offers).Judge(c.offers[len(c.offers)-1])
		if r.Code != c.code || !strings.Contains(r.Seen.String(), c.seen) || c.code != "" && (r.Expected == "" || r.From == "") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// Suites of the same name are told apart: a third party's "bookworm", Ubuntu's archives that all have the release's codename.
func TestWhichArchiveASourceIs(t *testing.T) {
	for name, c := range map[string]struct {
		archive Archive
		source  patch.AptSource
		want    bool
	}{
		"by name":            {Archive{Suite: "bookworm-backports"}, patch.AptSource{Suite: "bookworm-backports"}, true},
		"by the suite":       {Archive{Suite: "bookworm-backports", Release: patch.Release{Suite: "stable-backports"}}, patch.AptSource{Suite: "stable-backports"}, true},
		"another component":  {Archive{Suite: "bookworm", Component: "main"}, patch.AptSource{Suite: "bookworm", Components: []string{"stable"}}, false},
		"another origin":     {Archive{Suite: "bookworm", Release: patch.Release{Origin: "Debian"}}, patch.AptSource{Suite: "bookworm", Origin: "Docker"}, false},
		"codename of Ubuntu": {Archive{Suite: "jammy-infra-security", Release: patch.Release{Suite: "jammy-infra-security", Codename: "jammy"}}, patch.AptSource{Suite: "jammy"}, false},
		"codename of Debian": {Archive{Suite: "stable", Release: patch.Release{Suite: "stable", Codename: "bookworm"}}, patch.AptSource{Suite: "bookworm"}, true},
	} {
		if got := sameSuite(&c.archive, &c.source); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
