package ledger

import (
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
	machines  []int // by label
}

// complianceKinds sorts machines; each kind is judged once.
type complianceKinds struct {
	labels int
	all    []*complianceKind
	fresh  map[*world.Shelf]map[string]*complianceKind // by what is amiss
	others map[Freshness]*complianceKind
}

func newComplianceKinds(labels int) *complianceKinds {
	return &complianceKinds{labels: labels, fresh: map[*world.Shelf]map[string]*complianceKind{}, others: map[Freshness]*complianceKind{}}
}

func (c *complianceKinds) of(g *world.Glance) *complianceKind {
	f := freshness(g.Seat.Machine.State, g.Code)
	if f == Fresh && g.Shelf == nil {
		f = Never
	}
	if f == Fresh {
		return c.lacking(g)
	}
	k := c.others[f]
	if k == nil {
		k = c.add(complianceKind{freshness: f})
		c.others[f] = k
	}
	return k
}

func (c *complianceKinds) add(k complianceKind) *complianceKind {
	k.machines = make([]int, c.labels)
	c.all = append(c.all, &k)
	return &k
}

func (c *complianceKinds) lacking(g *world.Glance) *complianceKind {
	alike := c.fresh[g.Shelf]
	if alike == nil {
		alike = map[string]*complianceKind{}
		c.fresh[g.Shelf] = alike
	}
	amiss := g.Seat.AmissBytes()
	k := alike[string(amiss)]
	if k == nil {
		k = c.add(complianceKind{freshness: Fresh, shelf: g.Shelf})
		k.judge(g.Seat)
		alike[string(amiss)] = k
	}
	return k
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
