package ring

import (
	"context"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Halt puts a patch in quarantine everywhere, by a person's decision. What is being installed finishes; nobody else gets it.
func (d *Desk) Halt(ctx context.Context, caller patch.Caller, id patch.ID, why string) error {
	if err := reasoned(why); err != nil {
		return err
	}
	p, err := d.open(ctx, id)
	if err != nil {
		return err
	}
	if !p.HaltedAt.IsZero() {
		return patch.Errorf(patch.Conflict, "%s is halted already: %s", id, p.Text)
	}
	p.HaltedAt, p.By, p.Text = d.Now().UTC(), caller.Name, phrase.Verbatim(why)
	if err := d.Store.DecideRing(ctx, caller, "ring.halt", p); err != nil {
		return err
	}
	return d.alarm(ctx, p)
}

// open is the ring that a patch is in: the first that it has not passed.
func (d *Desk) open(ctx context.Context, id patch.ID) (patch.RingProgress, error) {
	rings, err := d.World.Store.ListRings(ctx)
	if err != nil {
		return patch.RingProgress{}, err
	}
	if len(rings) == 0 {
		return patch.RingProgress{}, &patch.Error{Kind: patch.Conflict, What: phrase.Of("cannot halt {1}", string(id)), Why: "no rings are set up", Do: phrase.Of("Hold it instead: fettle hold {1}", string(id))}
	}
	all, err := d.World.Store.ListRingProgress(ctx, id)
	if err != nil {
		return patch.RingProgress{}, err
	}
	for _, r := range rings {
		p := find(all, id, r.Name)
		if p.PassedAt.IsZero() {
			return p, nil
		}
	}
	return find(all, id, rings[len(rings)-1].Name), nil
}

func find(all []patch.RingProgress, id patch.ID, ring string) patch.RingProgress {
	for _, p := range all {
		if p.Patch == id && p.Ring == ring {
			return p
		}
	}
	return patch.RingProgress{Patch: id, Ring: ring}
}

// Resume takes a patch out of quarantine. The failures until now are forgiven, and its ring soaks anew; a person gives the reason.
func (d *Desk) Resume(ctx context.Context, caller patch.Caller, id patch.ID, why string) error {
	if err := reasoned(why); err != nil {
		return err
	}
	all, err := d.World.Store.ListRingProgress(ctx, id)
	if err != nil {
		return err
	}
	resumed := false
	for _, p := range all {
		if p.HaltedAt.IsZero() {
			continue
		}
		fresh := patch.RingProgress{Patch: id, Ring: p.Ring, FreshAt: d.Now().UTC(), By: caller.Name, Text: phrase.Verbatim(why)}
		if err := d.Store.DecideRing(ctx, caller, "ring.resume", fresh); err != nil {
			return err
		}
		resumed = true
	}
	if !resumed {
		return patch.Errorf(patch.Conflict, "%s is not halted in any ring", id)
	}
	return d.Store.ClearAlarm(ctx, alarmKey(id), d.Now())
}

// Pass lets the rings after one begin though it has not proven a patch, by a person's decision.
func (d *Desk) Pass(ctx context.Context, caller patch.Caller, id patch.ID, ring, why string) error {
	if err := reasoned(why); err != nil {
		return err
	}
	rings, err := d.World.Store.ListRings(ctx)
	if err != nil {
		return err
	}
	known := false
	for _, r := range rings {
		known = known || r.Name == ring
	}
	if !known {
		return patch.Errorf(patch.NotFound, "no ring is called %q", ring)
	}
	all, err := d.World.Store.ListRingProgress(ctx, id)
	if err != nil {
		return err
	}
	p := find(all, id, ring)
	if !p.HaltedAt.IsZero() {
		return &patch.Error{Kind: patch.Conflict, What: phrase.Format("%s cannot pass %s", id, ring), Why: "it is halted there", Do: phrase.Of("Resume it first: fettle deploy resume {1} --why …", string(id))}
	}
	p.PassedAt, p.By, p.Text = d.Now().UTC(), caller.Name, phrase.Verbatim(why)
	return d.Store.DecideRing(ctx, caller, "ring.pass", p)
}

func reasoned(why string) error {
	if strings.TrimSpace(why) == "" {
		return &patch.Error{Kind: patch.Invalid, What: "this decision needs a reason", Do: "Say it with --why."}
	}
	return nil
}

func alarmKey(id patch.ID) string { return "ring/" + string(id) }

func (d *Desk) alarm(ctx context.Context, p patch.RingProgress) error {
	text := phrase.Of("{1} is halted in the ring {2}: {3}", string(p.Patch), p.Ring, p.Text)
	if p.By != "" {
		text = phrase.Of("{1} is halted in the ring {2} by {3}: {4}", string(p.Patch), p.Ring, p.By, p.Text)
	}
	return d.Store.RaiseAlarm(ctx, patch.Alarm{Key: alarmKey(p.Patch), Kind: "ring", Text: text, RaisedAt: d.Now(), SeenAt: d.Now(),
		Do: phrase.Of("Look at the machines ({1}), then resume it with a reason ({2}) or decline it.", "fettle rings show "+string(p.Patch), "fettle deploy resume "+string(p.Patch)+" --why …")})
}
