package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// entry is a row before the gates are walked: cheap enough to make for every patch of a list.
type entry struct {
	sight     *world.Sight
	patch     *patch.Patch
	place     int // of the patch on the machine's newest list, from 1; 0 where nobody looked
	verdict   patch.Verdict
	policy    patch.Policy
	execution patch.Execution
	cause     patch.FailCause
	effect    patch.Effect
	// deployable is known once asked; see account.deployable.
	asked, deployable bool
}

// axes fills execution and effect from a patch's attempts, oldest first.
func (e *entry) axes(attempts []patch.Attempt) {
	e.execution = patch.ExecNone
	for _, a := range attempts {
		e.execution, e.cause = a.State, a.Cause
		if a.State == patch.ExecDone || a.State == patch.ExecFailed {
			e.effect = a.Effect
		}
	}
	if e.execution != patch.ExecFailed {
		e.cause = ""
	}
}

// ask walks the gates where the cheap axes leave it open whether the patch is deployable.
func (e *entry) ask(ctx context.Context) error {
	if e.asked {
		return nil
	}
	e.asked = true
	if e.verdict != patch.NotPatched || e.policy.Stand != patch.Approved {
		return nil
	}
	b, _, err := e.sight.Brief(ctx, world.Ask{Patch: e.patch.ID})
	e.deployable = b.Deployable
	return err
}

// entries makes a machine's entries, one for every patch of its OS's newest list, in list order.
func entries(ctx context.Context, v *world.View, s *world.Sight) ([]entry, error) {
	if s.Shelf == nil {
		return nil, nil
	}
	attempts, err := s.Attempts(ctx, "")
	if err != nil {
		return nil, err
	}
	tried := byPatch(attempts)
	patches := s.Shelf.List.Patches()
	verdicts, current := s.Current()
	out := make([]entry, len(patches))
	for i := range patches {
		verdict := patch.Unknown
		if current {
			verdict = verdicts.At(i)
		} else {
			verdict = s.Verdict(patches[i].ID)
		}
		if out[i], err = newEntry(ctx, v, s, i, verdict, tried); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func byPatch(attempts []patch.Attempt) map[patch.ID][]patch.Attempt {
	tried := map[patch.ID][]patch.Attempt{}
	for _, a := range attempts {
		tried[a.Patch] = append(tried[a.Patch], a)
	}
	return tried
}

func newEntry(ctx context.Context, v *world.View, s *world.Sight, column int, verdict patch.Verdict, tried map[patch.ID][]patch.Attempt) (e entry, err error) {
	e = entry{sight: s, patch: &s.Shelf.List.Patches()[column], place: column + 1, verdict: verdict}
	e.policy.Stand = patch.Undecided
	if len(v.Decisions(e.patch.ID)) > 0 {
		e.policy, err = v.Policy(ctx, e.patch.ID, s.Machine.ID, v.Now)
	}
	e.axes(tried[e.patch.ID])
	return e, err
}

// matches applies the cheap part of a filter.
func (f RowFilter) matches(e *entry) bool {
	return f.matchesAxes(e) && f.mentions(e)
}

// matchesAxes is matches without the text.
func (f RowFilter) matchesAxes(e *entry) bool {
	return oneOf(f.Verdicts, e.verdict) && oneOf(f.Stands, e.policy.Stand) && oneOf(f.Executions, e.execution) && oneOf(f.Effects, e.effect) &&
		(f.Category == "" || f.Category == e.patch.Category) && (f.Severity == "" || f.Severity == e.patch.Severity)
}

func oneOf[T comparable](list []T, x T) bool { return len(list) == 0 || slices.Contains(list, x) }

// mentions reports whether every word of the filter's text occurs in what a person would search for.
func (f RowFilter) mentions(e *entry) bool {
	if f.Text == "" {
		return true
	}
	words := f.unsaid(e.says())
	return len(words) == 0 || within(words, e.sight.Machine.Name)
}

// says is what a search for the entry looks through.
func (e *entry) says() string {
	if e.place == 0 {
		return world.TextOf(e.patch)
	}
	return e.sight.Shelf.Texts()[e.place-1]
}

// unsaid are the words of the filter's text, in lower case, that the text of a patch does not have.
func (f RowFilter) unsaid(text string) (words []string) {
	for word := range strings.FieldsSeq(strings.ToLower(f.Text)) {
		if !strings.Contains(text, word) {
			words = append(words, word)
		}
	}
	return words
}

// within reports whether a name has all of some words, whichever case it is in.
func within(words []string, name string) bool {
	name = strings.ToLower(name)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(name, w) })
}

