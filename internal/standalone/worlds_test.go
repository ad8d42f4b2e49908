package standalone

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// What is called not patched is what the real apt would upgrade, to the same versions: over random worlds of suites, priorities, pins,
// holds and phased updates, from the machine's files to the answer.
func TestNotPatchedIsWhatAptWouldUpgrade(t *testing.T) {
	worlds := uint64(25)
	if n, err := strconv.ParseUint(os.Getenv("FETTLE_WORLDS"), 10, 32); err == nil {
		worlds = n
	}
	codes := map[string]int{}
	for seed := range worlds {
		w := debtest.NewWorld(t, seed+1000)
		want := w.Upgrades(t)
		got := map[string]string{}
		for _, p := range detectJSON(t, Options{Catalog: worldBundle(t, w), Root: w.Root}).Patches {
			codes[p.Reason.Code]++
			if p.Reason.Text == "" || p.Verdict == patch.Faulty {
				t.Errorf("%+v", p)
			}
			for _, k := range p.Packages {
				if k.Arch == "i386" {
					k.Name += ":i386"
				}
				if p.Verdict == patch.NotPatched && version.DpkgCompare(k.Fixed, cmp.Or(got[k.Name], "0")) > 0 {
					got[k.Name] = k.Fixed
				}
			}
		}
		for _, name := range w.Packages {
			if want[name] != got[name] {
				t.Errorf("world %d: %s: apt would bring %q, detect says %q\n%s", seed, name, want[name], got[name], w.Policy(t, name))
			}
		}
		if t.Failed() {
			t.Fatalf("in this world:\n%s", w.Text)
		}
	}
	for _, code := range []string{patch.ReasonOlder, patch.ReasonCurrent, patch.ReasonHeld, patch.ReasonPinned, patch.ReasonPhased, patch.ReasonOptIn, patch.ReasonNotEntitled} {
		if codes[code] == 0 {
			t.Errorf("no patch was ever %q: %v", code, codes)
		}
	}
}

// worldBundle builds the catalog of all of a world's archives, whether the machine has them or not.
func worldBundle(t *testing.T, w *debtest.World) string {
	t.Helper()
	in := catalog.Input{OS: "debian-12-amd64", Now: time.Unix(1_800_000_000, 0)}
	for _, s := range w.Suites {
		for arch, index := range map[string]string{"amd64": s.Index, "i386": s.Foreign} {
			in.Sources = append(in.Sources, catalog.Source{
				Origin: patch.Origin{Suite: s.Suite, Component: s.Component, Arch: arch, IndexPath: s.Component + "/binary-" + arch + "/Packages"},
				URI:    "https://" + s.Site + "/debian", Label: s.Label,
				About: patch.Release{Origin: s.Origin, Label: s.Label, Suite: s.Archive, Codename: s.Codename, Version: s.Number, NotAutomatic: s.NotAutomatic,
					ButAutomaticUpgrades: s.ButAutomaticUpgrades},
				Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(index)), nil },
			})
		}
	}
	built, err := catalog.Build(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "bundle")
	if err := catalog.WriteBundle(path, []catalog.Built{built}); err != nil {
		t.Fatal(err)
	}
	return path
}
