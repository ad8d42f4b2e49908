package sdp

import (
	"slices"

	"github.com/fettle-project/fettle/internal/item"
)

// predicate is a condition on one item: a WQL query's WHERE about one object, a loop's rule about one registry key. Tests have it as
// states: a choice of lists of things that hold together. So not, and and or are multiplied out, which changes no value that is true
// or false, and none into one that is.
type predicate struct {
	op  predicateOp
	of  []predicate
	yes [][]item.Entity // of a leaf: a choice of lists
	no  [][]item.Entity // of its opposite
}

type predicateOp uint8

const (
	leafOp predicateOp = iota
	andOp
	orOp
	notOp
)

// maxStates bounds what a predicate may become.
const maxStates = 2000

// states gives the choice of lists that the predicate is; ok is false where it is too large.
func (p *predicate) states() (states []*item.State, ok bool) {
	lists, ok := p.lists(false)
	if !ok {
		return nil, false
	}
	// what is asked alone is a state of its own, whose entities are a choice
	var singles []item.Entity
	for _, l := range lists {
		if len(l) == 1 {
			singles = append(singles, l[0])
		} else {
			states = append(states, state(l...))
		}
	}
	if len(singles) > 0 {
		states = append(states, &item.State{Operator: item.Or, Entities: singles})
	}
	return states, true
}

func (p *predicate) lists(negated bool) ([][]item.Entity, bool) {
	switch {
	case p.op == notOp:
		return p.of[0].lists(!negated)
	case p.op == leafOp && negated:
		return p.no, true
	case p.op == leafOp:
		return p.yes, true
	}
	var out [][]item.Entity
	for i := range p.of {
		lists, ok := p.of[i].lists(negated)
		if !ok {
			return nil, false
		}
		if (p.op == orOp) != negated {
			out = append(out, lists...)
		} else if i == 0 {
			out = lists
		} else {
			out = product(out, lists)
		}
		if len(out) > maxStates {
			return nil, false
		}
	}
	return out, true
}

// product joins every list of one choice with every one of the other.
func product(a, b [][]item.Entity) [][]item.Entity {
	if len(a)*len(b) > maxStates {
		return make([][]item.Entity, maxStates+1)
	}
	var out [][]item.Entity
	for _, x := range a {
		for _, y := range b {
			out = append(out, slices.Concat(x, y))
		}
	}
	return out
}

// opposite is an operation that is true exactly where another is false.
func opposite(op item.Operation) item.Operation {
	switch op {
	case item.Equals:
		return item.NotEqual
	case item.NotEqual:
		return item.Equals
	case item.CaseInsensitiveEquals:
		return item.CaseInsensitiveNotEqual
	case item.CaseInsensitiveNotEqual:
		return item.CaseInsensitiveEquals
	case item.LessThan:
		return item.GreaterThanOrEqual
	case item.LessThanOrEqual:
		return item.GreaterThan
	case item.GreaterThan:
		return item.LessThanOrEqual
	case item.GreaterThanOrEqual:
		return item.LessThan
	case item.Like:
		return item.NotLike
	}
	return item.Like
}