// matchesGates applies the part of a filter that needs the gates.
func (f RowFilter) matchesGates(ctx context.Context, e *entry) (bool, error) {
	if f.Deployable {
		if err := e.ask(ctx); err != nil || !e.deployable {
			return false, err
		}
	}
	if f.Gate == "" && f.Code == "" {
		return true, nil
	}
	a, err := e.sight.Walk(ctx, world.Ask{Patch: e.patch.ID, Deep: true})
	return err == nil && f.matchesAnswer(a), err
}

// matchesAnswer is matchesGates for what the gates have answered.
func (f RowFilter) matchesAnswer(a gate.Answer) bool {
	if f.Deployable && !a.Deployable {
		return false
	}
	if f.Gate == "" && f.Code == "" {
		return true
	}
	return a.Closed != nil && (f.Gate == "" || f.Gate == a.Closed.Name) && (f.Code == "" || f.Code == a.Closed.Code)
}

// byUrgency are the verdicts in the order in which an administrator acts on them: what is needed, what could not be judged, what is not known.
var byUrgency = [...]patch.Verdict{patch.NotPatched, patch.Faulty, patch.Unknown, patch.Patched, patch.NotApplicable}

// mostNeeded cuts a page out of all entries, what an administrator acts on first before the rest; security before other updates. Only those of
// the page's verdicts are put in order.
func mostNeeded(all []*entry, limit, offset int) []*entry {
	var by [patch.Unknown + 1][]*entry
	for _, e := range all {
		by[e.verdict] = append(by[e.verdict], e)
	}
	out := []*entry{}
	offset = max(0, offset)
	for _, v := range byUrgency {
		some := by[v]
		if offset >= len(some) {
			offset -= len(some)
			continue
		}
		slices.SortFunc(some, alike)
		out = append(out, some[offset:]...)
		if offset = 0; limit > 0 && len(out) >= limit {
			return out[:limit]
		}
	}
	return out
}

// alike orders entries of one verdict.
func alike(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.patch.Category, b.patch.Category), strings.Compare(string(a.patch.ID), string(b.patch.ID)), strings.Compare(a.sight.Machine.Name, b.sight.Machine.Name),
		strings.Compare(string(a.sight.Machine.ID), string(b.sight.Machine.ID)))
}

// row walks the gates for one entry and makes the row that people see.
func (e *entry) row(ctx context.Context) (Row, gate.Answer, error) {
	w, err := e.sight.World(ctx, world.Ask{Patch: e.patch.ID, Deep: true})
	if err != nil {
		return Row{}, gate.Answer{}, err
	}
	r, a := e.rowIn(w)
	return r, a, nil
}

func (e *entry) rowIn(w gate.World) (Row, gate.Answer) {
	a := gate.Walk(w)
	r := Row{Machine: e.sight.Machine.ID, MachineName: e.sight.Machine.Name, OS: w.OS, Patch: w.Patch, Verdict: w.Verdict, Reason: w.Finding.Reason,
		Policy: w.Policy, Execution: e.execution, Cause: e.cause, Effect: e.effect, Deployable: a.Deployable, Standing: a.Standing, Receipt: receipt(w)}
	if a.Closed != nil {
		r.Gate, r.Code, r.Text = a.Closed.Name, a.Closed.Code, a.Closed.Text
	}
	return r, a
}

func receipt(w gate.World) ReceiptRef {
	if w.Receipt == nil {
		return ReceiptRef{}
	}
	return ReceiptRef{Seq: w.Receipt.Seq, Ended: w.Receipt.Ended, Stale: gate.Freshness(w).State != gate.Open}
}

// page cuts a page out of a list.
func page[T any](all []T, limit, offset int) []T {
	all = all[min(max(0, offset), len(all)):]
	if limit > 0 && len(all) > limit {
		return all[:limit]
	}
	return all
}
