package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Status adds the whole fleet up. Machines that never detected and stale ones stay in the denominator.
func (l *Ledger) Status(ctx context.Context) (Fleet, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return Fleet{}, err
	}
	all, err := l.marked(ctx, v)
	if err != nil {
		return Fleet{}, err
	}
	sum := newSum(v.Now)
	err = l.sights(ctx, v, patch.MachineFilter{}, func(s *world.Sight) error {
		if s.Machine.State != patch.Admitted {
			sum.shut(s.Machine.State)
			return nil
		}
		t, err := tallied(ctx, v, s, all)
		if err != nil {
			return err
		}
		sum.add(v, s, t)
		return nil
	})
	if err != nil {
		return sum.fleet, err
	}
	return l.conclude(ctx, sum)
}

// sum is a fleet while it is added up.
type sum struct {
	fleet               Fleet
	oses                map[patch.HostOS]*OSStatus
	undecided, security columns
}

// columns are some of the patches of some lists.
type columns map[*world.Shelf][]bool

func (c columns) add(of *world.Shelf, some []int) {
	if len(some) == 0 {
		return
	}
	in := c[of]
	if in == nil {
		in = make([]bool, len(of.List.Patches()))
		c[of] = in
	}
	for _, i := range some {
		in[i] = true
	}
}

// patches counts them, each once even if several lists have it.
func (c columns) patches() int {
	ids := map[patch.ID]bool{}
	for of, in := range c {
		for i, p := range of.List.Patches() {
			if in[i] {
				ids[p.ID] = true
			}
		}
	}
	return len(ids)
}

func newSum(now time.Time) *sum {
	return &sum{fleet: Fleet{At: now, OSes: []OSStatus{}, Alarms: []patch.Alarm{}}, oses: map[patch.HostOS]*OSStatus{}, undecided: columns{}, security: columns{}}
}

// shut counts a machine that is not admitted.
func (t *sum) shut(state patch.MachineState) {
	if state == patch.Pending {
		t.fleet.Pending++
	} else {
		t.fleet.Revoked++
	}
}

// add counts a machine of any state.
func (t *sum) add(v *world.View, s *world.Sight, m tally) {
	if s.Machine.State != patch.Admitted {
		t.shut(s.Machine.State)
		return
	}
	t.fleet.add(v, s, m)
	os := t.oses[s.OS]
	if os == nil {
		os = status(s)
		t.oses[s.OS] = os
	}
	os.Machines++
	for i, n := range m.row.Verdicts {
		os.Rows[i] += n
	}
	t.undecided.add(s.Shelf, m.undecided)
	t.security.add(s.Shelf, m.security)
}

// conclude turns what was added up into the answer.
func (l *Ledger) conclude(ctx context.Context, t *sum) (f Fleet, err error) {
	f = t.fleet
	f.Undecided, f.Security = t.undecided.patches(), t.security.patches()
	for _, os := range t.oses {
		f.OSes = append(f.OSes, *os)
	}
	slices.SortFunc(f.OSes, func(a, b OSStatus) int { return cmp.Compare(a.OS, b.OS) })
	f.Sentence = f.sentence()
	f.Alarms, err = l.Store.ListAlarms(ctx, true)
	return f, err
}

func status(s *world.Sight) *OSStatus {
	os := &OSStatus{OS: s.OS}
	if s.Meta != nil {
		os.Revision, os.Built, os.MetadataDate, os.Patches = s.Meta.ID, s.Meta.Built, s.Meta.MetadataDate(), s.Meta.Patches
	}
	return os
}

// add counts one admitted machine.
func (f *Fleet) add(v *world.View, s *world.Sight, t tally) {
	f.Machines++
	switch t.row.Freshness {
	case Fresh:
		f.Fresh++
		f.fresh(t)
	case Behind:
		f.Behind++
	case Stale:
		f.Stale++
	case Failed:
		f.Failed++
	default:
		f.Never++
	}
	if t.stuck {
		f.NeedingPerson++
	}
	f.Exhausted += t.row.Exhausted
	if s.Machine.RebootOwed {
		f.RebootOwed++
	}
	if v.Now.Sub(s.Machine.SeenAt) > v.Limits.Silent {
		f.Silent++
	}
	for i, n := range t.row.Verdicts {
		f.Rows[i] += n
	}
	f.Deployable += t.row.Deployable
}

func (f *Fleet) fresh(t tally) {
	c := t.row.Verdicts
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

func needs(n int) string {
	if n == 1 {
		return "needs"
	}
	return "need"
}

func (f *Fleet) sentence() string {
	if f.Machines == 0 {
		if f.Pending > 0 {
			return fmt.Sprintf("No machine is admitted yet; %s to be.", gate.Count(f.Pending, "waits", "wait"))
		}
		return "No machine is enrolled yet."
	}
	parts := []string{gate.Number(f.Confirmed) + " confirmed patched"}
	parts = append(parts, named(number{f.Needing, needs(f.Needing) + " patches"}, number{f.NeedingPerson, needs(f.NeedingPerson) + " you"}, number{f.Erring, "with errors"},
		number{f.Behind, "about to detect with a new list"}, number{f.Stale, "not detected for too long"}, number{f.Failed, "whose detect failed"},
		number{f.Never, "never detected"})...)
	s := gate.Count(f.Machines, "machine", "machines") + ": " + strings.Join(parts, ", ")
	if f.Pending > 0 {
		s += "; " + gate.Count(f.Pending, "more waits", "more wait") + " to be admitted"
	}
	return s + "."
}
