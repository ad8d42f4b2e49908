// Package e2e proves whole stories through the real programs on real machines.
package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/version"
)

// On a real root of some 345 packages, detect says of every package what apt says.
func TestDetectAgreesWithApt(t *testing.T) {
	needRoot(t)
	fettle, agent := programs(t)
	archive, err := lab.ReadArchive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base, err := lab.MakeRoot(t.Context(), lab.CacheDir(), archive, lab.Big("bookworm"))
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(t.TempDir(), "root")
	if err := lab.CopyWithApt(t.Context(), base, root, archive, "bookworm"); err != nil {
		t.Fatal(err)
	}
	bundle := buildCatalog(t, fettle, archive, t.TempDir())
	for _, program := range []string{fettle, agent} {
		t.Run(filepath.Base(program), func(t *testing.T) { agrees(t, program, bundle, root) })
	}
	t.Run("with a package on hold", func(t *testing.T) {
		ups, err := lab.AptUpgrades(t.Context(), root)
		if err != nil || len(ups) == 0 {
			t.Skipf("nothing to hold: %v", err)
		}
		if out, err := exec.Command("chroot", root, "apt-mark", "hold", "tzdata").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		agrees(t, agent, bundle, root)
	})
}

type finding struct {
	ID, Verdict string
	Reason      struct{ Code, Text string }
	Packages    []struct{ Name, Arch, Installed, Fixed string }
}

func detect(t *testing.T, program, bundle, root string) []finding {
	t.Helper()
	out, err := exec.Command(program, "detect", "--catalog", bundle, "--root", root, "--json").Output()
	if err != nil {
		t.Fatalf("detect: %v", err)
	}
	var d struct {
		Evaluated int
		Catalog   struct{ Patches int }
		Patches   []finding
	}
	if err := json.Unmarshal(out, &d); err != nil {
		t.Fatal(err)
	}
	if d.Evaluated != d.Catalog.Patches || d.Evaluated != len(d.Patches) || d.Evaluated < 30000 {
		t.Fatalf("evaluated %d, on the list %d, verdicts %d", d.Evaluated, d.Catalog.Patches, len(d.Patches))
	}
	return d.Patches
}

func agrees(t *testing.T, program, bundle, root string) {
	ups, err := lab.AptUpgrades(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, u := range ups {
		want[u.Name+" "+u.Installed] = u.Candidate
	}
	got := map[string]string{}
	for _, p := range detect(t, program, bundle, root) {
		if p.Reason.Text == "" {
			t.Errorf("%s has no reason", p.ID)
		}
		for _, k := range p.Packages {
			key := k.Name + " " + k.Installed
			if p.Verdict == "not-patched" && version.DpkgCompare(k.Installed, k.Fixed) < 0 &&
				(got[key] == "" || version.DpkgCompare(got[key], k.Fixed) < 0) {
				got[key] = k.Fixed
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("apt (-) and detect (+) differ:\n%s", diff)
	}
	names := make([]string, 0, len(got))
	for k := range got {
		names = append(names, strings.Fields(k)[0])
	}
	slices.Sort(names)
	t.Logf("apt and detect agree on %d packages: %s", len(names), strings.Join(names, " "))
}
