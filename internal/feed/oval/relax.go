package oval

import (
	"slices"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

// relaxer makes prerequisites: the criteria of a definition with every question "is it older than" asked as "is it there". So a
// definition that is true has a prerequisite that is true, and one whose prerequisite is true and that is false is about something
// that is there and not old any more.
type relaxer struct {
	splitter
	tests map[*item.Test]*item.Test // relaxed; nil: the same
}

func (r *relaxer) leaf(t *item.Test, negated, fixed bool) detect.Expr {
	switch {
	case fixed || negated && !asksForAge(t, newer) || !negated && !r.relaxes(t):
		return r.splitter.leaf(t, negated, fixed)
	case negated:
		return detect.Or() // "not newer than" holds, whatever is there
	}
	return r.splitter.leaf(r.tests[t], negated, fixed)
}

// relaxes reports whether a test has another, wider meaning as a prerequisite, and keeps that.
func (r *relaxer) relaxes(t *item.Test) bool {
	wide, known := r.tests[t]
	if !known {
		wide = widen(t)
		r.tests[t] = wide
	}
	return wide != nil
}

// widen gives the test without its question for an age, or nil where it asks none.
func widen(t *item.Test) *item.Test {
	if t.Check == item.NoneSatisfy && asksForAge(t, newer) { // "none is newer" is another way to say older
		wide := *t
		wide.Check, wide.States = item.All, nil
		return &wide
	}
	if t.Check == item.NoneSatisfy || !asksForAge(t, older) || t.Operator == item.One || t.Operator == item.Xor {
		return nil
	}
	wide := *t
	wide.States = nil
	for _, s := range t.States {
		w := widenState(s)
		switch {
		case len(w.Entities) > 0:
			wide.States = append(wide.States, w)
		case t.Operator == item.Or:
			wide.States = nil
			return &wide
		}
	}
	return &wide
}

func widenState(s *item.State) *item.State {
	ages := func(e item.Entity) bool { return older(&e) }
	switch {
	case !slices.ContainsFunc(s.Entities, ages):
		return s
	case s.Operator == item.Or:
		return &item.State{}
	}
	w := &item.State{ID: s.ID, Class: s.Class, Operator: s.Operator}
	w.Entities = slices.DeleteFunc(slices.Clone(s.Entities), ages)
	return w
}

func asksForAge(t *item.Test, ages func(*item.Entity) bool) bool {
	for _, s := range t.States {
		if s.Operator == item.One || s.Operator == item.Xor {
			return false
		}
		for i := range s.Entities {
			if ages(&s.Entities[i]) {
				return true
			}
		}
	}
	return false
}

func older(e *item.Entity) bool {
	return isVersion(e.Datatype) && (e.Operation == item.LessThan || e.Operation == item.LessThanOrEqual)
}

func newer(e *item.Entity) bool {
	return isVersion(e.Datatype) && (e.Operation == item.GreaterThan || e.Operation == item.GreaterThanOrEqual)
}

func isVersion(d item.Datatype) bool {
	switch d {
	case item.Version, item.EVR, item.DebianEVR, item.IOSVersion, item.FilesetRevision:
		return true
	}
	return false
}
