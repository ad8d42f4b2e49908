//go:build linux

package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRuns(t *testing.T) {
	// A real process, known by its file though it calls itself otherwise, and by what it calls itself.
	file := filepath.Join(t.TempDir(), "a-program-with-a-long-name")
	b, err := os.ReadFile("/bin/sleep")
	if err != nil || os.WriteFile(file, b, 0o755) != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(file, "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("a-program-with-a-long-name (pid %d)", cmd.Process.Pid)
	if who, err := Runs([]string{"something-else", "a-program-with-a-long-name"}); who != want || err != nil {
		t.Errorf("%q %v", who, err)
	}
	for _, names := range [][]string{nil, {"something-else"}, {"a-program"}, {"60"}} {
		if who, err := Runs(names); who != "" || err != nil {
			t.Errorf("%v: %q %v", names, who, err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if who, err := Runs([]string{"a-program-with-a-long-name"}); who != "" || err != nil {
		t.Errorf("after its end: %q %v", who, err)
	}
	root := t.TempDir()
	for _, dir := range []string{"", "proc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if who, err := runsIn(root, []string{"x"}); err == nil || who != "" || !strings.Contains(err.Error(), "cannot be listed") {
			t.Errorf("where nobody can tell: %q %v", who, err)
		}
	}
}
