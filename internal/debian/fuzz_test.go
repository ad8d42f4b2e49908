package debian_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/debian/debtest"
)

func FuzzVerifyRelease(f *testing.F) {
	key := debtest.Key(f)
	signed := debtest.Sign(f, key, releaseText(), date)
	f.Add(signed)
	f.Add([]byte("-----BEGIN PGP SIGNED MESSAGE-----\n\n"))
	text, err := debian.VerifyReleaseAt(signed, openpgp.EntityList{key}, date)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := debian.VerifyReleaseAt(b, openpgp.EntityList{key}, date)
		if err == nil && (r.Codename != text.Codename || !r.Date.Equal(text.Date) || len(r.SHA256) != len(text.SHA256)) {
			t.Errorf("another text than the signed one was accepted: %+v", r)
		}
	})
}

func FuzzParseRelease(f *testing.F) {
	f.Add([]byte(releaseText()))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = debian.ParseRelease(b) })
}

func FuzzParagraphs(f *testing.F) {
	f.Add([]byte("A: 1\n x\n\nB: 2\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for p, err := range debian.Paragraphs(bytes.NewReader(b)) {
			if err == nil && len(p) == 0 {
				t.Error("an empty paragraph")
			}
		}
	})
}

func FuzzScanPackages(f *testing.F) {
	f.Add([]byte("Package: a\nVersion: 1\nArchitecture: all\nSource: b (2)\nSize: 3\n\nPackage: c\nVersion: 1\nArchitecture: all"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_ = debian.ScanPackages(bytes.NewReader(b), func(s debian.Stanza) error {
			if len(s.Package) == 0 || len(s.Version) == 0 || len(s.Source) == 0 && len(s.SourceVersion) == 0 {
				t.Errorf("an incomplete stanza: %+v", s)
			}
			return nil
		})
	})
}

func FuzzDecompress(f *testing.F) {
	text := []byte("Package: a\nPackage: a\nPackage: a\n")
	f.Add("x.xz", debtest.XZ(f, text))
	f.Add("x.gz", debtest.GZ(f, text))
	f.Add("x.lz4", []byte("\x04\x22\x4d\x18\x60\x40\x82\x04\x00\x00\x80abcd\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		n, err := io.Copy(io.Discard, debian.Decompress(name, bytes.NewReader(b), 1<<20))
		if n > 1<<20 {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

func FuzzReadDeb(f *testing.F) {
	f.Add(debtest.Deb(f, debtest.Package{Name: "perl", Arch: "amd64", Version: "1", Changelog: changelog}))
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = debian.ReadDeb(bytes.NewReader(b)) })
}

func FuzzParseChangelog(f *testing.F) {
	f.Add([]byte(changelog))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, _ := debian.ParseChangelog(bytes.NewReader(b))
		for _, c := range all {
			if c.Source == "" || c.Version == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

func FuzzParseKeyring(f *testing.F) {
	var b bytes.Buffer
	if err := debtest.Key(f).Serialize(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) { _, _ = debian.ParseKeyring(b) })
}

func FuzzAptConf(f *testing.F) {
	f.Add([]byte("APT { Periodic { Unattended-Upgrade \"1\"; }; }; // x\n/* y */ #z\nA::B 'c';\n#clear APT::Periodic;"))
	f.Fuzz(func(t *testing.T, b []byte) {
		conf := debian.ParseAptConf(b, debian.AptConf{"a::b": "1"})
		conf.Bool("a::b", "apt::c")
	})
}

func FuzzPreferences(f *testing.F) {
	f.Add([]byte("Explanation: a\nExplanation: b\nPackage: a b*\n /c/\nPin: release a=x, n=y\nPin-Priority: never\n\n#\nPackage: *\nPin: origin x\nPin-Priority: -1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		pins, err := debian.ParsePreferences(b, "/etc/apt/preferences", nil)
		for _, p := range pins {
			if p.Packages == "" || p.Pin == "" || p.Priority == 0 {
				t.Errorf("%+v, %v", p, err)
			}
		}
	})
}

func FuzzAptSources(f *testing.F) {
	f.Add([]byte("deb [arch=amd64 signed-by=/x] https://u:p@h/d s main # c\ndeb-src http://h s m\n"), "a.list")
	f.Add([]byte("Types: deb deb-src\nURIs: http://h/d/ file:/x\nSuites: a b\nComponents: main\n\nEnabled: no\n"), "a.sources")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		for _, e := range debian.ParseAptSources(b, name) {
			if e.Suite == "" || strings.Contains(e.ListName(), "/") {
				t.Errorf("%+v %q", e, e.ListName())
			}
			e.Site()
		}
	})
}
