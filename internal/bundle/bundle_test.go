package bundle_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/bundle"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/patch"
)

var date = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func archive(t *testing.T) *debtest.Archive {
	t.Helper()
	a := debtest.New(t)
	a.Publish(t, debtest.Suite{Name: "bookworm", Date: date, Components: map[string][]debtest.Package{
		"main":    {{Name: "perl", Arch: "amd64", Version: "5.36.0-7", Description: "a language"}},
		"contrib": {{Name: "fonts", Arch: "all", Version: "1"}},
	}})
	a.Publish(t, debtest.Suite{Name: "bookworm-security", Label: "Debian-Security", Date: date, ValidUntil: date.AddDate(0, 0, 7), Components: map[string][]debtest.Package{
		"main": {{Name: "perl", Arch: "amd64", Version: "5.36.0-7+deb12u1", Description: "a language"}},
	}})
	return a
}

func options(t *testing.T, a *debtest.Archive) bundle.Options {
	return bundle.Options{
		Out: filepath.Join(t.TempDir(), "bundle"), Keyring: a.Keyring(t), Now: func() time.Time { return date.Add(time.Hour) },
		Sources: []string{"deb " + a.URL + " bookworm main contrib", "deb " + a.URL + " bookworm-security main"},
	}
}

func check(t *testing.T, path string, s bundle.Summary) {
	t.Helper()
	b, err := catalog.OpenBundle(path)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l, err := b.List("debian-12-amd64")
	if err != nil || l.Len() != 3 {
		t.Fatalf("%v: %v", l, err)
	}
	p := l.At(0)
	if p.ID != "bookworm-security/perl/5.36.0-7+deb12u1" || p.Category != patch.Security || len(p.Supersedes) != 1 {
		t.Errorf("%+v", p)
	}
	if sig, err := b.Signatures("debian-12-amd64"); err != nil || sig.Len() != 3 {
		t.Errorf("%v", err)
	}
	if len(s.Catalogs) != 1 || s.Catalogs[0].Patches != 3 || s.Catalogs[0].ListBytes == 0 {
		t.Errorf("%+v", s)
	}
}

func TestBuildFromArchives(t *testing.T) {
	a := archive(t)
	o := options(t, a)
	s, err := bundle.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	check(t, o.Out, s)
}

func TestBuildFailsWholeAndKeepsTheOldBundle(t *testing.T) {
	a := archive(t)
	o := options(t, a)
	if _, err := bundle.Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(o.Out)
	for name, break_ := range map[string]func(o *bundle.Options){
		"expired":     func(o *bundle.Options) { o.Now = func() time.Time { return date.AddDate(0, 1, 0) } },
		"another key": func(o *bundle.Options) { o.Keyring = debtest.New(t).Keyring(t) },
		"no suite":    func(o *bundle.Options) { o.Sources = append(o.Sources, "deb "+a.URL+" trixie main") },
		"no source":   func(o *bundle.Options) { o.Sources = nil },
		"bad source":  func(o *bundle.Options) { o.Sources = []string{"rubbish"} },
		"no arch":     func(o *bundle.Options) { o.Arch = "s390x" },
		"no lists":    func(o *bundle.Options) { o.Sources, o.AptLists = nil, []string{t.TempDir()} },
	} {
		bad := o
		break_(&bad)
		if _, err := bundle.Build(t.Context(), bad); err == nil {
			t.Errorf("%s: built", name)
		}
		if after, _ := os.ReadFile(o.Out); string(after) != string(before) {
			t.Errorf("%s: the old bundle changed", name)
		}
	}
	frozen := o
	frozen.IgnoreExpiry, frozen.Now = true, func() time.Time { return date.AddDate(0, 1, 0) }
	if _, err := bundle.Build(t.Context(), frozen); err != nil {
		t.Errorf("a frozen mirror: %v", err)
	}
}

// lists writes what apt would keep of the archive.
func lists(t *testing.T, a *debtest.Archive) string {
	t.Helper()
	dir := t.TempDir()
	put := func(name, path string) {
		if err := os.WriteFile(filepath.Join(dir, name), a.File(path), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, suite := range []string{"bookworm", "bookworm-security"} {
		prefix := "deb.example.org_debian_dists_" + suite + "_"
		put(prefix+"InRelease", "dists/"+suite+"/InRelease")
		put(prefix+"main_binary-amd64_Packages", "dists/"+suite+"/main/binary-amd64/Packages")
	}
	put("deb.example.org_debian_dists_bookworm_contrib_binary-amd64_Packages.gz", "dists/bookworm/contrib/binary-amd64/Packages.gz")
	return dir
}

func TestBuildFromAptLists(t *testing.T) {
	a := archive(t)
	o := options(t, a)
	o.AptLists, o.Sources = []string{lists(t, a)}, nil
	s, err := bundle.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	check(t, o.Out, s)
	path := filepath.Join(o.AptLists[0], "deb.example.org_debian_dists_bookworm-security_main_binary-amd64_Packages")
	b, _ := os.ReadFile(path)
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), "deb12u1", "deb12u9", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Build(t.Context(), o); patch.KindOf(err) != patch.Untrusted {
		t.Errorf("a changed list: %v", err)
	}
}
