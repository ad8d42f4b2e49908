//go:build linux

package host

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// A script that ignores being asked to end is ended with all that it started; the package manager above it goes on and ends by itself.
func TestScriptIsEndedAndNotItsManager(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	hang := write("hangs", "trap '' TERM\nsleep 613 &\nwait\nsleep 613\n")
	manager := write("dpkg", "echo begins\n"+hang+"\necho \"the script ended with $?\"\n")
	told := map[string]bool{}
	var out tail
	began := time.Now()
	w := &Watch{Limit: 300 * time.Millisecond, Tell: func(script string, _ time.Duration) { told[script] = true }}
	ended := make(chan error, 1)
	go func() { ended <- runWatched(exec.Command(manager), &out, nil, w) }()
	var err error
	select {
	case err = <-ended:
	case <-time.After(20 * time.Second):
		for _, p := range running(t, "sleep\x00613") {
			askToEnd(p, true)
		}
		t.Fatal("what the script started runs on")
	}
	if f := (*Failure)(nil); !errors.As(err, &f) || f.Cause != patch.FailTimeout || !strings.Contains(f.Text, "hangs") || !strings.Contains(f.Text, "300ms") {
		t.Errorf("%v", err)
	}
	if got := out.String(); !strings.Contains(got, "the script ended with 137") {
		t.Errorf("the manager said %q", got)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %s", took)
	}
	if len(told) == 0 {
		t.Error("nobody was told which script runs")
	}
	if left := running(t, "sleep\x00613"); len(left) > 0 {
		t.Errorf("%v still run", left)
	}
}

// running lists the processes whose command line has a text.
func running(t *testing.T, text string) (out []int) {
	t.Helper()
	procs, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, p := range procs {
		if b, _ := os.ReadFile(p); strings.Contains(string(b), text) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(p)))
			out = append(out, pid)
		}
	}
	return out
}
