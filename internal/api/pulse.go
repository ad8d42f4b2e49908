package api

import (
	"context"
	"sync"
)

// Pulse tells everybody who waits that something has happened; what it was, they look up. The zero value is ready.
type Pulse struct {
	mu   sync.Mutex
	beat chan struct{}
}

// Beat wakes all that wait.
func (p *Pulse) Beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.beat != nil {
		close(p.beat)
		p.beat = nil
	}
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
