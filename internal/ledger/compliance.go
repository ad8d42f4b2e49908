package ledger

import (
	"context"
	"slices"
	"time"

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
	out := make([]complying, len(labels))
	carry := make([]map[patch.MachineID]bool, len(labels))
	for i, label := range labels {
		members, err := l.World.Labels.Members(ctx, label)
		if err != nil {
			return nil, err
		}
		carry[i] = make(map[patch.MachineID]bool, len(members))
		for _, id := range members {
			carry[i][id] = true
		}
		out[i] = complying{Compliance: patch.Compliance{Label: label, At: v.Now}, missing: map[patch.Severity]*missing{}, kev: kev}
	}
	err = l.sights(ctx, v, patch.MachineFilter{State: patch.Admitted}, func(s *world.Sight) error {
		var m *judged
		for i := range out {
			if !carry[i][s.Machine.ID] {
				continue
			}
			if m == nil {
				m = judgeMachine(s)
			}
			out[i].add(m, v.Now)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	done := make([]patch.Compliance, len(out))
	for i := range out {
		done[i] = out[i].finish(allowed)
	}
	return done, nil
}

// judged is one machine as a report sees it.
type judged struct {
	freshness Freshness
	lacks     []*patch.Patch // missing security patches, those left out that a newer missing one replaces
	errors    int
}

func judgeMachine(s *world.Sight) *judged {
	m := &judged{freshness: freshness(s.Machine, s.Freshness())}
	if s.Shelf == nil {
		if m.freshness == Fresh {
			m.freshness = Never
		}
		return m
	}
	patches := s.Shelf.List.Patches()
	verdicts(s, func(i int, v patch.Verdict) {
		switch {
		case v == patch.Faulty && patches[i].Category == patch.Security:
			m.errors++
		case v == patch.NotPatched && patches[i].Category == patch.Security:
			replaced := slices.ContainsFunc(s.Shelf.Newer(patches[i].ID), func(id patch.ID) bool { return s.Verdict(id) == patch.NotPatched })
			if !replaced {
				m.lacks = append(m.lacks, &patches[i])
			}
		}
	})
	return m
}

// complying adds a label up.
type complying struct {
	patch.Compliance
	missing map[patch.Severity]*missing
	kev     patch.Exploits
}

type missing struct {
	patches  map[patch.ID]bool
	machines int
	ages     []int // days, one for each machine and patch
	overdue  int   // pairs beyond a date that the source of exploited CVEs set
}

func (c *complying) add(m *judged, now time.Time) {
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
	if m.freshness != Fresh {
		return
	}
	seen := map[patch.Severity]bool{}
	for _, p := range m.lacks {
		c.lack(p.Severity, *p, now, seen)
		if cves := c.kev.Among(p.CVEs); len(cves) > 0 {
			x := c.lack(patch.Exploited, *p, now, seen)
			if slices.ContainsFunc(cves, func(cve string) bool { due := c.kev[cve].Due; return !due.IsZero() && now.After(due.AddDate(0, 0, 1)) }) {
				x.overdue++
			}
		}
	}
}

// lack counts a patch that a machine lacks under a severity; seen are those under which this machine counts already.
func (c *complying) lack(s patch.Severity, p patch.Patch, now time.Time, seen map[patch.Severity]bool) *missing {
	x := c.missing[s]
	if x == nil {
		x = &missing{patches: map[patch.ID]bool{}}
		c.missing[s] = x
	}
	x.patches[p.ID] = true
	age := 0
	if !p.Released.IsZero() {
		age = max(0, int(now.Sub(p.Released)/(24*time.Hour)))
	}
	x.ages = append(x.ages, age)
	if !seen[s] {
		seen[s] = true
		x.machines++
	}
	return x
}

func (c *complying) finish(allowed patch.Allowance) patch.Compliance {
	c.Exposures = []patch.Exposure{}
	for _, s := range []patch.Severity{patch.Exploited, patch.Critical, patch.High, patch.Medium, patch.Low, patch.NotGiven} {
		x := c.missing[s]
		if x == nil {
			continue
		}
		slices.Sort(x.ages)
		e := patch.Exposure{Severity: s, Patches: len(x.patches), Machines: x.machines, Pairs: len(x.ages), OldestDays: x.ages[len(x.ages)-1],
			MedianDays: x.ages[len(x.ages)/2], Allowed: allowed[s]}
		if limit, ok := allowed[s]; ok {
			e.Overdue = len(x.ages) - firstAbove(x.ages, limit)
		}
		if s == patch.Exploited {
			e.Overdue = x.overdue
		}
		c.Exposures = append(c.Exposures, e)
	}
	return c.Compliance
}

// firstAbove is the index of the first number above a limit in sorted numbers.
func firstAbove(sorted []int, limit int) int {
	i, _ := slices.BinarySearch(sorted, limit+1)
	return i
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
