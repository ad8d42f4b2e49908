package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

const ruleColumns = `name, label, verb, expr, soak_days, note, paused, version, created_at, created_by, changed_at, changed_by, patches, after_ring`

func scanRule(r scanner) (patch.Rule, error) {
	var v patch.Rule
	err := r.Scan(&v.Name, &v.Label, &v.Verb, &v.Expr, &v.SoakDays, &v.Note, &v.Paused, &v.Version, stamp{&v.CreatedAt}, &v.CreatedBy, stamp{&v.ChangedAt}, &v.ChangedBy, &v.Patches, &v.AfterRing)
	return v, err
}

// PutRule adds a rule or changes one, and gives it as it is stored: a change counts its version up; who made it and when stays.
func (s *Store) PutRule(ctx context.Context, c patch.Caller, v patch.Rule) (patch.Rule, error) {
	if v.Name == "" || v.Label == "" || v.Verb != patch.Approve && v.Verb != patch.Decline {
		return v, patch.Errorf(patch.Invalid, "a rule needs a name, a label and whether it approves or declines")
	}
	var stored patch.Rule
	d := deed{"rule.put", v.Name, map[string]any{"label": v.Label, "verb": v.Verb, "expr": v.Expr, "soak_days": v.SoakDays, "paused": v.Paused, "note": v.Note, "patches": v.Patches, "after_ring": v.AfterRing}}
	err := s.change(ctx, c, d, func(x session) (err error) {
		stored, err = find(ctx, x, scanRule, `INSERT INTO rules (`+ruleColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $8, $9, $10, $11)
			ON CONFLICT (name) DO UPDATE SET label = excluded.label, verb = excluded.verb, expr = excluded.expr, soak_days = excluded.soak_days, note = excluded.note,
				paused = excluded.paused, version = rules.version + 1, changed_at = excluded.changed_at, changed_by = excluded.changed_by, patches = excluded.patches,
				after_ring = excluded.after_ring
			RETURNING `+ruleColumns, v.Name, v.Label, v.Verb, v.Expr, v.SoakDays, v.Note, v.Paused, v.ChangedAt, v.ChangedBy, v.Patches, v.AfterRing)
		return err
	})
	return stored, fault(err, "cannot store the rule %s", v.Name)
}

// ListRules gives all, by name, paused ones too.
func (s *Store) ListRules(ctx context.Context) ([]patch.Rule, error) {
	all, err := list(ctx, s.read(), scanRule, `SELECT `+ruleColumns+` FROM rules ORDER BY name`)
	return all, fault(err, "cannot list rules")
}

// RemoveRule forgets a rule; the decisions that it made stay.
func (s *Store) RemoveRule(ctx context.Context, c patch.Caller, name string) error {
	err := s.change(ctx, c, deed{"rule.remove", name, nil}, func(x session) error {
		n, err := x.exec(ctx, `DELETE FROM rules WHERE name = $1`, name)
		if err == nil && n == 0 {
			return patch.NothingCalled("rule", name)
		}
		return err
	})
	return fault(err, "cannot remove the rule %s", name)
}
