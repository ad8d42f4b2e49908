package item

import (
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Judge gives the values of a model's tests over one source. It asks each object once and remembers. It is for one goroutine.
type Judge struct {
	// Now is what time_difference takes for the current time. The zero value is the clock's when it is first needed; who replays facts
	// sets the time of their collection.
	Now time.Time

	Comparer
	model  *Model
	source Source

	values    []answer // of tests
	objects   []*found
	variables []*list
	asked     map[string]*found // by class, ID and key: see called
	aside     map[string]*found // likewise, what another judge has asked for this one
	order     []*found
	wholes    map[string]*entire // by class
	twice     bool               // something was asked for a second time

	founds   arena[found]
	plain    Request // the newest of an object without variables
	requests arena[Request]
	wanted   arena[Wanted]
	texts    arena[string]
	name     []byte // of the request that was asked last
	bytes    int    // of the values of local variables
}

type answer struct {
	value Value
	known bool
}

// NewJudge begins with nothing asked.
func NewJudge(m *Model, s Source) *Judge {
	return &Judge{model: m, source: s, values: make([]answer, len(m.tests)), objects: make([]*found, len(m.objects)),
		variables: make([]*list, len(m.variables))}
}

// Value is the value of test n, which must be in [0, Tests). It is Error, and not remembered, where the context has ended.
func (j *Judge) Value(ctx context.Context, n int) Value {
	if ctx.Err() != nil {
		return Error
	}
	if !j.values[n].known {
		v := j.judge(ctx, &j.model.tests[n])
		if ctx.Err() != nil {
			return Error
		}
		j.values[n] = answer{value: v, known: true}
	}
	return j.values[n].value
}

// Test is Value with the smallest set of clauses that decided it. The clauses are made anew at each call; Value alone costs far less.
func (j *Judge) Test(ctx context.Context, n int) (Value, Evidence) {
	v := j.Value(ctx, n)
	return v, j.evidence(ctx, &j.model.tests[n], v)
}

// Collect asks every object that some test names, and gives everything that was asked so far, for facts: in a stable order, each
// request once.
func (j *Judge) Collect(ctx context.Context) []patch.Collected {
	for i := range j.model.tests {
		j.Value(ctx, i)
	}
	return j.collected()
}

// collected gives what was asked, in order.
func (j *Judge) collected() []patch.Collected {
	slices.SortFunc(j.order, inOrder)
	_, same := standing(j.order)
	j.twice = j.twice || same
	return collectedOf(make([]patch.Collected, 0, len(j.order)), j.order)
}

// standing reports whether answers are in the order of facts, and whether two neighbours are about the same.
func standing(all []*found) (ok, same bool) {
	ok = true
	for i := 1; i < len(all); i++ {
		c := inOrder(all[i-1], all[i])
		ok, same = ok && c <= 0, same || c == 0
	}
	return ok, same
}

func collectedOf(all []patch.Collected, order []*found) []patch.Collected {
	for _, f := range order {
		all = append(all, f.Collected)
	}
	return all
}

// Steady reports whether everything was asked once only. Then its values are those that a judge over the answers would give, whatever
// happened on the machine meanwhile.
func (j *Judge) Steady() bool { return !j.twice }

// judge evaluates as OVAL's processing model says: whether what exists is as wanted, and if so, whether it is in the states.
func (j *Judge) judge(ctx context.Context, t *Test) Value {
	switch {
	case t.Unclear != "":
		return Error
	case t.Object == nil:
		return Unknown
	}
	f := j.object(ctx, t.Object)
	existence, check := t.demands()
	v := f.counts.judgeFlag(f.Flag, existence, len(t.States) == 0)
	if v != True || len(t.States) == 0 || f.Flag == patch.FlagNotExist {
		return v
	}
	var items Tally
	for i := range f.Items {
		if ctx.Err() != nil {
			return Error
		}
		items.Add(j.inStates(ctx, t, &f.Items[i]))
	}
	if v = items.Check(check); f.Flag == patch.FlagIncomplete {
		return t.incomplete(v, check, &items)
	}
	return v
}

// demands are how many items must exist and be in the states. The check "none exist", which OVAL 5.3 deprecated, says both: that is how
// the language's own test documents mean it, and what OpenSCAP does.
func (t *Test) demands() (Existence, Check) {
	if t.Check == NoneExistCheck {
		return NoneExist, NoneSatisfy
	}
	return t.Existence, t.Check
}

// incomplete is a state's value where there may be more items than were seen. Of OVAL's classes false stays false, as OpenSCAP has it;
// of ours only what more items cannot change.
func (t *Test) incomplete(v Value, c Check, items *Tally) Value {
	switch {
	case v == True && c == AtLeastOne, v == False && (!Ours(t.Class) || c != AtLeastOne && c != OnlyOne || items[True] > 1):
		return v
	}
	return Unknown
}

func (j *Judge) inStates(ctx context.Context, t *Test, it *patch.Item) Value {
	switch it.Status {
	case patch.StatusExists:
	case patch.StatusNotExist:
		return False
	default:
		return Error
	}
	if len(t.States) == 1 {
		return j.state(ctx, t.States[0], it)
	}
	var all Tally
	for _, s := range t.States {
		all.Add(j.state(ctx, s, it))
	}
	return all.Join(t.Operator)
}
