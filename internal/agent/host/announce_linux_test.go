package host

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A message reaches a terminal; one whose output somebody has stopped keeps nobody waiting, and no restart off.
func TestAnnounce(t *testing.T) {
	screen, path := terminal(t)
	Announce([]string{"/no/such/terminal", path}, "It restarts.\nSave your work.")
	b := make([]byte, 4096)
	n, err := screen.Read(b)
	if got := string(b[:n]); err != nil || !strings.Contains(got, "*** It restarts.") || !strings.Contains(got, "    Save your work. ***") {
		t.Errorf("the terminal shows %q, %v", got, err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.IoctlSetInt(int(f.Fd()), unix.TCXONC, 0); err != nil { // as Ctrl-S does
		t.Fatal(err)
	}
	said := make(chan bool)
	go func() { Announce([]string{path}, "It restarts."); close(said) }()
	select {
	case <-said:
	case <-time.After(20 * time.Second):
		t.Fatal("a stopped terminal keeps the agent waiting")
	}
}

// terminal is a pseudo terminal: what it shows, and its path.
func terminal(t *testing.T) (*os.File, string) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	return screen, fmt.Sprintf("/dev/pts/%d", n)
}
