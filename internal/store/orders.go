package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

const orderColumns = `id, machine, number, deployment, envelope, issued_at, expires_at, begins_at`

func scanOrder(r scanner) (patch.OrderRow, error) {
	var o patch.OrderRow
	err := r.Scan(&o.ID, &o.Machine, &o.Number, &o.Deployment, &o.Envelope, stamp{&o.IssuedAt}, stamp{&o.ExpiresAt}, stamp{&o.BeginsAt})
	return o, err
}

// PutOrder stores a signed order and binds attempts to it: they must be of its machine and waiting, and may come from an older
// order that this one replaces. It gives Conflict where its Number is not above the machine's newest, where an attempt is not
// waiting any more, where an older order keeps an attempt that has not ended, and where a ring has no room for a claim.
func (s *Store) PutOrder(ctx context.Context, o patch.OrderRow, attempts []string, claims ...patch.RingClaim) error {
	if o.ID == "" || len(attempts) == 0 {
		return patch.Errorf(patch.Invalid, "an order needs an ID and at least one attempt")
	}
	err := s.write(ctx, func(x session) error {
		m, err := lockMachine(ctx, x, o.Machine)
		if err != nil {
			return err
		}
		if o.Number <= m.OrderNumber {
			return patch.Errorf(patch.Conflict, "the order's number %d is not above the newest one of the machine %s, %d", o.Number, m.Name, m.OrderNumber)
		}
		if _, err := x.exec(ctx, `INSERT INTO orders (`+orderColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			o.ID, o.Machine, o.Number, o.Deployment, o.Envelope, o.IssuedAt, o.ExpiresAt, o.BeginsAt); err != nil {
			return err
		}
		known := x.touched.find(o.Machine)
		n, err := x.exec(ctx, `UPDATE machines SET order_number = $2, changed = `+x.engine.changed+` WHERE id = $1`, o.Machine, o.Number)
		if err != nil {
			return err
		}
		x.touched.becomesBy(o.Machine, known, n, func(m *patch.Machine) { m.OrderNumber = o.Number })
		if err := bindAttempts(ctx, x, o, attempts); err != nil {
			return err
		}
		return s.claimRings(ctx, x, o.Machine, claims)
	})
	return fault(err, "cannot store an order for the machine %s", o.Machine)
}

func bindAttempts(ctx context.Context, x session, o patch.OrderRow, attempts []string) error {
	w := where{engine: x.engine, args: []any{o.ID}}
	w.add(`machine = ?`, o.Machine)
	w.addFixed(`state = 'waiting'`)
	if err := addOneOf(&w, `id`, attempts); err != nil {
		return err
	}
	n, err := x.exec(ctx, `UPDATE attempts SET order_id = $1`+w.String(), w.args...)
	if err != nil {
		return err
	}
	if int(n) != len(attempts) {
		return patch.Errorf(patch.Conflict, "only %d of the order's %d attempts wait on the machine %s", n, len(attempts), o.Machine)
	}
	var others int
	if err := x.row(ctx, `SELECT COUNT(*) FROM attempts WHERE machine = $1 AND order_id <> $2 AND order_id <> '' AND state IN `+openStates,
		[]any{o.Machine, o.ID}, &others); err != nil {
		return err
	}
	if others > 0 {
		return patch.Errorf(patch.Conflict, "an older order of the machine %s has not ended", o.Machine)
	}
	return nil
}

// OpenOrder gives the machine's newest order with an attempt that has not ended, or NotFound.
func (s *Store) OpenOrder(ctx context.Context, id patch.MachineID) (patch.OrderRow, error) {
	o, err := find(ctx, s.read(), scanOrder, `SELECT `+orderColumns+` FROM orders WHERE machine = $1
		AND EXISTS (SELECT 1 FROM attempts WHERE attempts.order_id = orders.id AND attempts.state IN `+openStates+`)
		ORDER BY number DESC LIMIT 1`, id)
	return o, missing(err, "no order waits for the machine %s", id)
}
