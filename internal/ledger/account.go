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
	sight   *world.Sight
	patch   *patch.Patch
	policy  *patch.Policy // nil where nobody has decided about the patch
	deed    *deed         // nil where it was never tried
	place   int32         // of the patch on the machine's newest list, from 1; 0 where nobody looked
	verdict patch.Verdict
	// deployable is known once asked, and then the world in which it was judged is at hand.
	asked, deployable bool
	world             *gate.World
}

// deed is what came of the attempts at a patch.
type deed struct {
	execution patch.Execution
	cause     patch.FailCause // why the newest one failed
	effect    patch.Effect
}

// deedOf adds up attempts, oldest first.
func deedOf(attempts []patch.Attempt) (d deed) {
	d.execution = patch.ExecNone
	for i := range attempts {
		a := &attempts[i]
		d.execution, d.cause = a.State, a.Cause
		if a.State == patch.ExecDone || a.State == patch.ExecFailed {
			d.effect = a.Effect
		}
	}
	if d.execution != patch.ExecFailed {
		d.cause = ""
	}
	return d
}

// tried notes a patch's attempts.
func (e *entry) tried(attempts []patch.Attempt) {
	if len(attempts) > 0 {
		d := deedOf(attempts)
		e.deed = &d
	}
}

func (e *entry) stand() patch.Stand {
	if e.policy == nil {
		return patch.Undecided
	}
	return e.policy.Stand
}

func (e *entry) did() deed {
	if e.deed == nil {
		return deed{execution: patch.ExecNone}
	}
	return *e.deed
}

// ask walks the gates where the cheap axes leave it open whether the patch is deployable.
func (e *entry) ask(ctx context.Context) error {
	if e.asked {
		return nil
	}
	e.asked = true
	if e.verdict != patch.NotPatched || e.stand() != patch.Approved {
		return nil
	}
	w := new(gate.World)
	if err := e.sight.Fill(ctx, world.Ask{Patch: e.patch.ID}, w); err != nil {
		return err
	}
	e.world, e.deployable = w, gate.Sketch(w).Deployable
	return nil
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

// bareEntry is the entry of a patch that nobody has decided about and that was never tried.
func bareEntry(s *world.Sight, column int, verdict patch.Verdict) entry {
	return entry{sight: s, patch: &s.Shelf.List.Patches()[column], place: int32(column) + 1, verdict: verdict}
}

func newEntry(ctx context.Context, v *world.View, s *world.Sight, column int, verdict patch.Verdict, tried map[patch.ID][]patch.Attempt) (entry, error) {
	e := bareEntry(s, column, verdict)
	if len(tried) > 0 {
		e.tried(tried[e.patch.ID])
	}
	if len(v.Decisions(e.patch.ID)) == 0 {
		return e, nil
	}
	p, err := s.Policy(ctx, e.patch.ID, v.Now)
	e.policy = &p
	return e, err
}

// matches applies the cheap part of a filter.
func (f RowFilter) matches(e *entry) bool {
	return f.matchesAxes(e) && f.mentions(e)
}

// matchesAxes is matches without the text.
func (f RowFilter) matchesAxes(e *entry) bool {
	return oneOf(f.Verdicts, e.verdict) && oneOf(f.Stands, e.stand()) && oneOf(f.Executions, e.did().execution) && oneOf(f.Effects, e.did().effect) &&
		(f.Category == "" || f.Category == e.patch.Category) && (f.Severity == "" || f.Severity == e.patch.Severity)
}

func oneOf[T comparable](list []T, x T) bool { return len(list) == 0 || slices.Contains(list, x) }

// mentions reports whether every word of the filter's text occurs in what a person would search for.
func (f RowFilter) mentions(e *entry) bool {
	if f.Text == "" {
		return true
	}
	says, name := e.says(), strings.ToLower(e.sight.Machine.Name)
	for word := range strings.FieldsSeq(strings.ToLower(f.Text)) {
		if !strings.Contains(says, word) && !strings.Contains(name, word) {
			return false
		}
	}
	return true
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

// mostNeeded cuts a page out of all entries of one machine, what an administrator acts on first before the rest; security before other updates.
// Only those of the page's verdicts are put in order.
func mostNeeded(all []*entry, limit, offset int) []*entry {
	var by [patch.Unknown + 1][]*entry
	var counts patch.Counts
	for _, e := range all {
		counts[e.verdict]++
	}
	room := make([]*entry, len(all))
	for v, n := range counts {
		by[v], room = room[:0:n], room[n:]
	}
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
		ranks := some[0].sight.Shelf.Ranks()
		slices.SortFunc(some, func(a, b *entry) int { return cmp.Compare(ranks[a.place-1], ranks[b.place-1]) })
		out = append(out, some[offset:]...)
		if offset = 0; limit > 0 && len(out) >= limit {
			return out[:limit]
		}
	}
	return out
}

// row makes the row that people see. What was gathered for ask need not be gathered again; w is room for what is.
func (e *entry) row(ctx context.Context, w *gate.World) (_ Row, err error) {
	a := world.Ask{Patch: e.patch.ID, Deep: true}
	if e.world != nil {
		w = e.world
		err = e.sight.Deepen(ctx, a, w)
	} else {
		err = e.sight.Fill(ctx, a, w)
	}
	if err != nil {
		return Row{}, err
	}
	return e.rowIn(w, gate.Sketch(w)), nil
}

func (e *entry) rowIn(w *gate.World, o gate.Outline) Row {
	d := e.did()
	r := Row{Machine: e.sight.Machine.ID, MachineName: e.sight.Machine.Name, OS: w.OS, Patch: w.Patch, Verdict: w.Verdict, Reason: w.Finding.Reason,
		Policy: w.Policy, Execution: d.execution, Cause: d.cause, Effect: d.effect, Deployable: o.Deployable, Standing: o.Standing, Receipt: receipt(w)}
	if o.Closed != nil {
		r.Gate, r.Code, r.Text = o.Closed.Name, o.Closed.Code, o.Closed.Text
	}
	return r
}

func receipt(w *gate.World) ReceiptRef {
	if w.Receipt == nil {
		return ReceiptRef{}
	}
	return ReceiptRef{Seq: w.Receipt.Seq, Ended: w.Receipt.Ended, Stale: gate.FreshnessCode(w.Detected()) != ""}
}

// page cuts a page out of a list.
func page[T any](all []T, limit, offset int) []T {
	all = all[min(max(0, offset), len(all)):]
	if limit > 0 && len(all) > limit {
		return all[:limit]
	}
	return all
}
