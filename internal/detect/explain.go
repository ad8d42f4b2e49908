package detect

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// explain fills the finding of a definition with trees: the smallest set of tests that decided, and the packages they are about.
func (o *outcome) explain(out *patch.Finding, planted int) {
	p, i := o.roots(planted)
	out.Verdict = verdict(o.nodes[p], o.nodes[i])
	var leaves []int32
	switch {
	case o.nodes[p] != True:
		leaves = o.deciders(p)
	case out.Verdict == patch.Faulty:
		leaves = o.deciders(i)
	default:
		leaves = o.deciders(p)
		for _, n := range o.deciders(i) {
			if !slices.Contains(leaves, n) {
				leaves = append(leaves, n)
			}
		}
	}
	for _, n := range leaves {
		out.Reason.Clauses = append(out.Reason.Clauses, o.clause(n))
	}
	out.Reason.Code = o.code(out.Verdict, leaves)
	out.Reason.Text = sentence(out.Verdict, out.Reason.Clauses)
	if out.Verdict != patch.NotApplicable {
		out.Packages = o.affected(planted, out.Verdict)
	}
}

func (o *outcome) leaf(n int32) (testRow, bool) {
	if o.t.nodes[n].op != OpIs {
		return testRow{}, false
	}
	return o.t.tests[o.t.refs[o.t.nodes[n].start]], true
}

func (o *outcome) clause(n int32) patch.Clause {
	row, is := o.leaf(n)
	if !is {
		return patch.Clause{Expected: "a definition that can be understood", Seen: o.t.strings[o.t.refs[o.t.nodes[n].start]]}
	}
	obj := o.t.objects[row.object]
	c := patch.Clause{Subject: o.t.strings[obj.name], From: statusFile, Seen: seen(o.found[row.object])}
	if arch := o.t.strings[obj.arch]; arch != "" {
		c.Subject += ":" + arch
	} else if p := o.found[row.object]; p != nil {
		c.Subject += ":" + p.Arch
	}
	c.Expected = expected(TestKind(row.kind), o.t.strings[row.operand])
	if obj.class != classPackage || c.Expected == "" {
		c.Expected, c.Seen, c.From = "a test that this program knows", fmt.Sprintf("test kind %d on object class %d", row.kind, obj.class), ""
	}
	return c
}

func expected(kind TestKind, operand string) string {
	switch kind {
	case TestInstalled:
		return "installed"
	case TestVersion:
		return operand + " or newer"
	case TestHeld:
		return "held"
	case TestState:
		return "absent or " + operand
	}
	return ""
}

func seen(p *patch.Package) string {
	switch {
	case p == nil:
		return "not installed"
	case p.State == patch.Removed:
		return "removed, only its configuration files are left"
	case p.State != patch.Installed:
		return "left half-way by the package manager at " + p.Version
	case p.Held:
		return p.Version + ", held"
	}
	return p.Version
}

// code finds the stable reason code by the kinds of the deciding tests.
func (o *outcome) code(v patch.Verdict, leaves []int32) string {
	kinds := map[TestKind]int{}
	for _, n := range leaves {
		if row, is := o.leaf(n); is {
			kinds[TestKind(row.kind)]++
		}
	}
	switch {
	case v == patch.Faulty && kinds[TestState] > 0:
		return patch.ReasonBroken
	case v == patch.Faulty:
		return patch.ReasonUnreadable
	case v == patch.Patched:
		return patch.ReasonCurrent
	case v == patch.NotPatched:
		return patch.ReasonOlder
	case kinds[TestHeld] > 0:
		return patch.ReasonHeld
	case kinds[TestInstalled] == len(leaves):
		return patch.ReasonNotInstalled
	}
	return patch.ReasonPrerequisite
}

func sentence(v patch.Verdict, clauses []patch.Clause) string {
	lead := map[patch.Verdict]string{patch.NotApplicable: "A prerequisite does not hold", patch.NotPatched: "The patch is not installed",
		patch.Patched: "The patch is installed", patch.Faulty: "The patch cannot be judged"}[v]
	if len(clauses) == 0 {
		return lead + " by definition."
	}
	c := clauses[len(clauses)-1]
	if v != patch.NotPatched && v != patch.Patched {
		c = clauses[0]
	}
	text := fmt.Sprintf("%s: expected %s, seen %s", lead, c.Expected, c.Seen)
	if c.Subject != "" {
		text = fmt.Sprintf("%s: %s expected %s, seen %s", lead, c.Subject, c.Expected, c.Seen)
	}
	if n := len(clauses) - 1; n > 0 {
		text += fmt.Sprintf(" (and %d more)", n)
	}
	return text + "."
}

// affected lists the packages that a definition compares versions of and that are there, each once, at the newest version asked for.
// A needed patch lists only those that are older and not held.
func (o *outcome) affected(planted int, v patch.Verdict) []patch.AffectedPackage {
	out := []patch.AffectedPackage{}
	p, i := o.roots(planted)
	for _, number := range o.t.under([]int32{p, i}) {
		row := o.t.tests[number]
		pkg := o.found[row.object]
		if TestKind(row.kind) != TestVersion || pkg == nil || pkg.State == patch.Removed {
			continue
		}
		if v == patch.NotPatched && (o.tests[number] != False || pkg.Held) {
			continue
		}
		out = append(out, patch.AffectedPackage{Name: pkg.Name, Arch: pkg.Arch, Installed: pkg.Version, Fixed: o.t.strings[row.operand]})
	}
	slices.SortFunc(out, func(a, b patch.AffectedPackage) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Fixed, b.Fixed))
	})
	return slices.CompactFunc(out, func(a, b patch.AffectedPackage) bool { return a == b })
}
