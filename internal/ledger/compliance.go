package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Compliance says how the machines of each of the labels stand now, in the order of labels.
func (l *Ledger) Compliance(ctx context.Context, labels []string, allowed patch.Allowance) ([]patch.Compliance, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, err
	}
	var kev patch.Exploits
	if l.KEV != nil {
		if kev, err = l.KEV(ctx); err != nil {
			return nil, err
		}
	}
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	out, carry, all := make([]complying, len(labels)), make([]*roaring.Bitmap, len(labels)), roaring.New()
	for i, label := range labels {
		if carry[i], err = l.carrying(ctx, look, label); err != nil {
			return nil, err
		}
		all.Or(carry[i])
		out[i] = complying{Compliance: patch.Compliance{Label: label, At: v.Now}, machines: map[patch.Severity]int{}, kev: kev}
	}
	var judge judging
	for _, n := range all.ToArray() {
		s, err := v.SightAt(ctx, look.At(n))
		if err != nil {
			return nil, err
		}
		judge.machine(s)
		for i := range out {
			if len(out) == 1 || carry[i].Contains(n) {
				out[i].add(&judge)
			}
		}
	}
	done := make([]patch.Compliance, len(out))
	for i := range out {
		done[i] = out[i].finish(allowed)
	}
	return done, nil
}

// carrying gives the admitted machines of a look that carry a label of machines.
func (l *Ledger) carrying(ctx context.Context, look *fleet.Look, label string) (*roaring.Bitmap, error) {
	carriers, err := l.World.Labels.Carriers(ctx, label, look)
	if err != nil {
		return nil, err
	}
	if carriers.IsEmpty() { // a label of patches is no label that nobody carries
		if _, err := l.World.Labels.Members(ctx, label); err != nil {
			return nil, err
		}
	}
	set := roaring.New()
	for it := carriers.Iterator(); it.HasNext(); {
		if n := it.Next(); int(n) < look.Len() && look.At(n).Machine.State == patch.Admitted {
			set.Add(n)
		}
	}
	return set, nil
}

// judging judges one machine after the other. What a machine lacks matters only while its newest detect speaks of now.
type judging struct {
	freshness Freshness
	shelf     *world.Shelf
	missing   []int // columns of security patches
	lacks     []int // those of them that no newer missing one replaces
	errors    int
}

func (j *judging) machine(s *world.Sight) {
	j.freshness = freshness(s.Machine, s.FreshnessCode())
	j.shelf, j.missing, j.lacks, j.errors = s.Shelf, j.missing[:0], j.lacks[:0], 0
	switch {
	case s.Shelf == nil && j.freshness == Fresh:
		j.freshness = Never
		return
	case j.freshness != Fresh:
		return
	}
	security := s.Shelf.Security()
	amiss(s, func(i int, v patch.Verdict) {
		switch {
		case !security[i].Is:
		case v == patch.NotPatched:
			j.missing = append(j.missing, i)
		case v == patch.Faulty:
			j.errors++
		}
	})
	for _, i := range j.missing {
		if !slices.ContainsFunc(security[i].Newer, j.misses) {
			j.lacks = append(j.lacks, i)
		}
	}
}

// amiss visits at least the verdicts that are not-patched or an error, in the list's order.
func amiss(s *world.Sight, visit func(i int, v patch.Verdict)) {
	few, current := s.Amiss()
	if !current {
		verdicts(s, visit)
		return
	}
	for i, v := range few {
		visit(i, v)
	}
}

func (j *judging) misses(column int) bool {
	_, yes := slices.BinarySearch(j.missing, column)
	return yes
}

// complying adds a label up.
type complying struct {
	patch.Compliance
	lists    []*lacking
	machines map[patch.Severity]int // that lack something of it
	kev      patch.Exploits
}

// lacking has, by column of a list, what machines lack.
type lacking struct {
	shelf *world.Shelf
	place []int32 // in found, from 1; 0 where no machine lacks it
	found []lacked
}

// lacked is one patch that machines of a label lack.
type lacked struct {
	patch              *patch.Patch
	severity           patch.Severity
	machines           int
	days               int // since it was released
	exploited, overdue bool
}

