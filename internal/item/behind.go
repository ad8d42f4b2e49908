package item

import (
	"context"
	"slices"
)

// trail finds the facts that an answer depends on beyond those of its own object: the parts of sets, and what variables take their
// values from. Shared parts are walked once.
type trail struct {
	j     *Judge
	seen  map[any]bool
	facts []string // class, blank, key
}

func (j *Judge) trail() *trail { return &trail{j: j, seen: map[any]bool{}} }

// names gives the facts found, sorted.
func (t *trail) names() []string {
	slices.Sort(t.facts)
	return slices.Compact(t.facts)
}

func (t *trail) first(p any) bool {
	if t.seen[p] {
		return false
	}
	t.seen[p] = true
	return true
}

// behind follows what an object asks with, not the object itself.
func (t *trail) behind(ctx context.Context, o *Object) {
	t.entities(ctx, o.Entities)
	t.filters(ctx, o.Filters)
	if o.Set != nil {
		t.set(ctx, o.Set)
	}
}

func (t *trail) object(ctx context.Context, o *Object) {
	if !t.first(o) {
		return
	}
	if f := t.j.object(ctx, o); f.Key != "" {
		t.facts = append(t.facts, f.Class+" "+f.Key)
	}
	t.behind(ctx, o)
}

func (t *trail) set(ctx context.Context, s *Set) {
	for i := range s.Sets {
		t.set(ctx, &s.Sets[i])
	}
	for _, o := range s.Objects {
		t.object(ctx, o)
	}
	t.filters(ctx, s.Filters)
}

func (t *trail) filters(ctx context.Context, filters []Filter) {
	for _, f := range filters {
		t.entities(ctx, f.State.Entities)
	}
}

func (t *trail) entities(ctx context.Context, entities []Entity) {
	for i := range entities {
		if v := entities[i].Variable; v != nil {
			t.variable(ctx, v)
		}
		t.entities(ctx, entities[i].Record)
	}
}

func (t *trail) variable(ctx context.Context, v *Variable) {
	if v.Component != nil && t.first(v) {
		t.component(ctx, v.Component)
	}
}

func (t *trail) component(ctx context.Context, c *Component) {
	switch {
	case c.Object != nil:
		t.object(ctx, c.Object)
	case c.Variable != nil:
		t.variable(ctx, c.Variable)
	}
	for i := range c.Of {
		t.component(ctx, &c.Of[i])
	}
}
