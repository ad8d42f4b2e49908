package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// PutRing adds a ring or changes one; who made it and when stays.
func (s *Store) PutRing(ctx context.Context, c patch.Caller, r patch.Ring) error {
	if r.Name == "" || r.Label == "" {
		return patch.Errorf(patch.Invalid, "a ring needs a name and a label")
	}
	err := s.change(ctx, c, deed{"ring.put", r.Name, r}, func(x session) error {
		old, err := list(ctx, x, scanDocument[patch.Ring], `SELECT body FROM rings WHERE name = $1`, r.Name)
		if err != nil {
			return err
		}
		if len(old) > 0 {
			r.CreatedAt, r.CreatedBy = old[0].CreatedAt, old[0].CreatedBy
		}
		body, err := toJSON(r)
		if err != nil {
			return err
		}
		_, err = x.exec(ctx, `INSERT INTO rings (name, position, body) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET position = excluded.position, body = excluded.body`, r.Name, r.Position, body)
		return err
	})
	return fault(err, "cannot store the ring %s", r.Name)
}

// ListRings gives all, in their order.
func (s *Store) ListRings(ctx context.Context) ([]patch.Ring, error) {
	all, err := s.seldom.rings.read(s, func() ([]patch.Ring, error) {
		return list(ctx, s.read(), scanDocument[patch.Ring], `SELECT body FROM rings ORDER BY position, name`)
	})
	return all, fault(err, "cannot list rings")
}

// RemoveRing forgets a ring and how far patches are in it; what was halted in it is so no more.
func (s *Store) RemoveRing(ctx context.Context, c patch.Caller, name string) error {
	err := s.change(ctx, c, deed{"ring.remove", name, nil}, func(x session) error {
		n, err := x.exec(ctx, `DELETE FROM rings WHERE name = $1`, name)
		if err == nil && n == 0 {
			return patch.NothingCalled("ring", name)
		}
		if err == nil {
			_, err = x.exec(ctx, `DELETE FROM ring_progress WHERE ring = $1`, name)
		}
		return err
	})
	return fault(err, "cannot remove the ring %s", name)
}

// ListRingProgress gives how far patches are: one patch, or with an empty ID all.
func (s *Store) ListRingProgress(ctx context.Context, id patch.ID) ([]patch.RingProgress, error) {
	w := where{engine: s.engine}
	if id != "" {
		w.add(`patch = ?`, id)
	}
	all, err := list(ctx, s.read(), scanDocument[patch.RingProgress], `SELECT body FROM ring_progress`+w.String()+` ORDER BY patch, ring`, w.args...)
	return all, fault(err, "cannot read the progress of rings")
}

// KeepRingProgress stores what was worked out about a ring, unless a person has decided about it since it was read: then it gives Conflict.
func (s *Store) KeepRingProgress(ctx context.Context, p patch.RingProgress, was patch.RingProgress) error {
	err := s.write(ctx, func(x session) error {
		now, err := lockProgress(ctx, x, p.Patch, p.Ring)
		if err != nil {
			return err
		}
		if !now.FreshAt.Equal(was.FreshAt) || !now.HaltedAt.Equal(was.HaltedAt) || !now.PassedAt.Equal(was.PassedAt) {
			return patch.Errorf(patch.Conflict, "somebody decided about %s in the ring %s meanwhile", p.Patch, p.Ring)
		}
		return storeProgress(ctx, x, p)
	})
	return fault(err, "cannot store the progress of the ring %s", p.Ring)
}

// DecideRing stores a person's decision about a patch in a ring: a halt, a resumption, or that it passes.
func (s *Store) DecideRing(ctx context.Context, c patch.Caller, action string, p patch.RingProgress) error {
	d := deed{action, string(p.Patch), map[string]any{"ring": p.Ring, "why": p.Text}}
	err := s.change(ctx, c, d, func(x session) error {
		if _, err := lockProgress(ctx, x, p.Patch, p.Ring); err != nil {
			return err
		}
		return storeProgress(ctx, x, p)
	})
	return fault(err, "cannot store the decision about the ring %s", p.Ring)
}

// lockProgress reads a row, which it makes where there is none, and keeps it until the transaction ends.
func lockProgress(ctx context.Context, x session, id patch.ID, ring string) (patch.RingProgress, error) {
	empty, err := toJSON(patch.RingProgress{Patch: id, Ring: ring})
	if err != nil {
		return patch.RingProgress{}, err
	}
	if _, err := x.exec(ctx, `INSERT INTO ring_progress (patch, ring, halted, body) VALUES ($1, $2, FALSE, $3) ON CONFLICT (patch, ring) DO NOTHING`,
		id, ring, empty); err != nil {
		return patch.RingProgress{}, err
	}
	return find(ctx, x, scanDocument[patch.RingProgress], `SELECT body FROM ring_progress WHERE patch = $1 AND ring = $2`+x.engine.lockRows, id, ring)
}

func storeProgress(ctx context.Context, x session, p patch.RingProgress) error {
	body, err := toJSON(p)
	if err == nil {
		_, err = x.exec(ctx, `UPDATE ring_progress SET halted = $3, body = $4 WHERE patch = $1 AND ring = $2`, p.Patch, p.Ring, !p.HaltedAt.IsZero(), body)
	}
	return err
}

