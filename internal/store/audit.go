package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// deed is what an audit entry says was done.
type deed struct {
	action string
	object string
	detail any // becomes JSON; nil for none
}

// change runs f and writes who did what in the same transaction.
func (s *Store) change(ctx context.Context, c patch.Caller, d deed, f func(session) error) error {
	return s.write(ctx, func(x session) error {
		if err := f(x); err != nil {
			return err
		}
		_, err := s.record(ctx, x, c, d)
		return err
	})
}

// record appends one entry and gives its number. Taking the next number locks the chain's head until the transaction ends,
// so a second writer waits here and links to what this one leaves.
func (s *Store) record(ctx context.Context, x session, c patch.Caller, d deed) (int64, error) {
	if c.Name == "" {
		return 0, patch.Errorf(patch.Internal, "cannot %s %s: nobody is named as its cause", d.action, d.object)
	}
	e := patch.AuditEntry{At: s.now(), Who: cleanText(c.Name), From: cleanText(c.From), Via: cleanText(c.Via),
		Action: d.action, Object: cleanText(d.object)}
	if d.detail != nil {
		text, err := toJSON(d.detail)
		if err != nil {
			return 0, err
		}
		e.Detail = cleanText(text)
	}
	err := x.row(ctx, `UPDATE audit_head SET seq = seq + 1 WHERE id = 1 RETURNING seq, hash`, nil, &e.Seq, &e.Prev)
	if err != nil {
		return 0, err
	}
	e.Hash = chainHash(e)
	if _, err := x.exec(ctx, `INSERT INTO audit (seq, at, who, from_addr, via, action, object, detail, prev, hash)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		e.Seq, e.At, e.Who, e.From, e.Via, e.Action, e.Object, e.Detail, e.Prev, e.Hash); err != nil {
		return 0, err
	}
	_, err = x.exec(ctx, `UPDATE audit_head SET hash = $1 WHERE id = 1`, e.Hash)
	return e.Seq, err
}

// chainHash covers every field, each with its length, and the previous entry's hash.
func chainHash(e patch.AuditEntry) patch.Hash {
	b := []byte("fettle-audit-1")
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(toMicros(e.At)))
	for _, field := range []string{e.Who, e.From, e.Via, e.Action, e.Object, e.Detail, string(e.Prev)} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(field)))
		b = append(b, field...)
	}
	sum := sha256.Sum256(b)
	return patch.Hash(hex.EncodeToString(sum[:]))
}

// PutAudit records something that a person caused and that changes nothing here, such as a failed sign-in.
func (s *Store) PutAudit(ctx context.Context, c patch.Caller, action, object string, detail any) error {
	err := s.change(ctx, c, deed{action, object, detail}, func(session) error { return nil })
	return fault(err, "cannot record %s in the audit log", action)
}

const auditColumns = `seq, at, who, from_addr, via, action, object, detail, prev, hash`

func scanAudit(r scanner) (patch.AuditEntry, error) {
	var e patch.AuditEntry
	err := r.Scan(&e.Seq, stamp{&e.At}, &e.Who, &e.From, &e.Via, &e.Action, &e.Object, &e.Detail, &e.Prev, &e.Hash)
	return e, err
}

// ListAudit gives entries since a time, newest first; limit 0 means all.
func (s *Store) ListAudit(ctx context.Context, since time.Time, limit int) ([]patch.AuditEntry, error) {
	all, err := list(ctx, s.read(), scanAudit, `SELECT `+auditColumns+` FROM audit WHERE at >= $1 ORDER BY seq DESC`+page(limit, 0), since)
	return all, fault(err, "cannot read the audit log")
}

// SearchAudit gives the newest entries of a time that mention a text, newest first.
func (s *Store) SearchAudit(ctx context.Context, f patch.AuditFilter) ([]patch.AuditEntry, error) {
	w := where{engine: s.engine}
	if !f.From.IsZero() {
		w.add(`at >= ?`, f.From)
	}
	if !f.Until.IsZero() {
		w.add(`at < ?`, f.Until)
	}
	if f.Text != "" {
		w.add(`LOWER(who || ' ' || action || ' ' || object || ' ' || detail) LIKE ? ESCAPE '!'`, "%"+literally(strings.ToLower(f.Text))+"%")
	}
	all, err := list(ctx, s.read(), scanAudit, `SELECT `+auditColumns+` FROM audit`+w.String()+` ORDER BY seq DESC`+page(f.Limit, 0), w.args...)
	return all, fault(err, "cannot read the audit log")
}

// NewestDeed numbers the newest audit entry of something that was done, signing in and out and asking for a detect left out: while it stays,
// people have changed nothing.
func (s *Store) NewestDeed(ctx context.Context) (uint64, error) {
	var seq uint64
	err := s.read().row(ctx, `SELECT seq FROM audit WHERE action NOT LIKE 'session.%' AND action NOT LIKE 'login.%' AND action <> 'machine.detect' AND action NOT LIKE 'view.%' ORDER BY seq DESC LIMIT 1`, nil, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, fault(err, "cannot read the audit log")
}

const auditPage = 2000

// VerifyAudit walks the whole chain. It gives Untrusted, naming the entry, where one was changed, removed, added or moved.
func (s *Store) VerifyAudit(ctx context.Context) error {
	// The head is read first: entries that are added meanwhile are walked too, and only ones that were there can be missed.
	var head patch.AuditEntry
	if err := s.read().row(ctx, `SELECT seq, hash FROM audit_head WHERE id = 1`, nil, &head.Seq, &head.Hash); err != nil {
		return fault(err, "cannot read the audit log's head")
	}
	var last patch.AuditEntry
	for {
		entries, err := list(ctx, s.read(), scanAudit, `SELECT `+auditColumns+` FROM audit WHERE seq > $1 ORDER BY seq`+page(auditPage, 0), last.Seq)
		if err != nil {
			return fault(err, "cannot read the audit log")
		}
		for _, e := range entries {
			if err := checkLink(last, e); err != nil {
				return err
			}
			if e.Seq == head.Seq && e.Hash != head.Hash {
				return broken(e.Seq, "the log's head remembers another one")
			}
			last = e
		}
		if len(entries) < auditPage {
			break
		}
	}
	if last.Seq < head.Seq {
		return broken(last.Seq+1, "it and all later ones are gone")
	}
	return nil
}

func checkLink(last, e patch.AuditEntry) error {
	switch {
	case e.Seq != last.Seq+1:
		return broken(last.Seq+1, "it is gone")
	case e.Prev != last.Hash:
		return broken(e.Seq, "it does not follow the entry before it")
	case e.Hash != chainHash(e):
		return broken(e.Seq, "it was changed")
	}
	return nil
}

func broken(seq int64, why phrase.Phrase) error {
	e := patch.Errorf(patch.Untrusted, "the audit log is broken at entry %d", seq)
	e.Why, e.Do = why, "Compare with a backup of the database, and find out who could write to it."
	return e
}
