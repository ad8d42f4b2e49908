package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Compliance says how the machines of each of the labels stand now, in the order of labels.
func (l *Ledger) Compliance(ctx context.Context, labels []string, allowed patch.Allowance) ([]patch.Compliance, error) {
	v := l.World.Records()
	var kev patch.Exploits
	var err error
	if l.KEV != nil {
		if kev, err = l.KEV(ctx); err != nil {
			return nil, err
		}
	}
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	out, carry := make([]complying, len(labels)), make([]*roaring.Bitmap, len(labels))
	for i, label := range labels {
		if carry[i], err = l.carrying(ctx, look, label); err != nil {
			return nil, err
		}
		out[i] = complying{Compliance: patch.Compliance{Label: label, At: v.Now}, machines: map[patch.Severity]int{}, kev: kev}
	}
	kinds, kind, err := l.complianceKinds(ctx, v, look, anyOf(carry))
	if err != nil {
		return nil, err
	}
	done := make([]patch.Compliance, len(out))
	for i := range out {
		for k, n := range count(carry[i], kind, len(kinds)) {
			out[i].add(kinds[k], n)
		}
		done[i] = out[i].finish(allowed)
	}
	return done, nil
}

// complianceKinds sorts the machines of a set in kinds, and gives the place of each machine's kind, from 1, by number.
func (l *Ledger) complianceKinds(ctx context.Context, v *world.View, look *fleet.Look, some *roaring.Bitmap) ([]*complianceKind, []int32, error) {
	kinds, kind := newComplianceKinds(v, look), make([]int32, look.Len())
	var numbers [256]uint32
	all := some.ManyIterator()
	for n := all.NextMany(numbers[:]); n > 0; n = all.NextMany(numbers[:]) {
		for _, number := range numbers[:n] {
			if int(number) >= len(kind) { // it came after the look
				break
			}
			k, err := kinds.of(ctx, number)
			if err != nil {
				return nil, nil, err
			}
			kind[number] = k
		}
	}
	return kinds.all, kind, nil
}

// count counts the machines of a set by kind.
func count(some *roaring.Bitmap, kind []int32, kinds int) []int {
	counts := make([]int, kinds+1)
	var numbers [256]uint32
	all := some.ManyIterator()
	for n := all.NextMany(numbers[:]); n > 0; n = all.NextMany(numbers[:]) {
		for _, number := range numbers[:n] {
			if int(number) < len(kind) {
				counts[kind[number]]++
			}
		}
	}
	return counts[1:]
}

// anyOf is the machines that are in any of some sets; the caller must not change it.
func anyOf(sets []*roaring.Bitmap) *roaring.Bitmap {
	if len(sets) == 1 {
		return sets[0]
	}
	return roaring.FastOr(sets...)
}

// carrying gives the machines of a look, and perhaps some that came after it, that carry a label of machines; the caller must not change it.
func (l *Ledger) carrying(ctx context.Context, look *fleet.Look, label string) (*roaring.Bitmap, error) {
	carriers, err := l.World.Labels.Carriers(ctx, label, look)
	if err == nil && carriers.IsEmpty() { // a label of patches is no label that nobody carries
		_, err = l.World.Labels.Members(ctx, label)
	}
	return carriers, err
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
	exposes            uint8 // the exposures that it belongs to: a bit each, in their order
}

// exposures are in the order in which they are told.
func exposures() [6]patch.Severity {
	return [...]patch.Severity{patch.Exploited, patch.Critical, patch.High, patch.Medium, patch.Low, patch.NotGiven}
}

// add counts n machines of a kind.
func (c *complying) add(k *complianceKind, n int) {
	if n == 0 {
		return
	}
	c.Machines += n
	switch {
	case k.freshness == Behind:
		c.Behind += n
	case k.freshness == Stale:
		c.Stale += n
	case k.freshness == Failed:
		c.Failed += n
	case k.freshness != Fresh:
		c.Never += n
	case len(k.lacks) > 0:
		c.Needing += n
		c.lack(k, n)
	case k.errors > 0:
		c.Erring += n
	default:
		c.Confirmed += n
	}
}

func (c *complying) lack(k *complianceKind, n int) {
	list := c.list(k.shelf)
	exposed := uint8(0)
	for _, i := range k.lacks {
		if list.place[i] == 0 {
			list.found = append(list.found, c.lacking(&k.shelf.List.Patches()[i]))
			list.place[i] = int32(len(list.found))
		}
		x := &list.found[list.place[i]-1]
		x.machines += n
		exposed |= x.exposes
	}
	for bit, s := range exposures() {
		if exposed&(1<<bit) != 0 {
			c.machines[s] += n
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
	for bit, s := range exposures() {
		if s == x.severity || s == patch.Exploited && x.exploited {
			x.exposes |= 1 << bit
		}
	}
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
	for _, s := range exposures() {
		if c.machines[s] > 0 {
			c.Exposures = append(c.Exposures, c.exposure(s, all, allowed))
		}
	}
	return c.Compliance
}

// exposure is what a severity comes to; all are sorted by their days.
func (c *complying) exposure(s patch.Severity, all []*lacked, allowed patch.Allowance) patch.Exposure {
	e := patch.Exposure{Severity: s, Machines: c.machines[s], Allowed: allowed[s]}
	var ages []*lacked
	for _, x := range all {
		if x.severity != s && (s != patch.Exploited || !x.exploited) {
			continue
		}
		ages = append(ages, x)
		e.Pairs += x.machines
		if x.late(s, allowed) {
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
func ComplianceSentence(c patch.Compliance) phrase.Phrase {
	if c.Machines == 0 {
		return phrase.Of("no machine carries {1}", c.Label)
	}
	parts := []phrase.Phrase{phrase.Count(c.Machines, "{1} of {n} machine confirmed", "{1} of {n} machines confirmed", c.Confirmed)}
	parts = append(parts, named(number{c.Needing, phrase.Of("{1} missing security patches", c.Needing)}, number{c.Erring, phrase.Of("{1} not fully judged", c.Erring)})...)
	return phrase.Join(append(parts, named(undetected(c.Behind, c.Stale, c.Failed, c.Never)...)...), ", ")
}
