// Package ring takes patches through the fleet ring by ring: it keeps the rings, judges what machines prove, lets the next ring begin, and
// stops a patch that does harm.
//
// It owns rings, proofs and quarantines. Whether a machine may have a patch is not its decision: it stores what is proven, and gate.Walk reads
// that. It quarantines a patch and never a ring, and only a person takes a quarantine back.
package ring

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Rings is the storage of rings.
type Rings interface {
	PutRing(ctx context.Context, caller patch.Caller, r patch.Ring) error
	RemoveRing(ctx context.Context, caller patch.Caller, name string) error
	DecideRing(ctx context.Context, caller patch.Caller, action string, p patch.RingProgress) error
	KeepRingProgress(ctx context.Context, p, was patch.RingProgress) error
}

// Evidence is the storage of what rings judge. ListRingPatches names the patches of which something is open, unproven or was proven since.
type Evidence interface {
	ListRingPatches(ctx context.Context, since time.Time) ([]patch.ID, error)
	ListResults(ctx context.Context, id patch.MachineID, attempt string) ([]patch.AttemptUpdate, error)
	ListHealth(ctx context.Context) (map[patch.MachineID]patch.Health, error)
	PutProofs(ctx context.Context, us []patch.ProofUpdate) error
}

// Leases is the storage of leave to reboot.
type Leases interface {
	TakeRebootLease(ctx context.Context, l patch.RebootLease, limit, ahead int) (granted bool, others []patch.RebootLease, err error)
	ListAway(ctx context.Context) ([]patch.RebootLease, error)
}

// Alarms is the storage of alarms.
type Alarms interface {
	RaiseAlarm(ctx context.Context, a patch.Alarm) error
	ClearAlarm(ctx context.Context, key string, now time.Time) error
	ListAlarms(ctx context.Context, open bool) ([]patch.Alarm, error)
}

// Store is all the storage that a Desk needs beside its Reader's.
type Store interface {
	Rings
	Evidence
	Alarms
	Leases
}

// Desk keeps rings. Its methods may be called from many goroutines.
type Desk struct {
	World *world.Reader
	Store Store
	Now   func() time.Time
	Log   *slog.Logger
	// Wake tells a machine that an order may wait; may be nil.
	Wake func(patch.MachineID)

	stepping sync.Mutex
	queue    queue // for leave to reboot
}

var nameRule = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`) })

// Put checks a ring and stores it with its defaults filled in.
func (d *Desk) Put(ctx context.Context, caller patch.Caller, r patch.Ring) (patch.Ring, error) {
	r = r.WithDefaults()
	refuse := func(why phrase.Phrase) (patch.Ring, error) {
		return r, &patch.Error{Kind: patch.Invalid, What: "cannot store the ring", Why: why}
	}
	switch {
	case !nameRule().MatchString(r.Name) || r.Name == patch.RestRing:
		return refuse("its name must be made of a-z, 0-9, dot, dash and underscore, at most 64, and not be " + patch.RestRing)
	case r.Share < 1 || r.Share > 100:
		return refuse("share is a percentage from 1 to 100")
	case r.Accept < 1 || r.Refuse > 99 || r.Refuse <= r.Accept:
		return refuse("accept and refuse are percentages from 1 to 99, and refuse is the larger one")
	case r.Proofs < 1 || r.First < 1 || r.AtOnce < 0 || r.Reboots < 0 || r.Rate < 0 || r.Position < 0:
		return refuse("proofs and first are at least 1, and no number is negative")
	case len(r.Probes) > 20:
		return refuse("it has more than 20 probes")
	}
	for _, p := range r.Probes {
		if err := p.Check(); err != nil {
			return r, err
		}
	}
	if _, err := d.World.Labels.Members(ctx, r.Label); err != nil {
		return r, err
	}
	r.CreatedAt, r.CreatedBy = d.Now().UTC(), caller.Name
	return r, d.Store.PutRing(ctx, caller, r)
}

// Remove forgets a ring. Where a patch is in quarantine it stays: with the ring the quarantine would go, and the patch would go out to everybody.
func (d *Desk) Remove(ctx context.Context, caller patch.Caller, name string) error {
	progress, err := d.World.Store.ListRingProgress(ctx, "")
	if err != nil {
		return err
	}
	for _, p := range progress {
		if p.Ring == name && !p.HaltedAt.IsZero() {
			return &patch.Error{Kind: patch.Conflict, What: phrase.Of("cannot remove the ring {1}", name), Why: phrase.Of("{1} is halted there, and would go out to every machine it is approved for", string(p.Patch)),
				Do: phrase.Of("Decline or hold what must not go out, then resume it with a reason ({1}), and remove the ring.", "fettle deploy resume "+string(p.Patch)+" --why …")}
		}
	}
	return d.Store.RemoveRing(ctx, caller, name)
}

// Standing is a ring with how far patches are in it.
type Standing struct {
	patch.Ring
	Machines int                  `json:"machines"`           // that belong to it now
	Patches  []patch.RingProgress `json:"patches"`            // those that something is known of, halted ones first
	Failing  []Failing            `json:"failing,omitempty"`  // of the one patch that was asked about: the first 20 machines that failed it, the newest first
	Unproven []Failing            `json:"unproven,omitempty"` // likewise: those that can prove nothing about it as they are
}

// List gives the rings in their order, each with its patches; id narrows to one patch, and has the machines named that failed it.
func (d *Desk) List(ctx context.Context, id patch.ID) ([]Standing, error) {
	v, err := d.World.View(ctx)
	if err != nil {
		return nil, err
	}
	progress, err := d.World.Store.ListRingProgress(ctx, id)
	if err != nil {
		return nil, err
	}
	belongs, err := v.RingSizes(ctx)
	if err != nil {
		return nil, err
	}
	var out []Standing
	rings := slices.Clone(v.Rings())
	if len(rings) > 0 && belongs[patch.RestRing] > 0 {
		rings = append(rings, patch.Ring{Name: patch.RestRing, Label: patch.LabelAll, Position: rings[len(rings)-1].Position + 1}.WithDefaults())
	}
	for _, r := range rings {
		s := Standing{Ring: r, Machines: belongs[r.Name], Patches: []patch.RingProgress{}}
		for _, p := range progress {
			if p.Ring == r.Name && p.Patch != "" {
				s.Patches = append(s.Patches, p)
			}
		}
		if id != "" && len(s.Patches) > 0 {
			if s.Failing, err = d.failing(ctx, v, s.Patches[0]); err != nil {
				return nil, err
			}
			if s.Unproven, err = d.unproven(ctx, v, s.Patches[0]); err != nil {
				return nil, err
			}
		}
		slices.SortStableFunc(s.Patches, func(a, b patch.RingProgress) int {
			return b2i(!b.HaltedAt.IsZero()) - b2i(!a.HaltedAt.IsZero())
		})
		out = append(out, s)
	}
	return out, nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
