package api

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Pulse tells everybody who waits that something has happened; what it was, they look up. The zero value is ready.
type Pulse struct {
	mu   sync.Mutex
	beat chan struct{}
	ears map[*ear]struct{}
}

// ear is one who listens for topics.
type ear struct {
	topics []patch.Topic
	heard  map[patch.Topic]bool
	wake   chan struct{} // holds one
}

// gap is the least time between two things that one listener hears: what happens meanwhile is told at once.
const gap = time.Second

// Beat wakes all that wait, and tells those who listen for one of the topics; no topic means all of them.
func (p *Pulse) Beat(topics ...patch.Topic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beat != nil {
		close(p.beat)
		p.beat = nil
	}
	p.tell(topics)
}

// Tell tells those who listen for one of the topics and wakes nobody else: for what happens all the time.
func (p *Pulse) Tell(topics ...patch.Topic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tell(topics)
}

func (p *Pulse) tell(topics []patch.Topic) {
	for e := range p.ears {
		for _, t := range e.topics {
			if len(topics) == 0 || slices.Contains(topics, t) {
				e.heard[t] = true
			}
		}
		if len(e.heard) > 0 {
			select {
			case e.wake <- struct{}{}:
			default: // it is awake
			}
		}
	}
}

// Listen yields those of the topics that something happened to, as it happens and at most once a second, and an empty list whenever nothing
// did for as long as quiet. It ends with ctx.
func (p *Pulse) Listen(ctx context.Context, topics []patch.Topic, quiet time.Duration) iter.Seq[[]patch.Topic] {
	return func(yield func([]patch.Topic) bool) {
		e := p.enter(topics)
		defer p.leave(e)
		for {
			select {
			case <-ctx.Done():
				return
			case <-e.wake:
			case <-time.After(quiet):
			}
			if !yield(p.take(e)) {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(gap):
			}
		}
	}
}

func (p *Pulse) enter(topics []patch.Topic) *ear {
	e := &ear{topics: topics, heard: map[patch.Topic]bool{}, wake: make(chan struct{}, 1)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ears == nil {
		p.ears = map[*ear]struct{}{}
	}
	p.ears[e] = struct{}{}
	return e
}

func (p *Pulse) leave(e *ear) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.ears, e)
}

// take gives what was heard since it was last asked.
func (p *Pulse) take(e *ear) []patch.Topic {
	p.mu.Lock()
	defer p.mu.Unlock()
	heard := slices.Sorted(maps.Keys(e.heard))
	clear(e.heard)
	select {
	case <-e.wake: // rung again before it was taken
	default:
	}
	return heard
}

// Next gives a channel that is closed at the next beat. Take it before looking, so that no beat is lost.
func (p *Pulse) Next() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beat == nil {
		p.beat = make(chan struct{})
	}
	return p.beat
}

// Wait waits for the next beat or for ctx to end.
func (p *Pulse) Wait(ctx context.Context) {
	select {
	case <-p.Next():
	case <-ctx.Done():
	}
}
