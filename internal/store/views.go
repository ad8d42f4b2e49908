package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

func scanView(r scanner) (patch.View, error) {
	var v patch.View
	return v, r.Scan(&v.Page, &v.Owner, &v.Name, &v.Query, &v.Shared, stamp{&v.At})
}

// ListViews gives the views of a page that somebody may see: their own, then those that others share, by name.
func (s *Store) ListViews(ctx context.Context, page, owner string) ([]patch.View, error) {
	all, err := list(ctx, s.read(), scanView, `SELECT page, owner, name, query, shared, at FROM views WHERE page = $1 AND (owner = $2 OR shared)
		ORDER BY CASE WHEN owner = $2 THEN 0 ELSE 1 END, name, owner`, page, owner)
	return all, fault(err, "cannot list the views of %s", page)
}

// PutView keeps a view, in the place of its owner's earlier one of that name.
func (s *Store) PutView(ctx context.Context, c patch.Caller, v patch.View) error {
	d := deed{"view.put", v.Page + "/" + v.Name, map[string]any{"query": v.Query, "shared": v.Shared}}
	err := s.change(ctx, c, d, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO views (page, owner, name, query, shared, at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (page, owner, name) DO UPDATE SET query = excluded.query, shared = excluded.shared, at = excluded.at`, v.Page, v.Owner, v.Name, v.Query, v.Shared, v.At)
		return err
	})
	return fault(err, "cannot keep the view %s", v.Name)
}

// RemoveView forgets a view.
func (s *Store) RemoveView(ctx context.Context, c patch.Caller, owner, page, name string) error {
	err := s.change(ctx, c, deed{"view.remove", page + "/" + name, map[string]any{"owner": owner}}, func(x session) error {
		n, err := x.exec(ctx, `DELETE FROM views WHERE page = $1 AND owner = $2 AND name = $3`, page, owner, name)
		if err == nil && n == 0 {
			return patch.Errorf(patch.NotFound, "%s keeps no view called %q", owner, name)
		}
		return err
	})
	return fault(err, "cannot forget the view %s", name)
}
