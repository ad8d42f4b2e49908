package host

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// A package file that was exchanged after it was staged does not reach dpkg, though its name and size are right.
func TestWhatDpkgGetsIsHashedAgain(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: who holds dpkg's lock is asked as root")
	}
	a := &Apt{Dir: t.TempDir(), LockWait: 20 * time.Second}
	good := []byte("the verified bytes")
	p := patch.PlanPackage{Name: "no-such-package", Arch: "amd64", Version: "1:1.0-2", SHA256: hashOf(good), Size: int64(len(good))}
	file := filepath.Join(a.Dir, "archives", "no-such-package_1%3a1.0-2_amd64.deb")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, good, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := a.checkArchives([]patch.PlanPackage{p}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("the exchanged byte"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := a.Run(t.Context(), Transaction{Attempt: "A1", Want: []patch.PlanPackage{p}})
	if f := (*Failure)(nil); !errors.As(err, &f) || f.Cause != patch.FailUntrusted {
		t.Fatalf("%v", err)
	}
}
