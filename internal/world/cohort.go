package world

import (
	"context"

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
// is known in sets, so that one of each part is judged: which newer patch is on its way is asked in the same manner, and what was tried on machines is
// compared without judging each. Only machines that left an OS are looked at one by one. Without a.Reason, what does not apply is not told apart by why.
func (v *View) Cohorts(ctx context.Context, a Ask, among *roaring.Bitmap) ([]Cohort, error) {
	if err := v.sortSeats(ctx); err != nil {
		return nil, err
	}
	if err := v.gatherBlocked(ctx); err != nil {
		return nil, err
	}
	c := &parting{View: v, ask: a, sight: &Sight{v: v}, by: map[string]int{}, coming: &coming{among: among, on: map[comingKey]*roaring.Bitmap{}}}
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
	v.gathered.tried, v.gathered.some, v.gathered.tries, v.gathered.unproven = nil, nil, nil, nil
	clear(v.needed)
	clear(v.lacking)
	clear(v.read)
	clear(v.payloads)
	clear(v.briefs)
	clear(v.policies)
}

// parting is one call of Cohorts.
type parting struct {
	*View
	ask    Ask
	above  []patch.ID // patches that wait for what this one's parts say, because it would replace them
	coming *coming
	tried  *tries
	sight  *Sight // turned from machine to machine
	out    []Cohort
	by     map[string]int // in out, by situation
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
	if c.ask.Eligible {
		c.tried, err = c.gatherFlaps(ctx, c.ask.Patch)
	} else {
		c.tried, err = c.triesOf(ctx, c.ask.Patch, c.coming.among)
	}
	if err != nil {
		return err
	}
	_, _, listed := shelf.Find(c.ask.Patch)
	switch {
	case !listed && (k.moved || k.os == ""):
		return c.each(ctx, seats)
	case !listed:
		return c.byDoing(ctx, k, patch.Unknown, seats)
	}
	parts, err := c.verdicts(ctx, k, c.ask.Patch, seats)
	if err != nil {
		return err
	}
	for verdict, part := range parts {
		if part.IsEmpty() {
			continue
		}
		if err := c.verdict(ctx, cell, k, patch.Verdict(verdict), part); err != nil {
			return err
		}
	}
	return nil
}

// verdict parts machines of one kind that have the same verdict.
func (c *parting) verdict(ctx context.Context, cell PolicyCell, k *kind, verdict patch.Verdict, seats *roaring.Bitmap) error {
	if verdict != patch.NotPatched {
		if !c.reasoned(verdict) {
			return c.byDoing(ctx, k, verdict, seats)
		}
		return c.byFacts(ctx, k, verdict, seats)
	}
	replaced, err := c.replaced(ctx, k, seats)
	if err != nil {
		return err
	}
	for _, part := range []*roaring.Bitmap{roaring.And(seats, replaced), roaring.AndNot(seats, replaced)} {
		if !cell.Approved || c.ask.Eligible {
			err = c.byDoing(ctx, k, verdict, part)
		} else {
			err = c.byFacts(ctx, k, verdict, part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// byFacts parts machines by what their facts say about the patch.
func (c *parting) byFacts(ctx context.Context, k *kind, verdict patch.Verdict, seats *roaring.Bitmap) error {
	if seats.IsEmpty() {
		return nil
	}
	all, err := c.supposed(ctx, c.seatsOf(seats))
	if err != nil {
		return err
	}
	facts, err := c.readings(ctx, c.ask.Patch, k.os, k.of.Revision)
	if err != nil {
		return err
	}
	if facts != nil {
		facts.read(c.r.Parts, all)
	}
	type key struct {
		says  *reading   // of what was read
		facts patch.Hash // where nothing was
	}
	parts, lacking := map[key]*roaring.Bitmap{}, roaring.New()
	var order []key
	for _, seat := range all {
		if verdict == patch.NotPatched {
			if lacks, err := c.lacks(ctx, facts, seat); err != nil {
				return err
			} else if lacks {
				lacking.Add(seat.Number)
				continue
			}
		}
		g := key{says: facts.of(seat)}
		if g.says == nil {
			g.facts = seat.Receipt.Facts
		}
		if parts[g] == nil {
			parts[g] = roaring.New()
			order = append(order, g)
		}
		parts[g].Add(seat.Number)
	}
	for _, g := range order {
		if err := c.byDoing(ctx, k, verdict, parts[g]); err != nil {
			return err
		}
	}
	if err := c.readOffers(ctx, k, facts, c.seatsOf(lacking)); err != nil {
		return err
	}
	return c.each(ctx, lacking)
}

// readOffers reads what machines' facts say about the patches that may end what they lack, all at once: each of them is asked about these.
func (c *parting) readOffers(ctx context.Context, k *kind, facts *readings, seats []*fleet.Seat) error {
	type name struct {
		by     *asked
		clause string
	}
	seen, read := map[name]bool{}, map[patch.ID]bool{}
	for _, seat := range seats {
		all, _ := facts.lacksOf(seat)
		for _, l := range all {
			if n := (name{l.by, l.words()}); !seen[n] {
				seen[n] = true
				offers, err := c.offersFor(ctx, k.os, l)
				if err != nil {
					return err
				}
				for _, o := range offers {
					read[o.Patch] = true
				}
			}
		}
	}
	for id := range read {
		other, err := c.readings(ctx, id, k.os, k.of.Revision)
		if err != nil {
			return err
		}
		if other != nil {
			other.read(c.r.Parts, seats)
		}
	}
	return nil
}

// lacks reports whether the patch lacks something on a machine. What is approved beside it for that machine decides then.
func (c *parting) lacks(ctx context.Context, facts *readings, seat *fleet.Seat) (bool, error) {
	if l, known := facts.lacksOf(seat); known {
		return len(l) > 0, nil
	}
	s, err := c.SightAt(ctx, c.look.At(seat.Number))
	if err != nil {
		return false, err
	}
	l, err := s.lacks(ctx, c.ask.Patch)
	return len(l) > 0, err
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

// supposed are seats as they are to be thought of.
func (c *parting) supposed(ctx context.Context, seats []*fleet.Seat) ([]*fleet.Seat, error) {
	if c.r.Suppose == nil {
		return seats, nil
	}
	for i, seat := range seats {
		s, err := c.r.Suppose(ctx, seat)
		if err != nil {
			return nil, err
		}
		seats[i] = s
	}
	return seats, nil
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

// each judges machines one by one.
func (c *parting) each(ctx context.Context, seats *roaring.Bitmap) error {
	for _, seat := range c.seatsOf(seats) {
		if err := c.judge(ctx, seat, nil); err != nil {
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

// judge judges a machine for some that it is one of; nil is for itself alone.
func (c *parting) judge(ctx context.Context, seat *fleet.Seat, seats *roaring.Bitmap) error {
	s, err := c.SightAt(ctx, seat)
	if err != nil {
		return err
	}
	w, err := c.world(ctx, s)
	if err != nil {
		return err
	}
	c.key = gate.Situation(c.key[:0], &w)
	if i, known := c.by[string(c.key)]; known {
		c.out[i].enter(seat, seats)
		return nil
	}
	c.by[string(c.key)] = len(c.out)
	part := Cohort{World: w, Answer: gate.Walk(w), Seats: roaring.New()}
	part.enter(seat, seats)
	c.out = append(c.out, part)
	return nil
}

// enter takes machines in, or one alone where seats is nil.
func (c *Cohort) enter(seat *fleet.Seat, seats *roaring.Bitmap) {
	if seats == nil {
		c.Seats.Add(seat.Number)
		return
	}
	c.Seats.Or(seats)
}

// world is what the gates judge on one machine.
func (c *parting) world(ctx context.Context, s *Sight) (w gate.World, err error) {
	a := c.ask
	a.Deep, a.Reason = false, c.reasoned(s.Verdict(a.Patch))
	err = s.fill(ctx, a, c.above, &w)
	return w, err
}
