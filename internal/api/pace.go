package api

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// pace shares a number of bytes a second among all that write at the same time. It may be used from many goroutines.
type pace struct {
	mu   sync.Mutex
	rate int64     // bytes a second
	free time.Time // when the next byte may go
}

// reserve takes n bytes and gives how long to wait before they go.
func (p *pace) reserve(n int, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free.Before(now) {
		p.free = now
	}
	wait := p.free.Sub(now)
	p.free = p.free.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	return wait
}

// paced is a response whose body goes out no faster than all of its paces allow.
type paced struct {
	http.ResponseWriter
	ctx   context.Context
	paces []*pace
}

// pacedChunk bounds what goes out at once, so that a slow pace is an even one and other transfers get their turns.
const pacedChunk = 16 << 10

func (w *paced) Write(b []byte) (n int, err error) {
	for len(b) > 0 && err == nil {
		part := b[:min(len(b), pacedChunk)]
		wait := time.Duration(0)
		for _, p := range w.paces {
			wait = max(wait, p.reserve(len(part), time.Now()))
		}
		if wait > 0 {
			t := time.NewTimer(wait)
			select {
			case <-t.C:
			case <-w.ctx.Done():
				t.Stop()
				return n, w.ctx.Err()
			}
		}
		var m int
		m, err = w.ResponseWriter.Write(part)
		n, b = n+m, b[m:]
	}
	return n, err
}

// Unwrap lets deadlines through.
func (w *paced) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// paces are those of the appliance, under an empty name, and of each ring that bounds what its machines fetch.
type paces struct {
	mu sync.Mutex
	by map[string]*pace
}

func (s *paces) of(name string, rate int64) *pace {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[string]*pace{}
	}
	p := s.by[name]
	if p == nil || p.rate != rate {
		p = &pace{rate: rate}
		s.by[name] = p
	}
	return p
}

// throttled gives the writer for a payload of a machine: as fast as the appliance and the ring that its order went out in allow.
func (s *agents) throttled(c *call, order string) (http.ResponseWriter, error) {
	var limits []*pace
	if s.options.PayloadRate > 0 {
		limits = append(limits, s.paces.of("", s.options.PayloadRate))
	}
	rings, err := s.Store.ListRings(c.Context())
	if err != nil {
		return nil, err
	}
	for _, r := range rings {
		if r.Rate == 0 {
			continue
		}
		attempts, err := s.Store.ListAttempts(c.Context(), patch.AttemptFilter{Machine: c.machine.ID, Order: order, Ring: r.Name})
		if err != nil {
			return nil, err
		}
		if len(attempts) > 0 {
			limits = append(limits, s.paces.of(r.Name, r.Rate))
		}
	}
	if len(limits) == 0 {
		return c.w, nil
	}
	return &paced{ResponseWriter: c.w, ctx: c.Context(), paces: limits}, nil
}
