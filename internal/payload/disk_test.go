//go:build linux

package payload_test

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestFullDiskHealsByItself(t *testing.T) {
	r := newRig(t)
	r.path = t.TempDir()
	if err := unix.Mount("tmpfs", r.path, "tmpfs", 0, "size=32k"); err != nil {
		t.Skipf("SKIPPED: cannot make a small disk as uid %d: %v", os.Getuid(), err)
	}
	defer unix.Unmount(r.path, unix.MNT_DETACH)
	r.start()
	defer r.depot.Dir.Close()
	r.decide(patch.Approve, patch.LabelAll, perl)
	r.run()
	hash := r.catalog[perl][0].SHA256 // 40,000 bytes of noise
	row := r.store.rows[hash]
	if row.State != failed || row.Tries != 0 {
		t.Errorf("on a full disk: %+v", row)
	}
	if a := r.store.alarms["disk/payloads"]; a.Kind != "disk" || a.Do == "" {
		t.Errorf("no alarm of the disk: %v", r.store.alarms)
	}
	if err := unix.Mount("", r.path, "", unix.MS_REMOUNT, "size=1m"); err != nil {
		t.Fatal(err)
	}
	r.now = start.Add(2 * time.Minute)
	r.run()
	r.expect(map[string]patch.PayloadState{"perl": ready, "perl-base": ready, "perl-new": ready})
	if len(r.store.alarms) != 0 {
		t.Errorf("alarms stay: %v", r.store.alarms)
	}
}
