package fleet

import (
	"bytes"
	"iter"

	"github.com/fettle-project/fettle/internal/patch"
)

// Seat is one machine as the index has it. A seat never changes: a machine that does gets a new one.
type Seat struct {
	Machine patch.Machine
	Number  uint32 // of the machine in this index, from 0
	// Told grows with each seat in which something else than what the machine is doing and has detected is new: see says.
	Told uint64
	// Judged grows with these, and with each seat whose newest complete detect says something else than the one before.
	Judged  uint64
	Moved   bool           // it has detected on another host OS before
	Receipt *patch.Receipt // newest complete detect; nil where there is none
	cells   cells
	amiss   cells // those of cells that are not-patched or an error: few
	counts  patch.Counts
	sheet   *sheet // that counts it; nil where none does
}

// Clock is what of a seat is looked at to know whether a machine is worth another look.
type Clock int

const (
	Telling Clock = iota // Seat.Told
	Judging              // Seat.Judged
)

// At gives a seat's time by a clock.
func (s *Seat) At(c Clock) uint64 {
	if c == Judging {
		return s.Judged
	}
	return s.Told
}

// sameDetect reports whether two newest complete detects say the same.
func (s *Seat) sameDetect(o *Seat) bool {
	if s.Receipt == nil || o.Receipt == nil {
		return s.Receipt == o.Receipt
	}
	return keyOf(s.Receipt) == keyOf(o.Receipt) && s.cells.base == o.cells.base && bytes.Equal(s.cells.steps, o.cells.steps)
}

// Counts are how many columns have each verdict.
func (s *Seat) Counts() patch.Counts { return s.counts }

// Verdict is that of a column of the list that the newest complete detect used.
func (s *Seat) Verdict(column int) patch.Verdict { return s.cells.at(column) }

// Verdicts visits the columns whose verdict is anything but not-applicable, in order.
func (s *Seat) Verdicts() iter.Seq2[int, patch.Verdict] { return s.cells.all() }

// Amiss visits the columns whose verdict is not-patched or an error, in order.
func (s *Seat) Amiss() iter.Seq2[int, patch.Verdict] { return s.amiss.all() }

// AmissBytes are equal for two seats whose Amiss is: for telling machines apart without a look at what they lack. Nobody may change them.
func (s *Seat) AmissBytes() []byte { return s.amiss.steps }

// Vector gives all verdicts; empty where there is no detect.
func (s *Seat) Vector() patch.Vector {
	if s.Receipt == nil {
		return patch.Vector{}
	}
	return s.cells.vector(s.Receipt.Expected)
}

// Snapshot is the newest complete detect; ok is false where there is none.
func (s *Seat) Snapshot() (snap patch.Snapshot, ok bool) {
	if s.Receipt == nil {
		return snap, false
	}
	return patch.Snapshot{Receipt: *s.Receipt, Verdicts: s.Vector()}, true
}

// says is what of a machine stays the same from check-in to check-in unless something about the machine is new.
func says(m patch.Machine) patch.Machine {
	return patch.Machine{ID: m.ID, Name: m.Name, State: m.State, OS: m.OS, EnrolledAt: m.EnrolledAt, EnrolledBy: m.EnrolledBy, Address: m.Address, Zone: m.Zone,
		AgentVersion: m.AgentVersion, Inventory: m.Inventory, RebootOwed: m.RebootOwed}
}

// runs is the OS that an admitted machine runs; empty for others and while nothing is known.
func (s *Seat) runs() patch.HostOS {
	if s == nil || s.Machine.State != patch.Admitted {
		return ""
	}
	return s.OS()
}

// OS is the host OS that the machine's rows are about: what it said last, else what it detected on.
func (s *Seat) OS() patch.HostOS {
	if s.Machine.OS == "" && s.Receipt != nil {
		return s.Receipt.OS
	}
	return s.Machine.OS
}

// counted reports whether a sheet counts the machine: what was detected on another OS says nothing about this one.
func (s *Seat) counted() bool {
	return s.Machine.State == patch.Admitted && s.Receipt != nil && s.Receipt.OS == s.OS()
}
