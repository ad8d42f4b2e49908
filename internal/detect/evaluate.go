package detect

import (
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
	x     *index
	w     *walker
	trees *outcome
	hits  []hit // of the definition that was judged last
	found []*unit
}

func (s *Signatures) judge(f *patch.Facts) (*judge, error) {
	x, err := newIndex(s.os, s.scheme, f)
	if err != nil {
		return nil, err
	}
	return &judge{x: x, w: s.columns.walk(), trees: s.trees.judge(x)}, nil
}

func (j *judge) evaluate() Result {
	r := Result{Verdicts: patch.NewVector(j.w.c.definitions)}
	for w := j.w; w.step(); {
		v, _ := j.judgeStep(nil)
		if v != patch.NotApplicable {
			r.Verdicts.Set(w.at.definition-1, v)
		}
		if v == patch.Faulty {
			r.Errors++
		}
	}
	return r
}

// judgeStep judges the definition that the walker has just stepped on and reads all of its rules. It tells looked, if there is
// one, each rule.
func (j *judge) judgeStep(looked func(PackageRule)) (patch.Verdict, string) {
	w := j.w
	if w.tree >= 0 {
		return j.trees.verdict(w.tree), ""
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
			j.hits = append(j.hits, hit{pkg: u.pkg, count: u.count, fixed: w.fixed(u.pkg.Version)})
		}
	}
	if len(j.hits) == 0 {
		return patch.NotApplicable, patch.ReasonNotInstalled
	}
	return j.judgeSet()
}
