package ledger

import (
	"context"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// glance is what one machine is counted by, apart from what it needs.
type glance struct {
	freshness Freshness
	verdicts  patch.Counts // over its OS's newest list
	meta      *patch.RevisionMeta
}

// counting counts the verdicts of many machines over their OS's newest list.
type counting struct {
	view *world.View
	from map[passageKey]*passage
}

type passageKey struct {
	os       patch.HostOS
	revision patch.RevisionID
	expected int
}

// passage is what becomes of the verdicts on one list when they are counted over the newest one.
type passage struct {
	listed  int   // patches of the newest list
	carried int   // of these: on both
	gone    []int // columns of patches that the newest list does not carry
	lost    bool  // the one list is not at hand any more
}

// glance counts one machine.
func (c *counting) glance(ctx context.Context, seat *fleet.Seat) (g glance, err error) {
	v, os := c.view, seat.OS()
	g.meta = v.Meta(os)
	g.freshness = freshness(seat.Machine.State, gate.FreshnessCode(gate.Detected{Now: v.Now, Stale: v.Limits.Stale, Machine: &seat.Machine, OS: os, Revision: g.meta, Receipt: seat.Receipt}))
	if g.meta == nil {
		return g, nil
	}
	k := passageKey{os: os}
	if r := seat.Receipt; r != nil && r.OS == os {
		k.revision, k.expected = r.Revision, r.Expected
	}
	p := c.from[k]
	if p == nil {
		if p, err = c.passage(ctx, k); err != nil {
			return g, err
		}
		if c.from == nil {
			c.from = map[passageKey]*passage{}
		}
		c.from[k] = p
	}
	if p.lost {
		g.verdicts[patch.Unknown] = p.listed
		return g, nil
	}
	g.verdicts = seat.Counts()
	for _, column := range p.gone {
		g.verdicts[seat.Verdict(column)]--
	}
	g.verdicts[patch.Unknown] += p.listed - p.carried
	return g, nil
}

func (c *counting) passage(ctx context.Context, k passageKey) (*passage, error) {
	newest, err := c.view.Shelf(ctx, k.os, "")
	if err != nil || newest == nil {
		return &passage{lost: true}, err
	}
	p := &passage{listed: len(newest.List.Patches()), lost: true}
	if k.revision == "" {
		return p, nil
	}
	judged, err := c.view.Shelf(ctx, k.os, k.revision)
	if err != nil || judged == nil {
		return p, err
	}
	p.lost = false
	patches := judged.List.Patches()
	for i := range k.expected {
		listed := false
		if i < len(patches) {
			_, listed = newest.List.Index(patches[i].ID)
		}
		if listed {
			p.carried++
		} else {
			p.gone = append(p.gone, i)
		}
	}
	return p, nil
}
