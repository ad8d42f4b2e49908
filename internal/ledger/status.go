package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Status adds the whole fleet up. Machines that never detected and stale ones stay in the denominator.
func (l *Ledger) Status(ctx context.Context) (Fleet, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return Fleet{}, err
	}
	c, err := l.count(ctx, v)
	if err != nil {
		return Fleet{}, err
	}
	look, err := v.Look(ctx)
	if err != nil {
		return Fleet{}, err
	}
	sum, counting := newSum(v.Now), counting{view: v}
	stuck := c.stuck()
	for seat := range look.All() {
		if seat.Machine.State != patch.Admitted {
			sum.shut(seat.Machine.State)
			continue
		}
		g, err := counting.glance(ctx, seat)
		if err != nil {
			return Fleet{}, err
		}
		sum.add(v, seat, g, stuck.Contains(seat.Number))
	}
	sum.enter(c)
	return l.conclude(ctx, sum)
}

// sum is a fleet while it is added up.
type sum struct {
	fleet               Fleet
	oses                map[patch.HostOS]*OSStatus
	undecided, security map[patch.ID]bool
}

func newSum(now time.Time) *sum {
	return &sum{fleet: Fleet{At: now, OSes: []OSStatus{}, Alarms: []patch.Alarm{}}, oses: map[patch.HostOS]*OSStatus{}, undecided: map[patch.ID]bool{}, security: map[patch.ID]bool{}}
}

// shut counts a machine that is not admitted.
func (t *sum) shut(state patch.MachineState) {
	if state == patch.Pending {
		t.fleet.Pending++
	} else {
		t.fleet.Revoked++
	}
}

// add counts an admitted machine, but for what it needs.
func (t *sum) add(v *world.View, seat *fleet.Seat, g glance, stuck bool) {
	t.fleet.add(v, &seat.Machine, g, stuck)
	name := seat.OS()
	os := t.oses[name]
	if os == nil {
		os = status(name, g.meta)
		t.oses[name] = os
	}
	os.Machines++
	for i, n := range g.verdicts {
		os.Rows[i] += n
	}
}

// enter counts what all admitted machines need.
func (t *sum) enter(c *census) {
	for _, needs := range c.needs {
		for _, n := range needs {
			if n.security {
				t.security[n.patch] = true
			}
			if !n.undecided.IsEmpty() {
				t.undecided[n.patch] = true
			}
			if n.deployable != nil {
				t.fleet.Deployable += int(n.deployable.GetCardinality())
				t.fleet.Exhausted += int(n.exhausted.GetCardinality())
			}
		}
	}
}

// conclude turns what was added up into the answer.
func (l *Ledger) conclude(ctx context.Context, t *sum) (f Fleet, err error) {
	f = t.fleet
	f.Undecided, f.Security = len(t.undecided), len(t.security)
	for _, os := range t.oses {
		f.OSes = append(f.OSes, *os)
	}
	slices.SortFunc(f.OSes, func(a, b OSStatus) int { return cmp.Compare(a.OS, b.OS) })
	f.Sentence = f.sentence()
	f.Alarms, err = l.Store.ListAlarms(ctx, true)
	return f, err
}

func status(name patch.HostOS, meta *patch.RevisionMeta) *OSStatus {
	os := &OSStatus{OS: name}
	if meta != nil {
		os.Revision, os.Built, os.MetadataDate, os.Patches = meta.ID, meta.Built, meta.MetadataDate(), meta.Patches
	}
	return os
}

// add counts one admitted machine.
func (f *Fleet) add(v *world.View, m *patch.Machine, g glance, stuck bool) {
	f.Machines++
	switch g.freshness {
	case Fresh:
		f.Fresh++
		f.fresh(g.verdicts)
	case Behind:
		f.Behind++
	case Stale:
		f.Stale++
	case Failed:
		f.Failed++
	default:
		f.Never++
	}
	if stuck {
		f.NeedingPerson++
	}
	if m.RebootOwed {
		f.RebootOwed++
	}
	if patch.Quiet(m.SeenAt, v.Now) > v.Limits.Silent {
		f.Silent++
	}
	for i, n := range g.verdicts {
		f.Rows[i] += n
	}
}

func (f *Fleet) fresh(c patch.Counts) {
	switch {
	case c[patch.NotPatched]+c[patch.Faulty]+c[patch.Unknown] == 0:
		f.Confirmed++
	case c[patch.NotPatched] > 0:
		f.Needing++
	}
	if c[patch.Faulty] > 0 {
		f.Erring++
	}
}

func (f *Fleet) sentence() phrase.Phrase {
	if f.Machines == 0 {
		if f.Pending > 0 {
			return phrase.Count(f.Pending, "No machine is admitted yet; {n} waits to be.", "No machine is admitted yet; {n} wait to be.")
		}
		return "No machine is enrolled yet."
	}
	parts := []phrase.Phrase{phrase.Of("{1} confirmed patched", f.Confirmed)}
	parts = append(parts, named(number{f.Needing, phrase.Count(f.Needing, "{n} needs patches", "{n} need patches")},
		number{f.NeedingPerson, phrase.Count(f.NeedingPerson, "{n} needs you", "{n} need you")}, number{f.Erring, phrase.Of("{1} with errors", f.Erring)})...)
	parts = append(parts, named(undetected(f.Behind, f.Stale, f.Failed, f.Never)...)...)
	s := phrase.Count(f.Machines, "{n} machine: {1}", "{n} machines: {1}", phrase.Join(parts, ", "))
	if f.Pending > 0 {
		s = phrase.Count(f.Pending, "{1}; {n} more waits to be admitted", "{1}; {n} more wait to be admitted", s)
	}
	return phrase.Of("{1}.", s)
}

// undetected are machines that no detect speaks of as they are now.
func undetected(behind, stale, failed, never int) []number {
	return []number{{behind, phrase.Of("{1} about to detect with a new list", behind)}, {stale, phrase.Of("{1} not detected for too long", stale)},
		{failed, phrase.Of("{1} whose detect failed", failed)}, {never, phrase.Of("{1} never detected", never)}}
}
