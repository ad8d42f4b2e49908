package detect

import (
	"slices"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// Question is what signatures look at: with these parts of a machine's facts they give the same verdicts as with all of them. Besides
// these they look at what facts say about the machine as a whole (OS, modules).
type Question struct {
	Packages []string // names, sorted
	// AllPackages: some test looks for packages by a pattern, so none may be left out.
	AllPackages bool
	Objects     bool // what was collected beyond packages
	// Provided are names of packages that may be virtual: those that provide them are looked at too. Signatures themselves name none.
	Provided []string
}

// Only gives signatures that judge nothing but definition i, which must be in [0, Len), for judging many machines.
func (s *Signatures) Only(i int) (*Signatures, error) {
	w := s.seek(i)
	d := Definition{ID: "x"}
	if w.tree < 0 {
		var numbers []int
		for w.rule() {
			numbers = append(numbers, w.at.ops-1)
			r := PackageRule{Name: string(w.name()), Arch: w.arch, Version: w.fixed(""), Module: w.module}
			if r.Arch == archNative {
				r.Arch = "noarch" // left out it might mean any
			}
			d.Packages = append(d.Packages, r)
		}
		one, err := Assemble(s.os, s.Scheme(), []Definition{d})
		if err == nil {
			one.policies, one.rivals = s.policies.only(numbers), s.rivalsOf(d.Packages)
		}
		return one, err
	}
	d.Installed = &Expr{Op: OpAnd} // takes the place of the trees, which are put in as they are
	one, err := Assemble(s.os, s.Scheme(), []Definition{d})
	if err != nil {
		return nil, err
	}
	one.trees, err = s.trees.only(s.trees.root(w.tree))
	return one, err
}

// only copies what lies below one pair's roots, and what fills it.
func (t *trees) only(number int32) (trees, error) {
	from := t.templates[t.pairs[number].template]
	out := trees{shapes: t.shapes, items: new(item.Model)} // with few texts, as every machine that is judged takes room for them
	var b item.Builder
	places, tests := map[int32]int32{}, map[int32]int32{}
	for _, n := range t.reach(from.roots[:]) {
		old := t.nodes[n]
		made := node{op: old.op, start: int32(len(out.refs))}
		for _, ref := range t.refs[old.start:old.end] {
			switch old.op {
			case OpUnclear:
				ref = out.strings.put(t.strings.at(ref))
			case OpIs:
				if _, known := tests[ref]; !known {
					row, err := out.take(t, &b, t.tests[ref])
					if err != nil {
						return out, err
					}
					tests[ref] = int32(len(out.tests))
					out.tests = append(out.tests, row)
				}
				ref = tests[ref]
			default:
				ref = places[ref]
			}
			out.refs = append(out.refs, ref)
		}
		made.end = int32(len(out.refs))
		places[n] = int32(len(out.nodes))
		out.nodes = append(out.nodes, made)
	}
	from.roots = [2]int32{places[from.roots[0]], places[from.roots[1]]}
	out.templates, out.runs = []template{from}, []run{{}}
	out.pairs = []pair{{}}
	for _, n := range t.names(number) {
		out.fills = append(out.fills, out.strings.put(t.strings.at(n)))
	}
	for _, n := range t.operands(number) {
		out.fills = append(out.fills, out.wants.put(t.wants.at(n)))
	}
	return out, out.settle(&b)
}

// take copies what a test names.
func (t *trees) take(from *trees, b *item.Builder, row testRow) (testRow, error) {
	switch {
	case row.kind == TestItems:
		n, err := b.Test(from.items.Test(int(row.object)))
		row.object = int32(n)
		return row, err
	case row.aboutPackage():
		o := from.objects[row.object]
		if o.class == classPackage {
			o.arch, o.module = t.strings.put(from.strings.at(o.arch)), t.strings.put(from.strings.at(o.module))
		}
		t.objects = append(t.objects, o)
		row.object = int32(len(t.objects) - 1)
	}
	return row, nil
}

func (t *trees) settle(b *item.Builder) error {
	if !slices.ContainsFunc(t.tests, func(r testRow) bool { return r.kind == TestItems }) {
		return nil
	}
	bytes, err := b.Bytes()
	if err != nil {
		return err
	}
	t.items, err = item.Decode(bytes)
	return err
}

// reach lists the nodes below some nodes, each once, operands before their users.
func (t *trees) reach(roots []int32) []int32 {
	seen := map[int32]bool{}
	for stack := slices.Clone(roots); len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		if op := t.nodes[n].op; op != OpIs && op != OpUnclear {
			stack = append(stack, t.refs[t.nodes[n].start:t.nodes[n].end]...)
		}
	}
	all := make([]int32, 0, len(seen))
	for n := range seen {
		all = append(all, n)
	}
	slices.Sort(all)
	return all
}

// Question tells what the signatures look at.
func (s *Signatures) Question() Question {
	var q Question
	for w := s.columns.walk(); w.step(); {
		for w.rule() {
			q.Packages = append(q.Packages, string(w.name()))
		}
	}
	for pair := range s.trees.pairs {
		for _, n := range s.trees.names(int32(pair)) {
			q.Packages = append(q.Packages, s.trees.strings.at(n))
		}
	}
	for _, brings := range s.policies.brings {
		for _, n := range brings {
			q.Packages = append(q.Packages, n.Name)
		}
	}
	for i := range s.trees.items.Objects() {
		q.add(&s.trees.items.Objects()[i])
	}
	slices.Sort(q.Packages)
	q.Packages = slices.Compact(q.Packages)
	return q
}

// add takes in what an object of an item test names. The objects of a set come by themselves.
func (q *Question) add(o *item.Object) {
	if o.Set != nil {
		return
	}
	if _, packages := managerOf(o.Class); !packages {
		q.Objects = true
		return
	}
	i := slices.IndexFunc(o.Entities, func(e item.Entity) bool { return e.Name == "name" })
	if i < 0 || o.Entities[i].Operation != item.Equals || o.Entities[i].Variable != nil {
		q.AllPackages = true
		return
	}
	q.Packages = append(q.Packages, o.Entities[i].Value)
}

// Part gives what the question needs of facts. The parts are shared, not copied.
func (q *Question) Part(f *patch.Facts) *patch.Facts {
	part := *f
	if !q.AllPackages {
		part.Packages = nil
		for i := range f.Packages {
			if _, asked := slices.BinarySearch(q.Packages, f.Packages[i].Name); asked {
				part.Packages = append(part.Packages, f.Packages[i])
			}
		}
	}
	if !q.Objects {
		part.Objects = nil
	}
	return &part
}
