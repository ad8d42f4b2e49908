package store

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// PutCompliance keeps how labels stood; a later look on the same day (UTC) replaces an earlier one.
func (s *Store) PutCompliance(ctx context.Context, all []patch.Compliance) error {
	err := s.write(ctx, func(x session) error {
		for _, c := range all {
			body, err := toJSON(c)
			if err != nil {
				return err
			}
			if _, err := x.exec(ctx, `INSERT INTO compliance (day, label, body) VALUES ($1, $2, $3) ON CONFLICT (day, label) DO UPDATE SET body = excluded.body`,
				c.At.UTC().Format(time.DateOnly), c.Label, body); err != nil {
				return err
			}
		}
		return nil
	})
	return fault(err, "cannot store the day's compliance")
}

// ListCompliance gives a label's days since a moment, oldest first.
func (s *Store) ListCompliance(ctx context.Context, label string, since time.Time) ([]patch.Compliance, error) {
	all, err := list(ctx, s.read(), scanDocument[patch.Compliance], `SELECT body FROM compliance WHERE label = $1 AND day >= $2 ORDER BY day`,
		label, since.UTC().Format(time.DateOnly))
	return all, fault(err, "cannot read the compliance of %s", label)
}
