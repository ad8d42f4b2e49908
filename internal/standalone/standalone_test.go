package standalone

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

const index = `Package: perl-base
Source: perl
Version: 5.36.0-7+deb12u4
Architecture: amd64
Filename: pool/p/perl-base.deb
Size: 10
SHA256: 0000000000000000000000000000000000000000000000000000000000000001
Description: minimal Perl system

Package: apt
Version: 2.6.1
Architecture: amd64
Filename: pool/a/apt.deb
Size: 10
SHA256: 0000000000000000000000000000000000000000000000000000000000000002
Description: commandline package manager

Package: apache2
Version: 2.4.62-1
Architecture: amd64
Filename: pool/a/apache2.deb
Size: 10
SHA256: 0000000000000000000000000000000000000000000000000000000000000003
Description: Apache HTTP Server

`

// world makes a bundle for debian-12-amd64 and a root in which perl-base is older, apt current and apache2 absent.
func world(t *testing.T) (bundle, root string) {
	t.Helper()
	built, err := catalog.Build(context.Background(), catalog.Input{OS: "debian-12-amd64", Now: time.Unix(1_800_000_000, 0), Sources: []catalog.Source{{
		Origin: patch.Origin{Suite: "bookworm", Component: "main", Arch: "amd64", IndexPath: "main/binary-amd64/Packages", Dated: time.Unix(1_799_000_000, 0)},
		URI:    "https://archive.example/debian", Label: "Debian", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(index)), nil }}}})
	if err != nil {
		t.Fatal(err)
	}
	bundle = filepath.Join(t.TempDir(), "bundle")
	if err := catalog.WriteBundle(bundle, []catalog.Built{built}); err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	put(t, root, "etc/os-release", "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\nPRETTY_NAME=\"Debian 12\"\n")
	put(t, root, "var/lib/dpkg/arch", "amd64\n")
	put(t, root, "var/lib/dpkg/status", "Package: apt\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.6.1\n\n"+
		"Package: perl-base\nStatus: install ok installed\nArchitecture: amd64\nSource: perl\nVersion: 5.36.0-7+deb12u3\n\n")
	return bundle, root
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

type answer struct {
	OS      patch.HostOS `json:"os"`
	Catalog struct {
		Revision patch.RevisionID `json:"revision"`
		Patches  int              `json:"patches"`
	} `json:"catalog"`
	Evaluated int             `json:"evaluated"`
	Patches   []patch.Finding `json:"patches"`
}

func detectJSON(t *testing.T, o Options) (a answer) {
	t.Helper()
	var out bytes.Buffer
	o.Out, o.JSON = &out, true
	if err := Detect(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &a); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	return a
}

func TestDetectAnswersForEveryPatch(t *testing.T) {
	bundle, root := world(t)
	a := detectJSON(t, Options{Catalog: bundle, Root: root})
	if a.OS != "debian-12-amd64" || a.Evaluated != 3 || a.Catalog.Patches != 3 || len(a.Patches) != 3 || a.Catalog.Revision == "" {
		t.Fatalf("%+v", a)
	}
	want := map[string]patch.Verdict{"bookworm/apache2/2.4.62-1": patch.NotApplicable, "bookworm/apt/2.6.1": patch.Patched,
		"bookworm/perl/5.36.0-7+deb12u4": patch.NotPatched}
	for _, p := range a.Patches {
		if want[string(p.ID)] != p.Verdict || p.Title == "" || p.Reason.Text == "" || p.Packages == nil {
			t.Errorf("%+v", p)
		}
	}
}

func TestFactsFileGivesTheSameAnswer(t *testing.T) {
	bundle, root := world(t)
	var facts bytes.Buffer
	if err := Facts(context.Background(), Options{Root: root, Out: &facts}); err != nil {
		t.Fatal(err)
	}
	put(t, root, "facts.json", facts.String())
	a, b := detectJSON(t, Options{Catalog: bundle, Root: root}), detectJSON(t, Options{Catalog: bundle, Facts: filepath.Join(root, "facts.json")})
	x, _ := json.Marshal(a)
	if y, _ := json.Marshal(b); !bytes.Equal(x, y) {
		t.Errorf("%s\n%s", x, y)
	}
}

