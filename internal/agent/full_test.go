//go:build linux

package agent

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// A disk that is full at any moment loses nothing and installs nothing twice; once there is room, the same order comes to its end.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: mounting a tiny file system needs root")
	}
	for kib := 12; kib <= 140; kib += 4 {
		t.Run(fmt.Sprintf("%d KiB", kib), func(t *testing.T) {
			d := newDeb("curl", "1.0-1", "1.0-2")
			d.bytes = []byte(strings.Repeat("payload ", 8<<10)) // 64 KiB
			d.Size, d.SHA256 = int64(len(d.bytes)), hashOf(d.bytes)
			w := &world{box: newBox("curl", "perl"), debs: []deb{d, newDeb("perl", "1.0-1", "1.0-2")}}
			a := newAppliance(t)
			w.k = a.keys
			a.publish(t, a.ca.NotBefore, w.debs...)
			w.cfg = a.joined(t, w.box)
			tiny := onTmpfs(t, w.cfg.StateDir, kib)
			w.cfg.StateDir = tiny
			for life := range 2 {
				tryOrder(t, w)
				if life == 0 {
					must(t, syscall.Mount("tmpfs", tiny, "tmpfs", syscall.MS_REMOUNT, "size=4m"))
				}
			}
			s := open(t, w.cfg)
			c := s.journal.newest()
			if c == nil || !c.Closed {
				t.Fatal("the order stayed open with room: " + s.get().LastError + s.get().Refused)
			}
			for _, item := range c.Order.Items {
				r, ended := c.outcome(item.Attempt)
				t.Logf("%s: %s %s %s", item.Title, r.State, r.Cause, r.Text)
				there := w.box.packages[string(item.Title)].Version == "1.0-2"
				if !ended || (r.State == patch.ExecDone) != there || w.box.runs[item.Attempt] > 1 {
					t.Errorf("%s: %s %s, there: %v, executed %d times", item.Attempt, r.State, r.Text, there, w.box.runs[item.Attempt])
				}
				if r.State == patch.ExecFailed && r.Cause != patch.FailDisk {
					t.Errorf("%s failed by %s: %s", item.Attempt, r.Cause, r.Text)
				}
			}
		})
	}
}

// tryOrder lives one life of an agent as far as the disk lets it.
func tryOrder(t *testing.T, w *world) {
	t.Helper()
	s, stop, err := start(w.cfg)
	if err != nil {
		t.Logf("cannot start: %v", err)
		return
	}
	defer stop()
	s.settleWait = 0
	if s.journal.newest() == nil {
		if err := s.acceptOrder(w.k.seal(t, newOrder(1, w.debs...))); err != nil && s.journal.newest() == nil {
			t.Logf("cannot take the order: %v", err)
			return
		}
	}
	if !s.journal.newest().Closed {
		s.carryOut(context.Background())
	}
}

// onTmpfs moves a state directory to a file system of its own.
func onTmpfs(t *testing.T, from string, kib int) string {
	t.Helper()
	dir := t.TempDir()
	must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dk,mode=0700", kib)))
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	must(t, os.CopyFS(dir, os.DirFS(from)))
	must(t, os.Chmod(layout{dir: dir}.key(), 0o600))
	return dir
}
