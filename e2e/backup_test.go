package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

// The appliance is backed up while it serves, a machine goes on, and the appliance is lost. Restored, it says nothing of the machine until that has
// detected again; the machine goes on with it by itself, tells what it has installed in between, and takes new orders.
func TestRestoredFromABackup(t *testing.T) {
	needRoot(t)
	s := newSite(t, lab.WithCheckin(10*time.Second))
	s.cli("catalog", "sync")
	b := s.join("kept")
	ids := b.needs("xz-utils", "expat", "perl")[:3]
	first, second, third := ids[0], ids[1], ids[2]
	s.approve(first)
	plan, _ := s.plan(b)
	s.ended(s.apply(plan)).verified(t)
	s.approve(second)
	plan, _ = s.plan(b)

	secret := filepath.Join(t.TempDir(), "passphrase")
	if err := os.WriteFile(secret, []byte("correct horse battery staple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Stop() // it gets the order after the backup
	open := s.apply(plan)
	file := filepath.Join(t.TempDir(), "backup")
	var made struct{ Fingerprint string }
	s.json(&made, "backup", file, "--data", s.Data(), "--passphrase-file", secret)
	b.boot()
	s.ended(open).verified(t)
	s.approve(third)
	plan, _ = s.plan(b)
	s.ended(s.apply(plan)).verified(t)

	says(t, s.cli("backup", "inspect", file, "--passphrase-file", secret, "--signer", made.Fingerprint), "is whole", "1 machine, ")
	if _, err := s.CLI(t.Context(), "restore", file, "--data", s.Data(), "--passphrase-file", secret, "--replace-appliance"); err == nil {
		t.Fatal("an appliance that is being served is replaced")
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	says(t, s.cli("restore", file, "--data", s.Data(), "--passphrase-file", secret, "--signer", made.Fingerprint, "--replace-appliance", "--user", "nobody"), "Restored into", "is in", "blackout remove restored")
	if err := s.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.SignIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	says(t, s.cli("alarms"), "restored from a backup")
	says(t, s.cli("audit"), "appliance.restore")
	until(t, "the machine has detected again", func() bool { return len(b.rows("--verdict", "patched")) > 0 })
	until(t, "the machine has told what became of the order", func() bool { return b.row(second).Execution == "done" })
	s.ended(open).verified(t)
	if r := b.row(third); r.Verdict != "patched" {
		t.Errorf("what was installed after the backup is %+v", r)
	}
	// Nothing is deployed until people have looked; then the machine takes orders again, numbered above those that it had.
	s.cli("blackout", "remove", "restored")
	fourth := b.needs("openssl")[:1]
	s.approve(fourth...)
	plan, _ = s.plan(b)
	s.ended(s.apply(plan)).verified(t)
	b.onceEach(s.ended(open))
	s.cli("audit", "verify")
}
