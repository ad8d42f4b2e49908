package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// keeps is what a rollback leaves behind, so that no window brings its patches again by itself: a hold of each for exactly the machines that it was
// taken back on, or, where it was asked for by a label, for all that carry what the label asks for now and later. The holds are for labels
// of their own, so that lifting one gives back what was decided before it.
func (d *Desk) keeps(ctx context.Context, dep patch.Deployment) ([]patch.Keep, error) {
	r := dep.Plan.Rollback
	if r == nil || r.HoldUntil.IsZero() {
		return nil, nil
	}
	sets, err := d.kept(ctx, dep)
	if err != nil {
		return nil, err
	}
	var out []patch.Keep
	for i, s := range sets {
		l := patch.Label{Name: "rollback-" + strings.ToLower(dep.ID), Expr: s.expr, Members: s.members, CreatedAt: dep.At, CreatedBy: dep.By,
			Note: fmt.Sprintf("the machines for which deployment %s took patches back", dep.ID)}
		if i > 0 {
			l.Name += fmt.Sprint("-", i+1)
		}
		k := patch.Keep{Label: l}
		scope, err := d.Store.PutScope(ctx, s.now)
		if err != nil {
			return nil, err
		}
		for _, id := range s.patches {
			k.Decisions = append(k.Decisions, patch.Decision{ID: ulid.Make().String(), Patch: id, Label: l.Name, Verb: patch.Hold, Until: r.HoldUntil, Owner: dep.By, By: dep.By, At: dep.At,
				Why: clip(fmt.Sprintf("rolled back by deployment %s: %s", dep.ID, strings.TrimSpace(r.Why)), maxText), Members: len(s.now), Scope: scope, Second: dep.Second})
		}
		out = append(out, k)
	}
	return out, nil
}

// keptSet is machines with the patches that are held for them: members by hand, or by an expression; now are those that it is about today.
type keptSet struct {
	patches []patch.ID
	members []patch.MachineID
	expr    string
	now     []patch.MachineID
}

// kept groups the patches of a rollback by the machines that they went back on.
func (d *Desk) kept(ctx context.Context, dep patch.Deployment) ([]keptSet, error) {
	on := map[patch.ID][]patch.MachineID{}
	for _, m := range dep.Plan.Machines {
		for _, i := range m.Items {
			on[i.Patch] = append(on[i.Patch], m.Machine)
		}
	}
	sets := map[string]*keptSet{}
	for id, machines := range on {
		slices.Sort(machines)
		k := fmt.Sprint(machines)
		if dep.Plan.Label != "" {
			k = "" // one set: the label's
		}
		if sets[k] == nil {
			sets[k] = &keptSet{members: machines, now: machines}
		}
		sets[k].patches = append(sets[k].patches, id)
	}
	if s := sets[""]; s != nil {
		if err := d.labelled(ctx, dep.Plan.Label, s); err != nil {
			return nil, err
		}
	}
	out := make([]keptSet, 0, len(sets))
	for _, s := range sets {
		slices.Sort(s.patches)
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b keptSet) int { return cmp.Compare(a.patches[0], b.patches[0]) })
	return out, nil
}

// labelled makes a set of all that carries a label: its expression, or its members.
func (d *Desk) labelled(ctx context.Context, name string, s *keptSet) (err error) {
	if s.now, err = d.World.Labels.Members(ctx, name); err != nil {
		return err
	}
	if name == patch.LabelAll {
		s.members, s.expr = nil, "true"
		return nil
	}
	l, err := d.Store.FindLabel(ctx, name)
	if err != nil {
		return err
	}
	s.members, s.expr = l.Members, l.Expr
	return nil
}