// claimRings takes places in rings for attempts that were just bound to an order. It holds the rows of patch and ring meanwhile, so that two
// orders never take the same place, and in one order, so that two never wait for each other.
func (s *Store) claimRings(ctx context.Context, x session, m patch.MachineID, claims []patch.RingClaim) error {
	claims = slices.SortedFunc(slices.Values(claims), func(a, b patch.RingClaim) int {
		return cmp.Or(cmp.Compare(a.Ring, b.Ring), cmp.Compare(a.Patch, b.Patch))
	})
	for _, c := range claims {
		if c.AtOnce > 0 {
			if _, err := lockProgress(ctx, x, "", c.Ring); err != nil {
				return err
			}
		}
		if _, err := lockProgress(ctx, x, c.Patch, c.Ring); err != nil {
			return err
		}
		var halted int
		if err := x.row(ctx, `SELECT COUNT(*) FROM ring_progress WHERE patch = $1 AND halted`, []any{c.Patch}, &halted); err != nil {
			return err
		}
		load, err := ringLoad(ctx, x, c.Ring, c.Patch, m)
		if err != nil {
			return err
		}
		if halted > 0 || load.Unproven >= c.Room || c.AtOnce > 0 && load.Busy >= c.AtOnce {
			return patch.Errorf(patch.Conflict, "the ring %s has no room for %s on the machine %s", c.Ring, c.Patch, m)
		}
	}
	for _, c := range claims {
		if _, err := x.exec(ctx, `UPDATE attempts SET ring = $2, proof = '', proof_at = $3 WHERE id = $1`, c.Attempt, c.Ring, s.now()); err != nil {
			return err
		}
	}
	return nil
}

// FindRingLoad gives what goes on in a ring beside one machine.
func (s *Store) FindRingLoad(ctx context.Context, ring string, id patch.ID, but patch.MachineID) (patch.RingLoad, error) {
	l, err := ringLoad(ctx, s.read(), ring, id, but)
	return l, fault(err, "cannot count what goes on in the ring %s", ring)
}

func ringLoad(ctx context.Context, x session, ring string, id patch.ID, but patch.MachineID) (l patch.RingLoad, err error) {
	if err = x.row(ctx, `SELECT COUNT(*) FROM attempts WHERE ring = $1 AND patch = $2 AND proof = '' AND machine <> $3`, []any{ring, id, but}, &l.Unproven); err != nil {
		return l, err
	}
	return l, x.row(ctx, `SELECT COUNT(DISTINCT machine) FROM attempts WHERE ring = $1 AND ring <> '' AND machine <> $2 AND order_id <> '' AND state IN `+openStates,
		[]any{ring, but}, &l.Busy)
}

// ListRingPatches names the patches that rings have to look at: those with an attempt that is open, that was handed out and is not judged, or
// that was judged since a moment.
func (s *Store) ListRingPatches(ctx context.Context, since time.Time) ([]patch.ID, error) {
	all, err := list(ctx, s.read(), func(r scanner) (id patch.ID, err error) { return id, r.Scan(&id) },
		`SELECT DISTINCT patch FROM attempts WHERE state IN `+openStates+` OR (ring <> '' AND (proof = '' OR proof_at >= $1)) ORDER BY patch`, since)
	return all, fault(err, "cannot list what rings have to look at")
}

// PutHealth stores what a machine answered to its probes; an older answer changes nothing.
func (s *Store) PutHealth(ctx context.Context, id patch.MachineID, h patch.Health) error {
	body, err := toJSON(h)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO health (machine, at, body) VALUES ($1, $2, $3)
			ON CONFLICT (machine) DO UPDATE SET at = excluded.at, body = excluded.body WHERE health.at < excluded.at`, id, h.At, body)
		return err
	})
	return fault(err, "cannot store the health of the machine %s", id)
}

// ListHealth gives the newest answers of every machine that gave any.
func (s *Store) ListHealth(ctx context.Context) (map[patch.MachineID]patch.Health, error) {
	type row struct {
		id patch.MachineID
		h  patch.Health
	}
	all, err := list(ctx, s.read(), func(r scanner) (v row, err error) { return v, r.Scan(&v.id, document{&v.h}) }, `SELECT machine, body FROM health`)
	out := make(map[patch.MachineID]patch.Health, len(all))
	for _, v := range all {
		out[v.id] = v.h
	}
	return out, fault(err, "cannot read the health of machines")
}

// PutProofs stores what attempts say about their patches.
func (s *Store) PutProofs(ctx context.Context, us []patch.ProofUpdate) error {
	if len(us) == 0 {
		return nil
	}
	err := s.write(ctx, func(x session) error {
		for _, u := range us {
			if _, err := x.exec(ctx, `UPDATE attempts SET proof = $2, proof_at = $3, proof_text = $4 WHERE id = $1`, u.Attempt, u.Proof, u.At, u.Text); err != nil {
				return err
			}
		}
		return nil
	})
	return fault(err, "cannot store what attempts proved")
}
