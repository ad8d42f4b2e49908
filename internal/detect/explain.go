package detect

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// explain fills the finding of a definition with trees: the smallest set of tests that decided, and the packages they are about.
func (o *outcome) explain(out *patch.Finding, pair int32) {
	o.fill(pair)
	p, i := o.roots()
	out.Verdict = verdict(o.value(p), o.value(i))
	var leaves []int32
	switch {
	case o.value(p) != item.True:
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
		out.Reason.Clauses = append(out.Reason.Clauses, o.clauses(n)...)
	}
	out.Reason.Code = o.code(out.Verdict, leaves)
	out.Reason.Text = sentence(out.Verdict, out.Reason.Clauses)
	if out.Verdict != patch.NotApplicable {
		out.Packages = o.affected(out.Verdict)
	}
}

func (o *outcome) leaf(n int32) (testRow, bool) {
	if o.t.nodes[n].op != OpIs {
		return testRow{}, false
	}
	return o.t.tests[o.t.refs[o.t.nodes[n].start]], true
}

// clauses words what decided at a leaf.
func (o *outcome) clauses(n int32) []patch.Clause {
	if row, is := o.leaf(n); is && row.kind == TestItems {
		_, evidence := o.items.Test(context.Background(), int(row.object))
		clauses := make([]patch.Clause, len(evidence))
		for i, c := range evidence {
			clauses[i] = itemClause(c)
		}
		return clauses
	}
	return []patch.Clause{o.clause(n)}
}

// itemClause names the facts that were looked at in From: class and key of a patch.Collected.
func itemClause(c item.Clause) patch.Clause {
	out := patch.Clause{Subject: c.Object, Expected: c.Expected, Seen: c.Seen, From: phrase.Verbatim(strings.TrimSpace(c.Class + " " + c.Key))}
	if c.Item != "" {
		out.Subject = c.Item
	}
	if c.Field != "" {
		out.Expected = phrase.Of("{1} {2}", c.Field, c.Expected)
	}
	return out
}

func (o *outcome) clause(n int32) patch.Clause {
	row, is := o.leaf(n)
	if !is {
		return patch.Clause{Expected: "a definition that can be understood", Seen: phrase.Verbatim(o.t.strings.at(o.t.refs[o.t.nodes[n].start]))}
	}
	if row.kind == testInfo {
		return o.infoClause(row)
	}
	if !row.aboutPackage() || o.t.objects[row.object].class != classPackage {
		return patch.Clause{Expected: "a test that this program knows", Seen: phrase.Of("test kind {1}", int(row.kind))}
	}
	obj := &o.t.objects[row.object]
	c := patch.Clause{Subject: o.x.scheme.subject(o.name(obj), o.t.strings.at(obj.arch)), From: o.x.scheme.source(),
		Expected: expected(row.kind, o.want(row)), Seen: patch.WordNotInstalled}
	if u := o.telling(row); u != nil {
		c.Subject, c.Seen = o.x.scheme.subject(u.pkg.Name, u.pkg.Arch), u.seen()
	} else if u := o.elsewhere(obj); u != nil {
		c.Seen = u.where()
	}
	return c
}

// telling is the unit that a package test is best explained by: the first one that by itself gives the test's value.
func (o *outcome) telling(row testRow) *unit {
	found := o.units(row)
	for _, u := range found {
		if u.pkg.State != patch.Removed && o.askOne(row.kind, u.pkg, o.want(row)) == o.ask(row) {
			return u
		}
	}
	if len(found) > 0 {
		return found[0]
	}
	return nil
}

func (o *outcome) elsewhere(obj *object) *unit {
	return o.x.elsewhere([]byte(o.name(obj)), o.t.strings.at(obj.arch), o.t.strings.at(obj.module))
}

func expected(kind TestKind, operand string) phrase.Phrase {
	switch kind {
	case TestInstalled:
		return patch.WordInstalled
	case TestVersion:
		return phrase.Of("{1} or newer", operand)
	case TestHeld:
		return "package\x04held"
	case TestMovable:
		return phrase.Of("older than {1} and not held", operand)
	}
	return phrase.Of("absent or {1}", operand)
}

// seen words what the machine has of a unit.
func (u *unit) seen() phrase.Phrase {
	p := u.pkg
	switch {
	case p.State == patch.Removed:
		return "removed, only its configuration files are left"
	case p.State != patch.Installed:
		return phrase.Of("left half-way by the package manager at {1}", p.Version)
	}
	seen := phrase.Verbatim(p.Version)
	if u.count > 1 {
		seen = phrase.Of("{1}, the newest of {2}", p.Version, int(u.count))
	}
	if p.Held {
		seen = phrase.Of("{1}, held", seen)
	}
	return seen
}

