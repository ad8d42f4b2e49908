package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

const decisionColumns = `id, patch, label, verb, until, by_name, at, why, via, scope, second, owner`

func scanDecision(r scanner) (patch.Decision, error) {
	var d patch.Decision
	err := r.Scan(&d.ID, &d.Patch, &d.Label, &d.Verb, stamp{&d.Until}, &d.By, stamp{&d.At}, &d.Why, &d.Via, &d.Scope, &d.Second, &d.Owner)
	return d, err
}

// PutDecisions stores what a person decided, all or nothing. From then on each counts for its patch and label instead of the one before.
func (s *Store) PutDecisions(ctx context.Context, c patch.Caller, ds []patch.Decision) error {
	if len(ds) == 0 {
		return nil
	}
	object := string(ds[0].Patch)
	if len(ds) > 1 {
		object = ds[0].Label
	}
	err := s.write(ctx, func(x session) error {
		// The entry comes first: it makes other deciders wait, and its number puts decisions in one order.
		seq, err := s.record(ctx, x, c, deed{"decide." + string(ds[0].Verb), object, map[string]any{"decisions": ds}})
		if err != nil {
			return err
		}
		return insertDecisions(ctx, x, seq, ds)
	})
	return fault(err, "cannot store the decisions")
}

// insertDecisions has decisions count from now on; seq is the audit entry that they belong to.
func insertDecisions(ctx context.Context, x session, seq int64, ds []patch.Decision) error {
	rows := make([][]any, len(ds))
	for i, d := range ds {
		if _, err := x.exec(ctx, `UPDATE decisions SET counts = FALSE WHERE patch = $1 AND label = $2 AND counts`, d.Patch, d.Label); err != nil {
			return err
		}
		rows[i] = []any{d.ID, d.Patch, d.Label, d.Verb, d.Until, d.By, d.At, d.Why, d.Via, d.Scope, d.Second, d.Owner, seq, true}
	}
	return x.insertRows(ctx, `INSERT INTO decisions (`+decisionColumns+`, seq, counts)`, rows, ``)
}

// ListDecisions gives the decisions that count now: the newest of each patch and label, newest first. Clear is left out unless the filter asks
// for it.
func (s *Store) ListDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error) {
	all, err := s.listDecisions(ctx, f)
	return all, fault(err, "cannot list decisions")
}

func (s *Store) listDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error) {
	if f == (patch.DecisionFilter{}) {
		return s.seldom.decisions.read(s, func() ([]patch.Decision, error) { return s.readDecisions(ctx, f) })
	}
	return s.readDecisions(ctx, f)
}

func (s *Store) readDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error) {
	w := where{engine: s.engine}
	w.addFixed(`counts`)
	if !f.Cleared {
		w.addFixed(`verb <> 'clear'`)
	}
	if f.Patch != "" {
		w.add(`patch = ?`, f.Patch)
	}
	if f.Label != "" {
		w.add(`label = ?`, f.Label)
	}
	if f.OS != "" {
		w.add(`patch IN (SELECT id FROM patches WHERE os = ?)`, f.OS)
	}
	return list(ctx, s.read(), scanDecision, `SELECT `+decisionColumns+` FROM decisions`+w.String()+` ORDER BY seq DESC, id`, w.args...)
}

// DecisionHistory gives every decision ever made about a patch, newest first.
func (s *Store) DecisionHistory(ctx context.Context, id patch.ID) ([]patch.Decision, error) {
	all, err := list(ctx, s.read(), scanDecision, `SELECT `+decisionColumns+` FROM decisions WHERE patch = $1 ORDER BY seq DESC, id`, id)
	return all, fault(err, "cannot read the decisions about %s", id)
}

// FindDecision gives one decision, whether it still counts or not.
func (s *Store) FindDecision(ctx context.Context, id string) (patch.Decision, error) {
	d, err := find(ctx, s.read(), scanDecision, `SELECT `+decisionColumns+` FROM decisions WHERE id = $1`, id)
	return d, missingNamed(err, "decision", id)
}

// PutScope keeps who carried a label, and gives the name under which it is kept. Equal memberships are kept once.
func (s *Store) PutScope(ctx context.Context, members []patch.MachineID) (patch.Hash, error) {
	text := make([]string, len(members))
	for i, id := range slices.Sorted(slices.Values(members)) {
		text[i] = string(id)
	}
	raw := []byte(strings.Join(text, "\n"))
	sum := sha256.Sum256(raw)
	h := patch.Hash(hex.EncodeToString(sum[:]))
	var known int
	err := s.read().row(ctx, `SELECT COUNT(*) FROM scopes WHERE hash = $1`, []any{h}, &known)
	if err != nil || known > 0 {
		return h, fault(err, "cannot look a membership up")
	}
	err = s.write(ctx, func(x session) error {
		_, err := x.exec(ctx, `INSERT INTO scopes (hash, members) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`, h, raw)
		return err
	})
	return h, fault(err, "cannot store who carried a label")
}

// FindScope gives the machines that PutScope kept, by ID.
func (s *Store) FindScope(ctx context.Context, h patch.Hash) ([]patch.MachineID, error) {
	var raw []byte
	if err := s.read().row(ctx, `SELECT members FROM scopes WHERE hash = $1`, []any{h}, &raw); err != nil {
		return nil, missing(err, "it was not recorded who carried the label")
	}
	ids := []patch.MachineID{}
	for line := range strings.SplitSeq(string(raw), "\n") {
		if line != "" {
			ids = append(ids, patch.MachineID(line))
		}
	}
	return ids, nil
}
