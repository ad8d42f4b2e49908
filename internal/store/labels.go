package store

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

const labelColumns = `name, note, expr, created_at, created_by, of_what`

func scanLabel(r scanner) (patch.Label, error) {
	var l patch.Label
	err := r.Scan(&l.Name, &l.Note, &l.Expr, stamp{&l.CreatedAt}, &l.CreatedBy, &l.Of)
	return l, err
}

// PutLabel adds a label or changes one; who made it and when stays. Members replace those before. The label "all" is built in.
func (s *Store) PutLabel(ctx context.Context, c patch.Caller, l patch.Label) error {
	switch {
	case l.Name == "":
		return patch.Errorf(patch.Invalid, "a label needs a name")
	case l.Name == patch.LabelAll:
		return patch.Errorf(patch.Invalid, "the label %q is built in: every admitted machine has it", patch.LabelAll)
	case l.Of != patch.OfMachines && l.Of != patch.OfPatches || l.Of == patch.OfPatches && len(l.Members) > 0 || l.Of == patch.OfMachines && len(l.Patches) > 0:
		return patch.Errorf(patch.Invalid, "the label %s is of machines or of patches, not of both", l.Name)
	case l.Expr != "" && len(l.Members)+len(l.Patches) > 0:
		return patch.Errorf(patch.Invalid, "the label %s has an expression and members; it can have one of them", l.Name)
	}
	err := s.change(ctx, c, labelDeed(l), func(x session) error { return s.insertLabel(ctx, x, l) })
	return fault(err, "cannot store the label %s", l.Name)
}

func labelDeed(l patch.Label) deed {
	return deed{"label.put", l.Name, map[string]any{"expr": l.Expr, "of": l.Of, "members": l.Members, "patches": l.Patches, "note": l.Note}}
}

func (s *Store) insertLabel(ctx context.Context, x session, l patch.Label) error {
	s.labels.changing(s)
	if _, err := x.exec(ctx, `INSERT INTO labels (`+labelColumns+`) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (name) DO UPDATE SET note = excluded.note, expr = excluded.expr, of_what = excluded.of_what`, l.Name, l.Note, l.Expr, l.CreatedAt, l.CreatedBy, l.Of); err != nil {
		return err
	}
	if err := unlabel(ctx, x, l.Name); err != nil {
		return err
	}
	if err := x.insertRows(ctx, `INSERT INTO label_members (label, machine)`, carriers(l.Name, l.Members), `ON CONFLICT (label, machine) DO NOTHING`); err != nil {
		return err
	}
	return x.insertRows(ctx, `INSERT INTO label_patches (label, patch)`, carriers(l.Name, l.Patches), `ON CONFLICT (label, patch) DO NOTHING`)
}

// unlabel forgets who carries a label by hand.
func unlabel(ctx context.Context, x session, name string) error {
	if _, err := x.exec(ctx, `DELETE FROM label_members WHERE label = $1`, name); err != nil {
		return err
	}
	_, err := x.exec(ctx, `DELETE FROM label_patches WHERE label = $1`, name)
	return err
}

func carriers[T any](label string, ids []T) [][]any {
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{label, id}
	}
	return rows
}

// labels are all of them, as they were read last.
type labels = recent[keptLabels]

type keptLabels struct {
	all []patch.Label // the built-in one first, then by name
	by  map[string]int
}

func (s *Store) readLabels(ctx context.Context) (keptLabels, error) {
	return s.labels.read(s, func() (keptLabels, error) {
		k := keptLabels{by: map[string]int{}}
		var err error
		if k.all, err = s.listLabels(ctx); err != nil {
			return k, err
		}
		for i, l := range k.all {
			k.by[l.Name] = i
		}
		return k, nil
	})
}

