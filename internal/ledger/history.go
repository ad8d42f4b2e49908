package ledger

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// History lists what became of a patch on a machine, newest first, down to the machine's first detect if that judged it.
func (l *Ledger) History(ctx context.Context, id patch.MachineID, p patch.ID) ([]patch.Transition, error) {
	s, err := l.World.Records().Sight(ctx, id)
	if err != nil {
		return nil, err
	}
	return l.historyOf(ctx, s, p)
}

func (l *Ledger) historyOf(ctx context.Context, s *world.Sight, p patch.ID) ([]patch.Transition, error) {
	ts, err := l.World.Store.ListTransitions(ctx, patch.TransitionFilter{Machine: s.Machine.ID, Patch: p})
	if err != nil || s.Receipt == nil {
		return ts, err
	}
	found := s.Verdict(p)
	if found == patch.Unknown {
		if found, err = s.Before(ctx, p); err != nil {
			return ts, err
		}
	}
	if n := len(ts); n > 0 {
		found = ts[n-1].From
	}
	if found == patch.Unknown || found == patch.NotApplicable {
		return ts, nil
	}
	first, err := l.Store.FirstReceipt(ctx, s.Machine.ID)
	if err != nil {
		return ts, err
	}
	return append(ts, patch.Transition{Machine: s.Machine.ID, OS: first.OS, Patch: p, From: patch.Unknown, To: found, At: first.Ended, Seq: first.Seq, Cause: patch.FirstDetect}), nil
}
