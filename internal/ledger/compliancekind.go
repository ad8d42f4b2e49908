package ledger

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// complianceKind is machines that compliance does not tell apart: as fresh and, while their newest detects speak of now, lacking the same.
type complianceKind struct {
	freshness Freshness
	shelf     *world.Shelf
	lacks     []int // columns of missing security patches that no newer missing one replaces
	errors    int   // security patches that could not be judged
}

// complianceKinds sorts machines of a look; each kind is judged once.
type complianceKinds struct {
	view   *world.View
	look   *fleet.Look
	all    []*complianceKind
	known  map[world.Likeness]int32          // places in all, from 1; 0 for machines that do not count
	fresh  map[*world.Shelf]map[string]int32 // by what is amiss
	others map[Freshness]int32
}

func newComplianceKinds(v *world.View, look *fleet.Look) *complianceKinds {
	return &complianceKinds{view: v, look: look, known: map[world.Likeness]int32{}, fresh: map[*world.Shelf]map[string]int32{}, others: map[Freshness]int32{}}
}

// of gives the place of a machine's kind in all, from 1; 0 for one that does not count.
func (c *complianceKinds) of(ctx context.Context, number uint32) (int32, error) {
	like, ok := c.view.Likeness(c.look, number)
	if ok {
		if k, known := c.known[like]; known {
			return k, nil
		}
	}
	k, err := c.glance(ctx, c.look.At(number))
	if ok && err == nil {
		c.known[like] = k
	}
	return k, err
}

func (c *complianceKinds) glance(ctx context.Context, seat *fleet.Seat) (int32, error) {
	if seat.Machine.State != patch.Admitted { // it was admitted after the look
		return 0, nil
	}
	g, err := c.view.Glance(ctx, seat)
	if err != nil {
		return 0, err
	}
	f := freshness(g.Seat.Machine.State, g.Code)
	if f == Fresh && g.Shelf == nil {
		f = Never
	}
	if f == Fresh {
		return c.lacking(&g), nil
	}
	if c.others[f] == 0 {
		c.others[f] = c.add(&complianceKind{freshness: f})
	}
	return c.others[f], nil
}

func (c *complianceKinds) add(k *complianceKind) int32 {
	c.all = append(c.all, k)
	return int32(len(c.all))
}

func (c *complianceKinds) lacking(g *world.Glance) int32 {
	alike := c.fresh[g.Shelf]
	if alike == nil {
		alike = map[string]int32{}
		c.fresh[g.Shelf] = alike
	}
	amiss := string(g.Seat.AmissBytes())
	if alike[amiss] == 0 {
		k := &complianceKind{freshness: Fresh, shelf: g.Shelf}
		k.judge(g.Seat)
		alike[amiss] = c.add(k)
	}
	return alike[amiss]
}

func (k *complianceKind) judge(s *fleet.Seat) {
	security := k.shelf.Security()
	var missing []int
	for i, v := range s.Amiss() {
		switch {
		case i >= len(security) || !security[i].Is:
		case v == patch.NotPatched:
			missing = append(missing, i)
		case v == patch.Faulty:
			k.errors++
		}
	}
	for _, i := range missing {
		if !slices.ContainsFunc(security[i].Newer, func(newer int) bool { _, yes := slices.BinarySearch(missing, newer); return yes }) {
			k.lacks = append(k.lacks, i)
		}
	}
}
