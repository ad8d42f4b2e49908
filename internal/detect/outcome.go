package detect

import (
	"context"
	"math"
	"slices"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// outcome is what the trees come to on one machine, for one pair at a time. What many pairs ask is judged once: item tests, names, and
// templates that are filled in with no name that the machine knows.
type outcome struct {
	t     *trees
	x     *index
	items *item.Judge
	asked []item.Value // per test; of those about items
	infos infoJudge

	known  []int32 // per string: 1 + the slot of the index that has this name, -1 for none, 0 where nobody has asked
	absent []absence

	pair         int32 // the one that is filled in
	names, wants []int32
	round        int32 // nodes judged in an earlier round are another pair's
	rounds       []int32
	nodes        []item.Value
	costs        map[int32]int32 // per node: how many tests decide it at least
	found        []*unit         // of the test that was asked last
}

// absence is a template's verdict where no name is known.
type absence struct {
	judged  bool
	verdict patch.Verdict
}

// judge asks every test about items. Those about packages of the index are asked when a pair is.
func (t *trees) judge(ctx context.Context, x *index, items *item.Judge) *outcome {
	o := &outcome{t: t, x: x, items: items, infos: newInfoJudge(x, t.shapes), pair: -1}
	if len(t.runs) == 0 {
		return o
	}
	o.asked = make([]item.Value, len(t.tests))
	for i, row := range t.tests {
		if row.kind == TestItems {
			o.asked[i] = o.items.Value(ctx, int(row.object))
		}
	}
	o.known, o.absent = make([]int32, t.strings.len()), make([]absence, len(t.templates))
	o.rounds, o.nodes = make([]int32, len(t.nodes)), make([]item.Value, len(t.nodes))
	return o
}

// fill turns to a pair.
func (o *outcome) fill(pair int32) {
	if o.pair != pair {
		o.pair, o.names, o.wants = pair, o.t.names(pair), o.t.operands(pair)
		o.round++
		o.costs = nil
	}
}

// name and want are what is filled in where an object and a test have blanks.
func (o *outcome) name(obj *object) string { return o.t.strings.at(o.names[obj.name]) }

func (o *outcome) want(row testRow) string {
	if row.operand == 0 {
		return ""
	}
	return o.t.wants.at(o.wants[row.operand-1])
}

// slot is where the index has a name, by its number; -1 where it has not.
func (o *outcome) slot(name int32) int32 {
	if o.known[name] == 0 {
		o.known[name] = -1
		if s := o.t.strings.at(name); o.x.mayKnow(glance(s)) {
			if at := o.x.slot([]byte(s)); o.x.slots[at].count > 0 {
				o.known[name] = at + 1
			}
		}
	}
	return max(o.known[name]-1, -1)
}

// verdict judges a pair.
func (o *outcome) verdict(pair int32) patch.Verdict {
	template := o.t.pairs[pair].template
	known := slices.ContainsFunc(o.t.names(pair), func(n int32) bool { return o.slot(n) >= 0 })
	if !known && o.absent[template].judged {
		return o.absent[template].verdict
	}
	o.fill(pair)
	p, i := o.roots()
	v := verdict(o.value(p), item.Unknown)
	if o.value(p) == item.True { // else the other does not matter
		v = verdict(item.True, o.value(i))
	}
	if !known {
		o.absent[template] = absence{true, v}
	}
	return v
}

// roots are the nodes of the pair that is filled in.
func (o *outcome) roots() (prerequisite, installed int32) {
	roots := o.t.templates[o.t.pairs[o.pair].template].roots
	return roots[0], roots[1]
}

// value judges a node of the pair that is filled in.
func (o *outcome) value(n int32) item.Value {
	if o.rounds[n] != o.round {
		v := o.judge(n)
		o.nodes[n], o.rounds[n] = v, o.round
	}
	return o.nodes[n]
}

func (o *outcome) judge(n int32) item.Value {
	node := &o.t.nodes[n]
	refs := o.t.refs[node.start:node.end]
	switch node.op {
	case OpIs:
		return o.test(refs[0])
	case OpUnclear:
		return item.Error
	case OpNot:
		return o.value(refs[0]).Not()
	case OpApplies:
		return applies(o.value(refs[0]))
	}
	var t item.Tally
	for _, r := range refs {
		v := o.value(r)
		if v == item.False && node.op == OpAnd || v == item.True && node.op == OpOr {
			return v // whatever the others are
		}
		t.Add(v)
	}
	return joined(&t, node.op)
}

func (o *outcome) test(n int32) item.Value {
	switch row := o.t.tests[n]; row.kind {
	case TestItems:
		return o.asked[n]
	case testInfo:
		return o.infos.value(o.t.objects[row.object].arch, o.instances(row), o.want(row))
	default:
		return o.ask(row)
	}
}

// units gives what the machine knows of the packages that a test is about.
func (o *outcome) units(row testRow) []*unit {
	obj := &o.t.objects[row.object]
	o.found = o.found[:0]
	if obj.class == classPackage && o.slot(o.names[obj.name]) >= 0 { // else it may be of a class that this program does not know
		o.found = o.x.find([]byte(o.name(obj)), o.t.strings.at(obj.arch), o.t.strings.at(obj.module), o.found)
	}
	return o.found
}

// instances gives the packages that a test of the short form is about; there are none where the facts are another package manager's.
func (o *outcome) instances(row testRow) []patch.Package {
	obj := &o.t.objects[row.object]
	manager, _ := managerOf(o.t.shapes[obj.arch].class)
	at := o.slot(o.names[obj.name])
	if at < 0 || o.x.manager != "" && o.x.manager != manager {
		return nil
	}
	return o.x.at(o.x.slots[at].packages)
}

// there gives the packages of a test that are installed.
func (o *outcome) there(row testRow) func(yield func(*patch.Package) bool) {
	return func(yield func(*patch.Package) bool) {
		for _, u := range o.units(row) {
			if u.pkg.State != patch.Removed && !yield(u.pkg) {
				return
			}
		}
	}
}

func (o *outcome) ask(row testRow) item.Value {
	if !row.aboutPackage() || o.t.objects[row.object].class != classPackage {
		return item.Error
	}
	var t item.Tally
	operand := o.want(row)
	for p := range o.there(row) {
		t.Add(o.askOne(row.kind, p, operand))
	}
	if row.kind == TestState || row.kind == TestVersion && t != (item.Tally{}) {
		return joined(&t, OpAnd)
	}
	return joined(&t, OpOr)
}

// askOne asks a test about one package that is there.
func (o *outcome) askOne(kind TestKind, p *patch.Package, operand string) item.Value {
	switch kind {
	case TestInstalled:
		return item.True
	case TestHeld:
		return item.Truth(o.x.held(p))
	case TestVersion, TestMovable:
		if kind == TestMovable && p.State != patch.Installed && p.State != patch.Broken {
			return item.Error
		}
		switch o.x.scheme.compare(p.Version, operand) {
		case garbled:
			return item.Error
		case current:
			return item.Truth(kind == TestVersion)
		}
		return item.Truth(kind == TestMovable && !o.x.held(p))
	case TestState:
		switch {
		case string(p.State) == operand:
			return item.True
		case p.State == patch.Installed:
			return item.False
		}
	}
	return item.Error
}

// deciders gives a smallest set of leaves (Is and Unclear nodes) that by themselves force the value of a node, in the
// definition's order.
func (o *outcome) deciders(root int32) []int32 {
	seen := map[int32]bool{}
	var leaves []int32
	for stack := []int32{root}; len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		if op := o.t.nodes[n].op; op == OpIs || op == OpUnclear {
			leaves = append(leaves, n)
			continue
		}
		for _, operand := range slices.Backward(o.needed(n)) {
			stack = append(stack, operand)
		}
	}
	return leaves
}

// cost adds up what a node's value needs.
func (o *outcome) cost(n int32) int32 {
	if op := o.t.nodes[n].op; op == OpIs || op == OpUnclear {
		return 1
	}
	if cost, known := o.costs[n]; known {
		return cost
	}
	var sum int64
	for _, r := range o.needed(n) {
		sum += int64(o.cost(r))
	}
	if o.costs == nil {
		o.costs = map[int32]int32{}
	}
	o.costs[n] = int32(min(sum, math.MaxInt32))
	return o.costs[n]
}

// needed gives the operands that force a node's value: one where one is enough, the cheapest such.
func (o *outcome) needed(n int32) []int32 {
	node, v := o.t.nodes[n], o.value(n)
	refs := o.t.refs[node.start:node.end]
	switch {
	case node.op == OpAnd && v != item.True && v != item.NotApplicable, node.op == OpOr && v != item.False && v != item.NotApplicable:
	default:
		return refs
	}
	best := -1
	for i, r := range refs {
		if o.value(r) == v && (best < 0 || o.cost(r) < o.cost(refs[best])) {
			best = i
		}
	}
	if best < 0 {
		return refs
	}
	return refs[best : best+1]
}
