package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

func scanChannel(r scanner) (patch.Channel, error) {
	var (
		c      patch.Channel
		name   string
		secret []byte
	)
	err := r.Scan(&name, document{&c}, &secret)
	c.Name, c.HasSecret = name, len(secret) > 0
	return c, err
}

// PutChannel adds a channel or changes one. sealed replaces what is kept secret about it; nil leaves that as it is.
func (s *Store) PutChannel(ctx context.Context, by patch.Caller, c patch.Channel, sealed []byte) error {
	if c.Name == "" || c.Kind == "" {
		return patch.Errorf(patch.Invalid, "a channel needs a name and a kind")
	}
	body, err := toJSON(c)
	if err != nil {
		return err
	}
	tail := `ON CONFLICT (name) DO UPDATE SET body = excluded.body`
	if sealed != nil {
		tail += `, secret = excluded.secret`
	}
	detail := map[string]any{"kind": c.Kind, "where": c.Where, "to": c.To, "subjects": c.Subjects, "paused": c.Paused, "new_secret": sealed != nil}
	err = s.change(ctx, by, deed{"channel.put", c.Name, detail}, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO notify_channels (name, body, secret) VALUES ($1, $2, $3) `+tail, c.Name, body, append([]byte{}, sealed...))
		if err != nil || !c.Paused {
			return err
		}
		_, err = x.exec(ctx, `DELETE FROM notice_outbox WHERE channel = $1`, c.Name)
		return err
	})
	return fault(err, "cannot store the channel %s", c.Name)
}

// RemoveChannel forgets a channel, its secret and what waits for it; what was sent stays in the log of deliveries.
func (s *Store) RemoveChannel(ctx context.Context, by patch.Caller, name string) error {
	err := s.change(ctx, by, deed{"channel.remove", name, nil}, func(x session) error {
		n, err := x.exec(ctx, `DELETE FROM notify_channels WHERE name = $1`, name)
		if err == nil && n == 0 {
			return patch.NothingCalled("channel", name)
		}
		if err != nil {
			return err
		}
		_, err = x.exec(ctx, `UPDATE deliveries SET state = $1, text = $2, ended_at = $3 WHERE channel = $4 AND state = $5`,
			patch.DeliveryFailed, "the channel was removed", s.now(), name, patch.DeliveryWaiting)
		return err
	})
	return fault(err, "cannot remove the channel %s", name)
}

// ListChannels gives all, by name.
func (s *Store) ListChannels(ctx context.Context) ([]patch.Channel, error) {
	all, err := list(ctx, s.read(), scanChannel, `SELECT name, body, secret FROM notify_channels ORDER BY name`)
	return all, fault(err, "cannot list channels")
}

// ChannelSecret gives what is kept sealed about a channel; empty where nothing is.
func (s *Store) ChannelSecret(ctx context.Context, name string) (sealed []byte, err error) {
	err = s.read().row(ctx, `SELECT secret FROM notify_channels WHERE name = $1`, []any{name}, &sealed)
	return sealed, missingNamed(err, "channel", name)
}
