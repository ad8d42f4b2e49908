package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

const blackoutColumns = `name, from_at, until_at, label, reason, owner, created_at, created_by`

func scanBlackout(r scanner) (patch.Blackout, error) {
	var b patch.Blackout
	err := r.Scan(&b.Name, stamp{&b.From}, stamp{&b.Until}, &b.Label, &b.Reason, &b.Owner, stamp{&b.CreatedAt}, &b.CreatedBy)
	return b, err
}

// PutBlackout adds a blackout or changes one; who made it and when stays.
func (s *Store) PutBlackout(ctx context.Context, c patch.Caller, b patch.Blackout) error {
	if b.Name == "" || b.Label == "" || !b.Until.After(b.From) {
		return patch.Errorf(patch.Invalid, "a blackout needs a name, a label, a beginning and an end after it")
	}
	d := deed{"blackout.put", b.Name, map[string]any{"from": b.From.UTC(), "until": b.Until.UTC(), "label": b.Label, "reason": b.Reason, "owner": b.Owner}}
	err := s.change(ctx, c, d, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO blackouts (`+blackoutColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (name) DO UPDATE SET from_at = excluded.from_at, until_at = excluded.until_at, label = excluded.label,
				reason = excluded.reason, owner = excluded.owner`,
			b.Name, b.From, b.Until, b.Label, b.Reason, b.Owner, b.CreatedAt, b.CreatedBy)
		return err
	})
	return fault(err, "cannot store the blackout %s", b.Name)
}

// ListBlackouts gives all by when they begin, those that are over too.
func (s *Store) ListBlackouts(ctx context.Context) ([]patch.Blackout, error) {
	all, err := s.seldom.blackouts.read(s, func() ([]patch.Blackout, error) {
		return list(ctx, s.read(), scanBlackout, `SELECT `+blackoutColumns+` FROM blackouts ORDER BY from_at, name`)
	})
	return all, fault(err, "cannot list blackouts")
}

// RemoveBlackout forgets a blackout and gives it as it was, so that it can be put back.
func (s *Store) RemoveBlackout(ctx context.Context, c patch.Caller, name string) (b patch.Blackout, err error) {
	err = s.change(ctx, c, deed{"blackout.remove", name, nil}, func(x session) error {
		if b, err = find(ctx, x, scanBlackout, `SELECT `+blackoutColumns+` FROM blackouts WHERE name = $1`, name); err != nil {
			return missingNamed(err, "blackout", name)
		}
		_, err := x.exec(ctx, `DELETE FROM blackouts WHERE name = $1`, name)
		return err
	})
	return b, fault(err, "cannot remove the blackout %s", name)
}
