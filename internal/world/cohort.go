package world

import (
	"context"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// Cohort is machines that no gate can tell apart about a patch: what the gates say of one they say of all, but for names and moments, and but for
// whether a machine is ready where there is nothing to install.
type Cohort struct {
	World  gate.World // of one of them
	Answer gate.Answer
	Seats  *roaring.Bitmap
}

// Cohorts parts machines by what the gates say about a patch, in no order; each machine is in exactly one of them. What tells machines apart
// is known in sets, so that one of each part is judged; only machines with something of their own about the patch (attempts, a newer patch to
// install, an OS that they left) are looked at one by one. Without a.Reason, what does not apply is not told apart by why.
func (v *View) Cohorts(ctx context.Context, a Ask, among *roaring.Bitmap) ([]Cohort, error) {
	if err := v.sortSeats(ctx); err != nil {
		return nil, err
	}
	if err := v.gatherBlocked(ctx); err != nil {
		return nil, err
	}
	c := &parting{View: v, ask: a, by: map[string]int{}}
	cells, err := v.Policies(ctx, a, among)
	if err != nil {
		return nil, err
	}
	for _, cell := range cells {
		for _, k := range v.kinds {
			if err := c.kind(ctx, cell, k); err != nil {
				return nil, err
			}
		}
	}
	return c.out, nil
}

// Forget drops what was read about patches, for questions that go through many.
func (v *View) Forget() {
	v.gathered.tried, v.gathered.findings, v.gathered.unproven = nil, nil, nil
	clear(v.needed)
	clear(v.payloads)
	clear(v.briefs)
	clear(v.policies)
}

// kind is machines that are alike apart from any patch.
type kind struct {
	os    patch.HostOS
	moved bool           // they detected on another OS before
	ring  string         // the ring that they belong to
	of    *patch.Receipt // one of their newest detects: all used the same list; nil where there is none
	first *fleet.Seat
	seats *roaring.Bitmap
}

// sortSeats sorts all machines by kind, once.
func (v *View) sortSeats(ctx context.Context) error {
	if v.kinds != nil {
		return nil
	}
	look, err := v.Look(ctx)
	if err != nil {
		return err
	}
	v.kinds = []*kind{}
	by := map[string]*kind{}
	for seat := range look.All() {
		s, err := v.SightAt(ctx, seat)
		if err != nil {
			return err
		}
		w := s.detected()
		if w.Schedules, err = s.scheduled(ctx); err != nil {
			return err
		}
		if w.Freezes, err = s.Freezes(ctx); err != nil {
			return err
		}
		ring, err := v.ringAt(ctx, seat.Number)
		if err != nil {
			return err
		}
		v.key = append(append(gate.Character(v.key[:0], w), ring...), 0)
		if s.Receipt != nil {
			v.key = strconv.AppendInt(append(v.key, s.Receipt.Revision...), int64(s.Receipt.Expected), 10)
		}
		v.key = strconv.AppendBool(v.key, seat.Moved)
		k := by[string(v.key)]
		if k == nil {
			k = &kind{os: s.OS, moved: seat.Moved, ring: ring, of: s.Receipt, first: seat, seats: roaring.New()}
			by[string(v.key)] = k
			v.kinds = append(v.kinds, k)
		}
		k.seats.Add(seat.Number)
	}
	return nil
}

// ringAt is RingOf by the number of a seat; empty where there are no rings.
func (v *View) ringAt(ctx context.Context, seat uint32) (string, error) {
	for _, r := range v.rings {
		if in, err := v.carries(ctx, r.Label, seat); err != nil || in {
			return r.Name, err
		}
	}
	if len(v.rings) > 0 {
		return patch.RestRing, nil
	}
	return "", nil
}

// parting is one call of Cohorts.
type parting struct {
	*View
	ask Ask
	out []Cohort
	by  map[string]int // in out, by situation
}

// kind parts the machines of one kind for which the patch stands alike.
func (c *parting) kind(ctx context.Context, cell PolicyCell, k *kind) error {
	seats := roaring.And(cell.Seats, k.seats)
	if seats.IsEmpty() {
		return nil
	}
	shelf, err := c.Shelf(ctx, k.os, "")
	if err != nil {
		return err
	}
	newer := shelf.Newer(c.ask.Patch)
	for _, id := range append([]patch.ID{c.ask.Patch}, newer...) {
		if err := c.gatherAttempts(ctx, id); err != nil {
			return err
		}
	}
	_, _, listed := shelf.Find(c.ask.Patch)
	if !listed && (k.moved || k.os == "") {
		return c.each(ctx, seats)
	}
	if err := c.apart(ctx, seats, c.tried(c.ask.Patch)); err != nil {
		return err
	}
	if !listed {
		return c.whole(ctx, seats)
	}
	parts, err := c.verdicts(ctx, k, c.ask.Patch, seats)
	if err != nil {
		return err
	}
	for verdict, part := range parts {
		if part.IsEmpty() {
			continue
		}
		if err := c.verdict(ctx, cell, k, patch.Verdict(verdict), newer, part); err != nil {
			return err
		}
	}
	return nil
}

// verdict parts machines of one kind that have the same verdict.
func (c *parting) verdict(ctx context.Context, cell PolicyCell, k *kind, verdict patch.Verdict, newer []patch.ID, seats *roaring.Bitmap) error {
	switch {
	case verdict == patch.NotPatched:
		if err := c.aside(ctx, k, seats); err != nil {
			return err
		}
		for _, id := range newer {
			parts, err := c.verdicts(ctx, k, id, seats)
			if err != nil {
				return err
			}
			if err := c.apart(ctx, seats, parts[patch.NotPatched]); err != nil {
				return err
			}
		}
		if !cell.Approved || c.ask.Eligible {
			return c.whole(ctx, seats)
		}
	case !c.reasoned(verdict):
		return c.whole(ctx, seats)
	}
	return c.byFacts(ctx, k, seats)
}

// byFacts parts machines by what their facts say about the patch.
func (c *parting) byFacts(ctx context.Context, k *kind, seats *roaring.Bitmap) error {
	if seats.IsEmpty() {
		return nil
	}
	all := c.seatsOf(seats)
	if err := c.Gather(ctx, c.ask.Patch, all); err != nil {
		return err
	}
	type key struct {
		read  *patch.Finding // of what was gathered
		facts patch.Hash     // where nothing was
	}
	parts := map[key]*roaring.Bitmap{}
	var order []key
	for _, seat := range all {
		s, err := c.SightAt(ctx, seat)
		if err != nil {
			return err
		}
		g := key{read: c.gathered.findings[findingKey{s.Receipt.Facts, s.Receipt.Revision, c.ask.Patch}]}
		if g.read == nil {
			g.facts = s.Receipt.Facts
		}
		if parts[g] == nil {
			parts[g] = roaring.New()
			order = append(order, g)
		}
		parts[g].Add(seat.Number)
	}
	for _, g := range order {
		if err := c.whole(ctx, parts[g]); err != nil {
			return err
		}
	}
	return nil
}

// verdicts parts machines of a kind by the verdict about a patch.
func (c *parting) verdicts(ctx context.Context, k *kind, id patch.ID, seats *roaring.Bitmap) (parts [patch.Unknown + 1]*roaring.Bitmap, err error) {
	for i := range parts {
		parts[i] = roaring.New()
	}
	if k.of == nil || k.of.OS != k.os {
		parts[patch.Unknown] = seats
		return parts, nil
	}
	judged, err := c.Shelf(ctx, k.os, k.of.Revision)
	if err != nil {
		return parts, err
	}
	_, column, known := judged.Find(id)
	if !known || column >= k.of.Expected {
		parts[patch.Unknown] = seats
		return parts, nil
	}
	if c.r.Suppose == nil && k.first.Machine.State == patch.Admitted {
		copy(parts[:], c.r.Fleet.Part(c.look, k.of, column, seats))
		return parts, nil
	}
	for _, seat := range c.seatsOf(seats) {
		s, err := c.SightAt(ctx, seat)
		if err != nil {
			return parts, err
		}
		parts[s.seat.Verdict(column)].Add(seat.Number)
	}
	return parts, nil
}

// reasoned reports whether machines with a verdict are told apart by its reason.
func (c *parting) reasoned(v patch.Verdict) bool {
	return c.ask.Reason && (v == patch.NotApplicable || v == patch.Faulty)
}

// aside takes those out of a set whose own doing counts beside the patch.
func (c *parting) aside(ctx context.Context, k *kind, seats *roaring.Bitmap) error {
	if c.ask.Eligible {
		return nil
	}
	special, err := c.special(ctx, k)
	if err != nil {
		return err
	}
	return c.apart(ctx, seats, special)
}

// special are the machines of a kind whose own doing counts beside the patch: something failed on them lately, or they install right now.
func (c *parting) special(ctx context.Context, k *kind) (*roaring.Bitmap, error) {
	out := roaring.New()
	for id := range c.gathered.blocked {
		c.seat(out, id)
	}
	if k.ring == "" {
		return out, nil
	}
	busy, known := c.gathered.busy[k.ring]
	if !known {
		var err error
		if busy, err = c.busyIn(ctx, k.ring); err != nil {
			return nil, err
		}
	}
	for id := range busy {
		c.seat(out, id)
	}
	return out, nil
}

// tried are the machines with attempts at a patch.
func (c *parting) tried(id patch.ID) *roaring.Bitmap {
	out := roaring.New()
	for m := range c.gathered.tried[id] {
		c.seat(out, m)
	}
	return out
}

func (c *parting) seat(into *roaring.Bitmap, id patch.MachineID) {
	if s := c.look.Find(id); s != nil {
		into.Add(s.Number)
	}
}

func (c *parting) seatsOf(set *roaring.Bitmap) []*fleet.Seat { return seatsOf(c.look, set) }

func seatsOf(look *fleet.Look, set *roaring.Bitmap) []*fleet.Seat {
	out := make([]*fleet.Seat, 0, set.GetCardinality())
	for it := set.Iterator(); it.HasNext(); {
		if n := it.Next(); int(n) < look.Len() {
			out = append(out, look.At(n))
		}
	}
	return out
}

// apart takes machines out of a set and judges each by itself.
func (c *parting) apart(ctx context.Context, seats, those *roaring.Bitmap) error {
	mine := roaring.And(seats, those)
	seats.AndNot(mine)
	return c.each(ctx, mine)
}

func (c *parting) each(ctx context.Context, seats *roaring.Bitmap) error {
	for _, seat := range c.seatsOf(seats) {
		if err := c.judge(ctx, seat, roaring.BitmapOf(seat.Number)); err != nil {
			return err
		}
	}
	return nil
}

// whole judges one of some machines for all of them.
func (c *parting) whole(ctx context.Context, seats *roaring.Bitmap) error {
	if seats.IsEmpty() {
		return nil
	}
	return c.judge(ctx, c.look.At(seats.Minimum()), seats)
}

func (c *parting) judge(ctx context.Context, seat *fleet.Seat, seats *roaring.Bitmap) error {
	s, err := c.SightAt(ctx, seat)
	if err != nil {
		return err
	}
	a := c.ask
	a.Deep, a.Reason = false, c.reasoned(s.Verdict(a.Patch))
	w, err := s.World(ctx, a)
	if err != nil {
		return err
	}
	c.key = gate.Situation(c.key[:0], w)
	if i, known := c.by[string(c.key)]; known {
		c.out[i].Seats.Or(seats)
		return nil
	}
	c.by[string(c.key)] = len(c.out)
	c.out = append(c.out, Cohort{World: w, Answer: gate.Walk(w), Seats: seats.Clone()})
	return nil
}
