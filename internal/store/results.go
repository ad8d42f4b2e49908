package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// ApplyResults takes lines of a machine's journal, all or none, and gives the number up to which all are durable. Lines at or
// below that number were applied before and are passed over; a gap is Conflict, and the number says where to go on. A line about
// an attempt that was never handed to this machine refuses them all with Forbidden.
func (s *Store) ApplyResults(ctx context.Context, id patch.MachineID, us []patch.AttemptUpdate) (uint64, error) {
	us = slices.SortedStableFunc(slices.Values(us), func(a, b patch.AttemptUpdate) int { return cmp.Compare(a.Seq, b.Seq) })
	var ack uint64
	err := s.write(ctx, func(x session) error {
		m, err := lockMachine(ctx, x, id)
		if err != nil {
			return err
		}
		ack = m.ResultsAck
		next := ack
		restored, gap, err := lost(ctx, x, id)
		if err != nil {
			return err
		}
		for _, u := range us {
			if u.Seq <= next {
				continue
			}
			if u.Seq != next+1 && gap {
				next = u.Seq - 1
			}
			if u.Seq != next+1 {
				return &patch.Error{Kind: patch.Conflict, What: phrase.Format("the results of the machine %s have a gap: %d follows %d", id, u.Seq, next),
					Do: phrase.Format("Send them again from %d.", ack+1)}
			}
			if err := applyResult(ctx, x, id, u, restored); err != nil {
				return err
			}
			next, gap = u.Seq, false
		}
		if next == ack {
			return nil
		}
		known := x.touched.find(id)
		n, err := x.exec(ctx, `UPDATE machines SET results_ack = $2, changed = `+x.engine.changed+`, results_gap = FALSE WHERE id = $1`, id, next)
		if err == nil {
			x.touched.becomesBy(id, known, n, func(m *patch.Machine) { m.ResultsAck = next })
			ack = next
		}
		return err
	})
	if err != nil {
		return 0, fault(err, "cannot store results of the machine %s", id)
	}
	return ack, nil
}

// applyResult stores a line and what it says about its attempt. After a restore a line about an attempt that nobody knows is kept, and changes
// nothing: the order was given out after the backup.
func applyResult(ctx context.Context, x session, id patch.MachineID, u patch.AttemptUpdate, restored bool) error {
	switch u.State {
	case patch.ExecWaiting, patch.ExecDownloading, patch.ExecInstalling, patch.ExecDone, patch.ExecFailed, patch.ExecWithdrawn:
	default:
		return patch.Errorf(patch.Invalid, "a result says %q, which is not a state of an attempt", u.State)
	}
	// Its row stays as read, so that a withdrawal comes before this line or after it and never between.
	given := ` AND order_id <> ''`
	if restored {
		given = "" // it may have been after the backup
	}
	a, err := find(ctx, x, scanAttempt, `SELECT `+attemptColumns+` FROM attempts WHERE id = $1 AND machine = $2`+given+x.engine.lockRows, u.Attempt, id)
	if errors.Is(err, sql.ErrNoRows) && restored {
		return keepForeign(ctx, x, id, u)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return patch.Errorf(patch.Forbidden, "the machine %s was never given the attempt %q", id, u.Attempt)
	}
	if err != nil {
		return err
	}
	body, err := toJSON(u)
	if err != nil {
		return err
	}
	if _, err := x.exec(ctx, `INSERT INTO results (machine, seq, attempt, body) VALUES ($1, $2, $3, $4)`, id, u.Seq, u.Attempt, body); err != nil {
		return err
	}
	if u.Adds && a.State == u.State && a.State.Ended() {
		return storeAttempt(ctx, x, added(a, u))
	}
	if u.Adds || !counts(a.State, u.State) {
		return nil
	}
	return storeAttempt(ctx, x, merge(a, u))
}

// keepForeign keeps a line about an attempt of which no machine is known to have been given it; one of another machine is Forbidden.
func keepForeign(ctx context.Context, x session, id patch.MachineID, u patch.AttemptUpdate) error {
	var known bool
	if err := x.row(ctx, `SELECT EXISTS (SELECT 1 FROM attempts WHERE id = $1)`, []any{u.Attempt}, &known); err != nil {
		return err
	}
	if known {
		return patch.Errorf(patch.Forbidden, "the machine %s was never given the attempt %q", id, u.Attempt)
	}
	body, err := toJSON(u)
	if err != nil {
		return err
	}
	_, err = x.exec(ctx, `INSERT INTO results (machine, seq, attempt, body) VALUES ($1, $2, $3, $4)`, id, u.Seq, u.Attempt, body)
	return err
}

// counts decides whether a line moves its attempt: an open one always; a withdrawn one only to how it really ended, because the
// machine was already at it; one that is done or failed never, its lines are kept as evidence only.
func counts(was, now patch.Execution) bool {
	return !was.Ended() || (was == patch.ExecWithdrawn && (now == patch.ExecDone || now == patch.ExecFailed))
}

// added joins to an attempt that has ended what its machine tells afterwards. The newest part is kept where there is no room for all.
func added(a patch.Attempt, u patch.AttemptUpdate) patch.Attempt {
	join := func(old, more, between string, limit int) string {
		if old != "" && more != "" {
			old += between
		}
		return strings.ToValidUTF8((old + more)[max(0, len(old)+len(more)-limit):], "")
	}
	a.Text, a.Log = phrase.Recall(join(a.Text.String(), u.Text, "; ", 4000)), join(a.Log, u.Log, "\n", 32<<10)
	a.RebootOwed = u.RebootOwed
	return a
}

func merge(a patch.Attempt, u patch.AttemptUpdate) patch.Attempt {
	a.State, a.Cause, a.Text, a.RebootOwed = u.State, u.Cause, phrase.Verbatim(u.Text), u.RebootOwed
	if u.Log != "" {
		a.Log = u.Log
	}
	a.Bytes = max(a.Bytes, u.Bytes)
	if u.Total > 0 {
		a.TotalBytes = u.Total
	}
	if a.StartedAt.IsZero() && u.State != patch.ExecWaiting {
		a.StartedAt = u.At
	}
	if u.State.Ended() {
		a.EndedAt = u.At
	}
	return a
}

func storeAttempt(ctx context.Context, x session, a patch.Attempt) error {
	if _, err := x.exec(ctx, `DELETE FROM tallies WHERE deployment = $1`, a.Deployment); err != nil {
		return err
	}
	_, err := x.exec(ctx, `UPDATE attempts SET state = $3, cause = $4, text = $5, log = $6, bytes = $7, total_bytes = $8, started_at = $9,
		ended_at = $10, reboot_owed = $11 WHERE id = $1 AND machine = $2`, a.ID, a.Machine, a.State, a.Cause, a.Text, a.Log, a.Bytes,
		a.TotalBytes, a.StartedAt, a.EndedAt, a.RebootOwed)
	return err
}

// ListResults gives the journal lines that a machine reported about an attempt, in order.
func (s *Store) ListResults(ctx context.Context, id patch.MachineID, attempt string) ([]patch.AttemptUpdate, error) {
	all, err := list(ctx, s.read(), scanDocument[patch.AttemptUpdate], `SELECT body FROM results WHERE machine = $1 AND attempt = $2 ORDER BY seq`, id, attempt)
	return all, fault(err, "cannot read the results of the attempt %s", attempt)
}
