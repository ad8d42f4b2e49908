package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

type restoreCmd struct {
	File             string `arg:"" help:"The backup." type:"existingfile"`
	Data             string `default:"${data}" help:"The data directory to make; it must be empty or not exist; default ${data}." placeholder:"DIR"`
	Config           string `default:"${config}" help:"The system's configuration file, for the address of PostgreSQL; it need not exist; default ${config}." placeholder:"FILE"`
	PassphraseFile   string `help:"The passphrase is in this file's first line (- is standard input). Without it, and without --identity, you are asked." placeholder:"FILE"`
	Identity         string `help:"The key file that opens the backup, where it was made for a recipient." placeholder:"FILE"`
	Signer           string `help:"The fingerprint of the appliance that must have made the backup; needed with --identity." placeholder:"HEX"`
	User             string `help:"The system user that the appliance runs as and owns the data; default: as for fettle init." placeholder:"NAME"`
	ReplaceAppliance bool   `help:"Put the appliance that is in the directory aside, and this one in its place. What it has done since the backup was made, it alone and its machines know."`
}

func (restoreCmd) Help() string {
	return `Local only: no appliance restores over the network. The backup is verified to its last byte before anything appears under DIR, and an appliance
that is served from there is never touched.

Machines go on with the restored appliance by themselves. What happened since the backup is not known to it, and it says so: it shows no verdict
of a machine until that has detected again; what machines installed, they tell; and nothing is deployed until you remove the blackout "restored",
because declines and holds since then are gone. Machines that were revoked since are admitted again: revoke them anew. Machines that
enrolled since have to enrol again. Tokens and sign-ins end.

With PostgreSQL, restore the dump into its database first.

Examples:
  sudo fettle restore /backup/fettle-2026-11-26 --passphrase-file /root/backup-passphrase
  sudo fettle restore /backup/fettle-2026-11-26 --identity key.txt --signer 3f… --data /srv/fettle`
}

// restored is what a restore tells.
type restored struct {
	Data       string    `json:"data"`
	BackupAt   time.Time `json:"backup_at"`
	RestoredAt time.Time `json:"restored_at"`
	Signer     string    `json:"signer"`
	Database   string    `json:"database"`
	Aside      string    `json:"aside,omitempty"` // where the appliance is that was there before
}

func (c restoreCmd) Run(ctx context.Context, s *screen) error {
	if c.Identity != "" && c.Signer == "" {
		return usagef("give the fingerprint of the appliance with --signer: whoever knows the recipient can make a backup for it")
	}
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return usageError{err}
	}
	t, err := newTarget(data, c.ReplaceAppliance)
	if err != nil {
		return err
	}
	defer t.close()
	id, err := t.owner(c.User)
	if err != nil {
		return err
	}
	ids, err := identities(s, c.PassphraseFile, c.Identity)
	if err != nil {
		return err
	}
	b, _, err := openBackup(c.File, ids, c.Signer)
	if err != nil {
		return err
	}
	defer b.close()
	show := newProgress(s, "restored")
	out := restored{Data: data, BackupAt: b.Manifest.At, RestoredAt: time.Now().UTC(), Signer: b.Manifest.Fingerprint(), Database: b.Manifest.Database}
	err = t.fill(id, func(dir string) error {
		if err := b.Extract(dir, func(done int64) { show.to(done, b.Manifest.Bytes) }); err != nil {
			return err
		}
		return bringBack(ctx, dir, c.Config, b.Manifest, auth.OnTheBox(os.Getenv("SUDO_USER")))
	})
	show.stop()
	if err != nil {
		return err
	}
	out.Aside = t.aside
	return s.show(out, func(w io.Writer) { printRestored(w, out) })
}

func printRestored(w io.Writer, r restored) {
	line(w, "Restored into %s: the appliance as it was at %s.", r.Data, r.BackupAt.Local().Format("2006-01-02 15:04:05 -0700"))
	if r.Aside != "" {
		line(w, "The one that was there is in %s.", r.Aside)
	}
	serve := "fettle serve"
	if r.Data != defaultData {
		serve += " --data " + r.Data
	}
	line(w, `
Next:
  %s
  fettle machines                        # revoke again what was revoked since then; enrol again what came since then
  fettle decisions                       # decline and hold again what was declined and held since then
  fettle blackout remove restored        # then deployments go on
Nothing is said of a machine until it has detected again.`, serve)
}

// notEmpty refuses a directory that holds something else than an appliance.
func notEmpty(data, why, do string) error {
	return &patch.Error{Kind: patch.Conflict, What: phrase.Of("cannot restore into {1}", data), Why: phrase.Verbatim(why), Do: phrase.Verbatim(do)}
}
