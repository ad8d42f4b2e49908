package ring

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// longestSoak bounds how long ago a proof may be for rings to look at its patch again.
const longestSoak = 45 * 24 * time.Hour

// Step judges what is new in every ring, lets rings begin and puts patches in quarantine. Call it often; it does nothing while there are no
// rings, and a patch that fails does not keep the others from being looked at.
func (d *Desk) Step(ctx context.Context) error {
	d.stepping.Lock()
	defer d.stepping.Unlock()
	v, err := d.World.View(ctx)
	if err != nil || len(v.Rings()) == 0 {
		return err
	}
	soak := time.Duration(0)
	for _, r := range v.Rings() {
		soak = max(soak, time.Duration(r.Soak))
	}
	ids, err := d.Store.ListRingPatches(ctx, d.Now().Add(-min(soak, longestSoak)-time.Hour))
	if err != nil || len(ids) == 0 {
		return err
	}
	s := &step{Desk: d, v: v, machines: map[patch.MachineID]patch.Machine{}, rings: map[string]patch.Ring{}}
	if err := s.read(ctx); err != nil {
		return err
	}
	var failed []error
	for _, id := range ids {
		if err := s.patch(ctx, id); err != nil && patch.KindOf(err) != patch.Conflict {
			failed = append(failed, fmt.Errorf("the rings of %s: %w", id, err))
		}
	}
	return errors.Join(failed...)
}

// step is one call of Step.
type step struct {
	*Desk
	v        *world.View
	machines map[patch.MachineID]patch.Machine
	health   map[patch.MachineID]patch.Health
	rings    map[string]patch.Ring
}

func (s *step) read(ctx context.Context) error {
	all, err := s.World.Store.ListMachines(ctx, patch.MachineFilter{})
	if err != nil {
		return err
	}
	for _, m := range all {
		s.machines[m.ID] = m
	}
	for _, r := range append(slices.Clone(s.v.Rings()), patch.Ring{Name: patch.RestRing, Label: patch.LabelAll}.WithDefaults()) {
		s.rings[r.Name] = r
	}
	s.health, err = s.Store.ListHealth(ctx)
	return err
}

// patch looks at all rings of one patch.
func (s *step) patch(ctx context.Context, id patch.ID) error {
	attempts, err := s.World.Store.ListAttempts(ctx, patch.AttemptFilter{Patch: id})
	if err != nil {
		return err
	}
	attempts, back := withoutBack(attempts)
	if err := s.prove(ctx, attempts, back); err != nil {
		return err
	}
	progress, err := s.World.Store.ListRingProgress(ctx, id)
	if err != nil {
		return err
	}
	order := slices.Clone(s.v.Rings())
	order = append(order, s.rings[patch.RestRing])
	for i, r := range order {
		was := find(progress, id, r.Name)
		if !was.HaltedAt.IsZero() {
			return s.recount(ctx, r, was, attempts)
		}
		now, err := s.progress(ctx, r, was, attempts, i == len(order)-1)
		if err != nil {
			return err
		}
		if err := s.keep(ctx, now, was); err != nil {
			return err
		}
		if !now.HaltedAt.IsZero() {
			return nil
		}
		if now.PassedAt.IsZero() {
			return s.wake(ctx, r, now, attempts) // the rings after it have not begun
		}
	}
	return nil
}

// withoutBack leaves out the attempts that take a patch back, and gives the IDs of those that were taken back.
func withoutBack(all []patch.Attempt) (attempts []patch.Attempt, back map[string]bool) {
	back = map[string]bool{}
	for _, a := range all {
		if !a.TakesBack() {
			attempts = append(attempts, a)
			continue
		}
		for _, before := range attempts {
			if before.Machine == a.Machine && a.State == patch.ExecDone {
				back[before.ID] = true
			}
		}
	}
	return attempts, back
}

// prove judges the attempts that were handed out and stores what changed; it changes attempts in place. One that was taken back proves nothing
// any more, neither for the patch nor against it; what it proved before stays.
func (s *step) prove(ctx context.Context, attempts []patch.Attempt, back map[string]bool) error {
	var news []patch.ProofUpdate
	for i := range attempts {
		a := &attempts[i]
		r, known := s.rings[a.Ring]
		if a.Ring == "" || !known || a.Proof == patch.ProofGood && s.Now().Sub(a.ProofAt) > time.Duration(r.Soak) {
			continue
		}
		p, why, err := patch.ProofNone, phrase.Phrase(""), error(nil)
		if !back[a.ID] {
			p, why, err = s.witness(ctx, *a, r).judge()
		} else if a.Proof != patch.ProofPending {
			continue
		}
		if err != nil {
			return err
		}
		if p != a.Proof || p == patch.ProofPending && why != a.ProofText {
			a.Proof, a.ProofAt, a.ProofText = p, s.Now().UTC(), why
			news = append(news, patch.ProofUpdate{Attempt: a.ID, Proof: p, At: a.ProofAt, Text: why})
		}
	}
	return s.Store.PutProofs(ctx, news)
}