// where words which module stream a unit belongs to.
func (u *unit) where() phrase.Phrase {
	return phrase.Of("{1} of {2}", u.pkg.Version, wordStream(u.stream))
}

// code finds the stable reason code by the kinds of the deciding tests.
func (o *outcome) code(v patch.Verdict, leaves []int32) string {
	kinds := map[TestKind]int{}
	for _, n := range leaves {
		if row, is := o.leaf(n); is {
			kinds[row.kind]++
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
	case kinds[TestHeld]+kinds[TestMovable] > 0:
		return o.x.scheme.heldCode()
	case kinds[TestInstalled] == len(leaves):
		return patch.ReasonNotInstalled
	}
	return patch.ReasonPrerequisite
}

func sentence(v patch.Verdict, clauses []patch.Clause) phrase.Phrase {
	lead := map[patch.Verdict]phrase.Phrase{patch.NotApplicable: "a prerequisite does not hold", patch.NotPatched: "the patch is not installed",
		patch.Patched: "the patch is installed", patch.Faulty: "the patch cannot be judged"}[v]
	if len(clauses) == 0 {
		return phrase.Sentence(phrase.Of("{1} by definition", lead))
	}
	c := clauses[0]
	if v == patch.NotPatched || v == patch.Patched {
		c = telling(clauses)
	}
	text := phrase.Of("{1}: expected {2}, seen {3}", lead, c.Expected, c.Seen)
	if c.Subject != "" {
		text = phrase.Of("{1}: {2} expected {3}, seen {4}", lead, c.Subject, c.Expected, c.Seen)
	}
	if n := len(clauses) - 1; n > 0 {
		text = phrase.Of("{1} (and {2} more)", text, n)
	}
	return phrase.Sentence(text)
}

// telling is the last clause that is about a value: that something is there, or is not, tells less.
func telling(clauses []patch.Clause) patch.Clause {
	for _, c := range slices.Backward(clauses) {
		if c.Expected != item.Exists && !strings.HasSuffix(string(c.Expected), string(item.Nothing)) {
			return c
		}
	}
	return clauses[len(clauses)-1]
}

// affected lists the packages that a definition compares versions of and that are there, each once, at the newest version asked for.
// A needed patch lists only those that are older and not held.
func (o *outcome) affected(v patch.Verdict) []patch.AffectedPackage {
	out := []patch.AffectedPackage{}
	p, i := o.roots()
	for _, number := range o.t.under(p, i) {
		row := o.t.tests[number]
		for p := range o.compared(row) {
			fixed := o.want(row)
			if v != patch.NotPatched || !o.x.held(p) && o.x.scheme.compare(p.Version, fixed) == older {
				out = append(out, patch.AffectedPackage{Name: p.Name, Arch: p.Arch, Installed: p.Version, Fixed: fixed})
			}
		}
	}
	slices.SortFunc(out, func(a, b patch.AffectedPackage) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Fixed, b.Fixed))
	})
	return slices.CompactFunc(out, func(a, b patch.AffectedPackage) bool { return a == b })
}

// compared gives the packages that are there and whose versions a test compares with the one that the patch brings.
func (o *outcome) compared(row testRow) func(yield func(*patch.Package) bool) {
	switch row.kind {
	case TestVersion:
		return o.there(row)
	case testInfo:
		if s := &o.t.shapes[o.t.objects[row.object].arch]; s.field == "evr" && s.operation == item.LessThan {
			return o.thereInfo(row)
		}
	}
	return func(func(*patch.Package) bool) {}
}

func (o *outcome) thereInfo(row testRow) func(yield func(*patch.Package) bool) {
	return func(yield func(*patch.Package) bool) {
		packages := o.instances(row)
		for i := range packages {
			if packages[i].State != patch.Removed && !yield(&packages[i]) {
				return
			}
		}
	}
}

// infoClause words a test of the short form: every package of its name is evidence.
func (o *outcome) infoClause(row testRow) patch.Clause {
	obj := &o.t.objects[row.object]
	s := &o.t.shapes[obj.arch]
	manager := schemeOfClass(s.class)
	name := o.name(obj)
	c := patch.Clause{Subject: name, Expected: s.expected(o.want(row)), Seen: patch.WordNotInstalled, From: manager.source()}
	var seen []string
	for p := range o.thereInfo(row) {
		c.Subject = manager.subject(name, p.Arch)
		value := p.Version
		if s.field != "" && s.field != "evr" {
			value, _ = packageField(s.class, p, s.field)
		}
		seen = append(seen, value)
	}
	if len(seen) > 1 {
		c.Subject = name
	}
	if len(seen) > 0 {
		c.Seen = enumerate(seen)
	}
	return c
}