func TestSnapshotIsComplete(t *testing.T) {
	bundle, root := world(t)
	file := filepath.Join(t.TempDir(), "snapshot")
	var out bytes.Buffer
	if err := Detect(context.Background(), Options{Catalog: bundle, Root: root, Snapshot: file, Out: &out}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := wire.DecodeSnapshot(b)
	if err != nil || s.Check() != nil || s.Expected != 3 || s.Verdicts.Counts()[patch.NotPatched] != 1 {
		t.Errorf("%+v %v", s.Receipt, err)
	}
	if !strings.Contains(out.String(), "1 not patched, 1 patched, 1 not applicable, 0 errors") {
		t.Error(out.String())
	}
}

func TestReportAndExplain(t *testing.T) {
	bundle, root := world(t)
	var out bytes.Buffer
	if err := Detect(context.Background(), Options{Catalog: bundle, Root: root, Out: &out}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Debian 12 (debian-12-amd64)", "perl 5.36.0-7+deb12u4  bookworm  perl-base:amd64", "3 patches judged in"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	for text, want := range map[string]string{
		"bookworm/apache2/2.4.62-1": "apache2 expected installed; seen not installed",
		"perl":                      "perl-base:amd64 expected 5.36.0-7+deb12u4 or newer; seen 5.36.0-7+deb12u3",
		"perl-base":                 "not-patched: perl-base is at 5.36.0-7+deb12u3",
		"apt/2.6.1":                 "patched: apt is at 2.6.1",
	} {
		out.Reset()
		if err := Explain(context.Background(), Options{Catalog: bundle, Root: root, Out: &out}, text); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v\n%s", text, err, out.String())
		}
	}
	if err := Explain(context.Background(), Options{Catalog: bundle, Root: root, Out: &out}, "emacs"); patch.KindOf(err) != patch.NotFound {
		t.Error(err)
	}
}

// Whatever is wrong, the answer is an error, nothing is printed as if it were an answer, and an older snapshot file stays as it was.
func TestNothingIsJudgedByHalf(t *testing.T) {
	bundle, root := world(t)
	old := filepath.Join(t.TempDir(), "snapshot")
	if err := os.WriteFile(old, []byte("the old one"), 0o600); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	facts := `{"os":{"key":"debian-12-amd64","arch":"amd64"},"packages":[%]}`
	for name, o := range map[string]Options{
		"no bundle":         {Catalog: filepath.Join(root, "none")},
		"cut bundle":        {Catalog: file(string(whole[:len(whole)/2]))},
		"flipped bundle":    {Catalog: file(strings.Replace(string(whole), "FTLSIGS", "FTLSIGX", 1))},
		"no root":           {Catalog: bundle, Root: filepath.Join(root, "none")},
		"facts not JSON":    {Catalog: bundle, Facts: file("hello")},
		"facts cut":         {Catalog: bundle, Facts: file(facts[:30])},
		"facts of nothing":  {Catalog: bundle, Facts: file("{}")},
		"facts unknown":     {Catalog: bundle, Facts: file(`{"os":{"key":"debian-12-amd64","arch":"amd64"},"pakages":[]}`)},
		"facts twice":       {Catalog: bundle, Facts: file(strings.Replace(facts, "%", `{"name":"a","arch":"all"},{"name":"a","arch":"all"}`, 1))},
		"facts of other OS": {Catalog: bundle, Facts: file(strings.Replace(strings.Replace(facts, "%", "", 1), "12", "13", 1))},
	} {
		var out bytes.Buffer
		o.Out, o.Snapshot = &out, old
		if o.Root == "" {
			o.Root = root
		}
		err := Detect(context.Background(), o)
		if b, _ := os.ReadFile(old); err == nil || out.Len() > 0 || string(b) != "the old one" {
			t.Errorf("%s: %v, printed %q", name, err, out.String())
		}
	}
}
