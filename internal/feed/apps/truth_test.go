package apps

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestRealScoopManifestsAreUnderstood(t *testing.T) {
	truth := os.Getenv("FETTLE_TRUTH")
	if truth == "" {
		t.Skip("SKIPPED: FETTLE_TRUTH names no folder with real Scoop manifests (apps/scoop-main.tar.zst)")
	}
	dir := t.TempDir()
	if out, err := exec.Command("tar", "--zstd", "-xf", filepath.Join(truth, "apps/scoop-main.tar.zst"), "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	files, err := filepath.Glob(dir + "/scoop-main/bucket/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var s Set
	if err := s.ReadPath(dir + "/scoop-main/bucket"); err != nil {
		t.Fatal(err)
	}
	for _, n := range s.Notes {
		t.Log(n)
	}
	hashed := 0
	for _, a := range s.Apps {
		for _, p := range a.Packages {
			if p.SHA256 != "" {
				hashed++
			}
		}
	}
	t.Logf("%d manifests, %d apps, %d patches, %d not understood, %d packages with a SHA-256, about %d MiB", len(files), len(s.Apps), len(s.Entries()), s.Unclear(), hashed, s.kept>>20)
	if len(files) == 0 || len(s.Apps) != len(files) || len(s.Entries()) != len(files) || s.Unclear()*100 > len(files) {
		t.Error("not all of the real manifests are understood")
	}
}
