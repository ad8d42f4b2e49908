package ledger

import (
	"context"
	"sync"
	"time"
)

// Register keeps the newest answer to a question about all machines for those who look at it again and again: a walk over a large fleet takes longer than a page may. What people
// did is always in it; what machines said may be as old as some twenty walks take. Its methods may be called from many goroutines.
type Register[T any] struct {
	Walk func(context.Context) (T, error)
	// Deeds numbers the newest of what people did.
	Deeds func(context.Context) (uint64, error)
	Now   func() time.Time

	mu    sync.Mutex
	kept  kept[T]
	going chan struct{} // a walk is under way until it is closed; nil: none is
	old   chan struct{} // somebody was given an answer that is no longer new
}

// NewRegister makes a Register, which somebody must Keep.
func NewRegister[T any](walk func(context.Context) (T, error), deeds func(context.Context) (uint64, error), now func() time.Time) *Register[T] {
	return &Register[T]{Walk: walk, Deeds: deeds, Now: now, old: make(chan struct{}, 1)}
}

// kept is an answer with the circumstances of its making.
type kept[T any] struct {
	known bool
	roll  T
	deeds uint64
	at    time.Time // when its walk began
	took  time.Duration
}

const (
	patience = 20                    // an answer counts as new for so many times what its walk took,
	idle     = 200                   // is made anew by itself after so many,
	quick    = 40 * time.Millisecond // is not worth keeping where its walk takes less,
	oldest   = 10 * time.Minute      // and is never shown when older
	rest     = 30 * time.Second
)

// Newest gives the newest answer, and has it made anew where it is no longer new.
func (g *Register[T]) Newest(ctx context.Context) (answer T, err error) {
	deeds, err := g.Deeds(ctx)
	if err != nil {
		return answer, err
	}
	k := g.newest()
	age := g.Now().Sub(k.at)
	switch {
	case !k.known || k.deeds != deeds || age > oldest || age > patience*k.took && k.took < quick:
		return g.renew(ctx, deeds)
	case age > patience*k.took:
		select {
		case g.old <- struct{}{}:
		default: // it is known already
		}
	}
	return k.roll, nil
}

// Known reports whether there is any answer yet: before the first one Newest takes as long as whatever nobody has read since the start.
func (g *Register[T]) Known() bool { return g.newest().known }

func (g *Register[T]) newest() kept[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept
}

// renew gives an answer with all that was done up to deeds: it walks, or waits for the walk that is under way.
func (g *Register[T]) renew(ctx context.Context, deeds uint64) (none T, err error) {
	asked := g.Now()
	for {
		g.mu.Lock()
		if g.kept.known && g.kept.deeds >= deeds && !g.kept.at.Before(asked) {
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
			return none, ctx.Err()
		}
		asked = time.Time{} // a walk that ended meanwhile is new enough, if it knows the deeds
	}
}

func (g *Register[T]) walk(ctx context.Context) (T, error) {
	k := kept[T]{at: g.Now()}
	var err error
	if k.deeds, err = g.Deeds(ctx); err == nil {
		k.roll, err = g.Walk(ctx)
	}
	k.took = g.Now().Sub(k.at)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		k.known = true
		g.kept = k
	}
	close(g.going)
	g.going = nil
	return k.roll, err
}

// Keep makes the answer anew now and then until the context ends, so that the first look of the morning does not wait. Of those that share a turn, a
// channel with room for one, one does so at a time: nobody waits for them, and who asks for something finds a processor.
func (g *Register[T]) Keep(ctx context.Context, turn chan struct{}, failed func(error)) {
	for {
		select {
		case <-ctx.Done():
			return
		case turn <- struct{}{}:
		}
		deeds, err := g.Deeds(ctx)
		if err == nil {
			_, err = g.renew(ctx, deeds)
		}
		<-turn
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
