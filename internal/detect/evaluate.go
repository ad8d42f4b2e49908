package detect

import (
	"context"
	"iter"
	"slices"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// Result is one complete evaluation.
type Result struct {
	Verdicts patch.Vector
	Errors   int // verdicts "error" among them
}

// Evaluate judges every definition over one machine's facts. Facts of another host OS and facts that contradict themselves are errors.
func (s *Signatures) Evaluate(f *patch.Facts) (Result, error) {
	j, err := s.judge(f)
	if err != nil {
		return Result{}, err
	}
	return j.evaluate(), nil
}

// judge joins signatures with one machine's facts. It is used by one goroutine at a time.
type judge struct {
	x      *index
	w      *walker
	trees  *outcome
	hits   []hit // of the definition that was judged last
	found  []*unit
	looked []PackageRule // for, in the finding that was made last
	own    *rulings      // what the machine's own policy says; nil for nothing
	// policies are where the packages come from
	policies *policies
}

func (s *Signatures) judge(f *patch.Facts) (*judge, error) {
	return s.judgeOver(context.Background(), f, Items(f))
}

func (s *Signatures) judgeOver(ctx context.Context, f *patch.Facts, src item.Source) (*judge, error) {
	return s.judgeItems(ctx, f, item.NewJudge(s.trees.items, src))
}

func (s *Signatures) judgeItems(ctx context.Context, f *patch.Facts, items *item.Judge) (*judge, error) {
	x, err := newIndex(s.os, s.scheme, f)
	if err != nil {
		return nil, err
	}
	return &judge{x: x, w: s.columns.walk(), trees: s.trees.judge(ctx, x, items), own: s.rulings(x, f), policies: &s.policies}, nil
}

// Collect asks src for everything beyond packages that the signatures ask about, each resolved object once, and stores the answers in
// f.Objects. Evaluating these facts then gives the same verdicts, here or anywhere.
func (s *Signatures) Collect(ctx context.Context, f *patch.Facts, src item.Source) error {
	_, err := s.Ask(ctx, f, src, nil)
	return err
}

// Asked is what signatures made of a machine's items while they were collected. It is good for one evaluation of the same facts.
type Asked struct {
	items *item.Judge
	told  [][]item.Told
}

// Texts gives what is told of objects, one by one.
func (a Asked) Texts() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for _, some := range a.told {
			for i := range some {
				if !yield(some[i].Text) {
					return
				}
			}
		}
	}
}

// Ask is Collect for who goes on to judge the machine at once: EvaluateAsked need not judge its items again. With a second source of
// the same machine, which may be nil, both are asked at the same time. What is collected is the same.
func (s *Signatures) Ask(ctx context.Context, f *patch.Facts, src, second item.Source) (a Asked, err error) {
	f.Objects = nil
	if s.trees.items.Tests() == 0 {
		return Asked{}, ctx.Err()
	}
	j := item.NewJudge(s.trees.items, answersOf(f, src))
	var all []patch.Collected
	if second != nil {
		all = j.CollectWith(ctx, answersOf(f, second))
	}
	if second != nil && !j.Steady() { // both may have been asked the same
		j, second = item.NewJudge(s.trees.items, answersOf(f, src)), nil
	}
	if second == nil {
		all = j.Collect(ctx)
	}
	f.Objects = slices.DeleteFunc(all, aboutPackages)
	if j.Steady() {
		a.items = j
	}
	return a, ctx.Err()
}

// Pass is Ask for who needs the verdicts and of each object no more than what tell appends. Where that can be, f.Objects stay empty.
func (s *Signatures) Pass(ctx context.Context, f *patch.Facts, src, second item.Source, tell func([]byte, *patch.Collected) []byte) (Asked, error) {
	f.Objects = nil
	if s.trees.items.Tests() == 0 {
		return Asked{}, ctx.Err()
	}
	j := item.NewJudge(s.trees.items, answersOf(f, src))
	var other item.Source
	if second != nil {
		other = answersOf(f, second)
	}
	told, ok := j.Pass(ctx, other, func(b []byte, c *patch.Collected) []byte {
		if aboutPackages(*c) {
			return b
		}
		return tell(b, c)
	})
	if !ok {
		return s.Ask(ctx, f, src, second)
	}
	return Asked{items: j, told: told}, ctx.Err()
}

