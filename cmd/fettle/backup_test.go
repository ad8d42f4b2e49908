package main

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/fettle-project/fettle/internal/backup"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// safe is who can open the backups of a test.
func safe(t *testing.T) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func restoreFrom(t *testing.T, file []byte, id age.Identity, to *target) error {
	t.Helper()
	b, err := backup.Open(bytes.NewReader(file), []age.Identity{id}, "")
	if err != nil {
		return err
	}
	defer b.Close()
	return to.fill(identity{uid: os.Geteuid(), gid: os.Getegid()}, func(dir string) error {
		if err := b.Extract(dir, nil); err != nil {
			return err
		}
		return bringBack(t.Context(), dir, "none", b.Manifest, self())
	})
}

// An appliance that is serving is backed up, goes on, is lost, and comes back from the backup. It says nothing of a machine until that has
// detected again, and the machine, which is ahead of it, goes on with it.
func TestBackupAndRestore(t *testing.T) {
	h := open(t)
	h.publish("http://127.0.0.1:1", bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web")
	r.checkin("", 0)
	r.detect(5, "")
	id := safe(t)
	var file bytes.Buffer
	m, err := makeBackup(t.Context(), h.cfg, &file, []age.Recipient{id.Recipient()}, false, func(int64, int64) {})
	if err != nil {
		t.Fatal(err)
	}
	if m.Database != "sqlite" || m.Counts[0].N != 1 || m.Files == 0 {
		t.Errorf("%+v", m)
	}
	key, err := os.ReadFile(filepath.Join(layout{h.cfg.Data}.keys(), "approver.key"))
	if err != nil || bytes.Contains(file.Bytes(), key[30:60]) || bytes.Contains(file.Bytes(), []byte("SQLite format")) {
		t.Errorf("the backup can be read by everybody: %v", err)
	}
	if _, err := os.Stat(layout{h.cfg.Data}.stage()); err == nil {
		t.Error("what the backup was made from is left")
	}
	r.detect(6, "") // which the backup does not know

	cfg := h.cfg
	cfg.Data, cfg.Store = filepath.Join(t.TempDir(), "again"), ""
	to, err := newTarget(cfg.Data, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := restoreFrom(t, file.Bytes(), id, to); err != nil {
		t.Fatal(err)
	}
	if err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	again := openAt(t, cfg)
	machine := r.reply.Machine
	if _, err := again.Store.NewestSnapshot(t.Context(), machine); patch.KindOf(err) != patch.NotFound {
		t.Errorf("what the backup knew is shown as the truth: %v", err)
	}
	r.h = again
	r.connect(r.reply.Certificate)
	var reply wire.CheckinReply
	r.counter++
	if status := r.call(wire.PathCheckin, "", wire.Checkin{Counter: r.counter, OS: testOS, Snapshot: 6}, &reply); status != http.StatusOK || !reply.WantDetect || !reply.WantSnapshot {
		t.Errorf("%d %+v", status, reply)
	}
	r.detect(7, "")
	if s, err := again.Store.NewestSnapshot(t.Context(), machine); err != nil || s.Seq != 7 {
		t.Errorf("%+v, %v", s.Receipt, err)
	}
	entries, err := again.Store.ListAudit(t.Context(), time.Time{}, 0)
	if err != nil || !strings.Contains(auditText(entries), "appliance.restore") {
		t.Errorf("the audit log does not tell: %v", err)
	}
}

func auditText(all []patch.AuditEntry) string {
	var b strings.Builder
	for _, e := range all {
		b.WriteString(e.Action + " " + e.Detail + "\n")
	}
	return b.String()
}

// What is there stays: an appliance in use always, one that is not until its replacement is asked for, and anything else.
func TestRestoreOverwritesNothing(t *testing.T) {
	cfg := testData(t)
	if os.Geteuid() == 0 { // an appliance does not belong to root
		if err := os.Chown(cfg.Data, 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := newTarget(cfg.Data, false); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "lost to the new one") {
		t.Errorf("an appliance: %v", err)
	}
	held, err := lock(layout{cfg.Data}.serving(), false)
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(held.Name(), 65534, 65534); err != nil {
			t.Fatal(err)
		}
	}
	// The folders above belong to the test alone, and only root may then look as somebody else.
	if err := openTo(filepath.Dir(cfg.Data)); err != nil {
		t.Fatal(err)
	}
	if _, err := newTarget(cfg.Data, true); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "being served") {
		t.Errorf("an appliance in use: %v", err)
	}
	held.Close()
	to, err := newTarget(cfg.Data, true)
	if err != nil {
		t.Fatal(err)
	}
	to.close()
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := newTarget(other, true); patch.KindOf(err) != patch.Conflict {
		t.Errorf("another folder: %v", err)
	}
}

// openTo lets everybody pass through a folder and those above it that are the test's.
func openTo(dir string) error {
	for ; strings.HasPrefix(dir, os.TempDir()) && dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	return nil
}

// Whatever ends a restore before it is whole, nothing of it is there; the next one takes away what a killed one left.
func TestRestoreIsAllOrNothing(t *testing.T) {
	cfg := testData(t)
	id := safe(t)
	var file bytes.Buffer
	if _, err := makeBackup(t.Context(), cfg, &file, []age.Recipient{id.Recipient()}, false, func(int64, int64) {}); err != nil {
		t.Fatal(err)
	}
	parent := t.TempDir()
	dir := filepath.Join(parent, "fettle")
	left := filepath.Join(parent, ".fettle.restoring-killed")
	if err := os.MkdirAll(filepath.Join(left, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	for _, cut := range []int{len(whole) / 3, len(whole) - 1, len(whole) - 20} {
		if err := restoreFrom(t, whole[:cut], id, &target{dir: dir}); err == nil {
			t.Errorf("cut after %d of %d bytes it is restored", cut, len(whole))
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("cut after %d bytes there is an appliance", cut)
		}
	}
	killed := errors.New("killed")
	if err := (&target{dir: dir}).fill(identity{uid: os.Geteuid(), gid: os.Getegid()}, func(string) error { return killed }); !errors.Is(err, killed) {
		t.Error(err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
	if err := restoreFrom(t, whole, id, &target{dir: dir}); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 || !(layout{dir}).initialised() {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestBackupsCountInEnglish(t *testing.T) {
	for want, c := range map[string]backup.Count{"1 machine": {Of: "machines", N: 1}, "2 users": {Of: "users", N: 2}, "1 patch": {Of: "patches", N: 1}, "1 audit entry": {Of: "audit", N: 1}, "1,200 audit entries": {Of: "audit", N: 1200}} {
		if got := counted(c); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
