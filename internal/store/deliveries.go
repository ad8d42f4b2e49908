package store

import (
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// carried is the part of a delivery that nothing asks for.
type carried struct {
	Notices []patch.Notice `json:"notices,omitempty"`
	More    int            `json:"more,omitempty"`
}

const deliveryColumns = `id, channel, subject, state, body, tries, text, created_at, next_at, ended_at`

func scanDelivery(r scanner) (patch.Delivery, error) {
	var (
		d patch.Delivery
		b carried
	)
	err := r.Scan(&d.ID, &d.Channel, &d.Subject, &d.State, document{&b}, &d.Tries, &d.Text, stamp{&d.CreatedAt}, stamp{&d.NextAt}, stamp{&d.EndedAt})
	d.Notices, d.More = recalled(b.Notices), b.More
	return d, err
}

// keptNotices are notices whose texts are stored with what other languages need of them.
func keptNotices(all []patch.Notice) []patch.Notice {
	out := slices.Clone(all)
	for i := range out {
		out[i].Text, out[i].Reason = phrase.Verbatim(out[i].Text.Keep()), phrase.Verbatim(out[i].Reason.Keep())
	}
	return out
}

// recalled is the inverse of keptNotices.
func recalled(all []patch.Notice) []patch.Notice {
	for i := range all {
		all[i].Text, all[i].Reason = phrase.Recall(all[i].Text.String()), phrase.Recall(all[i].Reason.String())
	}
	return all
}

// PutDelivery stores a message and takes what it tells out of what waits, in one step. It is Conflict where another appliance has taken
// any of that already. A message of no keys, such as a test, takes nothing.
func (s *Store) PutDelivery(ctx context.Context, d patch.Delivery, keys []string) error {
	body, err := toJSON(carried{keptNotices(d.Notices), d.More})
	if err != nil {
		return err
	}
	err = s.write(ctx, func(x session) error {
		for _, key := range keys {
			n, err := x.exec(ctx, `DELETE FROM notice_outbox WHERE channel = $1 AND key = $2`, d.Channel, key)
			if err != nil {
				return err
			}
			if n == 0 {
				return patch.Errorf(patch.Conflict, "%s is not waiting for %s any more", key, d.Channel)
			}
		}
		_, err := x.exec(ctx, `INSERT INTO deliveries (`+deliveryColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			d.ID, d.Channel, d.Subject, d.State, body, d.Tries, d.Text, d.CreatedAt, d.NextAt, d.EndedAt)
		return err
	})
	return fault(err, "cannot keep a message to %s", d.Channel)
}

// ClaimDelivery takes a waiting message for one try, until a moment after which others may. It gives false where somebody else has it.
func (s *Store) ClaimDelivery(ctx context.Context, id string, now, until time.Time) (bool, error) {
	var n int64
	err := s.write(ctx, func(x session) (err error) {
		n, err = x.exec(ctx, `UPDATE deliveries SET next_at = $3, tries = tries + 1 WHERE id = $1 AND state = $4 AND next_at <= $2`, id, now, until, patch.DeliveryWaiting)
		return err
	})
	return n == 1, fault(err, "cannot take the message %s", id)
}

// SettleDelivery keeps how a try ended.
func (s *Store) SettleDelivery(ctx context.Context, d patch.Delivery) error {
	err := s.write(ctx, func(x session) error {
		_, err := x.exec(ctx, `UPDATE deliveries SET state = $2, text = $3, next_at = $4, ended_at = $5 WHERE id = $1`, d.ID, d.State, d.Text, d.NextAt, d.EndedAt)
		return err
	})
	return fault(err, "cannot keep how the message %s fared", d.ID)
}

// ListDeliveries gives the newest messages first: all, or those of one channel; limit 0 means all.
func (s *Store) ListDeliveries(ctx context.Context, channel string, limit int) ([]patch.Delivery, error) {
	w := where{engine: s.engine}
	if channel != "" {
		w.add(`channel = ?`, channel)
	}
	all, err := list(ctx, s.read(), scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries`+w.String()+` ORDER BY created_at DESC, id DESC`+page(limit, 0), w.args...)
	return all, fault(err, "cannot list deliveries")
}

// DueDeliveries gives the messages that may be tried now, the oldest first.
func (s *Store) DueDeliveries(ctx context.Context, now time.Time) ([]patch.Delivery, error) {
	all, err := list(ctx, s.read(), scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries WHERE state = 'waiting' AND next_at <= $1 ORDER BY created_at, id`, now)
	return all, fault(err, "cannot list deliveries that are due")
}

// LastDelivery is when the newest message about a subject to a channel was made; zero where there is none.
func (s *Store) LastDelivery(ctx context.Context, channel string, subject patch.Subject) (time.Time, error) {
	var at time.Time
	err := s.read().row(ctx, `SELECT COALESCE(MAX(created_at), 0) FROM deliveries WHERE channel = $1 AND subject = $2`, []any{channel, subject}, stamp{&at})
	return at, fault(err, "cannot find the newest message to %s", channel)
}

// ForgetNotices removes messages that ended, and notices that were gone, before a moment.
func (s *Store) ForgetNotices(ctx context.Context, before time.Time) error {
	err := s.write(ctx, func(x session) error {
		if _, err := x.exec(ctx, `DELETE FROM deliveries WHERE state <> 'waiting' AND created_at < $1`, before); err != nil {
			return err
		}
		_, err := x.exec(ctx, `DELETE FROM notices WHERE gone_at <> 0 AND gone_at < $1`, before)
		return err
	})
	return fault(err, "cannot forget old notices")
}
