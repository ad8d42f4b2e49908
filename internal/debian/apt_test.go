package debian_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestParseAptConf(t *testing.T) {
	conf := debian.ParseAptConf([]byte("APT::Default-Release \"stable\"; // one\nAPT { Get { A \"yes\"; B \"0\"; }; Lists { \"x\"; \"y\"; }; };\n/* two */ # three\n"+
		"Acquire::Languages:: \"de\";\nDir::Etc etc ;\nBroken {{{ \"x\"\n"), nil)
	want := debian.AptConf{"apt::default-release": "stable", "apt::get::a": "yes", "apt::get::b": "0", "dir::etc": "etc"}
	if diff := cmp.Diff(want, conf); diff != "" {
		t.Error(diff)
	}
	if !conf.Bool("APT::Get::A") || conf.Bool("APT::Get::B", "APT::Get::A") || conf.Bool("APT::Get::None") || !conf.Bool("APT::Get::None", "APT::Get::A") {
		t.Error("booleans")
	}
	later := debian.ParseAptConf([]byte("#clear APT::Get;\napt::default-release \"testing\";"), conf)
	if diff := cmp.Diff(debian.AptConf{"apt::default-release": "testing", "dir::etc": "etc"}, later); diff != "" || conf.Get("APT::Get::A") != "yes" {
		t.Error(diff)
	}
}

func TestParsePreferences(t *testing.T) {
	pins, err := debian.ParsePreferences([]byte("# a comment\nExplanation: why\nExplanation: more\nPackage: php8.2-*\n  libapache2-mod-php8.2\nPin:  release  o=Debian,\n n=bookworm\n"+
		"Pin-Priority: -1\n\n\nPackage: *\nPin: origin \"deb.example.org\"\nPin-Priority: never\n\nPackage: *\nPin: version 1\nPin-Priority: 5\n\nPackage: a\nPin: colour red\nPin-Priority: 5\n"+
		"\nPackage: a\nPin-Priority: 5\n"), "/p", nil)
	want := []patch.AptPin{{Packages: "php8.2-* libapache2-mod-php8.2", Pin: "release o=Debian, n=bookworm", Priority: -1, File: "/p"},
		{Packages: "*", Pin: `origin "deb.example.org"`, Priority: patch.NeverPin, File: "/p"}}
	if diff := cmp.Diff(want, pins); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for name, text := range map[string]string{
		"no package":        "Pin: release a=b\nPin-Priority: 1\n",
		"no priority":       "Package: a\nPin: release a=b\n",
		"priority zero":     "Package: a\nPin: release a=b\nPin-Priority: 0\n",
		"priority too high": "Package: a\nPin: release a=b\nPin-Priority: 40000\n",
		"a word":            "Package: a\nPin: release a=b\nPin-Priority: high\n",
		"never for one":     "Package: a\nPin: release a=b\nPin-Priority: never\n",
		"too large":         strings.Repeat("#\n", debian.MaxPreferences),
	} {
		if _, err := debian.ParsePreferences([]byte(text), "/p", nil); patch.KindOf(err) != patch.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseAptSources(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want []debian.AptEntry
		list string
		site string
	}{
		"a.list": {"# x\ndeb-src http://h/d s main\ndeb [ arch=amd64 signed-by=/x ] https://u:p@deb.example.org/debian/ bookworm-backports main contrib # y\n",
			[]debian.AptEntry{{URI: "https://u:p@deb.example.org/debian/", Suite: "bookworm-backports", Components: []string{"main", "contrib"}}},
			"deb.example.org_debian_dists_bookworm-backports_", "deb.example.org"},
		"a.sources": {"Types: deb deb-src\nURIs: http://h:80/d\nSuites: a\nComponents: main\n\nTypes: deb\nEnabled: no\nURIs: http://h/d\nSuites: a\n\nTypes: deb-src\nURIs: http://h\nSuites: s\n",
			[]debian.AptEntry{{URI: "http://h:80/d", Suite: "a", Components: []string{"main"}}}, "h:80_d_dists_a_", "h"},
		"flat.list": {"deb file:/srv/repo ./\n", []debian.AptEntry{{URI: "file:/srv/repo", Suite: "./", Components: []string{}}}, "", ""},
	} {
		got := debian.ParseAptSources([]byte(c.text), name)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
			continue
		}
		if got[0].ListName() != c.list || got[0].Site() != c.site {
			t.Errorf("%s: %q %q", name, got[0].ListName(), got[0].Site())
		}
	}
}

func TestHostOSOfASuite(t *testing.T) {
	for name, c := range map[string]struct {
		release debian.Release
		want    patch.HostOS
	}{
		"backports":     {debian.Release{Origin: "Debian Backports", Suite: "oldstable-backports", Codename: "bookworm-backports"}, "debian-12-amd64"},
		"security":      {debian.Release{Origin: "Debian", Codename: "bookworm-security"}, "debian-12-amd64"},
		"Ubuntu":        {debian.Release{Origin: "Ubuntu", Codename: "jammy", Version: "22.04"}, "ubuntu-22.04-amd64"},
		"subscribers":   {debian.Release{Origin: "UbuntuESMApps", Codename: "jammy", Version: "22.04"}, "ubuntu-22.04-amd64"},
		"a third party": {debian.Release{Origin: "Acme", Codename: "bookworm"}, ""},
	} {
		if os, known := c.release.HostOS("amd64"); os != c.want || known != (c.want != "") {
			t.Errorf("%s: %s, %v", name, os, known)
		}
	}
}
