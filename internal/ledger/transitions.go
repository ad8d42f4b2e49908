package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/program"
	"github.com/fettle-project/fettle/internal/version"
	"github.com/fettle-project/fettle/internal/world"
)

// change is the step from one snapshot to the next one of the same machine.
type change struct {
	prev     *patch.Snapshot // nil for the first one ever
	old      *world.Shelf    // the list of prev; nil where it is lost
	snap     *patch.Snapshot
	list     *world.Shelf
	attempts []patch.Attempt          // of this machine, oldest first
	history  func() []patch.PkgChange // the machine's own
}

// transitions lists every verdict that changed, and why. Patches that are not applicable leave no trace when they come or go. A machine's
// first detect changes nothing: what it found follows from what was found since; see History.
func (c *change) transitions() []patch.Transition {
	if c.prev == nil {
		return nil
	}
	if c.prev.OS == c.snap.OS && c.prev.Revision == c.snap.Revision && c.prev.Verdicts.Len() == c.snap.Verdicts.Len() {
		return c.sameList()
	}
	var out []patch.Transition
	moved := c.prev.OS != c.snap.OS
	for i, p := range c.list.List.Patches() {
		from, to := c.before(p.ID), c.snap.Verdicts.At(i)
		if moved {
			from = patch.Unknown
		}
		if from == to || from == patch.Unknown && to == patch.NotApplicable {
			continue
		}
		t := c.transition(c.snap.OS, p.ID, from, to)
		t.Cause, t.Note = c.why(p, from, to)
		out = append(out, t)
	}
	return append(out, c.closings(moved)...)
}

// sameList is transitions between two snapshots of one revision.
func (c *change) sameList() []patch.Transition {
	patches := c.list.List.Patches()
	out := make([]patch.Transition, 0, c.prev.Verdicts.Distance(c.snap.Verdicts, len(patches)))
	for i := range c.prev.Verdicts.Differences(c.snap.Verdicts) {
		p, from, to := patches[i], c.prev.Verdicts.At(i), c.snap.Verdicts.At(i)
		t := c.transition(c.snap.OS, p.ID, from, to)
		t.Cause, t.Note = c.why(p, from, to)
		out = append(out, t)
	}
	return out
}

// before is what the previous snapshot said about a patch of the same OS.
func (c *change) before(id patch.ID) patch.Verdict {
	_, i, ok := c.old.Find(id)
	if !ok || i >= c.prev.Verdicts.Len() {
		return patch.Unknown
	}
	return c.prev.Verdicts.At(i)
}

func (c *change) transition(os patch.HostOS, id patch.ID, from, to patch.Verdict) patch.Transition {
	return patch.Transition{Machine: c.snap.Machine, OS: os, Patch: id, From: from, To: to, At: c.snap.Ended, Seq: c.snap.Seq}
}

// why attributes one change: to another OS, to the definitions, to Fettle or to somebody else.
func (c *change) why(p patch.Patch, from, to patch.Verdict) (patch.Cause, phrase.Phrase) {
	switch {
	case c.prev.OS != c.snap.OS:
		return patch.OSChange, c.arriving(p.ID)
	case from == patch.Unknown:
		return patch.CatalogChange, "new on the list"
	case c.prev.Facts == c.snap.Facts:
		return patch.CatalogChange, "the definitions changed, not the machine"
	}
	if to == patch.Patched {
		if a := c.ours(p, false); a != nil {
			if a.Patch == p.ID {
				return patch.ByFettle, ""
			}
			return patch.ByFettle, phrase.Of("with {1}", string(a.Patch))
		}
	}
	if to == patch.NotPatched {
		if a := c.ours(p, true); a != nil {
			return patch.ByFettle, phrase.Of("rollback by deployment {1}: {2}", a.Deployment, patch.StepsText(a.Back))
		}
	}
	if to == patch.Faulty {
		if a := c.broke(p); a != nil {
			return patch.ByFettle, phrase.Of("its installation by deployment {1} failed in the middle", a.Deployment)
		}
	}
	return c.culprit(p, to)
}

// broke finds an attempt since the previous snapshot that began to install exactly this patch and did not get it there.
func (c *change) broke(p patch.Patch) *patch.Attempt {
	for i := range c.attempts {
		a := &c.attempts[i]
		began := a.State == patch.ExecFailed && (a.Cause.UsesUp() || a.Cause == patch.FailInterrupted) && a.EndedAt.After(c.prev.Begun()) || a.State == patch.ExecInstalling && a.Order == c.snap.Order
		if a.Patch == p.ID && began {
			return a
		}
	}
	return nil
}

// ours finds an attempt since the previous snapshot that installed the patch, or another version of the same source; with back one that took it back.
func (c *change) ours(p patch.Patch, back bool) *patch.Attempt {
	var found *patch.Attempt
	for i := range c.attempts {
		a := &c.attempts[i]
		done := a.State == patch.ExecDone && a.EndedAt.After(c.prev.Begun()) && a.VerifiedSeq == 0
		closes := a.Order != "" && a.Order == c.snap.Order && a.State != patch.ExecWithdrawn && a.State != patch.ExecFailed
		if !done && !closes || a.TakesBack() != back {
			continue
		}
		if a.Patch == p.ID {
			return a
		}
		if q, _, ok := c.list.Find(a.Patch); ok && q.Source == p.Source && p.Source != "" {
			found = a
		}
	}
	return found
}

