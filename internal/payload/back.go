package payload

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// goingBack gives the files that machines need for rollbacks that are under way, as far as the vendor still offers them: those of older versions,
// which no approval asks for.
func (d *Depot) goingBack(ctx context.Context) ([]patch.StoredPayload, error) {
	open, err := d.Store.ListAttempts(ctx, patch.AttemptFilter{Open: true})
	if err != nil {
		return nil, err
	}
	var oses map[patch.MachineID]patch.HostOS
	seen := map[use]bool{}
	var out []patch.StoredPayload
	for _, a := range open {
		if !a.TakesBack() {
			continue
		}
		if oses == nil {
			if oses, err = d.oses(ctx); err != nil {
				return nil, err
			}
		}
		for _, s := range a.Back {
			os := oses[a.Machine]
			f, _, offered, err := d.Catalog.Previous(ctx, os, patch.InstalledPackage{Name: s.Name, Arch: s.Arch, Version: s.To})
			if err != nil && patch.KindOf(err) != patch.NotFound {
				return nil, err
			}
			k := use{os, a.Patch, f.SHA256}
			if err != nil || !offered || seen[k] {
				continue
			}
			seen[k] = true
			out = append(out, patch.StoredPayload{PayloadFile: f, OS: os, Patch: a.Patch, State: patch.PayloadWanted, UpdatedAt: d.Now()})
		}
	}
	return out, nil
}

func (d *Depot) oses(ctx context.Context) (map[patch.MachineID]patch.HostOS, error) {
	all, err := d.Store.ListMachines(ctx, patch.MachineFilter{})
	out := make(map[patch.MachineID]patch.HostOS, len(all))
	for _, m := range all {
		out[m.ID] = m.OS
	}
	return out, err
}
