package store

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

const alarmColumns = `key, kind, text, advice, raised_at, seen_at, cleared_at`

func scanAlarm(r scanner) (patch.Alarm, error) {
	var a patch.Alarm
	err := r.Scan(&a.Key, &a.Kind, &a.Text, &a.Do, stamp{&a.RaisedAt}, stamp{&a.SeenAt}, stamp{&a.ClearedAt})
	return a, err
}

// RaiseAlarm raises an alarm or, while it is open, notes that it still holds: RaisedAt then stays. A zero SeenAt or RaisedAt is now.
func (s *Store) RaiseAlarm(ctx context.Context, a patch.Alarm) error {
	if a.Key == "" {
		return patch.Errorf(patch.Internal, "an alarm needs a key")
	}
	if a.SeenAt.IsZero() {
		a.SeenAt = s.now()
	}
	if a.RaisedAt.IsZero() {
		a.RaisedAt = a.SeenAt
	}
	err := s.write(ctx, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO alarms (`+alarmColumns+`) VALUES ($1, $2, $3, $4, $5, $6, 0)
			ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, text = excluded.text, advice = excluded.advice, seen_at = excluded.seen_at,
			raised_at = CASE WHEN alarms.cleared_at = 0 THEN alarms.raised_at ELSE excluded.raised_at END, cleared_at = 0`,
			a.Key, a.Kind, a.Text, a.Do, a.RaisedAt, a.SeenAt)
		return err
	})
	return fault(err, "cannot raise the alarm %s", a.Key)
}

// ClearAlarm ends an alarm; one that is not open stays as it is.
func (s *Store) ClearAlarm(ctx context.Context, key string, now time.Time) error {
	var open int
	err := s.read().row(ctx, `SELECT COUNT(*) FROM alarms WHERE key = $1 AND cleared_at = 0`, []any{key}, &open)
	if err != nil || open == 0 {
		return fault(err, "cannot look for the alarm %s", key)
	}
	err = s.write(ctx, func(x session) error {
		_, err := x.exec(ctx, `UPDATE alarms SET cleared_at = $2 WHERE key = $1 AND cleared_at = 0`, key, now)
		return err
	})
	return fault(err, "cannot clear the alarm %s", key)
}

// ListAlarms gives the newest first: the open ones, or all.
func (s *Store) ListAlarms(ctx context.Context, open bool) ([]patch.Alarm, error) {
	w := where{engine: s.engine}
	if open {
		w.addFixed(`cleared_at = 0`)
	}
	all, err := list(ctx, s.read(), scanAlarm, `SELECT `+alarmColumns+` FROM alarms`+w.String()+` ORDER BY raised_at DESC, key`)
	return all, fault(err, "cannot list alarms")
}
