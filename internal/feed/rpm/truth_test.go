package rpm_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/rpm"
	"github.com/fettle-project/fettle/internal/patch"
)

// What dnf lists on a real AlmaLinux 9 machine for a real updateinfo.xml is what we call missing: advisory by advisory, and for each
// the same packages.
func TestRealUpdateinfo(t *testing.T) {
	truth := os.Getenv("FETTLE_TRUTH")
	if truth == "" {
		t.Skip("FETTLE_TRUTH names no folder with real data: nothing is compared")
	}
	dir, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	f := patch.Feed{Name: "alma", Kind: rpm.UpdateinfoKind, URI: filepath.Join(truth, "rpm/alma9-updateinfo.xml.zst"), Arch: "x86_64"}
	got, err := (&rpm.UpdateinfoFetcher{}).Fetch(context.Background(), f, nil, dir, time.Now(), func(feed.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
	if got.State.OS != hostOS {
		t.Errorf("it is for %q", got.State.OS)
	}
	entries, _, err := rpm.Entries(context.Background(), hostOS, got.State, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) })
	if err != nil {
		t.Fatal(err)
	}
	j := judge(t, realMachine(t, filepath.Join(truth, "hosts/alma_9.json.zst")), entries)
	var ours []string
	for id, f := range j.findings {
		if f.Verdict == patch.NotPatched {
			for _, p := range f.Packages {
				ours = append(ours, strings.TrimPrefix(string(id), "almalinux-9/")+" "+p.Name+"-"+p.Fixed+"."+p.Arch)
			}
		}
	}
	list, err := os.ReadFile(filepath.Join(truth, "rpm/alma9-dnf-updateinfo-list.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var dnfs []string
	for l := range strings.Lines(string(list)) {
		if w := strings.Fields(l); len(w) == 3 {
			dnfs = append(dnfs, w[0]+" "+w[2])
		}
	}
	slices.Sort(ours)
	slices.Sort(dnfs)
	if d := cmp.Diff(slices.Compact(dnfs), slices.Compact(ours)); d != "" {
		t.Errorf("advisories missing (-dnf +fettle):\n%s", d)
	}
	t.Logf("%d advisories, %d packages of them older on the machine", len(entries), len(ours))
}

func realMachine(t *testing.T, path string) patch.Facts {
	t.Helper()
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	b, err := dec.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	var in struct {
		Packages map[string]struct{ Name, Version, Release, Arch string }
	}
	if err := json.Unmarshal(b, &in); err != nil {
		t.Fatal(err)
	}
	facts := patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "x86_64", Manager: "rpm"}}
	for _, key := range slices.Sorted(maps.Keys(in.Packages)) {
		p := in.Packages[key]
		facts.Packages = append(facts.Packages, patch.Package{Name: p.Name, Arch: p.Arch, Version: p.Version + "-" + p.Release, State: patch.Installed})
	}
	return facts
}
