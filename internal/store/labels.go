package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

const labelColumns = `name, note, expr, created_at, created_by`

func scanLabel(r scanner) (patch.Label, error) {
	var l patch.Label
	err := r.Scan(&l.Name, &l.Note, &l.Expr, stamp{&l.CreatedAt}, &l.CreatedBy)
	return l, err
}

// PutLabel adds a label or changes one; who made it and when stays. Members replace those before. The label "all" is built in.
func (s *Store) PutLabel(ctx context.Context, c patch.Caller, l patch.Label) error {
	switch {
	case l.Name == "":
		return patch.Errorf(patch.Invalid, "a label needs a name")
	case l.Name == patch.LabelAll:
		return patch.Errorf(patch.Invalid, "the label %q is built in: every admitted machine has it", patch.LabelAll)
	case l.Expr != "" && len(l.Members) > 0:
		return patch.Errorf(patch.Invalid, "the label %s has an expression and members; it can have one of them", l.Name)
	}
	d := deed{"label.put", l.Name, map[string]any{"expr": l.Expr, "members": l.Members, "note": l.Note}}
	err := s.change(ctx, c, d, func(x session) error {
		if _, err := x.exec(ctx, `INSERT INTO labels (`+labelColumns+`) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (name) DO UPDATE SET note = excluded.note, expr = excluded.expr`, l.Name, l.Note, l.Expr, l.CreatedAt, l.CreatedBy); err != nil {
			return err
		}
		if _, err := x.exec(ctx, `DELETE FROM label_members WHERE label = $1`, l.Name); err != nil {
			return err
		}
		rows := make([][]any, len(l.Members))
		for i, id := range l.Members {
			rows[i] = []any{l.Name, id}
		}
		return x.insertRows(ctx, `INSERT INTO label_members (label, machine)`, rows, `ON CONFLICT (label, machine) DO NOTHING`)
	})
	return fault(err, "cannot store the label %s", l.Name)
}

// FindLabel gives a label with its stored members; the built-in one has none stored.
func (s *Store) FindLabel(ctx context.Context, name string) (patch.Label, error) {
	if name == patch.LabelAll {
		return builtIn(), nil
	}
	l, err := find(ctx, s.read(), scanLabel, `SELECT `+labelColumns+` FROM labels WHERE name = $1`, name)
	if err != nil {
		return l, missing(err, "no label is called %q", name)
	}
	l.Members, err = list(ctx, s.read(), scanMember, `SELECT machine FROM label_members WHERE label = $1 ORDER BY machine`, name)
	return l, fault(err, "cannot read the members of the label %s", name)
}

func builtIn() patch.Label {
	return patch.Label{Name: patch.LabelAll, Note: "every admitted machine", CreatedBy: "fettle"}
}

func scanMember(r scanner) (id patch.MachineID, err error) { return id, r.Scan(&id) }

// ListLabels gives the built-in label and then all others, by name, with their members.
func (s *Store) ListLabels(ctx context.Context) ([]patch.Label, error) {
	all, err := list(ctx, s.read(), scanLabel, `SELECT `+labelColumns+` FROM labels ORDER BY name`)
	if err != nil {
		return nil, fault(err, "cannot list labels")
	}
	type member struct {
		label   string
		machine patch.MachineID
	}
	members, err := list(ctx, s.read(), func(r scanner) (m member, err error) { return m, r.Scan(&m.label, &m.machine) },
		`SELECT label, machine FROM label_members ORDER BY label, machine`)
	if err != nil {
		return nil, fault(err, "cannot list the members of labels")
	}
	byName := map[string][]patch.MachineID{}
	for _, m := range members {
		byName[m.label] = append(byName[m.label], m.machine)
	}
	for i := range all {
		all[i].Members = byName[all[i].Name]
	}
	return append([]patch.Label{builtIn()}, all...), nil
}

// RemoveLabel forgets a label. Decisions that name it stay as history and count for no machine.
func (s *Store) RemoveLabel(ctx context.Context, c patch.Caller, name string) error {
	if name == patch.LabelAll {
		return patch.Errorf(patch.Invalid, "the label %q is built in and stays", patch.LabelAll)
	}
	err := s.change(ctx, c, deed{"label.remove", name, nil}, func(x session) error {
		if _, err := x.exec(ctx, `DELETE FROM label_members WHERE label = $1`, name); err != nil {
			return err
		}
		n, err := x.exec(ctx, `DELETE FROM labels WHERE name = $1`, name)
		if err == nil && n == 0 {
			return patch.Errorf(patch.NotFound, "no label is called %q", name)
		}
		return err
	})
	return fault(err, "cannot remove the label %s", name)
}