func (s *step) witness(ctx context.Context, a patch.Attempt, r patch.Ring) witness {
	x := witness{attempt: a, machine: s.machines[a.Machine], ring: r, now: s.Now()}
	if h, ok := s.health[a.Machine]; ok {
		x.health = &h
	}
	x.closing = func() (time.Time, string, error) {
		snap, err := s.World.Store.NewestSnapshot(ctx, a.Machine)
		return snap.Received, snap.Boot, err
	}
	x.began = func() (string, error) {
		lines, err := s.Store.ListResults(ctx, a.Machine, a.ID)
		if err != nil || len(lines) == 0 {
			return "", err
		}
		return lines[len(lines)-1].Boot, nil
	}
	return x
}

// progress adds a ring up as it is now.
func (s *step) progress(ctx context.Context, r patch.Ring, was patch.RingProgress, attempts []patch.Attempt, last bool) (patch.RingProgress, error) {
	p := was
	p.Proven, p.Failed, p.Silent = 0, 0, 0
	stop, forgiven, err := s.count(ctx, r, &p, attempts)
	if err != nil {
		return p, err
	}
	now := s.Now().UTC()
	concerned := p.Proven + p.Failed + p.Pending + p.Waiting
	p.Need = max(1, (concerned*r.Share+99)/100, min(r.Proofs, concerned+p.Away))
	whole := max(1, ((concerned+p.Away)*r.Share+99)/100)
	out := p.Proven+p.Pending+p.Waiting+p.Away < whole // it cannot be proven any more
	switch {
	case stop, out && p.Failed > 0 && !last && p.PassedAt.IsZero():
		last, err := s.suspects(ctx, lastFailure(r.Name, attempts))
		p.HaltedAt, p.By, p.Text = now, "", phrase.Of("{1} of {2} failed; the last one: {3}", p.Failed, p.Tried(), last)
		return p, err
	case !p.PassedAt.IsZero(), last:
		return p, nil
	case concerned+p.Away == 0 && forgiven > 0:
		return p, nil // its machines have it, and what a person forgave them proves nothing
	case concerned+p.Away == 0:
		return p, s.skip(ctx, r, &p)
	}
	if p.Proven < p.Need {
		p.EnoughAt = time.Time{}
		return p, nil
	}
	if p.EnoughAt.IsZero() {
		p.EnoughAt = now
	}
	if !now.Before(p.EnoughAt.Add(time.Duration(r.Soak))) {
		p.PassedAt = now
	}
	return p, nil
}

// places is where the machines of a ring are with a patch.
type places struct {
	judged        []patch.Attempt // the newest judgement of each machine, the oldest first
	pending       []patch.Attempt // those that have not proven it yet
	waiting, away []patch.MachineID
	forgiven      int // attempts that installed it, failed all the same, and were forgiven by a person since
}

// places sorts a patch's attempts by what they say about a ring; a person who resumed it has forgiven the failures until fresh.
func (s *step) places(ctx context.Context, r patch.Ring, resumed time.Time, attempts []patch.Attempt) (p places, err error) {
	for _, a := range attempts {
		switch fresh := a.ProofAt.After(resumed); {
		case a.Ring == r.Name && a.Proof == patch.ProofPending:
			p.pending = append(p.pending, a)
		case a.Ring == r.Name && (a.Proof == patch.ProofGood || a.Proof == patch.ProofBad && fresh):
			p.judged = append(p.judged, a)
		case a.Ring == r.Name && a.Proof == patch.ProofBad && a.State == patch.ExecDone:
			p.forgiven++
		case a.Ring == "" && !a.State.Ended():
			own, err := s.v.RingOf(ctx, a.Machine)
			if err != nil {
				return p, err
			}
			if own.Name == r.Name && patch.Quiet(s.machines[a.Machine].SeenAt, s.Now()) > time.Duration(r.Silence) {
				p.away = append(p.away, a.Machine)
			} else if own.Name == r.Name {
				p.waiting = append(p.waiting, a.Machine)
			}
		}
	}
	slices.SortStableFunc(p.judged, func(a, b patch.Attempt) int { return a.ProofAt.Compare(b.ProofAt) })
	p.judged = newestOf(p.judged)
	return p, nil
}

