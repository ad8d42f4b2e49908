package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A machine that nobody stopped, and whose folder is gone, is not taken for a new one whose folder has its inode.
func TestANewWindowsMachineIsNew(t *testing.T) {
	if missing := HasWine(); missing != "" {
		t.Skip("SKIPPED: there is no Windows machine without Debian's package " + missing)
	}
	dir := t.TempDir()
	prefix := filepath.Join(dir, "prefix")
	old, err := StartWindows(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { old.Stop() })
	if err := old.Put(t.Context(), `HKLM\Software\Left`, "by", "REG_SZ", "the old one"); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadDir(prefix)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all { // an empty folder with the same inode
		if err := os.RemoveAll(filepath.Join(prefix, f.Name())); err != nil {
			t.Fatal(err)
		}
	}
	w, err := StartWindows(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	if out, err := w.Exec(t.Context(), "reg", "query", `HKLM\Software\Left`); err == nil || strings.Contains(string(out), "the old one") {
		t.Errorf("the new machine has what the old one had: %s", out)
	}
}
