package detect

import (
	"context"
	"math"
	"slices"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// outcome is what the trees' tests and nodes came to on one machine: each judged once, in one pass.
type outcome struct {
	t     *trees
	x     *index
	found [][]*unit // per object of class package; what the machine knows of it
	// instances are, per object of class info, the packages of its name: where in the index.
	instances []span
	tests     []item.Value
	nodes     []item.Value
	items     *item.Judge
	infos     infoJudge
	costs     []int32 // per node: how many tests decide it at least; made when first needed
}

// judge asks every test: those about packages of the index, those about items of src.
func (t *trees) judge(ctx context.Context, x *index, src item.Source) *outcome {
	o := &outcome{t: t, x: x, items: item.NewJudge(t.items, src), infos: newInfoJudge(x, t.shapes)}
	if len(t.roots) == 0 {
		return o
	}
	o.lookUp()
	o.tests = make([]item.Value, len(t.tests))
	for i, row := range t.tests {
		switch row.kind {
		case TestItems:
			o.tests[i] = o.items.Value(ctx, int(row.object))
		case testInfo:
			o.tests[i] = o.infos.value(t.objects[row.object].arch, x.at(o.instances[row.object]), t.wants[row.operand])
		default:
			o.tests[i] = o.ask(row)
		}
	}
	o.nodes = make([]item.Value, len(t.nodes))
	for i, n := range t.nodes {
		o.nodes[i] = o.value(n)
	}
	return o
}

// lookUp finds the packages that objects name.
func (o *outcome) lookUp() {
	var all []*unit
	if slices.ContainsFunc(o.t.objects, func(x object) bool { return x.class != classInfo }) {
		o.found = make([][]*unit, len(o.t.objects))
	}
	o.instances = make([]span, len(o.t.objects))
	for i, obj := range o.t.objects {
		switch obj.class {
		case classInfo:
			manager, _ := managerOf(o.t.shapes[obj.arch].class)
			o.instances[i] = o.x.instances(o.t.strings[obj.name], manager)
		case classPackage:
			start := len(all)
			all = o.x.find([]byte(o.t.strings[obj.name]), o.t.strings[obj.arch], o.t.strings[obj.module], all)
			o.found[i] = all[start:len(all):len(all)]
		}
	}
}

// there gives the packages of a test that are installed.
func (o *outcome) there(row testRow) func(yield func(*patch.Package) bool) {
	return func(yield func(*patch.Package) bool) {
		if o.t.objects[row.object].class != classPackage {
			return // an object of a class that this program does not know
		}
		for _, u := range o.found[row.object] {
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
	operand := o.t.wants[row.operand]
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

func (o *outcome) value(n node) item.Value {
	refs := o.t.refs[n.start:n.end]
	switch n.op {
	case OpIs:
		return o.tests[refs[0]]
	case OpUnclear:
		return item.Error
	case OpNot:
		return o.nodes[refs[0]].Not()
	case OpApplies:
		return applies(o.nodes[refs[0]])
	}
	var t item.Tally
	for _, r := range refs {
		t.Add(o.nodes[r])
	}
	return joined(&t, n.op)
}

func (o *outcome) roots(planted int) (prerequisite, installed int32) {
	pair := o.t.pairs[o.t.roots[planted]]
	return pair[0], pair[1]
}

func (o *outcome) verdict(planted int) patch.Verdict {
	p, i := o.roots(planted)
	return verdict(o.nodes[p], o.nodes[i])
}

// verdicts judges each pair once.
func (o *outcome) verdicts() []patch.Verdict {
	all := make([]patch.Verdict, len(o.t.pairs))
	for i, pair := range o.t.pairs {
		all[i] = verdict(o.nodes[pair[0]], o.nodes[pair[1]])
	}
	return all
}

// deciders gives a smallest set of leaves (Is and Unclear nodes) that by themselves force the value of a node, in the
// definition's order.
func (o *outcome) deciders(root int32) []int32 {
	if o.costs == nil {
		o.costs = make([]int32, len(o.t.nodes))
		for i := range o.t.nodes {
			o.costs[i] = o.cost(int32(i))
		}
	}
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

// cost adds up what a node's value needs; its operands come before it.
func (o *outcome) cost(n int32) int32 {
	if op := o.t.nodes[n].op; op == OpIs || op == OpUnclear {
		return 1
	}
	var sum int64
	for _, r := range o.needed(n) {
		sum += int64(o.costs[r])
	}
	return int32(min(sum, math.MaxInt32))
}

// needed gives the operands that force a node's value: one where one is enough, the cheapest such.
func (o *outcome) needed(n int32) []int32 {
	node, v := o.t.nodes[n], o.nodes[n]
	refs := o.t.refs[node.start:node.end]
	switch {
	case node.op == OpAnd && v != item.True && v != item.NotApplicable, node.op == OpOr && v != item.False && v != item.NotApplicable:
	default:
		return refs
	}
	best := -1
	for i, r := range refs {
		if o.nodes[r] == v && (best < 0 || o.costs[r] < o.costs[refs[best]]) {
			best = i
		}
	}
	if best < 0 {
		return refs
	}
	return refs[best : best+1]
}
