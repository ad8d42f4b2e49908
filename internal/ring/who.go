package ring

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Who gives the machines that a number of a ring's progress counts, each with what is said of it, which may be nothing. The numbers are "members"
// of the ring, whatever the patch, and "unproven",
// "proven", "failed", "silent", "waiting" (with those that are away) and "away".
func (d *Desk) Who(ctx context.Context, ring string, id patch.ID, number string) (map[patch.MachineID]phrase.Phrase, error) {
	v, err := d.World.View(ctx)
	if err != nil {
		return nil, err
	}
	s := &step{Desk: d, v: v, machines: map[patch.MachineID]patch.Machine{}, rings: map[string]patch.Ring{}}
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	r, known := s.rings[ring]
	if !known {
		return nil, patch.NothingCalled("ring", ring)
	}
	if number == "members" {
		return s.members(ctx, ring)
	}
	attempts, err := s.World.Store.ListAttempts(ctx, patch.AttemptFilter{Patch: id})
	if err != nil {
		return nil, err
	}
	progress, err := s.World.Store.ListRingProgress(ctx, id)
	if err != nil {
		return nil, err
	}
	attempts, _ = withoutBack(attempts)
	at, err := s.places(ctx, r, find(progress, id, ring).FreshAt, attempts)
	if err != nil {
		return nil, err
	}
	return at.who(number)
}

func (s *step) members(ctx context.Context, ring string) (map[patch.MachineID]phrase.Phrase, error) {
	out := map[patch.MachineID]phrase.Phrase{}
	for id, m := range s.machines {
		if m.State != patch.Admitted {
			continue
		}
		own, err := s.v.RingOf(ctx, id)
		if err != nil {
			return nil, err
		}
		if own.Name == ring {
			out[id] = ""
		}
	}
	return out, nil
}

func (p places) who(number string) (map[patch.MachineID]phrase.Phrase, error) {
	out := map[patch.MachineID]phrase.Phrase{}
	add := func(ids []patch.MachineID) {
		for _, id := range ids {
			out[id] = ""
		}
	}
	wanted := map[string]func(patch.Attempt) bool{
		"proven": func(a patch.Attempt) bool { return a.Proof == patch.ProofGood },
		"failed": func(a patch.Attempt) bool { return a.Proof == patch.ProofBad },
		"silent": func(a patch.Attempt) bool { return a.Proof == patch.ProofBad && silent(a) },
	}[number]
	switch {
	case number == "unproven":
		for _, a := range p.pending {
			out[a.Machine] = a.ProofText
		}
	case number == "waiting":
		add(p.waiting)
		add(p.away)
	case number == "away":
		add(p.away)
	case wanted == nil:
		return nil, patch.Errorf(patch.Invalid, "a ring counts no machines as %q", number)
	}
	for _, a := range p.judged {
		if wanted != nil && wanted(a) {
			out[a.Machine] = a.ProofText
		}
	}
	return out, nil
}
