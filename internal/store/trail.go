package store

import (
	"cmp"
	"slices"
	"sync"
)

// trail is who detected or checked in, in that order, since the store was opened. SQLite has one in the place of a mark in the row and of an index over these
// marks, which would be one more page to write for nearly every request: nobody but this process writes to its file. The zero value is ready. It grows
// with the number of machines, not of detects.
type trail struct {
	mu    sync.Mutex
	steps []step
	last  map[int64]uint64 // the newest step of each machine
	n     uint64           // steps, ever
}

type step struct {
	machine int64 // its number
	n       uint64
}

// add is called when a transaction has ended, before that is counted. Machines of one that was not kept do no harm.
func (t *trail) add(machines []int64) {
	if len(machines) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = map[int64]uint64{}
	}
	for _, m := range machines {
		t.n++
		t.last[m] = t.n
		t.steps = append(t.steps, step{m, t.n})
	}
	if len(t.steps) > 2*len(t.last)+manyMachines {
		t.steps = slices.DeleteFunc(t.steps, func(s step) bool { return t.last[s.machine] != s.n })
	}
}

// since gives each machine with a step after the n-th once, and how many steps there are now.
func (t *trail) since(n uint64) (machines []int64, now uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from, _ := slices.BinarySearchFunc(t.steps, n+1, func(s step, n uint64) int { return cmp.Compare(s.n, n) })
	for _, s := range t.steps[from:] {
		if t.last[s.machine] == s.n {
			machines = append(machines, s.machine)
		}
	}
	return machines, t.n
}
