package api

import (
	"context"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Hub wakes agents that wait in their long poll. It holds no durable state: after a restart it knows no machine until that checks in.
// The zero value is not usable; call NewHub. All methods may be called from any goroutine. It owns no goroutine.
type Hub struct {
	mu      sync.Mutex
	waiting map[patch.MachineID]map[chan time.Duration]struct{}
	pending map[patch.MachineID]bool   // poked while nobody waited
	seen    map[patch.MachineID]uint64 // the round that the machine's last check-in knew of
	asked   map[patch.MachineID]bool   // a person asked for a detect that has not come yet
	round   uint64                     // counts PokeAll
	random  func() float64
}

// NewHub makes a hub; random gives numbers in [0,1) and spreads the wake-ups of PokeAll.
func NewHub(random func() float64) *Hub {
	return &Hub{
		waiting: map[patch.MachineID]map[chan time.Duration]struct{}{},
		pending: map[patch.MachineID]bool{},
		seen:    map[patch.MachineID]uint64{},
		asked:   map[patch.MachineID]bool{},
		random:  random,
	}
}

// Poke wakes the named machines at once, or at their next poll if they are not waiting now.
func (h *Hub) Poke(machines ...patch.MachineID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range machines {
		if !h.signal(m, 0) {
			h.pending[m] = true
		}
	}
}

// PokeAll wakes every machine, each after its own random share of spread, so that a fleet does not arrive as one.
func (h *Hub) PokeAll(spread time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.round++
	for m := range h.waiting {
		h.signal(m, time.Duration(float64(spread)*h.random()))
	}
}

func (h *Hub) signal(m patch.MachineID, after time.Duration) bool {
	for c := range h.waiting[m] {
		select {
		case c <- after:
		default: // already woken
		}
	}
	return len(h.waiting[m]) > 0
}

// Round counts the calls of PokeAll.
func (h *Hub) Round() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.round
}

// AskDetect makes the machine detect at its next check-in, and wakes it.
func (h *Hub) AskDetect(m patch.MachineID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[m] = true
	if !h.signal(m, 0) {
		h.pending[m] = true
	}
}

// DetectAsked reports whether a detect was asked for that has not come yet.
func (h *Hub) DetectAsked(m patch.MachineID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.asked[m]
}

// DetectDone notes that a complete detect came.
func (h *Hub) DetectDone(m patch.MachineID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.asked, m)
}

// Seen notes that a machine checks in now: it learns all that pokes before this moment were about.
func (h *Hub) Seen(m patch.MachineID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.pending, m)
	h.seen[m] = h.round
}

// Known reports whether a machine has checked in since this hub was made.
func (h *Hub) Known(m patch.MachineID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, known := h.seen[m]
	return known
}

// Forget drops what the hub knows of a machine and wakes it, for a machine that is revoked.
func (h *Hub) Forget(m patch.MachineID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.signal(m, 0)
	delete(h.pending, m)
	delete(h.seen, m)
	delete(h.asked, m)
}

// Wait blocks until the machine is poked (true) or ctx ends (false). A poke since the machine's last check-in counts at once.
func (h *Hub) Wait(ctx context.Context, m patch.MachineID) bool {
	c, due := h.enter(m)
	if due {
		return true
	}
	defer h.leave(m, c)
	select {
	case <-ctx.Done():
		return false
	case after := <-c:
		t := time.NewTimer(after)
		defer t.Stop()
		select {
		case <-ctx.Done(): // woken is woken: better early than lost
		case <-t.C:
		}
		return true
	}
}

func (h *Hub) enter(m patch.MachineID) (c chan time.Duration, due bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	last, known := h.seen[m]
	if h.pending[m] || (known && last < h.round) {
		return nil, true
	}
	c = make(chan time.Duration, 1)
	if h.waiting[m] == nil {
		h.waiting[m] = map[chan time.Duration]struct{}{}
	}
	h.waiting[m][c] = struct{}{}
	return c, false
}

func (h *Hub) leave(m patch.MachineID, c chan time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waiting[m], c)
	if len(h.waiting[m]) == 0 {
		delete(h.waiting, m)
	}
}

// Waiting tells how many machines wait now.
func (h *Hub) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting)
}

// Online reports whether a machine waits in its long poll now.
func (h *Hub) Online(m patch.MachineID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting[m]) > 0
}
