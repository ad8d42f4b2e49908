package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/fettle-project/fettle/internal/backup"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

type backupCmd struct {
	Make    backupMakeCmd    `cmd:"" default:"withargs" help:"Write the appliance into one encrypted and signed file, while it goes on serving. On its own box only."`
	Inspect backupInspectCmd `cmd:"" help:"Verify a backup to its last byte, and say what it holds."`
}

type backupMakeCmd struct {
	File           string   `arg:"" help:"The file to write; it must not exist."`
	Data           string   `default:"${data}" help:"The appliance's data directory; default ${data}." placeholder:"DIR"`
	Config         string   `default:"${config}" help:"The system's configuration file; it need not exist; default ${config}." placeholder:"FILE"`
	PassphraseFile string   `help:"Encrypt to the passphrase in this file's first line (- is standard input). Without it, and without --recipient, you are asked." placeholder:"FILE"`
	Recipient      []string `help:"Encrypt to this public key instead (age1…, from age-keygen); may be repeated." placeholder:"KEY"`
	WithPayloads   bool     `help:"Take the files of approved patches too. They can be fetched again from their vendors."`
}

func (backupMakeCmd) Help() string {
	return `The file holds database, keys, configuration, lists, signatures, vendors' indexes and the agents that machines install. Who can open it
can be the appliance: keep passphrase and file apart. It is encrypted with age and signed by the appliance; note the fingerprint that is printed.

With PostgreSQL the database is not in it: take it with pg_dump right before, and keep both together.

Examples:
  sudo fettle backup /backup/fettle-2026-11-26 --passphrase-file /root/backup-passphrase
  sudo fettle backup /backup/fettle-2026-11-26 --recipient age1… --with-payloads
  fettle backup inspect /backup/fettle-2026-11-26 --json`
}

// backedUp is what a backup tells.
type backedUp struct {
	File string `json:"file"`
	backup.Manifest
	Fingerprint string `json:"fingerprint"` // of the appliance that signed: fettle restore --signer
	Size        int64  `json:"size"`        // of the file
}

func (c backupMakeCmd) Run(ctx context.Context, s *screen) error {
	cfg, err := readConfig(c.Data, c.Config)
	if err != nil {
		return err
	}
	if err := cfg.check(); err != nil {
		return err
	}
	id, err := owner(c.Data)
	if err != nil {
		return err
	}
	recipients, err := c.recipients(s)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(c.File); err == nil {
		return &patch.Error{Kind: patch.Conflict, What: phrase.Of("cannot write {1}", c.File), Why: "it exists, and a backup is never overwritten", Do: "Give a name of its own, such as one with the date."}
	}
	part := c.File + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot write {1}", part), Err: err}
	}
	defer os.Remove(part)
	out := backedUp{File: c.File}
	show := newProgress(s, "backup")
	err = as(id, func() error {
		out.Manifest, err = makeBackup(ctx, cfg, f, recipients, c.WithPayloads, show.to)
		return err
	})
	show.stop()
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if st, err := os.Stat(part); err == nil {
		out.Size = st.Size()
	}
	if err := os.Rename(part, c.File); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot write {1}", c.File), Err: err}
	}
	out.Fingerprint = out.Manifest.Fingerprint()
	return s.show(out, func(w io.Writer) {
		line(w, "Backed up to %s, %s.", c.File, size(out.Size))
		printBackup(w, out)
	})
}

func (c backupMakeCmd) recipients(s *screen) ([]age.Recipient, error) {
	if len(c.Recipient) > 0 {
		if c.PassphraseFile != "" {
			return nil, usagef("a backup is for a passphrase or for recipients, not for both")
		}
		return backup.Recipients("", c.Recipient)
	}
	text, err := passphrase(s, c.PassphraseFile)
	if err != nil {
		return nil, err
	}
	return backup.Recipients(text, nil)
}

// passphrase reads one from a file's first line, or asks for it.
func passphrase(s *screen, path string) (string, error) {
	switch path {
	case "":
		if !isTerminal(s.in) {
			return "", usagef("there is no terminal to ask on: give the passphrase with --passphrase-file, or a key")
		}
		return s.password(false, "Passphrase of the backup: ")
	case "-":
		return s.password(true, "")
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", &patch.Error{Kind: patch.Invalid, What: "cannot read the passphrase", Err: err}
	}
	text, _, _ := strings.Cut(string(b), "\n")
	if text = strings.TrimSuffix(text, "\r"); text == "" {
		return "", &patch.Error{Kind: patch.Invalid, What: "cannot use the passphrase", Why: phrase.Of("the first line of {1} is empty", path)}
	}
	return text, nil
}

