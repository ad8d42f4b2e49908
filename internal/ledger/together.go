package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// maxNamed is how many machines a group names.
const maxNamed = 50

// ExplainLabel adds explanations up over the machines that carry a label now: every one of them is in exactly one group.
func (l *Ledger) ExplainLabel(ctx context.Context, label string, p patch.ID) (LabelExplanation, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return LabelExplanation{}, err
	}
	row, err := l.World.Store.FindPatch(ctx, p)
	if err != nil {
		return LabelExplanation{}, err
	}
	members, err := l.World.Labels.Members(ctx, label)
	if err != nil {
		return LabelExplanation{}, err
	}
	ex := LabelExplanation{At: v.Now, Label: label, Patch: row.Patch, Total: len(members), Groups: []Group{}}
	approved := 0
	for _, id := range members {
		s, err := v.Sight(ctx, id)
		if err != nil {
			return ex, err
		}
		w, err := s.World(ctx, world.Ask{Patch: p, Deep: true})
		if err != nil {
			return ex, err
		}
		if _, ok := w.Approval(); ok {
			approved++
		}
		ex.add(s.Machine, gate.Walk(w))
	}
	slices.SortStableFunc(ex.Groups, func(a, b Group) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	ex.Sentence = ex.sentence(approved)
	return ex, nil
}

func (ex *LabelExplanation) add(m patch.Machine, a gate.Answer) {
	g := Group{Standing: a.Standing, Code: "deployable", Text: a.Sentence, Next: a.Next, Actor: a.Actor}
	text := a.Sentence
	if a.Closed != nil {
		g.Gate, g.Code, g.Text, text = a.Closed.Name, a.Closed.Code, a.Closed.Text, a.Closed.Text
	}
	i := slices.IndexFunc(ex.Groups, func(x Group) bool { return x.Gate == g.Gate && x.Code == g.Code && x.Standing == g.Standing })
	if i < 0 {
		ex.Groups = append(ex.Groups, g)
		i = len(ex.Groups) - 1
	}
	group := &ex.Groups[i]
	group.Count++
	if group.Text != text {
		group.Text = phrase(group.Code)
	}
	if len(group.Machines) < maxNamed {
		group.Machines = append(group.Machines, Named{ID: m.ID, Name: m.Name, Text: text})
	}
}

// sentence is the whole in one line: approved for 60: 41 patched, 7 not applicable, …
func (ex *LabelExplanation) sentence(approved int) string {
	if ex.Total == 0 {
		return fmt.Sprintf("No machine carries %q now.", ex.Label)
	}
	head := fmt.Sprintf("%s in %q", gate.Count(ex.Total, "machine", "machines"), ex.Label)
	switch {
	case approved == ex.Total:
		head = "Approved for " + gate.Number(approved)
	case approved > 0:
		head += ", approved for " + gate.Number(approved) + " of them"
	}
	var parts []string
	for _, g := range ex.Groups {
		parts = append(parts, gate.Number(g.Count)+" "+phrase(g.Code))
	}
	return head + ": " + strings.Join(parts, ", ") + "."
}

// phrase says a code in words that follow a number of machines.
func phrase(code string) string {
	switch code {
	case "deployable":
		return "ready to deploy"
	case patch.ReasonNotInstalled:
		return "not applicable (not installed)"
	case gate.CodeHeldOnMachine:
		return "not applicable (held on the machine)"
	case gate.CodeNotApplicable:
		return "not applicable"
	case gate.CodeError:
		return "not judged (error)"
	case gate.CodeNever:
		return "never detected"
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
	return strings.ReplaceAll(code, "-", " ")
}
