package ledger

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Former is how a machine stood by its last detect on a host OS that it does not have any more.
type Former struct {
	OS       patch.HostOS  `json:"os"`
	Receipt  patch.Receipt `json:"receipt"`
	Until    time.Time     `json:"until"`    // the first detect on the next host OS
	Next     patch.HostOS  `json:"next"`     // that OS
	Verdicts patch.Counts  `json:"verdicts"` // as they were then
}

// Formerly lists the host OSes that a machine had before, the latest first.
func (l *Ledger) Formerly(ctx context.Context, id patch.MachineID) ([]Former, error) {
	all, err := l.Store.SnapshotsByOS(ctx, id)
	if err != nil || len(all) < 2 {
		return []Former{}, err
	}
	receipts, err := l.Store.ListReceipts(ctx, id, 0)
	if err != nil {
		return nil, err
	}
	out := make([]Former, 0, len(all)-1)
	for _, s := range all[1:] {
		f := Former{OS: s.OS, Receipt: s.Receipt, Verdicts: s.Verdicts.Counts()}
		for _, r := range receipts { // newest first
			if r.Seq <= s.Seq {
				break
			}
			f.Until, f.Next = r.Started, r.OS
		}
		out = append(out, f)
	}
	return out, nil
}
