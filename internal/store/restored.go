package store

import (
	"context"
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Restored is what Restore must know of a backup.
type Restored struct {
	At      time.Time // of the backup
	Version string    // of the program that made it
	// Sign gives a revision that is to be told to machines as built now, and its envelope: machines that saw a later one refuse what is older.
	Sign func(patch.RevisionMeta) (patch.RevisionMeta, []byte, error)
}

const (
	// restoredAlarm stays open until every machine has detected again.
	restoredAlarm = "restored"
	// orderGap is above how many orders a machine can have been given between a backup and its restore: it refuses numbers that it has passed.
	orderGap = 1 << 20
	// blackoutRestored is what nothing is deployed by until people have looked at their decisions.
	blackoutRestored = "restored"
	blackoutDays     = 7
)

// Restore makes a database that comes out of a backup fit to be served again, all or nothing. Machines went on since: what they know better is
// unconfirmed until they detect, orders go on above those that they may have had, what was open is withdrawn and told anew by the machine
// that carried it out, and what could be used twice (tokens, sessions) ends. Decisions that were taken since are unknown, so a blackout keeps
// deployments back until it is removed.
func (s *Store) Restore(ctx context.Context, c patch.Caller, r Restored) error {
	oses, err := s.ListOSes(ctx)
	if err != nil {
		return err
	}
	now := s.now()
	why := fmt.Sprintf("the appliance was restored from a backup of %s", r.At.UTC().Format("2006-01-02 15:04 UTC"))
	err = s.change(ctx, c, deed{"appliance.restore", "", map[string]any{"backup_at": r.At.UTC(), "version": r.Version}}, func(x session) error {
		for _, q := range []struct {
			text string
			args []any
		}{
			{`INSERT INTO unconfirmed (machine, seq, receipt, verdicts) SELECT machine, seq, receipt, verdicts FROM newest WHERE TRUE ON CONFLICT (machine) DO NOTHING`, nil},
			{`UPDATE machines SET snapshot_seq = ` + newestSeq, nil},
			{`UPDATE machines SET restored_at = $1, results_gap = TRUE, order_number = order_number + $2, detect_failed = $3, detect_failed_at = $1, changed = ` + x.engine.changed +
				` WHERE state <> 'revoked'`, []any{now, orderGap, why + ": nothing is known of this machine until it detects again"}},
			{`DELETE FROM newest`, nil}, // after machines were marked: marks never go back
			{`DELETE FROM tallies`, nil},
			{`UPDATE attempts SET state = 'withdrawn', text = $1, ended_at = $2 WHERE state IN ` + openStates, []any{why + ": what became of this, the machine tells", now}},
			{`DELETE FROM sessions`, nil},
			{`DELETE FROM tokens`, nil},
			{`INSERT INTO blackouts (` + blackoutColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO UPDATE SET from_at = excluded.from_at, until_at = excluded.until_at,
				label = excluded.label, reason = excluded.reason, owner = excluded.owner`, []any{blackoutRestored, now, now.Add(blackoutDays * 24 * time.Hour), patch.LabelAll,
				why + ": look at the decisions, declines and holds since then are gone", c.Name, now, c.Name}},
			{`INSERT INTO alarms (` + alarmColumns + `) VALUES ($1, $2, $3, $4, $5, $6, 0) ON CONFLICT (key) DO UPDATE SET text = excluded.text, advice = excluded.advice,
				raised_at = excluded.raised_at, seen_at = excluded.seen_at, cleared_at = 0`, []any{restoredAlarm, "restore",
				fmt.Sprintf("%s, at %s: what happened in between is not known here", why, now.UTC().Format("2006-01-02 15:04 UTC")),
				"Look at decisions, people and revoked machines; then let deployments go on with: fettle blackout remove " + blackoutRestored, now, now}},
		} {
			if _, err := x.exec(ctx, q.text, q.args...); err != nil {
				return err
			}
		}
		for _, os := range oses {
			if err := signAgain(ctx, x, os, r.Sign); err != nil {
				return err
			}
		}
		return nil
	})
	s.unconfirmed.Store(err == nil)
	return fault(err, "cannot take the restored database into service")
}

// signAgain has an OS's newest revision told as built now.
func signAgain(ctx context.Context, x session, os patch.HostOS, sign func(patch.RevisionMeta) (patch.RevisionMeta, []byte, error)) error {
	newest, err := list(ctx, x, scanSigned, `SELECT meta, envelope FROM revisions WHERE os = $1 ORDER BY number DESC LIMIT 1`, os)
	if err != nil || len(newest) == 0 {
		return err
	}
	meta, envelope, err := sign(newest[0].meta)
	if err != nil {
		return err
	}
	body, err := toJSON(meta)
	if err != nil {
		return err
	}
	_, err = x.exec(ctx, `UPDATE revisions SET meta = $3, envelope = $4 WHERE os = $1 AND id = $2`, os, meta.ID, body, envelope)
	return err
}

// lookForUnconfirmed notes whether there are machines that have not detected since a restore.
func (s *Store) lookForUnconfirmed(ctx context.Context) error {
	var some bool
	if err := s.read().row(ctx, `SELECT EXISTS (SELECT 1 FROM unconfirmed)`, nil, &some); err != nil {
		return fault(err, "cannot look for machines that a restore left behind")
	}
	s.unconfirmed.Store(some)
	return nil
}

// KnownSnapshot is NewestSnapshot that also gives the one which a backup knew of a machine that has not detected since the restore: what the
// next one changes is told against it, and nobody may show it as the truth. Its verdicts are in scratch, if that is large enough.
func (s *Store) KnownSnapshot(ctx context.Context, id patch.MachineID, scratch []byte) (patch.Snapshot, error) {
	newest, err := s.newestSnapshotIn(ctx, id, scratch)
	if err == nil || !s.unconfirmed.Load() || patch.KindOf(err) != patch.NotFound {
		return newest, err
	}
	v, err := find(ctx, s.read(), scanSnapshot, `SELECT machines.id, unconfirmed.machine, unconfirmed.seq, unconfirmed.receipt, unconfirmed.verdicts FROM unconfirmed
		JOIN machines ON machines.number = unconfirmed.machine WHERE machines.id = $1`, id)
	if err != nil {
		return patch.Snapshot{}, missing(err, "the machine %s never completed a detect", id)
	}
	return s.snapshotIn(ctx, v, scratch)
}

// confirm puts back what a restore set aside of a machine, which detects again: the new detect takes its place as always.
func (s *Store) confirm(ctx context.Context, x session, number int64) error {
	if !s.unconfirmed.Load() {
		return nil
	}
	n, err := x.exec(ctx, `INSERT INTO newest (machine, seq, receipt, verdicts) SELECT machine, seq, receipt, verdicts FROM unconfirmed WHERE machine = $1`, number)
	if err != nil || n == 0 {
		return err
	}
	if _, err := x.exec(ctx, `DELETE FROM unconfirmed WHERE machine = $1`, number); err != nil {
		return err
	}
	_, err = x.exec(ctx, `UPDATE alarms SET cleared_at = $2 WHERE key = $1 AND cleared_at = 0 AND NOT EXISTS (SELECT 1 FROM unconfirmed JOIN machines ON machines.number = unconfirmed.machine
		WHERE machines.state = 'admitted')`, restoredAlarm, s.now())
	return err
}

// lost decides about a machine's results that do not fit to what is known: after a restore the first ones may leave a gap, and some are about
// attempts that were given out in between.
func lost(ctx context.Context, x session, id patch.MachineID) (restored, gap bool, err error) {
	var at int64
	err = x.row(ctx, `SELECT restored_at, results_gap FROM machines WHERE id = $1`, []any{id}, &at, &gap)
	return at > 0, gap, err
}
