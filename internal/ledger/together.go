package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// maxNamed is how many machines a group names.
const maxNamed = 50

// ExplainLabel adds explanations up over the machines that carry a label now: every one of them is in exactly one group. Machines in the same
// situation are judged once; those that a group names are judged one by one, for their own words.
func (l *Ledger) ExplainLabel(ctx context.Context, label string, p patch.ID) (LabelExplanation, error) {
	sum, err := l.together(ctx, label, p)
	if err != nil {
		return LabelExplanation{}, err
	}
	ex := sum.ex
	for i := range ex.Groups {
		if err := sum.name(ctx, i, 0, maxNamed); err != nil {
			return ex, err
		}
	}
	slices.SortStableFunc(ex.Groups, func(a, b Group) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	ex.Sentence = ex.sentence(sum.approved)
	return ex, nil
}

// GroupRef names one group of an explanation over a label: what its machines have in common.
type GroupRef struct {
	Gate     gate.Name
	Code     string
	Standing phrase.Phrase
}

// ExplainGroup is ExplainLabel of one group alone, which names a page of its machines; of none, where nobody stands so any more.
func (l *Ledger) ExplainGroup(ctx context.Context, label string, p patch.ID, of GroupRef, offset, limit int) (LabelExplanation, error) {
	sum, err := l.together(ctx, label, p)
	if err != nil {
		return LabelExplanation{}, err
	}
	i, known := sum.groups[of]
	if !known {
		sum.ex.Groups = []Group{}
		sum.ex.Sentence = phrase.Of(`No machine in "{1}" stands so any more.`, label)
		return sum.ex, nil
	}
	if err := sum.name(ctx, i, offset, limit); err != nil {
		return sum.ex, err
	}
	sum.ex.Groups = sum.ex.Groups[i : i+1]
	sum.ex.Sentence = phrase.Of(`{1} of {2} in "{3}": {4}.`, sum.ex.Groups[0].Count, sum.ex.Total, label, codeWords(of.Code))
	return sum.ex, nil
}

// together sorts the machines that carry a label into groups, which name none of them yet.
func (l *Ledger) together(ctx context.Context, label string, p patch.ID) (*together, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, err
	}
	row, err := l.World.Store.FindPatch(ctx, p)
	if err != nil {
		return nil, err
	}
	seats, err := v.Carrying(ctx, label)
	if err != nil {
		return nil, err
	}
	cohorts, err := v.Cohorts(ctx, world.Ask{Patch: p, Reason: true}, seats)
	if err != nil {
		return nil, err
	}
	sum := &together{view: v, groups: map[GroupRef]int{}}
	sum.ex = LabelExplanation{At: v.Now, Label: label, Patch: row.Patch, Total: int(seats.GetCardinality()), Groups: []Group{}}
	for _, c := range cohorts {
		sum.add(c)
	}
	return sum, nil
}

// together sorts machines into groups.
type together struct {
	view     *world.View
	ex       LabelExplanation
	groups   map[GroupRef]int
	seats    []*roaring.Bitmap // of each group
	approved int
}

func (t *together) add(c world.Cohort) {
	b := c.Answer.Brief()
	n := int(c.Seats.GetCardinality())
	if _, approved := c.World.Approval(); approved {
		t.approved += n
	}
	k := GroupRef{b.Gate, b.Code, b.Standing}
	i, known := t.groups[k]
	if !known {
		i = len(t.ex.Groups)
		t.groups[k] = i
		if b.Code == gate.CodeOutOf {
			b.Next = phrase.Of("nothing until somebody looks; then: {1}", "fettle deploy reset-attempts "+string(t.ex.Patch.ID)+" --label "+t.ex.Label+" --why …")
		}
		t.ex.Groups = append(t.ex.Groups, Group{Standing: b.Standing, Gate: b.Gate, Code: b.Code, Next: b.Next, Actor: b.Actor})
		t.seats = append(t.seats, roaring.New())
	}
	t.ex.Groups[i].Count += n
	t.seats[i].Or(c.Seats)
}