func printBackup(w io.Writer, b backedUp) {
	f := fields{w}
	f.put("state of", b.At.Local().Format("2006-01-02 15:04:05 -0700"))
	f.put("appliance", b.Host+", version "+b.Version)
	f.put("fingerprint", b.Fingerprint)
	var counts []string
	for _, c := range b.Counts {
		counts = append(counts, counted(c))
	}
	f.put("database", b.Database+": "+strings.Join(counts, ", "))
	f.put("files", thousands(int(b.Files))+", "+size(b.Bytes))
	if !b.Payloads {
		f.put("payloads", "not in here: they are fetched again")
	}
	if b.Database != "sqlite" {
		line(w, "\nThe database is PostgreSQL and NOT in this file. Keep a dump of the same time with it: pg_dump --format=custom …")
	}
}

// counted says how many rows of a table there are: "1 machine".
func counted(c backup.Count) string {
	switch c.Of {
	case "patches":
		return plural(int(c.N), "patch", "patches")
	case "audit":
		return plural(int(c.N), "audit entry", "audit entries")
	}
	return plural(int(c.N), strings.TrimSuffix(c.Of, "s"), c.Of)
}

type backupInspectCmd struct {
	File           string `arg:"" help:"The backup." type:"existingfile"`
	PassphraseFile string `help:"The passphrase is in this file's first line (- is standard input)." placeholder:"FILE"`
	Identity       string `help:"The key file that opens it, where it was made for a recipient." placeholder:"FILE"`
	Signer         string `help:"The fingerprint of the appliance that must have made it." placeholder:"HEX"`
}

func (backupInspectCmd) Help() string {
	return "Example:\n  fettle backup inspect /backup/fettle-2026-11-26 --passphrase-file /root/backup-passphrase --json"
}

func (c backupInspectCmd) Run(_ context.Context, s *screen) error {
	ids, err := identities(s, c.PassphraseFile, c.Identity)
	if err != nil {
		return err
	}
	b, st, err := openBackup(c.File, ids, c.Signer)
	if err != nil {
		return err
	}
	defer b.close()
	show := newProgress(s, "verified")
	defer show.stop()
	var done int64
	for {
		_, n, _, err := b.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		done += n
		show.to(done, b.Manifest.Bytes)
	}
	show.stop()
	out := backedUp{File: c.File, Manifest: b.Manifest, Fingerprint: b.Manifest.Fingerprint(), Size: st}
	return s.show(out, func(w io.Writer) {
		line(w, "%s is whole, and signed by the appliance %s.", c.File, out.Fingerprint)
		printBackup(w, out)
	})
}

func identities(s *screen, passphraseFile, identity string) ([]age.Identity, error) {
	if identity == "" {
		text, err := passphrase(s, passphraseFile)
		if err != nil {
			return nil, err
		}
		return backup.Identities(text, nil)
	}
	f, err := os.Open(identity)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot read the key file", Err: err}
	}
	defer f.Close()
	return backup.Identities("", f)
}

// opened is a backup and its file.
type opened struct {
	*backup.Reader
	f *os.File
}

func openBackup(path string, ids []age.Identity, signer string) (opened, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return opened{}, 0, &patch.Error{Kind: patch.Invalid, What: "cannot read the backup", Err: err}
	}
	st, err := f.Stat()
	if err == nil {
		var r *backup.Reader
		if r, err = backup.Open(f, ids, signer); err == nil {
			return opened{r, f}, st.Size(), nil
		}
	}
	f.Close()
	return opened{}, 0, err
}

func (o opened) close() { o.Reader.Close(); o.f.Close() }

// progress shows how far something is, in tenths where nothing moves.
type progress struct {
	bars  *bars
	name  string
	ended bool
	last  time.Time
}

func newProgress(s *screen, name string) *progress { return &progress{bars: newBars(s), name: name} }

func (p *progress) to(done, total int64) {
	if total <= 0 || done < total && time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last = time.Now()
	text := size(done) + " of " + size(total)
	if p.bars.live == nil {
		text = fmt.Sprintf("%d %%", done*10/total*10)
	}
	p.bars.set(p.name, done, total, text)
}

func (p *progress) stop() {
	if !p.ended {
		p.ended = true
		p.bars.stop()
	}
}

// relative makes a name inside a data directory.
func relative(dir, path string) string {
	name, err := filepath.Rel(dir, path)
	if err != nil {
		return path
	}
	return filepath.ToSlash(name)
}
