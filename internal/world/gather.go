package world

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Parts gives, of the facts under each of some hashes, what a question looks at, and a key: equal keys mean equal parts. Facts that are not at
// hand, or that no engine judges, are left out. Facts gives the whole of those under one hash, if they are at hand; nobody changes them. Package
// prediction implements both without decoding anything.
type Parts interface {
	Parts(q detect.Question, facts []patch.Hash, each func(i int, key string, part func() *patch.Facts))
	Facts(hash patch.Hash) (f *patch.Facts, ok bool)
}

// gathered is what was read for all machines at once, so that no machine has to be asked for it.
type gathered struct {
	tried    map[patch.ID]map[patch.MachineID][]patch.Attempt
	some     map[patch.ID]map[patch.MachineID][]patch.Attempt // of some machines
	tries    map[patch.ID]*tries
	flaps    map[patch.ID]*tries                 // of all patches; nil until it was read
	blocked  map[patch.MachineID]*patch.Attempt  // nil until it was read
	unproven map[ringKey]int                     // attempts that hold a place
	busy     map[string]map[patch.MachineID]bool // by ring: machines with an order under way
}

type findingKey struct {
	facts    patch.Hash
	revision patch.RevisionID
}

// Gather reads for many machines at once what their worlds about a patch need: attempts, and what their facts say about it. It changes no
// answer; it spares reading machine by machine.
func (v *View) Gather(ctx context.Context, id patch.ID, seats []*fleet.Seat) error {
	if err := v.gatherBlocked(ctx); err != nil {
		return err
	}
	type group struct {
		os  patch.HostOS
		rev patch.RevisionID
	}
	groups := map[group][]*fleet.Seat{}
	for _, s := range seats {
		g := group{os: s.OS()}
		if s.Receipt != nil && s.Receipt.OS == g.os {
			g.rev = s.Receipt.Revision
		}
		groups[g] = append(groups[g], s)
	}
	for g, seats := range groups {
		shelf, err := v.Shelf(ctx, g.os, "")
		if err != nil || g.os == "" {
			return err
		}
		for _, p := range append([]patch.ID{id}, shelf.Newer(id)...) {
			if err := v.gatherSome(ctx, p, seats); err != nil {
				return err
			}
			if err := v.gatherFacts(ctx, p, g.os, g.rev, seats); err != nil {
				return err
			}
		}
	}
	return nil
}

