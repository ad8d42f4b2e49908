package fleet

import (
	"time"
	"unique"

	"github.com/fettle-project/fettle/internal/patch"
)

// Alike is what a report about newest detects looks at in a machine, but for when the detect was taken. Two are equal where all of it is, and
// nobody needs to look.
type Alike struct{ of unique.Handle[alike] }

type alike struct {
	state               patch.MachineState
	os                  patch.HostOS // Seat.OS
	detected, failed    bool         // failed: after that detect another one did not complete
	on                  patch.HostOS // of the detect, as what follows
	revision            patch.RevisionID
	expected, evaluated int
	amiss               string
}

// Alike tells the machine apart from others.
func (s *Seat) Alike() Alike {
	a := alike{state: s.Machine.State, os: s.OS()}
	if r := s.Receipt; r != nil {
		a.detected, a.on, a.revision, a.expected, a.evaluated, a.amiss = true, r.OS, r.Revision, r.Expected, r.Evaluated, string(s.amiss.steps)
		a.failed = s.Machine.DetectFailed != "" && s.Machine.DetectFailedAt.After(r.Taken())
	}
	return Alike{unique.Make(a)}
}

// digest is what reports over many machines ask of a seat, beside those of its neighbours.
type digest struct {
	alike Alike
	taken int64 // Receipt.Taken in nanoseconds since 1970; 0 where there is none
}

func (s *Seat) digest() digest {
	d := digest{alike: s.Alike()}
	if s.Receipt != nil {
		d.taken = s.Receipt.Taken().UnixNano()
	}
	return d
}

// Taken gives what is Alike of the machine with a number below Len, and whether its newest detect was taken before a moment.
func (l *Look) Taken(n uint32, before time.Time) (Alike, bool) {
	d := &l.chunks[n/chunkSize].digests[n%chunkSize]
	return d.alike, d.taken < before.UnixNano()
}
