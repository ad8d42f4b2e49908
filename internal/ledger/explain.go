package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Explain says why a patch is or is not on a machine. The verdict's evidence is judged once more by the engine over the facts that the
// receipt names; if that disagrees with what is stored, an alarm is raised and the explanation says so.
func (l *Ledger) Explain(ctx context.Context, id patch.MachineID, p patch.ID) (Explanation, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return Explanation{}, err
	}
	s, err := v.Sight(ctx, id)
	if err != nil {
		return Explanation{}, err
	}
	if _, _, listed := s.Shelf.Find(p); !listed {
		if _, err := l.World.Store.FindPatch(ctx, p); err != nil {
			return Explanation{}, err
		}
	}
	e := entry{sight: s, patch: &patch.Patch{ID: p}}
	attempts, err := s.Attempts(ctx, p)
	if err != nil {
		return Explanation{}, err
	}
	e.tried(attempts)
	ex := Explanation{At: v.Now, Machine: s.Machine, Receipt: s.Receipt, Attempts: slices.Clone(attempts)}
	slices.Reverse(ex.Attempts)
	w, err := s.World(ctx, world.Ask{Patch: p, Deep: true})
	if err != nil {
		return ex, err
	}
	ex.Answer = gate.Walk(w)
	ex.Row = e.rowIn(&w, ex.Answer.Outline())
	if err := l.prove(ctx, s, p, &ex); err != nil {
		return ex, err
	}
	return ex, l.history(ctx, s, p, &ex)
}

func (l *Ledger) history(ctx context.Context, s *world.Sight, p patch.ID, ex *Explanation) (err error) {
	if ex.Labels, err = l.Labels.LabelsOf(ctx, s.Machine.ID); err != nil {
		return err
	}
	if ex.Decisions, err = l.Store.DecisionHistory(ctx, p); err != nil {
		return err
	}
	ex.Transitions, err = l.historyOf(ctx, s, p)
	return err
}

// prove judges the stored facts once more and compares.
func (l *Ledger) prove(ctx context.Context, s *world.Sight, p patch.ID, ex *Explanation) error {
	stored := s.Verdict(p)
	if s.Receipt == nil || stored == patch.Unknown {
		ex.Proof = Proof{Unproven, "no complete detect has judged it"}
		before, err := s.Before(ctx, p)
		if before != patch.Unknown {
			ex.Proof.Text = phrase.Of("no complete detect of this OS has judged it; on {1}, which the machine had before, snapshot {2} said \"{3}\"", string(s.Receipt.OS), strconv.FormatUint(s.Receipt.Seq, 10), gate.VerdictWord(before))
		}
		return err
	}
	f, ok, err := s.Finding(ctx, p)
	if err != nil {
		return err
	}
	if !ok {
		ex.Proof = Proof{Unproven, "the facts or the signatures of that detect are not at hand"}
		return nil
	}
	ex.Finding = f
	key := fmt.Sprintf("mismatch/%s/%s", s.Machine.ID, p)
	if f.Verdict == stored {
		ex.Proof = Proof{Reproduced, phrase.Of("the facts of snapshot {1}, judged once more, give \"{2}\" again", strconv.FormatUint(s.Receipt.Seq, 10), gate.VerdictWord(f.Verdict))}
		return l.agree(ctx, key, ex)
	}
	ex.Proof = Proof{Disagrees, phrase.Of("snapshot {1} says \"{2}\", but its own facts, judged once more, give \"{3}\" ({4})", strconv.FormatUint(s.Receipt.Seq, 10), gate.VerdictWord(stored), gate.VerdictWord(f.Verdict), f.Reason.Text)}
	ex.Answer.Sentence = phrase.Of("{1} Do not rely on this: {2}.", ex.Answer.Sentence, ex.Proof.Text)
	return l.Store.RaiseAlarm(ctx, patch.Alarm{Key: key, Kind: "mismatch", RaisedAt: ex.At, SeenAt: ex.At,
		Text: phrase.Of("{1} on {2}: {3}", string(p), s.Machine.Name, ex.Proof.Text),
		Do:   "Let the machine detect again. If it stays, the machine's agent or its stored facts are not what they should be."})
}

// agree clears the alarm that an earlier disagreement raised.
func (l *Ledger) agree(ctx context.Context, key string, ex *Explanation) error {
	open, err := l.Store.ListAlarms(ctx, true)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(open, func(a patch.Alarm) bool { return a.Key == key }) {
		return l.Store.ClearAlarm(ctx, key, ex.At)
	}
	return nil
}