func (c *complying) add(m *judging) {
	c.Machines++
	switch {
	case m.freshness == Behind:
		c.Behind++
	case m.freshness == Stale:
		c.Stale++
	case m.freshness == Failed:
		c.Failed++
	case m.freshness != Fresh:
		c.Never++
	case len(m.lacks) > 0:
		c.Needing++
		c.lack(m)
	case m.errors > 0:
		c.Erring++
	default:
		c.Confirmed++
	}
}

func (c *complying) lack(m *judging) {
	list := c.list(m.shelf)
	var seen [8]patch.Severity
	kinds := seen[:0]
	note := func(s patch.Severity) {
		if !slices.Contains(kinds, s) {
			kinds = append(kinds, s)
			c.machines[s]++
		}
	}
	for _, i := range m.lacks {
		if list.place[i] == 0 {
			list.found = append(list.found, c.lacking(&m.shelf.List.Patches()[i]))
			list.place[i] = int32(len(list.found))
		}
		x := &list.found[list.place[i]-1]
		x.machines++
		note(x.severity)
		if x.exploited {
			note(patch.Exploited)
		}
	}
}

func (c *complying) list(s *world.Shelf) *lacking {
	for _, l := range c.lists {
		if l.shelf == s {
			return l
		}
	}
	l := &lacking{shelf: s, place: make([]int32, len(s.List.Patches()))}
	c.lists = append(c.lists, l)
	return l
}

func (c *complying) lacking(p *patch.Patch) lacked {
	x := lacked{patch: p, severity: p.Severity}
	if !p.Released.IsZero() {
		x.days = max(0, int(c.At.Sub(p.Released)/(24*time.Hour)))
	}
	cves := c.kev.Among(p.CVEs)
	x.exploited = len(cves) > 0
	x.overdue = slices.ContainsFunc(cves, func(cve string) bool { due := c.kev[cve].Due; return !due.IsZero() && c.At.After(due.AddDate(0, 0, 1)) })
	return x
}

func (c *complying) finish(allowed patch.Allowance) patch.Compliance {
	c.Exposures = []patch.Exposure{}
	var all []*lacked
	for _, l := range c.lists {
		for i := range l.found {
			all = append(all, &l.found[i])
		}
	}
	slices.SortFunc(all, func(a, b *lacked) int { return cmp.Compare(a.days, b.days) })
	for _, s := range [...]patch.Severity{patch.Exploited, patch.Critical, patch.High, patch.Medium, patch.Low, patch.NotGiven} {
		if c.machines[s] > 0 {
			c.Exposures = append(c.Exposures, c.exposure(s, all, allowed))
		}
	}
	return c.Compliance
}

// exposure is what a severity comes to; all are sorted by their days.
func (c *complying) exposure(s patch.Severity, all []*lacked, allowed patch.Allowance) patch.Exposure {
	e := patch.Exposure{Severity: s, Machines: c.machines[s], Allowed: allowed[s]}
	limit, limited := allowed[s]
	var ages []*lacked
	for _, x := range all {
		if x.severity != s && (s != patch.Exploited || !x.exploited) {
			continue
		}
		ages = append(ages, x)
		e.Pairs += x.machines
		if s == patch.Exploited && x.overdue || s != patch.Exploited && limited && x.days > limit {
			e.Overdue += x.machines
		}
	}
	e.Patches, e.OldestDays = c.distinct(ages), ages[len(ages)-1].days
	for left := e.Pairs / 2; ; ages = ages[1:] {
		if e.MedianDays = ages[0].days; left < ages[0].machines {
			return e
		}
		left -= ages[0].machines
	}
}

// distinct counts patches; only different lists carry the same one.
func (c *complying) distinct(all []*lacked) int {
	if len(c.lists) == 1 {
		return len(all)
	}
	ids := make(map[patch.ID]bool, len(all))
	for _, x := range all {
		ids[x.patch.ID] = true
	}
	return len(ids)
}

// ComplianceSentence says one label's compliance as a person would.
func ComplianceSentence(c patch.Compliance) string {
	if c.Machines == 0 {
		return "no machine carries " + c.Label
	}
	s := gate.Number(c.Confirmed) + " of " + gate.Count(c.Machines, "machine", "machines") + " confirmed"
	for _, n := range named(number{c.Needing, "missing security patches"}, number{c.Erring, "not fully judged"}, number{c.Behind, "about to detect with a new list"},
		number{c.Stale, "not detected for too long"}, number{c.Failed, "whose detect failed"}, number{c.Never, "never detected"}) {
		s += ", " + n
	}
	return s
}