// GatherAttempts is Gather of what was tried alone, for questions about many patches.
func (v *View) GatherAttempts(ctx context.Context, ids []patch.ID) error {
	if err := v.gatherBlocked(ctx); err != nil {
		return err
	}
	for _, id := range ids {
		if err := v.gatherAttempts(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// gatherAttempts reads all attempts at a patch.
func (v *View) gatherAttempts(ctx context.Context, id patch.ID) error {
	if _, done := v.gathered.tried[id]; done {
		return nil
	}
	all, err := v.r.Store.ListAttempts(ctx, patch.AttemptFilter{Patch: id})
	if err != nil {
		return err
	}
	by := map[patch.MachineID][]patch.Attempt{}
	for _, a := range all {
		by[a.Machine] = append(by[a.Machine], a)
	}
	for _, mine := range by {
		slices.SortStableFunc(mine, func(a, b patch.Attempt) int { return a.CreatedAt.Compare(b.CreatedAt) })
	}
	if v.gathered.tried == nil {
		v.gathered.tried = map[patch.ID]map[patch.MachineID][]patch.Attempt{}
	}
	v.gathered.tried[id] = by
	return nil
}

// gatherBlocked reads the attempts that ended so lately that they may still keep their machine from being tried again.
func (v *View) gatherBlocked(ctx context.Context) error {
	if v.gathered.blocked != nil {
		return nil
	}
	all, err := v.r.Store.ListAttempts(ctx, patch.AttemptFilter{EndedSince: v.Now.Add(-max(v.Limits.Retry, v.Limits.RetryDisk)), Troubled: true})
	if err != nil {
		return err
	}
	by := map[patch.MachineID][]patch.Attempt{}
	for _, a := range all {
		by[a.Machine] = append(by[a.Machine], a)
	}
	v.gathered.blocked = map[patch.MachineID]*patch.Attempt{}
	for m, mine := range by {
		if b := blocked(mine, v.Now); b != nil {
			v.gathered.blocked[m] = b
		}
	}
	return nil
}

// gatherFacts reads what the facts of machines say about a patch.
func (v *View) gatherFacts(ctx context.Context, id patch.ID, os patch.HostOS, rev patch.RevisionID, seats []*fleet.Seat) error {
	if len(seats) < 2 {
		return nil
	}
	r, err := v.readings(ctx, id, os, rev)
	if r != nil {
		r.read(v.r.Parts, seats)
	}
	return err
}

// choosy reports whether the packages that a finding names are all that the machine may take: others its own policy keeps from the patch.
func choosy(f *patch.Facts) bool { return f.Apt != nil || version.Of(f.OS.Key) == version.RPM }

// allowedBy are the packages that a finding lets a machine take; nil: all.
func allowedBy(facts *patch.Facts, v patch.Verdict, pkgs []patch.AffectedPackage) []patch.AffectedPackage {
	if !choosy(facts) || v != patch.NotPatched {
		return nil
	}
	return append([]patch.AffectedPackage{}, pkgs...)
}

// only gives the signatures of one patch alone; nil, without error, where a revision's are not at hand.
func (v *View) only(ctx context.Context, os patch.HostOS, rev patch.RevisionID, i int) (*detect.Signatures, error) {
	sigs, err := v.r.Catalog.Signatures(ctx, os, rev)
	if err != nil && patch.KindOf(err) == patch.NotFound {
		return nil, nil
	}
	if err != nil || i >= sigs.Len() {
		return nil, err
	}
	return sigs.Only(i)
}

// ringLoad is what goes on in a ring beside this machine.
func (s *Sight) ringLoad(ctx context.Context, ring string, id patch.ID) (l patch.RingLoad, err error) {
	v, but := s.v, s.Machine.ID
	tried, gathered := v.gathered.tried[id]
	mine := tried[but]
	few := v.gathered.tries[id]
	switch {
	case few != nil:
		mine = few.by[s.seat.Number]
	case !gathered:
		return s.countedLoad(ctx, ring, id)
	}
	busy, err := v.busyIn(ctx, ring)
	if err != nil {
		return l, err
	}
	if l.Busy = len(busy); busy[but] {
		l.Busy--
	}
	k := ringKey{ring, id}
	if _, known := v.gathered.unproven[k]; !known {
		n := few.unproven(ring)
		for _, all := range tried {
			if few == nil {
				n += unproven(all, ring)
			}
		}
		if v.gathered.unproven == nil {
			v.gathered.unproven = map[ringKey]int{}
		}
		v.gathered.unproven[k] = n
	}
	l.Unproven = v.gathered.unproven[k] - unproven(mine, ring)
	return l, nil
}

// countedLoad is ringLoad of a count that is made once for all machines, without what this machine has in it.
func (s *Sight) countedLoad(ctx context.Context, ring string, id patch.ID) (l patch.RingLoad, err error) {
	mine, err := s.Attempts(ctx, "")
	if err != nil {
		return l, err
	}
	k := ringKey{ring, id}
	l, known := s.v.loads[k]
	if !known {
		if l, err = s.v.r.Store.FindRingLoad(ctx, ring, id, ""); err != nil {
			return l, err
		}
		s.v.loads[k] = l
	}
	busy := 0
	for _, a := range mine {
		if a.Ring == ring && a.Patch == id && a.Proof == "" {
			l.Unproven--
		}
		if a.Ring == ring && ring != "" && a.Order != "" && !a.State.Ended() {
			busy = 1
		}
	}
	return patch.RingLoad{Unproven: max(0, l.Unproven), Busy: max(0, l.Busy-busy)}, nil
}

type ringKey struct {
	ring string
	id   patch.ID
}

// unproven counts a machine's attempts at a patch that hold a place in a ring.
func unproven(all []patch.Attempt, ring string) (n int) {
	for _, a := range all {
		if a.Ring == ring && a.Proof == "" {
			n++
		}
	}
	return n
}

// busyIn are the machines of a ring with an order under way; read once.
func (v *View) busyIn(ctx context.Context, ring string) (map[patch.MachineID]bool, error) {
	if busy, known := v.gathered.busy[ring]; known {
		return busy, nil
	}
	all, err := v.r.Store.ListAttempts(ctx, patch.AttemptFilter{Ring: ring, Open: true})
	if err != nil {
		return nil, err
	}
	busy := map[patch.MachineID]bool{}
	for _, a := range all {
		if a.Order != "" {
			busy[a.Machine] = true
		}
	}
	if v.gathered.busy == nil {
		v.gathered.busy = map[string]map[patch.MachineID]bool{}
	}
	v.gathered.busy[ring] = busy
	return busy, nil
}

// tries gives a machine's attempts at a patch, oldest first, and what blocks the machine.
func (s *Sight) tries(ctx context.Context, id patch.ID) (mine []patch.Attempt, block *patch.Attempt, err error) {
	g := &s.v.gathered
	all, gathered := g.tried[id]
	some, known := g.some[id][s.Machine.ID]
	switch {
	case g.blocked == nil:
		mine, err = s.Attempts(ctx, id)
		return mine, blocked(s.attempts, s.v.Now), err
	case gathered:
		mine = all[s.Machine.ID]
	case known:
		mine = some
	case g.tries[id] == nil || g.tries[id].by[s.seat.Number] != nil:
		mine, err = s.Attempts(ctx, id)
	}
	return mine, g.blocked[s.Machine.ID], err
}

// triesFor is tries, or where only gates up to the hold are asked, what they look at: all of what was tried where something was found missing, else nothing.
func (s *Sight) triesFor(ctx context.Context, a Ask) (mine []patch.Attempt, block *patch.Attempt, err error) {
	if a.Eligible {
		if flaps, err := s.v.gatherFlaps(ctx, a.Patch); err != nil || flaps.by[s.seat.Number] == nil {
			return nil, nil, err
		}
	}
	return s.tries(ctx, a.Patch)
}

// Brief is Walk for questions about many machines: machines in the same situation are judged once. It also says whether the patch is approved
// for the machine. Assumed decisions are not understood.
func (s *Sight) Brief(ctx context.Context, a Ask) (b gate.Brief, approved bool, err error) {
	a.Assume, a.Deep, a.Back = nil, false, false
	var w gate.World
	if err := s.Fill(ctx, a, &w); err != nil {
		return b, false, err
	}
	_, approved = w.Approval()
	return s.v.brief(deployKey{a.Patch, a.Start, a.Window}, &w), approved, nil
}

func (v *View) brief(of deployKey, w *gate.World) gate.Brief {
	known := v.briefs[of]
	if known == nil {
		known = map[string]gate.Brief{}
		v.briefs[of] = known
	}
	v.key = gate.Situation(v.key[:0], w)
	b, ok := known[string(v.key)]
	if !ok {
		b = gate.Walk(*w).Brief()
		known[string(v.key)] = b
	}
	return b
}
