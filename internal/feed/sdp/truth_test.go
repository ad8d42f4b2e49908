package sdp

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hpPackages unpacks the real packages that FETTLE_TRUTH names.
func hpPackages(t testing.TB) string {
	truth := os.Getenv("FETTLE_TRUTH")
	if truth == "" {
		t.Skip("SKIPPED: FETTLE_TRUTH names no folder with real packages (sdp/hp-sdp-900.tar.zst)")
	}
	dir := t.TempDir()
	if out, err := exec.Command("tar", "--zstd", "-xf", filepath.Join(truth, "sdp/hp-sdp-900.tar.zst"), "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

func TestRealPackagesAreUnderstood(t *testing.T) {
	dir := hpPackages(t)
	files, err := filepath.Glob(dir + "/*.sdp")
	if err != nil || len(files) != 900 {
		t.Fatal(len(files), err)
	}
	var s Set
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Read(filepath.Base(path), f)
		f.Close()
		if err != nil {
			t.Error(err)
		}
	}
	codes, hashes := 0, 0
	for _, p := range s.Packages {
		for _, f := range p.Faults {
			t.Logf("%s: %s", p.ID, f)
		}
		codes += len(p.Items[0].Installer.ReturnCodes)
		if f := p.Items[0].File; f != nil && len(f.SHA1) == 40 && f.Size > 0 && strings.HasPrefix(f.URL, "http") {
			hashes++
		}
	}
	entries := s.Entries()
	t.Logf("%d packages, %d patches, %d not understood, %d return codes, %d files with a hash, notes %q, %d nodes, about %d MiB", len(s.Packages), len(entries), s.Unclear(), codes, hashes, s.Notes, s.size, s.kept>>20)
	if len(s.Packages) != 900 || len(entries) != 900 || s.Unclear() > 9 || codes != 10174 || hashes != 900 {
		t.Error("not all of the real packages is understood")
	}
}
