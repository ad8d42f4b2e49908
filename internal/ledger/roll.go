package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Roll is every machine with its numbers, and all of them added up, at one moment. It is shared: nobody changes it.
type Roll struct {
	Machines []MachineRow // of any state, by name
	Fleet    Fleet
}

// Roll calls every machine once: Machines and Status in one walk.
func (l *Ledger) Roll(ctx context.Context) (*Roll, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, err
	}
	r := &Roll{}
	sum := newSum(v.Now)
	err = l.sights(ctx, v, patch.MachineFilter{}, func(s *world.Sight) error {
		t, err := tallied(ctx, v, s)
		if err != nil {
			return err
		}
		r.Machines = append(r.Machines, t.row)
		sum.add(v, s, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(r.Machines, byName)
	r.Fleet, err = l.conclude(ctx, sum)
	return r, err
}

func byName(a, b MachineRow) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// Register keeps the newest Roll for those who look at it again and again: a walk over a large fleet takes longer than a page may. What people
// did is always in it; what machines said may be as old as some twenty walks take. Its methods may be called from many goroutines.
type Register struct {
	Walk func(context.Context) (*Roll, error)
	// Deeds numbers the newest of what people did.
	Deeds func(context.Context) (uint64, error)
	Now   func() time.Time

	mu    sync.Mutex
	kept  kept
	going chan struct{} // a walk is under way until it is closed; nil: none is
	old   chan struct{} // somebody was shown a Roll that is no longer new
}

// NewRegister makes a Register, which somebody must Keep.
func NewRegister(walk func(context.Context) (*Roll, error), deeds func(context.Context) (uint64, error), now func() time.Time) *Register {
	return &Register{Walk: walk, Deeds: deeds, Now: now, old: make(chan struct{}, 1)}
}

// kept is a Roll with the circumstances of its making.
type kept struct {
	roll  *Roll
	deeds uint64
	at    time.Time // when its walk began
	took  time.Duration
}

const (
	patience = 20                    // a Roll counts as new for so many times what its walk took,
	idle     = 200                   // is made anew by itself after so many,
	quick    = 40 * time.Millisecond // is not worth keeping where its walk takes less,
	oldest   = 10 * time.Minute      // and is never shown when older
	rest     = 30 * time.Second
)

// Roll gives the newest Roll, and has it made anew where it is no longer new.
func (g *Register) Roll(ctx context.Context) (*Roll, error) {
	deeds, err := g.Deeds(ctx)
	if err != nil {
		return nil, err
	}
	k := g.newest()
	age := g.Now().Sub(k.at)
	switch {
	case k.roll == nil || k.deeds != deeds || age > oldest || age > patience*k.took && k.took < quick:
		return g.renew(ctx, deeds)
	case age > patience*k.took:
		select {
		case g.old <- struct{}{}:
		default: // it is known already
		}
	}
	return k.roll, nil
}

func (g *Register) newest() kept {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept
}

// renew gives a Roll with all that was done up to deeds: it walks, or waits for the walk that is under way.
func (g *Register) renew(ctx context.Context, deeds uint64) (*Roll, error) {
	asked := g.Now()
	for {
		g.mu.Lock()
		if g.kept.roll != nil && g.kept.deeds >= deeds && !g.kept.at.Before(asked) {
			defer g.mu.Unlock()
			return g.kept.roll, nil
		}
		if g.going == nil {
			g.going = make(chan struct{})
			g.mu.Unlock()
			return g.walk(ctx)
		}
		going := g.going
		g.mu.Unlock()
		select {
		case <-going:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		asked = time.Time{} // a walk that ended meanwhile is new enough, if it knows the deeds
	}
}

func (g *Register) walk(ctx context.Context) (*Roll, error) {
	k := kept{at: g.Now()}
	var err error
	if k.deeds, err = g.Deeds(ctx); err == nil {
		k.roll, err = g.Walk(ctx)
	}
	k.took = g.Now().Sub(k.at)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.kept = k
	}
	close(g.going)
	g.going = nil
	return k.roll, err
}

// Keep makes the Roll anew now and then until the context ends, so that the first look of the morning does not wait.
func (g *Register) Keep(ctx context.Context, failed func(error)) {
	for {
		deeds, err := g.Deeds(ctx)
		if err == nil {
			_, err = g.renew(ctx, deeds)
		}
		if err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-g.old:
		case <-time.After(max(rest, idle*g.newest().took)):
		}
	}
}
