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
		out[i] = complying{Compliance: patch.Compliance{Label: label, At: v.Now}, lacked: map[*patch.Patch]*lacked{}, machines: map[patch.Severity]int{}, kev: kev}
	}
	judge := judging{newer: map[*world.Shelf][]*[]int{}}
	for _, n := range all.ToArray() {
		s, err := v.SightAt(ctx, look.At(n))
		if err != nil {
			return nil, err
		}
		m := judge.machine(s)
		for i := range out {
			if carry[i].Contains(n) {
				out[i].add(m)
			}
		}
	}
	done := make([]patch.Compliance, len(out))
	for i := range out {
		done[i] = out[i].finish(allowed)
	}
	return done, nil
}

// carrying gives the admitted machines of a look that carry a label.
func (l *Ledger) carrying(ctx context.Context, look *fleet.Look, label string) (*roaring.Bitmap, error) {
	members, err := l.World.Labels.Members(ctx, label)
	if err != nil {
		return nil, err
	}
	set := roaring.New()
	for _, id := range members {
		if seat := look.Find(id); seat != nil && seat.Machine.State == patch.Admitted {
			set.Add(seat.Number)
		}
	}
	return set, nil
}

// judged is one machine as a report sees it. What it lacks matters only while its newest detect speaks of now.
type judged struct {
	freshness Freshness
	lacks     []*patch.Patch // missing security patches, those left out that a newer missing security patch replaces
	errors    int
}

// judging judges one machine after the other.
type judging struct {
	newer   map[*world.Shelf][]*[]int // by column: the columns of what replaces it; nil until it was asked for
	missing []int                     // columns of security patches
}

func (j *judging) machine(s *world.Sight) (m judged) {
	m.freshness = freshness(s.Machine, s.FreshnessCode())
	switch {
	case s.Shelf == nil && m.freshness == Fresh:
		m.freshness = Never
		return m
	case m.freshness != Fresh:
		return m
	}
	patches := s.Shelf.List.Patches()
	j.missing = j.missing[:0]
	amiss(s, func(i int, v patch.Verdict) {
		switch {
		case patches[i].Category != patch.Security:
		case v == patch.NotPatched:
			j.missing = append(j.missing, i)
		case v == patch.Faulty:
			m.errors++
		}
	})
	for _, i := range j.missing {
		if !slices.ContainsFunc(j.replacing(s.Shelf, i), j.misses) {
			m.lacks = append(m.lacks, &patches[i])
		}
	}
	return m
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

// replacing gives the columns of the patches that replace another one.
func (j *judging) replacing(s *world.Shelf, column int) []int {
	known := j.newer[s]
	if known == nil {
		known = make([]*[]int, len(s.List.Patches()))
		j.newer[s] = known
	}
	if known[column] == nil {
		columns := []int{}
		for _, id := range s.Newer(s.List.Patches()[column].ID) {
			if i, ok := s.List.Index(id); ok {
				columns = append(columns, i)
			}
		}
		known[column] = &columns
	}
	return *known[column]
}

// complying adds a label up.
type complying struct {
	patch.Compliance
	lacked   map[*patch.Patch]*lacked
	machines map[patch.Severity]int // that lack something of it
	kev      patch.Exploits
}

// lacked is one patch that machines of a label lack.
type lacked struct {
	machines           int
	days               int // since it was released
	exploited, overdue bool
}

func (c *complying) add(m judged) {
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
	case m.errors > 0:
		c.Erring++
	default:
		c.Confirmed++
	}
	var seen [8]patch.Severity
	kinds := seen[:0]
	note := func(s patch.Severity) {
		if !slices.Contains(kinds, s) {
			kinds = append(kinds, s)
			c.machines[s]++
		}
	}
	for _, p := range m.lacks {
		x := c.lacked[p]
		if x == nil {
			x = c.lacking(p)
			c.lacked[p] = x
		}
		x.machines++
		note(p.Severity)
		if x.exploited {
			note(patch.Exploited)
		}
	}
}

func (c *complying) lacking(p *patch.Patch) *lacked {
	x := &lacked{}
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
	for _, s := range [...]patch.Severity{patch.Exploited, patch.Critical, patch.High, patch.Medium, patch.Low, patch.NotGiven} {
		if c.machines[s] > 0 {
			c.Exposures = append(c.Exposures, c.exposure(s, allowed))
		}
	}
	return c.Compliance
}

func (c *complying) exposure(s patch.Severity, allowed patch.Allowance) patch.Exposure {
	e := patch.Exposure{Severity: s, Machines: c.machines[s], Allowed: allowed[s]}
	limit, limited := allowed[s]
	ids, ages := map[patch.ID]bool{}, []*lacked{}
	for p, x := range c.lacked {
		if p.Severity != s && (s != patch.Exploited || !x.exploited) {
			continue
		}
		ids[p.ID], ages = true, append(ages, x)
		e.Pairs += x.machines
		if s == patch.Exploited && x.overdue || s != patch.Exploited && limited && x.days > limit {
			e.Overdue += x.machines
		}
	}
	slices.SortFunc(ages, func(a, b *lacked) int { return cmp.Compare(a.days, b.days) })
	e.Patches, e.OldestDays = len(ids), ages[len(ages)-1].days
	for left := e.Pairs / 2; ; ages = ages[1:] {
		if e.MedianDays = ages[0].days; left < ages[0].machines {
			return e
		}
		left -= ages[0].machines
	}
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