// name gives a group some of its machines, each with its own words, and the words that all of these have in common.
func (t *together) name(ctx context.Context, i, offset, limit int) error {
	v, p, g := t.view, t.ex.Patch.ID, &t.ex.Groups[i]
	first, err := v.ByName(ctx, t.seats[i], offset, limit)
	if err != nil {
		return err
	}
	if err := v.Gather(ctx, p, first); err != nil {
		return err
	}
	for _, seat := range first {
		s, err := v.SightAt(ctx, seat)
		if err != nil {
			return err
		}
		a, err := s.Walk(ctx, world.Ask{Patch: p, Reason: true})
		if err != nil {
			return err
		}
		text := a.Sentence
		if a.Closed != nil {
			text = a.Closed.Text
		}
		g.Machines = append(g.Machines, Named{ID: s.Machine.ID, Name: s.Machine.Name, Text: text})
		if len(g.Machines) == 1 {
			g.Text = text
		} else if g.Text != text {
			g.Text = codeWords(g.Code)
		}
	}
	return nil
}

// sentence is the whole in one line: approved for 60: 41 patched, 7 not applicable, …
func (ex *LabelExplanation) sentence(approved int) phrase.Phrase {
	if ex.Total == 0 {
		return phrase.Of(`No machine carries "{1}" now.`, ex.Label)
	}
	var parts []phrase.Phrase
	for _, g := range ex.Groups {
		parts = append(parts, phrase.Of("{1} {2}", g.Count, codeWords(g.Code)))
	}
	said := phrase.Join(parts, ", ")
	switch {
	case approved == ex.Total:
		return phrase.Of("Approved for {1}: {2}.", approved, said)
	case approved > 0:
		return phrase.Count(ex.Total, `{n} machine in "{1}", approved for {2} of them: {3}.`, `{n} machines in "{1}", approved for {2} of them: {3}.`, ex.Label, approved, said)
	}
	return phrase.Count(ex.Total, `{n} machine in "{1}": {2}.`, `{n} machines in "{1}": {2}.`, ex.Label, said)
}

// codeWords says a code in words that follow a number of machines.
func codeWords(code string) phrase.Phrase {
	switch code {
	case "deployable":
		return "ready to deploy"
	case patch.ReasonNotInstalled:
		return "not applicable (not installed)"
	case gate.CodeHeldOnMachine:
		return "not applicable (held on the machine)"
	case gate.CodeNotApplicable:
		return "not applicable"
	case gate.CodePatched:
		return "group of machines\x04patched"
	case gate.CodeError:
		return "not judged (error)"
	case gate.CodeNever:
		return "never detected"
	case gate.CodeNoList:
		return "of an OS without a list"
	case gate.CodeStale:
		return "with a detect too old to count"
	case gate.CodeDetectFailed:
		return "whose newest detect failed"
	case gate.CodeOldRevision, gate.CodeNotJudged, gate.CodeOSMoved, gate.CodeIncomplete:
		return "about to detect with the newest list"
	case gate.CodeOtherOS, gate.CodeNotListed:
		return "of another OS"
	case gate.CodeLeftList:
		return "no longer offered it"
	case gate.CodeUpgraded:
		return "satisfied by upgrade"
	case gate.CodeSilent:
		return "not seen lately"
	case gate.CodePending:
		return "waiting to be admitted"
	case gate.CodeHeld:
		return "held back"
	case gate.CodeSuspect:
		return "whose definition is suspect"
	case gate.CodeNotInLabel:
		return "outside the approved label"
	case gate.CodeFetching, gate.CodeFetchFail:
		return "waiting for the files"
	case gate.CodeUnderWay:
		return "being deployed"
	case gate.CodeNoInstall:
		return "where Fettle cannot install yet"
	case gate.CodeAwaiting:
		return "installed, not yet verified"
	}
	return otherCode(code)
}

// otherCode says codes whose English is their name.
func otherCode(code string) phrase.Phrase {
	switch code {
	case gate.CodeUndecided:
		return "code\x04undecided"
	case gate.CodeDeclined:
		return "code\x04declined"
	case gate.CodeProposed:
		return "code\x04proposed"
	case gate.CodeSuperseded:
		return "code\x04superseded"
	case gate.CodeNotYet:
		return "code\x04window not yet"
	case gate.CodeWindowOver:
		return "code\x04window over"
	case gate.CodeRingHalted:
		return "code\x04ring halted"
	case gate.CodeRingWaits:
		return "code\x04ring waits"
	case gate.CodeRingSoaks:
		return "code\x04ring soaks"
	case gate.CodeRingFull:
		return "code\x04ring full"
	case gate.CodeRingBusy:
		return "code\x04ring busy"
	case gate.CodeFrozen:
		return "code\x04frozen"
	case gate.CodeOwner:
		return "code\x04owner forbids"
	case gate.CodeOutOf:
		return "code\x04out of attempts"
	}
	return phrase.Verbatim(strings.ReplaceAll(code, "-", " "))
}