// culprit names who changed the patch's packages, as far as the machine's own history tells: the newest change counts.
func (c *change) culprit(p patch.Patch, to patch.Verdict) (patch.Cause, phrase.Phrase) {
	since := c.prev.Started.Truncate(time.Second) // histories know seconds
	for _, x := range c.history() {
		if x.At.Before(since) || x.At.After(c.snap.Ended) || !touches(x, p) || x.Who == patch.DoerFettle && to != patch.Patched {
			continue // an installation of ours takes nothing away
		}
		return hand(x), said(x)
	}
	return patch.ByOther, ""
}

// touches reports whether a line of a machine's history is about a patch: about one of its packages, about the article that Windows lists it
// by, or about the program that it is for, in its version or a newer one that came or went.
func touches(x patch.PkgChange, p patch.Patch) bool {
	if slices.ContainsFunc(p.Payloads, func(f patch.Payload) bool { return f.Name == x.Name }) {
		return true
	}
	number, article := strings.CutPrefix(x.Name, "KB")
	if article && x.To == "" && number != "" {
		return number == strings.TrimPrefix(p.Advisory, "KB")
	}
	seen := cmp.Or(x.To, x.From)
	if seen == "" || !slices.Contains([]string{"apps", "winget", "scoop"}, p.Suite) || program.Key(program.Name(x.Name)) != program.Key(program.Name(p.Title)) {
		return false
	}
	n, err := version.Compare(version.Winget, seen, p.Version)
	return err == nil && n >= 0
}

// hand is the cause of a verdict that a change moved.
func hand(x patch.PkgChange) patch.Cause {
	switch x.Who {
	case patch.DoerFettle:
		return patch.ByFettle
	case patch.DoerService:
		return patch.ByService
	case patch.DoerPerson:
		return patch.ByPerson
	}
	return patch.ByOther
}

// said is what history says about a change: who, what, and the line that says so.
func said(x patch.PkgChange) phrase.Phrase {
	what := phrase.Of("{1} of {2}", patch.ActionWord(x.Action), x.Name)
	if x.From != "" && x.To != "" {
		what = phrase.Of("{1} of {2} from {3} to {4}", patch.ActionWord(x.Action), x.Name, x.From, x.To)
	}
	if x.By != "" {
		what = phrase.Of("{1}: {2}", x.By, what)
	} else {
		what = phrase.Of("{1}, by whom the machine's history does not tell", what)
	}
	if x.Evidence != "" {
		what = phrase.Of("{1} ({2})", what, x.Evidence)
	}
	return what
}

// closings ends the rows of patches that the new list does not carry, so that they stay findable with the reason.
func (c *change) closings(moved bool) []patch.Transition {
	if c.old == nil {
		return nil
	}
	var out []patch.Transition
	for i, p := range c.old.List.Patches() {
		from := c.prev.Verdicts.At(i)
		_, _, still := c.list.Find(p.ID)
		if from == patch.NotApplicable || !moved && still {
			continue
		}
		t := c.transition(c.prev.OS, p.ID, from, patch.Unknown)
		if moved {
			t.Cause, t.Note = patch.OSChange, c.leaving(from, still)
		} else {
			t.Cause, t.Note = patch.CatalogChange, c.successor(p)
		}
		out = append(out, t)
	}
	return out
}

// leaving says how a row ended on the host OS that the machine had: the patch goes on under its own name on the new one, or the upgrade
// brought what it would have.
func (c *change) leaving(from patch.Verdict, still bool) phrase.Phrase {
	step := fmt.Sprintf("%s → %s", c.prev.OS, c.snap.OS)
	switch {
	case still:
		return phrase.Of("carried over by upgrade: {1}", step)
	case from == patch.NotPatched:
		return phrase.Of("satisfied by upgrade: {1}; it was still missing before", step)
	case from == patch.Faulty:
		return phrase.Of("satisfied by upgrade: {1}; it could not be judged before", step)
	}
	return phrase.Of("satisfied by upgrade: {1}", step)
}

// arriving says how a row began on the new host OS.
func (c *change) arriving(p patch.ID) phrase.Phrase {
	if _, i, ok := c.old.Find(p); ok {
		return phrase.Of("carried over from {1}, where it was {2}", string(c.prev.OS), gate.VerdictWord(c.prev.Verdicts.At(i)))
	}
	return phrase.Of("first detect on {1}, before on {2}", string(c.snap.OS), string(c.prev.OS))
}

// successor says what took the place of a patch that left the list.
func (c *change) successor(p patch.Patch) phrase.Phrase {
	var same *patch.Patch
	for i, q := range c.list.List.Patches() {
		if slices.Contains(q.Supersedes, p.ID) {
			return phrase.Of("left the list, superseded by {1}", string(q.ID))
		}
		if q.Source == p.Source && q.Suite == p.Suite && p.Source != "" {
			same = &c.list.List.Patches()[i]
		}
	}
	if same != nil {
		return phrase.Of("left the list, replaced by {1}", string(same.ID))
	}
	return "left the list: the vendor no longer offers it"
}
