package web

import (
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// restart says why a machine owes a restart, and which schedule may make it.
type restart struct {
	Reasons []string
	Next    calendar.Coming // the first to open of those that may restart it; without a name where there is none
}

// restarts says it for some machines: an agent restarts its machine after what a schedule installs, where the schedule lets it.
func (c *console) restarts(v *visit, rows []*ledger.MachineRow) (map[patch.MachineID]restart, error) {
	out := map[patch.MachineID]restart{}
	for _, m := range rows {
		if inv, _ := c.inventory(v, m.Machine); inv != nil {
			out[m.ID] = restart{Reasons: inv.Reboot.Reasons}
		} else {
			out[m.ID] = restart{}
		}
	}
	all, err := c.Calendar.List(v.ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Paused || s.Detect || s.Reboot == nil || s.Reboot.Mode == patch.RebootNever || s.Next.Start.IsZero() {
			continue
		}
		members, err := c.Labels.Membership(v.ctx, s.Label)
		if err != nil {
			return nil, err
		}
		for _, id := range members.Members {
			if r, ok := out[id]; ok && (r.Next.Name == "" || s.Next.Start.Before(r.Next.Next.Start)) {
				r.Next = s
				out[id] = r
			}
		}
	}
	return out, nil
}
