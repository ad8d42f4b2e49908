package store

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fettle-project/fettle/internal/patch"
)

// acquaintances are rows of machines and their newest detects as the database has them: each request of a machine begins with both. SQLite has one,
// because nobody but this process writes to its file; where it is nil, nothing is kept.
//
// A transaction notes each machine whose row it changes, and what that becomes where it knows. When it has ended, and before anybody is told, that is
// taken over, or the machine is forgotten: whatever was acknowledged is what is found here.
type acquaintances struct {
	mu       sync.Mutex
	new, old map[patch.MachineID]acquaintance
	facts    map[patch.Hash]bool      // that are stored
	idle     map[patch.MachineID]bool // machines for which no attempt waits
	tried    uint64                   // ends of transactions that changed attempts
	ends     uint64                   // of transactions that changed any of it: what was read before one of them is not kept
	seldom   atomic.Uint64            // ends of transactions that changed a table that seldom changes
	trail    trail
}

// acquaintance is what is known of a machine: either part may be missing.
type acquaintance struct {
	machine *patch.Machine
	newest  *storedSnapshot
}

// maxAcquaintances is after how many machines those that were not asked for since as many others are forgotten: some 20 MB.
const maxAcquaintances = 8192

// maxIdle is likewise for machines for which nothing waits: some 8 MB.
const maxIdle = 131072

// find gives what is known of a machine, and the number of ended transactions, with which keep takes what is read now.
func (a *acquaintances) find(id patch.MachineID) (m acquaintance, ends uint64) {
	if a == nil {
		return m, 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	m, ok := a.new[id]
	if !ok {
		if m, ok = a.old[id]; ok {
			a.put(id, m)
		}
	}
	return m, a.ends
}

// keep remembers what was read after find had given ends.
func (a *acquaintances) keep(id patch.MachineID, read acquaintance, ends uint64) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if ends != a.ends {
		return
	}
	m := a.new[id]
	if read.machine != nil {
		m.machine = read.machine
	}
	if read.newest != nil {
		m.newest = read.newest
	}
	a.put(id, m)
}

func (a *acquaintances) put(id patch.MachineID, m acquaintance) {
	if a.new == nil || len(a.new) >= maxAcquaintances {
		a.old, a.new = a.new, map[patch.MachineID]acquaintance{}
	}
	a.new[id] = m
}

// hasFacts reports whether facts are known to be stored; ends is as find gives it.
func (a *acquaintances) hasFacts(h patch.Hash) (there bool, ends uint64) {
	if a == nil {
		return false, 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.facts[h], a.ends
}

func (a *acquaintances) keepFacts(h patch.Hash, ends uint64) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if ends != a.ends {
		return
	}
	if a.facts == nil || len(a.facts) >= maxAcquaintances {
		a.facts = map[patch.Hash]bool{}
	}
	a.facts[h] = true
}

// isIdle reports whether it is known that nothing waits for a machine, and the number of ended transactions that changed attempts, with which
// keepIdle takes what is read now.
func (a *acquaintances) isIdle(id patch.MachineID) (idle bool, ends uint64) {
	if a == nil {
		return false, 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.idle[id], a.tried
}

func (a *acquaintances) keepIdle(id patch.MachineID, tried uint64) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if tried != a.tried {
		return
	}
	if a.idle == nil || len(a.idle) >= maxIdle {
		a.idle = map[patch.MachineID]bool{}
	}
	a.idle[id] = true
}

// end takes over what a transaction made of machines; of one that was not kept, or may not have been, nothing is known.
func (a *acquaintances) end(t *touched, kept bool) {
	if a == nil {
		return
	}
	if t.seldom {
		a.seldom.Add(1)
	}
	a.trail.add(t.tracks)
	if len(t.machines) == 0 && !t.all && !t.facts && !t.attempts {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ends++
	if t.facts {
		a.facts = nil
	}
	if t.attempts {
		a.idle = nil
		a.tried++
	}
	if t.all {
		a.new, a.old = nil, nil
		return
	}
	for id, m := range t.machines {
		delete(a.new, id)
		delete(a.old, id)
		if kept && m.machine != nil {
			a.put(id, m)
		}
	}
}

// touched is what one transaction changes of what is kept of machines.
type touched struct {
	known    *acquaintances
	machines map[patch.MachineID]acquaintance // empty where it is not known what the row becomes
	tracks   []int64                          // numbers of machines that are others then without a mark in their rows: see trail
	all      bool                             // machines' rows, and it is not known whose
	facts    bool                             // takes facts away
	attempts bool                             // makes or changes some
	seldom   bool                             // a table that seldom changes
}

// note looks at a statement before it is run. One that changes a machine's row or newest detect says so in one of the forms that are known here, with the
// machine as its first argument; whatever else mentions machines beside reading them counts as changing them all. What names a machine by its number
// has its caller say so: see replaceNewest.
func (t *touched) note(query string, args []any) {
	if strings.HasPrefix(query, "SELECT ") {
		return
	}
	t.attempts = t.attempts || strings.Contains(query, "attempts")
	if strings.HasPrefix(query, "INSERT INTO machines (id,") || strings.HasPrefix(query, "UPDATE machines SET ") && strings.Contains(query, "WHERE id = $1") ||
		strings.HasPrefix(query, "INSERT INTO former ") && strings.Contains(query, "WHERE machines.id = $1") ||
		strings.Contains(query, " newest ") && (strings.HasPrefix(query, "INSERT INTO newest ") || strings.HasPrefix(query, "UPDATE newest ")) && strings.Contains(query, "WHERE id = $1") {
		id, _ := args[0].(string)
		t.becomes(patch.MachineID(id), acquaintance{})
		return
	}
	t.seldom = t.seldom || changesSeldom(query)
	t.all = t.all || strings.Contains(query, "machines")
	t.facts = t.facts || strings.Contains(query, "facts") && !strings.HasPrefix(query, "INSERT INTO facts ")
}

// becomes says what the row of a machine, and its newest detect, are after this transaction.
func (t *touched) becomes(id patch.MachineID, a acquaintance) {
	if t == nil {
		return
	}
	if t.machines == nil {
		t.machines = map[patch.MachineID]acquaintance{}
	}
	t.machines[id] = a
}

// becomesBy is becomes after a statement that changed n of the machine's own rows by change, known being what it was before.
func (t *touched) becomesBy(id patch.MachineID, known acquaintance, n int64, change func(*patch.Machine)) {
	if n > 0 && known.machine != nil {
		m := *known.machine
		change(&m)
		known.machine = &m
	}
	t.becomes(id, known)
}

// leaves says that a machine, or its newest detect, is another one after this transaction, and no mark in its rows tells so.
func (t *touched) leaves(number int64) {
	if t != nil {
		t.tracks = append(t.tracks, number)
	}
}

// find gives what this transaction sees of a machine, as far as it is known.
func (t *touched) find(id patch.MachineID) acquaintance {
	if t == nil {
		return acquaintance{}
	}
	if a, ok := t.machines[id]; ok || t.all {
		return a
	}
	a, _ := t.known.find(id)
	return a
}
