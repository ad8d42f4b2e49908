package gate

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// PolicyOf resolves decisions about one patch into where it stands for a machine that carries labels, at a moment.
// For each label only the newest decision counts. Among the labels that the machine carries ("all" always), declined beats held beats
// approved; a hold counts until its end. No decision that covers the machine means undecided, and then Decisions are those for labels that
// it does not carry. A held patch's Decisions are its holds, then the approvals that count once they end.
func PolicyOf(labels []string, decisions []patch.Decision, at time.Time) patch.Policy {
	by := map[patch.Verb][]patch.Decision{}
	var elsewhere []patch.Decision
	for _, d := range newest(decisions) {
		switch {
		case d.Verb == patch.Clear, d.Verb == patch.Hold && !at.Before(d.Until):
		case d.Label == patch.LabelAll || slices.Contains(labels, d.Label):
			by[d.Verb] = append(by[d.Verb], d)
		default:
			elsewhere = append(elsewhere, d)
		}
	}
	switch {
	case len(by[patch.Decline]) > 0:
		return patch.Policy{Stand: patch.Declined, Decisions: by[patch.Decline]}
	case len(by[patch.Hold]) > 0:
		return patch.Policy{Stand: patch.HeldBack, Decisions: append(by[patch.Hold], by[patch.Approve]...)}
	case len(by[patch.Approve]) > 0:
		return patch.Policy{Stand: patch.Approved, Decisions: by[patch.Approve]}
	}
	return patch.Policy{Stand: patch.Undecided, Decisions: elsewhere}
}

// newest keeps the newest decision of each label, in the order of labels.
func newest(decisions []patch.Decision) []patch.Decision {
	last := make(map[string]patch.Decision, len(decisions))
	for _, d := range decisions {
		if old, ok := last[d.Label]; !ok || later(d, old) {
			last[d.Label] = d
		}
	}
	return slices.SortedFunc(maps.Values(last), func(a, b patch.Decision) int { return cmp.Compare(a.Label, b.Label) })
}

func later(a, b patch.Decision) bool {
	if c := a.At.Compare(b.At); c != 0 {
		return c > 0
	}
	return a.ID > b.ID
}

// withVerb visits the decisions of a policy that carry a verb.
func withVerb(p patch.Policy, v patch.Verb) iter.Seq[patch.Decision] {
	return func(yield func(patch.Decision) bool) {
		for i := range p.Decisions {
			if p.Decisions[i].Verb == v && !yield(p.Decisions[i]) {
				return
			}
		}
	}
}

// firstWith is the first of them; ok is false where there is none.
func firstWith(p patch.Policy, v patch.Verb) (d patch.Decision, ok bool) {
	for d := range withVerb(p, v) {
		return d, true
	}
	return d, false
}

// approval is the newest decision that approves this patch for this machine, also while a hold covers it.
func approval(p patch.Policy) (newest patch.Decision, ok bool) {
	if p.Stand != patch.Approved && p.Stand != patch.HeldBack {
		return newest, false
	}
	for d := range withVerb(p, patch.Approve) {
		if !ok || later(d, newest) {
			newest, ok = d, true
		}
	}
	return newest, ok
}

// Approval is the newest decision that approves the patch for the machine, and whether there is one.
func (w World) Approval() (patch.Decision, bool) { return approval(w.Policy) }
