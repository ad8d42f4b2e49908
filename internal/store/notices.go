package store

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// standing is a notice as it is stored.
type standing struct {
	key  string
	gone time.Time
}

func scanStanding(r scanner) (standing, error) {
	var n standing
	return n, r.Scan(&n.key, stamp{&n.gone})
}

// SyncNotices takes what holds now of some subjects: what is new, or holds again, begins to wait for every channel that wants its subject;
// what holds no longer waits for nobody any more. It gives how many are new. Looked at by two appliances at once, each is new once.
func (s *Store) SyncNotices(ctx context.Context, subjects []patch.Subject, now []patch.Notice, at time.Time) (fresh int, err error) {
	before, err := standingOf(ctx, s.read(), subjects, "")
	if err != nil || same(before, now) { // which is nearly always so, and is no reason to write
		return 0, fault(err, "cannot read notices")
	}
	err = s.write(ctx, func(x session) error {
		fresh = 0
		before, err := standingOf(ctx, x, subjects, x.engine.lockRows)
		if err != nil {
			return err
		}
		open, known := map[string]bool{}, map[string]bool{}
		for _, n := range before {
			open[n.key], known[n.key] = n.gone.IsZero(), true
		}
		channels, err := list(ctx, x, scanChannel, `SELECT name, body, secret FROM notify_channels ORDER BY name`)
		if err != nil {
			return err
		}
		for _, n := range now {
			if open[n.Key] {
				delete(open, n.Key)
				continue
			}
			begun, err := beginNotice(ctx, x, n, known[n.Key], channels, at)
			if err != nil {
				return err
			}
			fresh += begun
			delete(open, n.Key)
		}
		return endNotices(ctx, x, open, at)
	})
	return fresh, fault(err, "cannot keep notices")
}

func standingOf(ctx context.Context, x session, subjects []patch.Subject, lock string) ([]standing, error) {
	w := where{engine: x.engine}
	if err := addOneOf(&w, "subject", subjects); err != nil {
		return nil, err
	}
	return list(ctx, x, scanStanding, `SELECT key, gone_at FROM notices`+w.String()+` ORDER BY key`+lock, w.args...)
}

// same reports whether exactly those notices are open that hold now.
func same(before []standing, now []patch.Notice) bool {
	open := map[string]bool{}
	for _, n := range before {
		if n.gone.IsZero() {
			open[n.key] = true
		}
	}
	holds := map[string]bool{}
	for _, n := range now {
		if !open[n.Key] {
			return false
		}
		holds[n.Key] = true
	}
	return len(holds) == len(open)
}

// beginNotice opens a notice and has it wait for those who want it.
func beginNotice(ctx context.Context, x session, n patch.Notice, again bool, channels []patch.Channel, at time.Time) (int, error) {
	body, err := toJSON(keptNotices([]patch.Notice{n})[0])
	if err != nil {
		return 0, err
	}
	tail := ` ON CONFLICT (key) DO NOTHING`
	if again {
		tail = ` ON CONFLICT (key) DO UPDATE SET subject = excluded.subject, body = excluded.body, at = excluded.at, gone_at = 0 WHERE notices.gone_at <> 0`
	}
	begun, err := x.exec(ctx, `INSERT INTO notices (key, subject, body, at, gone_at) VALUES ($1, $2, $3, $4, 0)`+tail, n.Key, n.Subject, body, at)
	if err != nil || begun == 0 {
		return 0, err
	}
	for _, c := range channels {
		if !c.Wants(n.Subject) {
			continue
		}
		if _, err := x.exec(ctx, `INSERT INTO notice_outbox (channel, key, since) VALUES ($1, $2, $3) ON CONFLICT (channel, key) DO NOTHING`, c.Name, n.Key, at); err != nil {
			return 0, err
		}
	}
	return 1, nil
}

// endNotices closes what holds no longer, told or not.
func endNotices(ctx context.Context, x session, open map[string]bool, at time.Time) error {
	for key, is := range open {
		if !is {
			continue
		}
		if _, err := x.exec(ctx, `UPDATE notices SET gone_at = $2 WHERE key = $1 AND gone_at = 0`, key, at); err != nil {
			return err
		}
		if _, err := x.exec(ctx, `DELETE FROM notice_outbox WHERE key = $1`, key); err != nil {
			return err
		}
	}
	return nil
}

func scanWaiting(r scanner) (patch.WaitingNotice, error) {
	var n patch.WaitingNotice
	err := r.Scan(&n.Channel, stamp{&n.Since}, document{&n.Notice})
	n.Notice = recalled([]patch.Notice{n.Notice})[0]
	return n, err
}

// ListWaitingNotices gives what channels have not been told of yet, the oldest first.
func (s *Store) ListWaitingNotices(ctx context.Context) ([]patch.WaitingNotice, error) {
	all, err := list(ctx, s.read(), scanWaiting, `SELECT notice_outbox.channel, notice_outbox.since, notices.body FROM notice_outbox
		JOIN notices ON notices.key = notice_outbox.key ORDER BY notice_outbox.since, notice_outbox.key`)
	return all, fault(err, "cannot list waiting notices")
}