// FindLabel gives a label with its stored members; the built-in one has none stored.
func (s *Store) FindLabel(ctx context.Context, name string) (patch.Label, error) {
	if s.engine.name != "sqlite" {
		return s.findLabel(ctx, name)
	}
	k, err := s.readLabels(ctx)
	if err != nil {
		return patch.Label{}, err
	}
	i, ok := k.by[name]
	if !ok {
		return patch.Label{}, patch.NothingCalled("label", name)
	}
	l := k.all[i]
	l.Members, l.Patches = slices.Clone(l.Members), slices.Clone(l.Patches)
	return l, nil
}

func (s *Store) findLabel(ctx context.Context, name string) (patch.Label, error) {
	if name == patch.LabelAll {
		return builtIn(), nil
	}
	l, err := find(ctx, s.read(), scanLabel, `SELECT `+labelColumns+` FROM labels WHERE name = $1`, name)
	if err != nil {
		return l, missingNamed(err, "label", name)
	}
	l.Members, err = list(ctx, s.read(), scanCarrier[patch.MachineID], `SELECT machine FROM label_members WHERE label = $1 ORDER BY machine`, name)
	if err == nil && l.Of == patch.OfPatches {
		l.Patches, err = list(ctx, s.read(), scanCarrier[patch.ID], `SELECT patch FROM label_patches WHERE label = $1 ORDER BY patch`, name)
	}
	return l, fault(err, "cannot read the members of the label %s", name)
}

// ListLabels gives the built-in label and then all others, by name, with their members, which the caller must not change.
func (s *Store) ListLabels(ctx context.Context) ([]patch.Label, error) {
	k, err := s.readLabels(ctx)
	if err != nil {
		return nil, err
	}
	return slices.Clone(k.all), nil
}

func builtIn() patch.Label {
	return patch.Label{Name: patch.LabelAll, Note: "every admitted machine", CreatedBy: "fettle"}
}

func scanCarrier[T any](r scanner) (id T, err error) { return id, r.Scan(&id) }

func (s *Store) listLabels(ctx context.Context) ([]patch.Label, error) {
	all, err := list(ctx, s.read(), scanLabel, `SELECT `+labelColumns+` FROM labels ORDER BY name`)
	if err != nil {
		return nil, fault(err, "cannot list labels")
	}
	members, err := byLabel[patch.MachineID](ctx, s.read(), `SELECT label, machine FROM label_members ORDER BY label, machine`)
	if err != nil {
		return nil, fault(err, "cannot list the members of labels")
	}
	patches, err := byLabel[patch.ID](ctx, s.read(), `SELECT label, patch FROM label_patches ORDER BY label, patch`)
	if err != nil {
		return nil, fault(err, "cannot list the patches of labels")
	}
	for i := range all {
		all[i].Members, all[i].Patches = members[all[i].Name], patches[all[i].Name]
	}
	return append([]patch.Label{builtIn()}, all...), nil
}

// byLabel reads pairs of a label and what carries it.
func byLabel[T any](ctx context.Context, x session, query string) (map[string][]T, error) {
	type pair struct {
		label string
		id    T
	}
	pairs, err := list(ctx, x, func(r scanner) (p pair, err error) { return p, r.Scan(&p.label, &p.id) }, query)
	out := map[string][]T{}
	for _, p := range pairs {
		out[p.label] = append(out[p.label], p.id)
	}
	return out, err
}

// RemoveLabel forgets a label. Decisions that name it stay as history and count for no machine.
func (s *Store) RemoveLabel(ctx context.Context, c patch.Caller, name string) error {
	if name == patch.LabelAll {
		return patch.Errorf(patch.Invalid, "the label %q is built in and stays", patch.LabelAll)
	}
	err := s.change(ctx, c, deed{"label.remove", name, nil}, func(x session) error {
		s.labels.changing(s)
		if err := unlabel(ctx, x, name); err != nil {
			return err
		}
		n, err := x.exec(ctx, `DELETE FROM labels WHERE name = $1`, name)
		if err == nil && n == 0 {
			return patch.NothingCalled("label", name)
		}
		return err
	})
	return fault(err, "cannot remove the label %s", name)
}
