//go:build !windows

package host

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Somebody before a screen or at the machine's own keyboard works there as much as somebody in a terminal; a session that ends, and the login
// screen's own, are nobody.
func TestTerminals(t *testing.T) {
	root := t.TempDir()
	for path, text := range map[string]string{
		"dev/pts/0": "", "dev/pts/ptmx": "",
		"run/systemd/sessions/1":  "UID=1000\nUSER=ada\nCLASS=user\nTYPE=tty\nSTATE=active\nTTY=tty3\n",
		"run/systemd/sessions/2":  "UID=1000\nUSER=ada\nCLASS=user\nTYPE=wayland\nSTATE=online\nTTY=tty2\n",
		"run/systemd/sessions/3":  "UID=1001\nUSER=bob\nCLASS=user\nTYPE=x11\nSTATE=active\nREMOTE=1\n",
		"run/systemd/sessions/4":  "UID=1001\nUSER=bob\nCLASS=user\nTYPE=tty\nSTATE=active\nTTY=pts/0\n",
		"run/systemd/sessions/5":  "UID=0\nUSER=root\nCLASS=user\nTYPE=tty\nSTATE=closing\nTTY=tty4\n",
		"run/systemd/sessions/6":  "UID=0\nUSER=root\nCLASS=user\nTYPE=tty\nSTATE=active\nTTY=../etc/passwd\n",
		"run/systemd/sessions/c1": "UID=42\nUSER=gdm\nCLASS=greeter\nTYPE=wayland\nSTATE=active\nTTY=tty1\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, path), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(root, "run/systemd/sessions/1.ref"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range Terminals(root) {
		rel, _ := filepath.Rel(root, p)
		got = append(got, rel)
	}
	if diff := cmp.Diff([]string{"dev/pts/0", "dev/tty3", "dev/tty2", "dev/null"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := Terminals(t.TempDir()); len(got) > 0 {
		t.Errorf("on a machine without anybody: %v", got)
	}
}
