package store

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// openStates are those of patch.Execution that have not ended; the index attempts_open allows one such attempt for each machine and patch.
const openStates = `('waiting', 'downloading', 'installing')`

const attemptColumns = `id, deployment, machine, patch, decision, number, state, cause, text, log, order_id, bytes, total_bytes,
	created_at, started_at, ended_at, verified_seq, effect, reboot_owed, ring, proof, proof_at, proof_text, files, back`

func scanAttempt(r scanner) (patch.Attempt, error) {
	var a patch.Attempt
	var files, back string
	err := r.Scan(&a.ID, &a.Deployment, &a.Machine, &a.Patch, &a.Decision, &a.Number, &a.State, &a.Cause, &a.Text, &a.Log, &a.Order, &a.Bytes,
		&a.TotalBytes, stamp{&a.CreatedAt}, stamp{&a.StartedAt}, stamp{&a.EndedAt}, &a.VerifiedSeq, &a.Effect, &a.RebootOwed,
		&a.Ring, &a.Proof, stamp{&a.ProofAt}, &a.ProofText, &files, &back)
	if back != "" && err == nil {
		err = json.Unmarshal([]byte(back), &a.Back)
	}
	if files != "" {
		a.Files = strings.Fields(files)
	}
	return a, err
}

type machinePatch struct {
	machine patch.MachineID
	patch   patch.ID
}

func insertAttempts(ctx context.Context, x session, deployment string, as []patch.Attempt) error {
	numbers, err := highestNumbers(ctx, x, as)
	if err != nil {
		return err
	}
	rows := make([][]any, len(as))
	for i, a := range as {
		if a.Deployment != deployment {
			return patch.Errorf(patch.Internal, "the attempt %s belongs to the deployment %q, not %s", a.ID, a.Deployment, deployment)
		}
		if a.Number == 0 {
			a.Number = numbers[machinePatch{a.Machine, a.Patch}] + 1
		}
		back := ""
		if a.TakesBack() {
			if back, err = toJSON(a.Back); err != nil {
				return err
			}
		}
		rows[i] = []any{a.ID, a.Deployment, a.Machine, a.Patch, a.Decision, a.Number, a.State, a.Cause, a.Text, a.Log, a.Order, a.Bytes,
			a.TotalBytes, a.CreatedAt, a.StartedAt, a.EndedAt, a.VerifiedSeq, a.Effect, a.RebootOwed,
			a.Ring, a.Proof, a.ProofAt, a.ProofText, strings.Join(a.Files, " "), back}
	}
	if _, err := x.exec(ctx, `DELETE FROM tallies WHERE deployment = $1`, deployment); err != nil {
		return err
	}
	return x.insertRows(ctx, `INSERT INTO attempts (`+attemptColumns+`)`, rows, ``)
}

func highestNumbers(ctx context.Context, x session, as []patch.Attempt) (map[machinePatch]int, error) {
	var machines []patch.MachineID
	seen := map[patch.MachineID]bool{}
	for _, a := range as {
		if !seen[a.Machine] {
			seen[a.Machine] = true
			machines = append(machines, a.Machine)
		}
	}
	w := where{engine: x.engine}
	if err := addOneOf(&w, `machine`, machines); err != nil || len(machines) == 0 {
		return nil, err
	}
	highest := map[machinePatch]int{}
	_, err := list(ctx, x, func(r scanner) (none struct{}, err error) {
		var key machinePatch
		var n int
		if err := r.Scan(&key.machine, &key.patch, &n); err != nil {
			return none, err
		}
		highest[key] = n
		return none, nil
	}, `SELECT machine, patch, MAX(number) FROM attempts`+w.String()+` GROUP BY machine, patch`, w.args...)
	return highest, err
}

