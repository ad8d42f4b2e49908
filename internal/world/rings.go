package world

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// Rings are the rings in their order; none where none are set up.
func (v *View) Rings() []patch.Ring { return v.rings }

// RingOf is the ring that a machine belongs to now: the first whose label it carries, else what comes after the last one.
func (v *View) RingOf(ctx context.Context, m patch.MachineID) (patch.Ring, error) {
	for _, r := range v.rings {
		in, err := v.Member(ctx, r.Label, m)
		if err != nil || in {
			return r, err
		}
	}
	return patch.Ring{Name: patch.RestRing, Label: patch.LabelAll, Position: len(v.rings) + 1}.WithDefaults(), nil
}

// RingSizes counts the admitted machines that belong to each ring, and to what comes after the last one.
func (v *View) RingSizes(ctx context.Context) (map[string]int, error) {
	all, err := v.Carrying(ctx, patch.LabelAll)
	if err != nil {
		return nil, err
	}
	sizes, left := map[string]int{}, all.Clone()
	for _, r := range v.rings {
		set, err := v.carriers(ctx, r.Label)
		if err != nil {
			return nil, err
		}
		sizes[r.Name] = int(left.AndCardinality(set))
		left.AndNot(set)
	}
	sizes[patch.RestRing] = int(left.GetCardinality())
	return sizes, nil
}

// ringed fills in the rings that a patch passes through before and at this machine, and the machine's own moment in the window.
func (s *Sight) ringed(ctx context.Context, id patch.ID, w *gate.World) error {
	v := s.v
	if len(v.rings) == 0 {
		return nil
	}
	progress, err := v.progress(ctx, id)
	if err != nil {
		return err
	}
	for _, p := range progress {
		if !p.HaltedAt.IsZero() && (w.Quarantine == nil || p.HaltedAt.Before(w.Quarantine.HaltedAt)) {
			w.Quarantine = &p
		}
	}
	own, err := v.RingOf(ctx, s.Machine.ID)
	if err != nil {
		return err
	}
	for _, r := range v.rings {
		if r.Name == own.Name {
			break
		}
		w.Rings = append(w.Rings, gate.RingFact{Ring: r, Progress: progress[r.Name]})
	}
	load, err := s.ringLoad(ctx, own.Name, id)
	if err != nil {
		return err
	}
	w.Rings = append(w.Rings, gate.RingFact{Ring: own, Progress: progress[own.Name], Own: true, Load: load})
	for _, a := range w.Attempts {
		if a.ID == w.Own && w.Own != "" {
			w.Turn = Turn(s.Machine.ID, a, time.Duration(own.Splay), w.Window)
		}
	}
	return nil
}

// rebooting fills in what a machine that owes a reboot waits for in its ring.
func (s *Sight) rebooting(ctx context.Context, w *gate.World) error {
	if len(s.v.rings) == 0 {
		return nil
	}
	own, err := s.v.RingOf(ctx, s.Machine.ID)
	if err != nil || own.Reboots == 0 {
		return err
	}
	w.RebootsOf, w.RebootsMost = own.Name, own.Reboots
	w.Rebooting, err = s.v.r.Store.CountRebooting(ctx, own.Name, s.Machine.ID)
	return err
}

// progress is how far a patch is, by ring; read once.
func (v *View) progress(ctx context.Context, id patch.ID) (map[string]patch.RingProgress, error) {
	if p, ok := v.ringed[id]; ok {
		return p, nil
	}
	all, err := v.r.Store.ListRingProgress(ctx, id)
	if err != nil {
		return nil, err
	}
	p := map[string]patch.RingProgress{}
	for _, x := range all {
		p[x.Ring] = x
	}
	v.ringed[id] = p
	return p, nil
}

// Turn is a machine's own moment in a deployment: the same whenever it is asked, spread evenly over splay, and never in the second half of
// the window. It is zero without splay.
func Turn(m patch.MachineID, a patch.Attempt, splay time.Duration, w patch.Window) time.Time {
	begin := a.CreatedAt
	if w.NotBefore.After(begin) {
		begin = w.NotBefore
	}
	if !w.NotAfter.IsZero() {
		splay = min(splay, w.NotAfter.Sub(begin)/2)
	}
	if splay <= 0 {
		return time.Time{}
	}
	sum := sha256.Sum256([]byte(string(m) + "\x00" + a.Deployment))
	return begin.Add(time.Duration(binary.BigEndian.Uint64(sum[:8]) % uint64(splay)))
}
