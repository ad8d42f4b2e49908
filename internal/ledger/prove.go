package ledger

import (
	"context"
	"strconv"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Prove judges all of a machine's stored facts once more, with the signatures that its newest detect used, and compares every verdict with
// what the machine said. Where they differ, agent and appliance do not give the same answer: that is an alarm. ok is false where facts or
// signatures are not at hand.
func (l *Ledger) Prove(ctx context.Context, id patch.MachineID) (differ int, ok bool, err error) {
	v := l.World.Records()
	s, err := v.Sight(ctx, id)
	if err != nil || s.Receipt == nil {
		return 0, false, err
	}
	facts, err := s.Facts(ctx)
	if err != nil || facts == nil {
		return 0, false, err
	}
	snap, err := l.World.Store.NewestSnapshot(ctx, id)
	if err != nil || snap.Seq != s.Receipt.Seq {
		return 0, false, err
	}
	list, err := v.Shelf(ctx, snap.OS, snap.Revision)
	if err != nil || list == nil {
		return 0, false, err
	}
	sigs, err := l.World.Catalog.Signatures(ctx, snap.OS, snap.Revision)
	if err != nil {
		if patch.KindOf(err) == patch.NotFound {
			return 0, false, nil
		}
		return 0, false, err
	}
	again, err := sigs.Evaluate(facts)
	if err != nil {
		return 0, false, err
	}
	var told []phrase.Phrase
	if again.Verdicts.Len() != snap.Verdicts.Len() {
		return 0, false, nil
	}
	patches := list.List.Patches()
	for i := range snap.Verdicts.Differences(again.Verdicts) {
		if differ++; len(told) < 5 {
			told = append(told, phrase.Of("{1} is {2} by the machine and {3} by the appliance", string(patches[i].ID), gate.VerdictWord(snap.Verdicts.At(i)), gate.VerdictWord(again.Verdicts.At(i))))
		}
	}
	key := "proof/" + string(id)
	if differ == 0 {
		return 0, true, l.Store.ClearAlarm(ctx, key, v.Now)
	}
	return differ, true, l.Store.RaiseAlarm(ctx, patch.Alarm{Key: key, Kind: "mismatch", RaisedAt: v.Now, SeenAt: v.Now,
		Text: phrase.Of("snapshot {1} of {2} and its own facts, judged once more here, differ in {3} verdicts: {4}", strconv.FormatUint(snap.Seq, 10), s.Machine.Name, differ, phrase.Join(told, "; ")),
		Do:   "Let the machine detect again. If it stays, its agent or what is stored of it is not what it should be."})
}
