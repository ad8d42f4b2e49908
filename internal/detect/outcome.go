package detect

import (
	"math"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// outcome is what the trees' tests and nodes came to on one machine: each judged once, in one pass.
type outcome struct {
	t     *trees
	found []*patch.Package // per object; nil where the machine does not know it
	tests []Value
	nodes []Value
	costs []int32 // per node: how many tests decide it at least; made when first needed
}

func (t *trees) judge(x *index) *outcome {
	o := &outcome{t: t}
	if len(t.roots) == 0 {
		return o
	}
	o.found = make([]*patch.Package, len(t.objects))
	for i, obj := range t.objects {
		if obj.class == classPackage {
			o.found[i] = x.find([]byte(t.strings[obj.name]), t.strings[obj.arch])
		}
	}
	o.tests = make([]Value, len(t.tests))
	for i, row := range t.tests {
		o.tests[i] = o.ask(row)
	}
	o.nodes = make([]Value, len(t.nodes))
	for i, n := range t.nodes {
		o.nodes[i] = o.value(n)
	}
	return o
}

func (o *outcome) ask(row testRow) Value {
	if o.t.objects[row.object].class != classPackage {
		return Error
	}
	p := o.found[row.object]
	there := p != nil && p.State != patch.Removed
	operand := o.t.strings[row.operand]
	switch TestKind(row.kind) {
	case TestInstalled:
		return truth(there)
	case TestHeld:
		return truth(there && p.Held)
	case TestVersion:
		if !there {
			return False
		}
		c := compareVersions(p.Version, operand)
		if c == garbled {
			return Error
		}
		return truth(c == current)
	case TestState:
		switch {
		case !there || string(p.State) == operand:
			return True
		case p.State == patch.Installed:
			return False
		}
	}
	return Error
}

func (o *outcome) value(n node) Value {
	refs := o.t.refs[n.start:n.end]
	switch n.op {
	case OpIs:
		return o.tests[refs[0]]
	case OpNot:
		return o.nodes[refs[0]].not()
	case OpAnd, OpOr:
		v := truth(n.op == OpAnd)
		for _, r := range refs {
			if n.op == OpAnd {
				v = v.and(o.nodes[r])
			} else {
				v = v.or(o.nodes[r])
			}
		}
		return v
	}
	return Error
}

func (o *outcome) roots(planted int) (prerequisite, installed int32) {
	return o.t.roots[2*planted], o.t.roots[2*planted+1]
}

func (o *outcome) verdict(planted int) patch.Verdict {
	p, i := o.roots(planted)
	return verdict(o.nodes[p], o.nodes[i])
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
	refs := o.t.refs[o.t.nodes[n].start:o.t.nodes[n].end]
	all := truth(o.t.nodes[n].op == OpAnd) // the value that needs every operand of And (true), Or (false)
	if o.t.nodes[n].op == OpNot || o.nodes[n] == all {
		return refs
	}
	best := -1
	for i, r := range refs {
		if o.nodes[r] == o.nodes[n] && (best < 0 || o.costs[r] < o.costs[refs[best]]) {
			best = i
		}
	}
	if best < 0 {
		return refs
	}
	return refs[best : best+1]
}
