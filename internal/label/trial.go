package label

import (
	"cmp"
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/criterion"
	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Probe is an expression to be tried out.
type Probe struct {
	Expr string        `json:"expr"`
	Of   patch.LabelOf `json:"of,omitempty"`
	// Only is the machine or patch to look into; empty: all are judged, and the first few of each answer are looked into.
	Only string `json:"only,omitempty"`
}

// Trial says for whom an expression holds, and why.
type Trial struct {
	Probe    Probe    `json:"probe"`
	Judged   int      `json:"judged"`
	Holding  int      `json:"holding"`
	Unjudged int      `json:"unjudged"`
	Looked   []Looked `json:"looked"` // those that hold first, then those that could not be judged, then the others
}

// Looked is one machine or patch with every piece of the expression.
type Looked struct {
	ID    string        `json:"id"`
	Name  string        `json:"name"`
	Holds bool          `json:"holds"`
	Fault phrase.Phrase `json:"fault,omitempty"` // why it could not be judged
	Part  expr.Part     `json:"part"`
}

// perAnswer is how many that hold, that do not and that could not be judged a trial shows each.
const perAnswer = 20

// Test tries an expression out without storing it.
func (b *Book) Test(ctx context.Context, p Probe) (Trial, error) {
	t := Trial{Probe: p}
	var err error
	if p.Of == patch.OfPatches {
		err = b.testPatches(ctx, &t)
	} else {
		err = b.testMachines(ctx, &t)
	}
	if err == nil && p.Only != "" && t.Judged == 0 {
		return t, patch.Errorf(patch.NotFound, "there is no %q to try the expression on", p.Only)
	}
	t.Looked = trimmed(t.Looked)
	return t, err
}

func (b *Book) testMachines(ctx context.Context, t *Trial) error {
	a, err := language().Dissect(t.Probe.Expr)
	if err != nil {
		return err
	}
	look, err := b.Fleet.Look(ctx)
	if err != nil {
		return err
	}
	for _, n := range look.ByID() {
		m := look.At(n).Machine
		if m.State != patch.Admitted {
			continue
		}
		if t.Probe.Only != "" && t.Probe.Only != string(m.ID) && t.Probe.Only != m.Name {
			continue
		}
		l := Looked{ID: string(m.ID), Name: m.Name}
		s := subject{seat: look.At(n)}
		if err := b.prepare(ctx, &s, a.Reads); err != nil {
			return err
		}
		if l.Fault = s.excuse(a.Reads); l.Fault == "" {
			if l.Part, err = a.Of(&s.thing); err != nil {
				return err
			}
		}
		t.add(l)
	}
	return nil
}

func (b *Book) testPatches(ctx context.Context, t *Trial) error {
	dissect, err := criterion.Dissect(smartPatches, t.Probe.Expr)
	if err != nil {
		return err
	}
	var failed error
	err = b.subjects(ctx, func(s criterion.Subject) {
		if t.Probe.Only != "" && t.Probe.Only != string(s.Patch.ID) && t.Probe.Only != s.Patch.Source || failed != nil {
			return
		}
		l := Looked{ID: string(s.Patch.ID), Name: s.Patch.Title}
		l.Part, failed = dissect(s)
		t.add(l)
	})
	return cmp.Or(failed, err)
}

func (t *Trial) add(l Looked) {
	l.Holds = l.Part.Holds
	l.Fault = cmp.Or(l.Fault, l.Part.Fault)
	t.Judged++
	switch {
	case l.Fault != "":
		t.Unjudged++
	case l.Holds:
		t.Holding++
	}
	if n := count(t.Looked, l); n < perAnswer {
		t.Looked = append(t.Looked, l)
	}
}

// rank orders answers: holds, could not be judged, does not hold.
func (l Looked) rank() int {
	switch {
	case l.Fault != "":
		return 1
	case l.Holds:
		return 0
	}
	return 2
}

func count(all []Looked, like Looked) (n int) {
	for _, l := range all {
		if l.rank() == like.rank() {
			n++
		}
	}
	return n
}

func trimmed(all []Looked) []Looked {
	slices.SortStableFunc(all, func(a, b Looked) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Name, b.Name))
	})
	if all == nil {
		return []Looked{}
	}
	return all
}