// ListAttempts gives attempts, oldest first.
func (s *Store) ListAttempts(ctx context.Context, f patch.AttemptFilter) ([]patch.Attempt, error) {
	w := where{engine: s.engine}
	switch {
	case f.Deployment != "" && len(f.Machines) > 0:
		w.add(`deployment || '' = ?`, f.Deployment) // not through its index: the machines are fewer
	case f.Deployment != "":
		w.add(`deployment = ?`, f.Deployment)
	}
	if f.Machine != "" {
		w.add(`machine = ?`, f.Machine)
	}
	switch {
	case f.Patch != "" && len(f.Machines) > 0:
		w.add(`patch || '' = ?`, f.Patch) // as above
	case f.Patch != "":
		w.add(`patch = ?`, f.Patch)
	}
	if f.Order != "" {
		w.add(`order_id = ?`, f.Order)
	}
	if f.Ring != "" {
		w.add(`ring = ?`, f.Ring)
		w.addFixed(`ring <> ''`) // so that SQLite takes the index of just these
	}
	if f.Since.After(time.Time{}) {
		w.add(`created_at >= ?`, f.Since)
	}
	if !f.EndedSince.IsZero() {
		w.add(`ended_at >= ?`, f.EndedSince)
	}
	if f.Troubled {
		w.add(`machine IN (SELECT machine FROM attempts WHERE ended_at >= ? AND state = 'failed')`, f.EndedSince)
	}
	if f.Open {
		w.addFixed(`state IN ` + openStates)
	}
	if len(f.Machines) > 0 {
		if err := addOneOf(&w, `machine`, f.Machines); err != nil {
			return nil, err
		}
	}
	if f.Machine != "" && s.engine.name == "sqlite" {
		ctx = context.WithoutCancel(ctx) // as find does: there are few
	}
	all, err := list(ctx, s.read(), scanAttempt, `SELECT `+attemptColumns+` FROM attempts`+w.String()+` ORDER BY created_at, machine, id`, w.args...)
	return all, fault(err, "cannot list attempts")
}

// HasWaiting says whether an attempt of a machine waits to be carried out: every check-in asks.
func (s *Store) HasWaiting(ctx context.Context, id patch.MachineID) (bool, error) {
	idle, tried := s.known.isIdle(id)
	if idle {
		return false, nil
	}
	var n int
	err := s.read().row(ctx, `SELECT COUNT(*) FROM attempts WHERE machine = $1 AND state = 'waiting' AND state IN `+openStates, []any{id}, &n)
	if err == nil && n == 0 {
		s.known.keepIdle(id, tried)
	}
	return n > 0, fault(err, "cannot look for what waits for the machine %s", id)
}

// ListAwaiting gives the machines on which an attempt at one of the patches waits to be carried out, in no order.
func (s *Store) ListAwaiting(ctx context.Context, patches []patch.ID) ([]patch.MachineID, error) {
	w := where{engine: s.engine}
	if err := addOneOf(&w, `patch`, patches); err != nil {
		return nil, err
	}
	w.addFixed(`state = 'waiting'`)
	all, err := list(ctx, s.read(), func(r scanner) (id patch.MachineID, err error) { return id, r.Scan(&id) }, `SELECT DISTINCT machine FROM attempts`+w.String(), w.args...)
	return all, fault(err, "cannot list the machines that wait for files")
}

// PutEffects stores what snapshots proved about attempts; an older snapshot never overrules a newer one.
func (s *Store) PutEffects(ctx context.Context, es []patch.EffectUpdate) error {
	err := s.write(ctx, func(x session) error { return putEffects(ctx, x, "", es) })
	return fault(err, "cannot store the effects of attempts")
}

// putEffects narrows to one machine's attempts unless machine is empty.
func putEffects(ctx context.Context, x session, machine patch.MachineID, es []patch.EffectUpdate) error {
	for _, e := range es {
		if err := uncount(ctx, x, `id = $1`, e.Attempt); err != nil {
			return err
		}
		n, err := x.exec(ctx, `UPDATE attempts SET verified_seq = $3, effect = $4, reboot_owed = $5
			WHERE id = $1 AND ($2 = '' OR machine = $2) AND verified_seq <= $3`, e.Attempt, machine, e.VerifiedSeq, e.Effect, e.RebootOwed)
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		var known int
		if err := x.row(ctx, `SELECT COUNT(*) FROM attempts WHERE id = $1 AND ($2 = '' OR machine = $2)`, []any{e.Attempt, machine}, &known); err != nil {
			return err
		}
		if known == 0 {
			return patch.Errorf(patch.NotFound, "there is no attempt %q to give an effect to", e.Attempt)
		}
	}
	return nil
}

// WithdrawAttempts ends attempts that have not ended; others stay as they are. A machine that had started one all the same may
// still report how it ended, and that report counts.
func (s *Store) WithdrawAttempts(ctx context.Context, ids []string, cause patch.FailCause, text phrase.Phrase) error {
	if len(ids) == 0 {
		return nil
	}
	err := s.write(ctx, func(x session) error {
		w, of := where{engine: x.engine, args: []any{cause, text.Keep(), s.now()}}, where{engine: x.engine}
		w.addFixed(`state IN ` + openStates)
		if err := errors.Join(addOneOf(&w, `id`, ids), addOneOf(&of, `id`, ids)); err != nil {
			return err
		}
		if err := uncount(ctx, x, of.conds[0], of.args...); err != nil {
			return err
		}
		_, err := x.exec(ctx, `UPDATE attempts SET state = 'withdrawn', cause = $1, text = $2, ended_at = $3`+w.String(), w.args...)
		return err
	})
	return fault(err, "cannot withdraw attempts")
}
