package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// PatchCounts gives the patches of an OS with their numbers over its admitted machines, most needed first. Text, Category, Verdicts (some
// machine has one of them), Stands (some decision that counts has it), Limit and Offset of f apply. Patches that no machine has installed or needs are left
// out unless f.Closed or f.Text asks for all. The second value is how many match.
func (l *Ledger) PatchCounts(ctx context.Context, os patch.HostOS, f RowFilter) ([]PatchCount, int, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, 0, err
	}
	shelf, err := v.Shelf(ctx, os, "")
	if err != nil {
		return nil, 0, err
	}
	if shelf == nil {
		return nil, 0, patch.Errorf(patch.NotFound, "no catalog is published for %s", os)
	}
	counts, _, err := l.World.Fleet.Tally(ctx, os, shelf.Revision)
	if err != nil {
		return nil, 0, err
	}
	patches := shelf.List.Patches()
	decided := map[int][]patch.Decision{}
	for _, id := range v.Decided() {
		if i, ok := shelf.List.Index(id); ok {
			decided[i] = v.Decisions(id)
		}
	}
	var hits []int
	for i := range patches {
		if d := decided[i]; f.selects(&patches[i], counts[i], d) {
			hits = append(hits, i)
		}
	}
	slices.SortFunc(hits, func(a, b int) int {
		if c := cmp.Compare(patches[b].CVSS, patches[a].CVSS); f.Sort == patch.ByScore && c != 0 {
			return c
		}
		if c := cmp.Compare(counts[b][patch.NotPatched], counts[a][patch.NotPatched]); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(patches[a].Category, patches[b].Category), strings.Compare(string(patches[a].ID), string(patches[b].ID)))
	})
	out := []PatchCount{}
	for _, i := range page(hits, f.Limit, f.Offset) {
		c := PatchCount{Patch: patches[i], OS: os, Verdicts: counts[i], Decisions: v.Decisions(patches[i].ID)}
		if err := l.judge(ctx, v, &c); err != nil {
			return nil, 0, err
		}
		out = append(out, c)
	}
	return out, len(hits), nil
}

// selects applies a filter to a patch's numbers.
func (f *RowFilter) selects(p *patch.Patch, v patch.Counts, decisions []patch.Decision) bool {
	if f.Text == "" && !f.Closed && len(f.Verdicts) == 0 && len(decisions) == 0 && v[patch.NotPatched]+v[patch.Patched]+v[patch.Faulty] == 0 {
		return false
	}
	if len(f.Verdicts) > 0 && !slices.ContainsFunc(f.Verdicts, func(x patch.Verdict) bool { return x <= patch.Unknown && v[x] > 0 }) {
		return false
	}
	return (f.Category == "" || f.Category == p.Category) && (f.Text == "" || f.mentions(&entry{sight: &world.Sight{}, patch: p})) && f.stands(decisions)
}

func (f RowFilter) stands(decisions []patch.Decision) bool {
	if len(f.Stands) == 0 || len(decisions) == 0 && slices.Contains(f.Stands, patch.Undecided) {
		return true
	}
	stand := map[patch.Verb]patch.Stand{patch.Approve: patch.Approved, patch.Decline: patch.Declined, patch.Hold: patch.HeldBack}
	return slices.ContainsFunc(decisions, func(d patch.Decision) bool { return slices.Contains(f.Stands, stand[d.Verb]) })
}

// judge fills in what needs policy and gates, for the machines that need the patch.
func (l *Ledger) judge(ctx context.Context, v *world.View, c *PatchCount) error {
	if len(c.Decisions) == 0 {
		c.Undecided = c.Verdicts[patch.NotPatched]
		return nil
	}
	needy, err := v.Having(ctx, c.OS, c.Patch.ID, patch.NotPatched)
	if err != nil {
		return err
	}
	if err := v.Gather(ctx, c.Patch.ID, needy); err != nil {
		return err
	}
	for _, seat := range needy {
		s, err := v.SightAt(ctx, seat)
		if err != nil {
			return err
		}
		policy, err := v.Policy(ctx, c.Patch.ID, s.Machine.ID, v.Now)
		if err != nil {
			return err
		}
		switch policy.Stand {
		case patch.Undecided:
			c.Undecided++
		case patch.Approved:
			b, _, err := s.Brief(ctx, world.Ask{Patch: c.Patch.ID})
			if err != nil {
				return err
			}
			if b.Deployable {
				c.Deployable++
			}
		}
	}
	return nil
}
