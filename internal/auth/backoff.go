package auth

import (
	"sync"
	"time"
)

// backoff slows guesses down: after freeFailures for one name from one address, each further one doubles the wait.
// It forgets an entry after its wait has passed twice over, and holds no more than maxWaiting.
type backoff struct {
	mu      sync.Mutex
	waiting map[guesser]failures
}

type guesser struct{ name, from string }

type failures struct {
	count int
	until time.Time // no guess before
	stale time.Time // forgotten after
}

const (
	freeFailures = 3
	firstWait    = time.Second
	longestWait  = 15 * time.Minute
	forgetAfter  = 30 * time.Minute
	maxWaiting   = 10_000
)

// wait tells how long a guesser must still wait.
func (b *backoff) wait(g guesser, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, b.waiting[g].until.Sub(now))
}

func (b *backoff) failed(g guesser, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.waiting[g]
	if !f.stale.IsZero() && now.After(f.stale) {
		f = failures{}
	}
	f.count++
	f.until = now.Add(waitAfter(f.count))
	f.stale = f.until.Add(forgetAfter)
	if b.waiting == nil {
		b.waiting = map[guesser]failures{}
	}
	if _, known := b.waiting[g]; !known && len(b.waiting) >= maxWaiting {
		b.makeRoom(now)
	}
	b.waiting[g] = f
}

func waitAfter(count int) time.Duration {
	if count < freeFailures {
		return 0
	}
	return min(longestWait, firstWait<<min(count-freeFailures, 20))
}

// makeRoom drops stale entries or, when all are fresh, the one that is forgotten first: an attacker with many names cannot make
// the map grow, and pushes out the entries with the shortest waits before those with the longest.
func (b *backoff) makeRoom(now time.Time) {
	var first guesser
	var at time.Time
	for g, f := range b.waiting {
		if now.After(f.stale) {
			delete(b.waiting, g)
		} else if at.IsZero() || f.stale.Before(at) {
			first, at = g, f.stale
		}
	}
	if len(b.waiting) >= maxWaiting {
		delete(b.waiting, first)
	}
}

func (b *backoff) succeeded(g guesser) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.waiting, g)
}