// count counts a ring's machines by where they are and runs the sequential test over those that were judged.
func (s *step) count(ctx context.Context, r patch.Ring, p *patch.RingProgress, attempts []patch.Attempt) (stop bool, forgiven int, err error) {
	at, err := s.places(ctx, r, p.FreshAt, attempts)
	if err != nil {
		return false, 0, err
	}
	p.Pending, p.Waiting, p.Away = len(at.pending), len(at.waiting), len(at.away)
	t := newTrial(r.Accept, r.Refuse)
	for _, a := range at.judged {
		ok := a.Proof == patch.ProofGood
		if ok {
			p.Proven++
		} else {
			p.Failed++
			if silent(a) {
				p.Silent++
			}
		}
		stop = t.take(ok) || stop
	}
	p.Margin = t.margin()
	return stop && p.Failed > 0, at.forgiven, nil
}

// silent reports whether an attempt is judged to have failed because its machine says nothing.
func silent(a patch.Attempt) bool { return strings.HasPrefix(a.ProofText.String(), "silent since ") }

// newestOf keeps each machine's newest judgement: a later attempt that works makes up for one that did not.
func newestOf(judged []patch.Attempt) []patch.Attempt {
	last := map[patch.MachineID]string{}
	for _, a := range judged {
		last[a.Machine] = a.ID
	}
	return slices.DeleteFunc(judged, func(a patch.Attempt) bool { return last[a.Machine] != a.ID })
}

func lastFailure(ring string, attempts []patch.Attempt) (last patch.Attempt) {
	for _, a := range attempts {
		if a.Ring == ring && a.Proof == patch.ProofBad && !a.ProofAt.Before(last.ProofAt) {
			last = a
		}
	}
	return last
}

// recount adds up a ring in which the patch is in quarantine: what machines report meanwhile is judged and counted, and decides nothing.
func (s *step) recount(ctx context.Context, r patch.Ring, was patch.RingProgress, attempts []patch.Attempt) error {
	p := was
	p.Proven, p.Failed, p.Silent = 0, 0, 0
	if _, _, err := s.count(ctx, r, &p, attempts); err != nil || p == was {
		return err
	}
	return s.Store.KeepRingProgress(ctx, p, was)
}

// skip lets a ring pass in which no machine needs the patch. A ring to which nobody has deployed it waits where one does, and where one that is there, or
// all that are gone, have not said whether they do.
func (s *step) skip(ctx context.Context, r patch.Ring, p *patch.RingProgress) error {
	members, err := s.World.Labels.Members(ctx, r.Label)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return err
	}
	known, gone := false, false
	for _, m := range members {
		own, err := s.v.RingOf(ctx, m)
		if err != nil {
			return err
		}
		if own.Name != r.Name {
			continue
		}
		sight, err := s.v.Sight(ctx, m)
		if err != nil {
			return err
		}
		switch v := sight.Verdict(p.Patch); {
		case v == patch.NotPatched:
			return nil
		case v != patch.Unknown || !mayNeed(sight, p.Patch):
			known = true
		case patch.Quiet(s.machines[m].SeenAt, s.Now()) <= time.Duration(r.Silence):
			return nil
		default:
			gone = true
		}
	}
	if gone && !known {
		return nil
	}
	p.PassedAt, p.Text = s.Now().UTC(), "no machine of it needs it"
	return nil
}

// mayNeed reports whether a machine that has not judged a patch could need it: it is on the list of the machine's OS, or nobody knows which that is.
func mayNeed(s *world.Sight, id patch.ID) bool {
	if s.Shelf == nil {
		return s.OS == ""
	}
	_, _, listed := s.Shelf.Find(id)
	return listed
}

// keep stores what changed, and makes a quarantine known.
func (s *step) keep(ctx context.Context, p, was patch.RingProgress) error {
	if p == was {
		return nil
	}
	if p.HaltedAt.IsZero() {
		return s.Store.KeepRingProgress(ctx, p, was)
	}
	self := patch.Caller{Name: "fettle", Role: patch.Admin, From: "local", Via: "appliance"}
	if err := s.Store.DecideRing(ctx, self, "ring.halt", p); err != nil {
		return err
	}
	s.Log.WarnContext(ctx, "ring halted", "patch", p.Patch, "ring", p.Ring, "why", p.Text)
	return s.alarm(ctx, p)
}

// wake calls the machines that may begin now.
func (s *step) wake(ctx context.Context, r patch.Ring, p patch.RingProgress, attempts []patch.Attempt) error {
	if s.Wake == nil {
		return nil
	}
	room := max(r.First, p.Proven) - p.Pending
	for _, a := range attempts {
		if room <= 0 {
			return nil
		}
		if a.Ring != "" || a.State != patch.ExecWaiting || patch.Quiet(s.machines[a.Machine].SeenAt, s.Now()) > time.Duration(r.Silence) {
			continue
		}
		own, err := s.v.RingOf(ctx, a.Machine)
		if err != nil {
			return err
		}
		if own.Name == r.Name {
			s.Wake(a.Machine)
			room--
		}
	}
	return nil
}
