package payload

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// crowd is all machines that need the same files: equal facts, equal labels as far as decisions name any.
type crowd struct {
	labels []string
	facts  patch.Hash
}

// needed gives the files that machines need for patches that are approved for them now, and no others: sorted, one row for each
// patch, host OS and file.
func (d *Depot) needed(ctx context.Context) ([]patch.StoredPayload, error) {
	decisions, err := d.Store.ListDecisions(ctx, patch.DecisionFilter{})
	if err != nil {
		return nil, err
	}
	byPatch := map[patch.ID][]patch.Decision{}
	approved := false
	for _, dec := range decisions {
		byPatch[dec.Patch] = append(byPatch[dec.Patch], dec)
		approved = approved || dec.Verb == patch.Approve
	}
	if !approved {
		return nil, nil
	}
	crowds, err := d.crowds(ctx, decisions)
	if err != nil {
		return nil, err
	}
	found := map[use]patch.StoredPayload{}
	for _, c := range crowds {
		if err := d.crowdNeeds(ctx, c, byPatch, found); err != nil {
			return nil, err
		}
	}
	out := make([]patch.StoredPayload, 0, len(found))
	for _, p := range found {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b patch.StoredPayload) int {
		return cmp.Or(cmp.Compare(a.OS, b.OS), cmp.Compare(a.Patch, b.Patch), cmp.Compare(a.Name, b.Name), cmp.Compare(a.SHA256, b.SHA256))
	})
	return out, nil
}

type use struct {
	os   patch.HostOS
	id   patch.ID
	hash patch.Hash
}

// crowds groups the admitted machines whose facts are known.
func (d *Depot) crowds(ctx context.Context, decisions []patch.Decision) ([]crowd, error) {
	machines, err := d.Store.ListMachines(ctx, patch.MachineFilter{State: patch.Admitted})
	if err != nil {
		return nil, err
	}
	carried, err := d.carried(ctx, decisions)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var crowds []crowd
	for _, m := range machines {
		labels := carried[m.ID]
		key := string(m.Facts) + "\x00" + strings.Join(labels, "\x00")
		if m.Facts == "" || seen[key] {
			continue
		}
		seen[key] = true
		crowds = append(crowds, crowd{labels, m.Facts})
	}
	return crowds, nil
}

// carried gives the labels that each machine carries, of those that decisions name, sorted.
func (d *Depot) carried(ctx context.Context, decisions []patch.Decision) (map[patch.MachineID][]string, error) {
	names := map[string]bool{}
	for _, dec := range decisions {
		names[dec.Label] = true
	}
	delete(names, patch.LabelAll) // every machine carries it
	carried := map[patch.MachineID][]string{}
	for name := range names {
		members, err := d.Labels.Members(ctx, name)
		if patch.KindOf(err) == patch.NotFound && err != nil {
			continue // the label is gone: nobody carries it
		}
		if err != nil {
			return nil, err
		}
		for _, id := range members {
			carried[id] = append(carried[id], name)
		}
	}
	for _, labels := range carried {
		slices.Sort(labels)
	}
	return carried, nil
}

func (d *Depot) crowdNeeds(ctx context.Context, c crowd, byPatch map[patch.ID][]patch.Decision, found map[use]patch.StoredPayload) error {
	var facts *patch.Facts
	for id, decisions := range byPatch {
		if gate.PolicyOf(c.labels, decisions, d.Now()).Stand != patch.Approved {
			continue
		}
		if facts == nil {
			f, err := d.facts(ctx, c.facts)
			if err != nil || f == nil {
				return err
			}
			facts = f
		}
		files, err := d.Catalog.Payloads(ctx, facts.OS.Key, id)
		if patch.KindOf(err) == patch.NotFound && err != nil {
			continue // not a patch of this host OS, or off its list by now
		}
		if err != nil {
			return err
		}
		byHash := make(map[patch.Hash]patch.PayloadFile, len(files))
		for _, f := range files {
			byHash[f.SHA256] = f
		}
		for _, p := range world.Needed(facts, files, nil, nil) {
			found[use{facts.OS.Key, id, p.SHA256}] = patch.StoredPayload{
				PayloadFile: byHash[p.SHA256], OS: facts.OS.Key, Patch: id, State: patch.PayloadWanted, UpdatedAt: d.Now(),
			}
		}
	}
	return nil
}

// facts gives a machine's facts, nil where it has not uploaded them yet.
func (d *Depot) facts(ctx context.Context, hash patch.Hash) (*patch.Facts, error) {
	packed, err := d.Store.FindFacts(ctx, hash)
	if patch.KindOf(err) == patch.NotFound && err != nil {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f := new(patch.Facts)
	if err := world.Decode(packed, f); err != nil {
		return nil, patch.Errorf(patch.Invalid, "cannot read the facts %s: %w", hash, err)
	}
	return f, nil
}