// aboutPackages reports an object that a machine's packages answer: it is no fact of its own.
func aboutPackages(c patch.Collected) bool {
	_, ours := managerOf(c.Class)
	return ours
}

// Tests is the number of different questions about a machine's items.
func (s *Signatures) Tests() int { return s.trees.items.Tests() }

// EvaluateAsked is Evaluate over facts for which Ask has just collected the objects.
func (s *Signatures) EvaluateAsked(f *patch.Facts, a Asked) (Result, error) {
	if a.items == nil {
		return s.Evaluate(f)
	}
	j, err := s.judgeItems(context.Background(), f, a.items)
	if err != nil {
		return Result{}, err
	}
	return j.evaluate(), nil
}

// Judgement is one definition's answer in OVAL's values.
type Judgement struct {
	Prerequisite, Installed item.Value
}

// Values judges every definition, in order, in OVAL's values instead of verdicts. Facts may be nil: then src answers everything, packages
// too. Otherwise it answers what is beyond packages.
func (s *Signatures) Values(ctx context.Context, f *patch.Facts, src item.Source) (iter.Seq[Judgement], error) {
	if f == nil {
		f = &patch.Facts{OS: patch.OSFacts{Key: s.os}}
	} else {
		src = answersOf(f, src)
	}
	j, err := s.judgeOver(ctx, f, src)
	if err != nil {
		return nil, err
	}
	return func(yield func(Judgement) bool) {
		for j.w.step() {
			if !yield(j.values()) {
				return
			}
		}
	}, nil
}

// values judges the definition that the walker has just stepped on.
func (j *judge) values() Judgement {
	var out Judgement
	if j.w.tree >= 0 {
		j.trees.fill(j.trees.t.root(j.w.tree))
		p, i := j.trees.roots()
		out.Prerequisite, out.Installed = j.trees.value(p), j.trees.value(i)
		return out
	}
	switch v, _ := j.judgeStep(nil); v {
	case patch.NotApplicable:
		out.Prerequisite, out.Installed = item.False, item.False
	case patch.NotPatched, patch.Patched:
		out.Prerequisite, out.Installed = item.True, item.Truth(v == patch.Patched)
	default:
		out.Prerequisite, out.Installed = item.Error, item.Error
	}
	return out
}

func (j *judge) evaluate() Result {
	r := Result{Verdicts: patch.NewVector(j.w.c.definitions)}
	if j.w.c.rules == 0 { // no definition's name is needed
		for n, run := range j.trees.t.runs {
			if v := j.trees.verdict(run.pair); v != patch.NotApplicable {
				from, to := int(run.first), j.trees.t.until(n, r.Verdicts.Len())
				r.Verdicts.Fill(from, to, v)
				if v == patch.Faulty {
					r.Errors += to - from
				}
			}
		}
		return r
	}
	for w := j.w; w.step(); {
		v, _ := j.judgeStep(nil)
		r.set(w.at.definition-1, v)
	}
	return r
}

func (r *Result) set(i int, v patch.Verdict) {
	if v == patch.NotApplicable {
		return
	}
	r.Verdicts.Set(i, v)
	if v == patch.Faulty {
		r.Errors++
	}
}

// judgeStep judges the definition that the walker has just stepped on and reads all of its rules. It tells looked, if there is
// one, each rule.
func (j *judge) judgeStep(looked func(PackageRule)) (patch.Verdict, string) {
	w := j.w
	if w.tree >= 0 {
		return j.trees.verdict(j.trees.t.root(w.tree)), ""
	}
	j.hits = j.hits[:0]
	for w.rule() {
		if looked != nil {
			looked(PackageRule{Name: string(w.name()), Arch: w.arch, Module: w.module})
		}
		if !j.x.mayKnow(w.glance()) {
			continue
		}
		j.found = j.x.find(w.name(), w.arch, w.module, j.found[:0])
		for _, u := range j.found {
			j.hits = append(j.hits, hit{pkg: u.pkg, count: u.count, rule: w.at.ops - 1, fixed: w.fixed(u.pkg.Version)})
		}
	}
	if len(j.hits) == 0 {
		return patch.NotApplicable, patch.ReasonNotInstalled
	}
	return j.judgeSet()
}
