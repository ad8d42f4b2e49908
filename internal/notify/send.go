package notify

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	firstPause   = 30 * time.Second // before the second try; doubled each time
	longestPause = time.Hour
	giveUp       = 24 * time.Hour
	tryLease     = 2 * time.Minute // for so long a message that is being tried is left to the appliance that does
	alarmAfter   = 3               // tries
	keepFor      = 90 * 24 * time.Hour
	atOnce       = 4 // channels
)

// Watch looks for what is new and keeps it.
func (d *Desk) Watch(ctx context.Context, s Source) error {
	now, err := s.Look(ctx)
	if err != nil {
		return err
	}
	_, err = d.Store.SyncNotices(ctx, s.Subjects, now, d.Now().UTC())
	return err
}

// Step makes messages of what is due and sends them.
func (d *Desk) Step(ctx context.Context) error {
	channels, err := d.Store.ListChannels(ctx)
	if err != nil || len(channels) == 0 {
		return err
	}
	return errors.Join(d.compose(ctx, channels), d.deliver(ctx, channels))
}

// Forget removes what is older than three months.
func (d *Desk) Forget(ctx context.Context) error {
	return d.Store.ForgetNotices(ctx, d.Now().Add(-keepFor))
}

// compose makes a message of all that waits for one channel about one subject, where it is time.
func (d *Desk) compose(ctx context.Context, channels []patch.Channel) error {
	waiting, err := d.Store.ListWaitingNotices(ctx)
	if err != nil {
		return err
	}
	now := d.Now().UTC()
	for _, c := range channels {
		for _, t := range patch.Subjects() {
			var of []patch.WaitingNotice
			for _, n := range waiting {
				if n.Channel == c.Name && n.Subject == t {
					of = append(of, n)
				}
			}
			if len(of) == 0 {
				continue
			}
			last, err := d.Store.LastDelivery(ctx, c.Name, t)
			if err != nil {
				return err
			}
			if isDue(c, t, of[0].Since, last, now, d.Zone) {
				if err := d.put(ctx, c, t, of, now); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *Desk) put(ctx context.Context, c patch.Channel, t patch.Subject, of []patch.WaitingNotice, now time.Time) error {
	m := patch.Delivery{ID: d.NewID(), Channel: c.Name, Subject: t, State: patch.DeliveryWaiting, CreatedAt: now, NextAt: now}
	var keys []string
	for i, n := range of {
		keys = append(keys, n.Key)
		if i < shown {
			m.Notices = append(m.Notices, n.Notice)
		}
	}
	m.More = len(of) - len(m.Notices)
	err := d.Store.PutDelivery(ctx, m, keys)
	if patch.KindOf(err) == patch.Conflict { // another appliance tells it, or it is over: the next step looks again
		return nil
	}
	return err
}

// deliver tries what is due: channels beside each other, the messages of one in their order.
func (d *Desk) deliver(ctx context.Context, channels []patch.Channel) error {
	due, err := d.Store.DueDeliveries(ctx, d.Now())
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, name := range slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, m := range due {
			if !yield(m.Channel) {
				return
			}
		}
	})) {
		i := slices.IndexFunc(channels, func(c patch.Channel) bool { return c.Name == name })
		if i < 0 || channels[i].Paused {
			continue
		}
		g.Go(func() error {
			for _, m := range due {
				if m.Channel != name {
					continue
				}
				if sent, err := d.try(ctx, channels[i], m); err != nil || !sent {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// try sends a message once and keeps how that ended. It gives false where the later ones of its channel need not be tried now.
func (d *Desk) try(ctx context.Context, c patch.Channel, m patch.Delivery) (bool, error) {
	now := d.Now().UTC()
	mine, err := d.Store.ClaimDelivery(ctx, m.ID, now, now.Add(tryLease))
	if err != nil || !mine {
		return false, err
	}
	m.Tries++
	err = d.send(ctx, c, m)
	if err != nil && ctx.Err() != nil {
		return false, ctx.Err() // the appliance stops; the message is tried again when it runs
	}
	m.NextAt, m.EndedAt, m.Text = time.Time{}, d.Now().UTC(), ""
	switch {
	case err == nil:
		m.State = patch.DeliverySent
	case now.Sub(m.CreatedAt) >= giveUp:
		m.State, m.Text = patch.DeliveryFailed, phrase.Of("given up after a day: {1}", phrase.Recall(failure(err))).String()
	default:
		m.EndedAt, m.NextAt, m.Text = time.Time{}, now.Add(d.pause(m.Tries, err)), failure(err)
	}
	return m.State == patch.DeliverySent, errors.Join(d.Store.SettleDelivery(ctx, m), d.tell(ctx, c, m))
}

// pause is how long a message waits for its next try: longer each time, never the same for two, and as long as its receiver asked.
func (d *Desk) pause(tries int, err error) time.Duration {
	p := firstPause << min(tries-1, 10)
	p = min(p, longestPause)
	p = time.Duration(float64(p) * (0.8 + 0.4*d.Random()))
	var r refusal
	if errors.As(err, &r) {
		p = max(p, r.retry)
	}
	return p
}

func alarmKey(channel string) string { return "notify/" + channel }

// tell raises an alarm about a channel that does not work, and clears it when it does.
func (d *Desk) tell(ctx context.Context, c patch.Channel, m patch.Delivery) error {
	if m.State == patch.DeliverySent {
		return d.Store.ClearAlarm(ctx, alarmKey(c.Name), d.Now())
	}
	d.Log.WarnContext(ctx, "message not delivered", slog.String("channel", c.Name), slog.String("message", m.ID), slog.Int("tries", m.Tries), slog.String("text", m.Text))
	if m.Tries < alarmAfter && m.State != patch.DeliveryFailed {
		return nil
	}
	return d.Store.RaiseAlarm(ctx, patch.Alarm{Key: alarmKey(c.Name), Kind: "notify", RaisedAt: d.Now(), SeenAt: d.Now(),
		Text: phrase.Of("notifications do not reach {1} ({2}): {3}", c.Name, c.Where, phrase.Recall(m.Text)), Do: "Look at Settings in the console, or fettle notify log. Messages are tried again for a day."})
}

// send delivers a message once. Its error holds no secret.
func (d *Desk) send(ctx context.Context, c patch.Channel, m patch.Delivery) error {
	x, err := d.secrets(ctx, c.Name)
	if err != nil {
		return err
	}
	if c.Kind == patch.ByMail {
		return d.mail(ctx, c, x, m)
	}
	return d.post(ctx, c, x, m)
}

// failure is an error as the log of deliveries keeps it.
func failure(err error) string { return plain(err.Error()) }
