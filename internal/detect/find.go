package detect

import (
	"iter"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Find judges definition i and says why. ID and Title are left to the caller, who has the list. Facts that Evaluate refuses give the verdict "error" with
// the reason. For many definitions of one machine, Findings is faster.
func (s *Signatures) Find(f *patch.Facts, i int) patch.Finding { return s.Finder(f)(i) }

// Finder is Find for many signatures over the same facts, which are prepared once. What it gives belongs to one goroutine.
func (s *Signatures) Finder(f *patch.Facts) func(i int) patch.Finding {
	j, err := s.judge(f)
	return func(i int) patch.Finding {
		if err != nil {
			return patch.Finding{Verdict: patch.Faulty, Packages: []patch.AffectedPackage{},
				Reason: patch.Reason{Code: patch.ReasonUnreadable, Text: phrase.Verbatim(err.Error())}}
		}
		s.move(j.w, i)
		return j.finding()
	}
}

// Findings judges every definition, in order, and says why, as Find does.
func (s *Signatures) Findings(f *patch.Facts) (iter.Seq[patch.Finding], error) {
	j, err := s.judge(f)
	if err != nil {
		return nil, err
	}
	return func(yield func(patch.Finding) bool) {
		j.w = s.columns.walk()
		for j.w.step() {
			if !yield(j.finding()) {
				return
			}
		}
	}, nil
}

// finding judges the definition that the walker has just stepped on.
func (j *judge) finding() patch.Finding {
	out := patch.Finding{Packages: []patch.AffectedPackage{}}
	if j.w.tree >= 0 {
		j.trees.explain(&out, j.trees.t.root(j.w.tree))
		return out
	}
	var code string
	j.looked = j.looked[:0]
	out.Verdict, code = j.judgeStep(func(r PackageRule) { j.looked = append(j.looked, r) })
	out.Reason = j.reason(code, j.looked)
	if code == patch.ReasonOlder {
		out.Brings = j.brought(j.policies)
		if len(out.Brings) > 0 {
			out.Reason.Text = phrase.Sentence(phrase.Of("{1}; it brings {2}", phrase.Clause(out.Reason.Text), bringing(out.Brings)))
		}
	}
	for i := range j.hits {
		if h := &j.hits[i]; concerns(code, h) {
			out.Packages = append(out.Packages, patch.AffectedPackage{Name: h.pkg.Name, Arch: h.pkg.Arch,
				Installed: h.pkg.Version, Fixed: h.fixed})
		}
	}
	return out
}

// concerns reports whether a package belongs to what a finding with this code is about: for a needed patch those that it would
// change, for a held one those held back, else all that are there.
func concerns(code string, h *hit) bool {
	switch code {
	case patch.ReasonOlder:
		return h.compared == older && !h.held && h.ruling.Code == ""
	case patch.ReasonPinned, patch.ReasonPhased, patch.ReasonOptIn, patch.ReasonNotEntitled:
		return h.compared == older && h.ruling.Code == code
	case patch.ReasonHeld, patch.ReasonExcluded, patch.ReasonModuleOff:
		return h.compared == older
	}
	return h.compared != absent
}
