package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const tokenColumns = `name, hash, uses, admit, expires_at, created_by, created_at`

func scanToken(r scanner) (patch.Token, error) {
	var t patch.Token
	err := r.Scan(&t.Name, &t.Hash, &t.Uses, &t.Admit, stamp{&t.ExpiresAt}, &t.CreatedBy, stamp{&t.CreatedAt})
	return t, err
}

// PutToken adds a token; a name in use is Conflict.
func (s *Store) PutToken(ctx context.Context, c patch.Caller, t patch.Token) error {
	if t.Name == "" || !t.Hash.Valid() || t.Uses < 1 || t.ExpiresAt.IsZero() {
		return patch.Errorf(patch.Invalid, "a token needs a name, the hash of its secret, at least one use and an end")
	}
	d := deed{"token.put", t.Name, map[string]any{"uses": t.Uses, "admit": t.Admit, "expires_at": t.ExpiresAt}}
	err := s.change(ctx, c, d, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO tokens (`+tokenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			t.Name, t.Hash, t.Uses, t.Admit, t.ExpiresAt, t.CreatedBy, t.CreatedAt)
		return err
	})
	return fault(err, "cannot store the token %s", t.Name)
}

// ListTokens gives all, by name, used-up and expired ones too.
func (s *Store) ListTokens(ctx context.Context) ([]patch.Token, error) {
	all, err := list(ctx, s.read(), scanToken, `SELECT `+tokenColumns+` FROM tokens ORDER BY name`)
	return all, fault(err, "cannot list tokens")
}

// RemoveToken forgets a token; machines that enrolled with it stay.
func (s *Store) RemoveToken(ctx context.Context, c patch.Caller, name string) error {
	err := s.change(ctx, c, deed{"token.remove", name, nil}, func(x session) error {
		n, err := x.exec(ctx, `DELETE FROM tokens WHERE name = $1`, name)
		if err == nil && n == 0 {
			return patch.NothingCalled("token", name)
		}
		return err
	})
	return fault(err, "cannot remove the token %s", name)
}

// RedeemToken uses the token once and enrols m (ID, Name, Address and AgentVersion count) in one step: however many try at once,
// a token admits as many machines as it has uses. The same key again gets its machine back and uses nothing, so that a lost
// reply can be asked for again. Unknown and expired tokens are Unauthenticated, a used-up one is Exhausted.
func (s *Store) RedeemToken(ctx context.Context, h patch.Hash, now time.Time, m patch.Machine) (patch.Machine, error) {
	if m.ID == "" {
		return m, patch.Errorf(patch.Internal, "a machine enrols under the hash of its key")
	}
	var got patch.Machine
	err := s.write(ctx, func(x session) error {
		t, err := lockToken(ctx, x, h, now, x.engine.lockRows)
		if err != nil {
			return err
		}
		got, err = find(ctx, x, scanMachine, `SELECT `+machineColumns+` FROM machines WHERE id = $1`, m.ID)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if got, err = s.enrol(ctx, x, t, now, m); err != nil {
			return err
		}
		caller := patch.Caller{Name: "machine:" + string(m.ID), From: m.Address, Via: "agent"}
		_, err = s.record(ctx, x, caller, deed{"machine.enrol", string(m.ID), map[string]any{"token": t.Name, "name": m.Name, "state": got.State}})
		return err
	})
	return got, fault(err, "cannot enrol the machine")
}

// CheckToken says why a token could enrol no machine now, in the same words as RedeemToken, and uses nothing.
func (s *Store) CheckToken(ctx context.Context, h patch.Hash, now time.Time) error {
	t, err := lockToken(ctx, s.read(), h, now, "")
	if err == nil && t.Uses == 0 {
		err = usedUp(t)
	}
	return fault(err, "cannot look the token up")
}

// lockToken reads the token and, with the engine's words for it, keeps it from changing until the transaction ends.
func lockToken(ctx context.Context, x session, h patch.Hash, now time.Time, lock string) (patch.Token, error) {
	t, err := find(ctx, x, scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE hash = $1`+lock, h)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return t, &patch.Error{Kind: patch.Unauthenticated, What: "the appliance does not know this token",
			Do: "Ask for a new one: fettle tokens add."}
	case err != nil:
		return t, err
	case !now.Before(t.ExpiresAt):
		return t, &patch.Error{Kind: patch.Unauthenticated, What: phrase.Of("the token {1} has expired", t.Name), Do: "Ask for a new one: fettle tokens add."}
	}
	return t, nil
}

func usedUp(t patch.Token) error {
	return &patch.Error{Kind: patch.Exhausted, What: phrase.Of("the token {1} is used up", t.Name), Do: "Ask for a new one: fettle tokens add."}
}

func (s *Store) enrol(ctx context.Context, x session, t patch.Token, now time.Time, m patch.Machine) (patch.Machine, error) {
	used, err := x.exec(ctx, `UPDATE tokens SET uses = uses - 1 WHERE hash = $1 AND uses > 0`, t.Hash)
	if err != nil {
		return m, err
	}
	if used == 0 {
		return m, usedUp(t)
	}
	n := patch.Machine{ID: m.ID, Name: cleanText(m.Name), State: patch.Pending, EnrolledAt: fromMicros(toMicros(now)), EnrolledBy: t.Name,
		Address: cleanText(m.Address), AgentVersion: cleanText(m.AgentVersion)}
	if t.Admit {
		n.State = patch.Admitted
	}
	return n, insertMachine(ctx, x, n)
}
