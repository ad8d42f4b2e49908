package store

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// A payload has one state, by its hash, and a use for each patch and host OS that installs it.
const payloadColumns = `u.hash, u.os, u.patch, u.body, p.state, p.error, p.tries, p.updated_at, p.next_try`

func scanPayload(r scanner) (patch.StoredPayload, error) {
	var v patch.StoredPayload
	var hash patch.Hash
	err := r.Scan(&hash, &v.OS, &v.Patch, document{&v.PayloadFile}, &v.State, &v.Error, &v.Tries, stamp{&v.UpdatedAt}, stamp{&v.NextTry})
	v.SHA256 = hash
	return v, err
}

// PutPayloads adds payloads as they are given; one that is known keeps its state, tries and error, and learns its newest address.
func (s *Store) PutPayloads(ctx context.Context, ps []patch.StoredPayload) error {
	states, uses := make([][]any, len(ps)), make([][]any, len(ps))
	for i, p := range ps {
		if !p.SHA256.Valid() {
			return patch.Errorf(patch.Invalid, "the payload %s has no valid hash", p.Name)
		}
		body, err := toJSON(p.PayloadFile)
		if err != nil {
			return err
		}
		updated := p.UpdatedAt
		if updated.IsZero() {
			updated = s.now()
		}
		states[i] = []any{p.SHA256, p.State, p.Error, p.Tries, updated, p.NextTry}
		uses[i] = []any{p.SHA256, p.OS, p.Patch, body}
	}
	err := s.write(ctx, func(x session) error {
		if err := x.insertRows(ctx, `INSERT INTO payloads (hash, state, error, tries, updated_at, next_try)`, states,
			`ON CONFLICT (hash) DO NOTHING`); err != nil {
			return err
		}
		for _, u := range uses { // one by one: PostgreSQL refuses a statement that would update a row twice
			if _, err := x.exec(ctx, `INSERT INTO payload_uses (hash, os, patch, body) VALUES ($1, $2, $3, $4)
				ON CONFLICT (hash, os, patch) DO UPDATE SET body = excluded.body`, u...); err != nil {
				return err
			}
		}
		return nil
	})
	return fault(err, "cannot store payloads")
}

// SetPayload moves a payload to a state; text says what went wrong, next when to try again.
func (s *Store) SetPayload(ctx context.Context, h patch.Hash, state patch.PayloadState, text phrase.Phrase, tries int, next time.Time) error {
	err := s.write(ctx, func(x session) error {
		n, err := x.exec(ctx, `UPDATE payloads SET state = $2, error = $3, tries = $4, next_try = $5, updated_at = $6 WHERE hash = $1`,
			h, state, text, tries, next, s.now())
		if err == nil && n == 0 {
			return patch.Errorf(patch.NotFound, "the appliance knows no payload %s", h)
		}
		return err
	})
	return fault(err, "cannot store the state of the payload %s", h)
}

// FindPayload gives a payload with one of its uses, or NotFound.
func (s *Store) FindPayload(ctx context.Context, h patch.Hash) (patch.StoredPayload, error) {
	p, err := find(ctx, s.read(), scanPayload, `SELECT `+payloadColumns+` FROM payload_uses u JOIN payloads p ON p.hash = u.hash
		WHERE u.hash = $1 ORDER BY u.os, u.patch LIMIT 1`, h)
	return p, missing(err, "the appliance knows no payload %s", h)
}

// ListPayloads gives payloads by patch and name. Without a patch in the filter each file comes once, though several patches may
// share it, unless PerPatch is set.
func (s *Store) ListPayloads(ctx context.Context, f patch.PayloadFilter) ([]patch.StoredPayload, error) {
	w := where{engine: s.engine}
	if f.OS != "" {
		w.add(`u.os = ?`, f.OS)
	}
	if f.Patch != "" {
		w.add(`u.patch = ?`, f.Patch)
	}
	if f.State != "" {
		w.add(`p.state = ?`, f.State)
	}
	all, err := list(ctx, s.read(), scanPayload, `SELECT `+payloadColumns+` FROM payload_uses u JOIN payloads p ON p.hash = u.hash`+
		w.String()+` ORDER BY u.patch, u.hash, u.os`, w.args...)
	if err != nil {
		return nil, fault(err, "cannot list payloads")
	}
	if f.Patch == "" && !f.PerPatch {
		all = onePerFile(all)
	}
	return all, nil
}

func onePerFile(all []patch.StoredPayload) []patch.StoredPayload {
	seen := make(map[patch.Hash]bool, len(all))
	kept := all[:0]
	for _, p := range all {
		if !seen[p.SHA256] {
			seen[p.SHA256] = true
			kept = append(kept, p)
		}
	}
	return kept
}
