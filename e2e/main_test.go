package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// TestMain removes the programs that the tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(programsDir())
	os.Exit(code)
}

func programsDir() string {
	return filepath.Join("/var/tmp", fmt.Sprintf("fettle-e2e-programs-%d", os.Getpid()))
}

// build makes both programs as they ship, once for all tests.
var build = sync.OnceValue(func() error {
	if err := os.Mkdir(programsDir(), 0o755); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", programsDir()+"/", "../cmd/fettle", "../cmd/fettle-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
})

// programs gives both programs.
func programs(t *testing.T) (fettle, agent string) {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(programsDir(), "fettle"), filepath.Join(programsDir(), "fettle-agent")
}

// needRoot skips where no machine can be made.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: real machines need root, or scripts/as-root")
	}
}
