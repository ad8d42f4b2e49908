package updater

import (
	"context"
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

// Rulings is the storage of what people want.
type Rulings interface {
	PutRuling(ctx context.Context, c patch.Caller, r patch.Ruling) error
	RemoveRuling(ctx context.Context, c patch.Caller, updater, label string) error
	ListRulings(ctx context.Context) ([]patch.Ruling, error)
}

// States is the storage of how services stand on machines.
type States interface {
	PutUpdaters(ctx context.Context, id patch.MachineID, all []patch.UpdaterState) error
	ListUpdaters(ctx context.Context, id patch.MachineID) ([]patch.MachineUpdater, error)
}

// Alarms is the storage of alarms.
type Alarms interface {
	RaiseAlarm(ctx context.Context, a patch.Alarm) error
	ClearAlarm(ctx context.Context, key string, now time.Time) error
}

// Store is all the storage that a Desk needs.
type Store interface {
	Rulings
	States
	Alarms
}

// Labels tells which labels there are and which a machine carries now.
type Labels interface {
	LabelsOf(ctx context.Context, id patch.MachineID) ([]string, error)
	Members(ctx context.Context, name string) ([]patch.MachineID, error)
}

// Desk takes rulings and holds machines against them. Its methods may be called from many goroutines.
type Desk struct {
	Store  Store
	Labels Labels
	Key    ed25519.PrivateKey // the approver's
	Now    func() time.Time
}

// Put takes a ruling, and holds every machine that is known to have the service against it.
func (d *Desk) Put(ctx context.Context, c patch.Caller, r patch.Ruling) (patch.Ruling, error) {
	a, known := AdviceOn(r.Updater)
	switch {
	case r.Updater != patch.AnyUpdater && !known:
		return r, &patch.Error{Kind: patch.Invalid, What: phrase.Format("no patch service is called %.60q", r.Updater), Do: phrase.Of("Known are: {1}, and any.", names())}
	case r.Verb != patch.Adopt && r.Verb != patch.AlertOn && r.Verb != patch.TakeOver:
		return r, &patch.Error{Kind: patch.Invalid, What: phrase.Format("%.60q is none of adopt, alert and take-over", string(r.Verb))}
	case r.Verb == patch.TakeOver && known && !a.TakeOver:
		return r, &patch.Error{Kind: patch.Invalid, What: phrase.Of("Fettle does not turn {1} off by itself", r.Updater), Why: phrase.Of("{1} {2}", r.Updater, a.What), Do: phrase.Of("On the machine: {1}", a.Command)}
	}
	if _, err := d.Labels.Members(ctx, r.Label); err != nil {
		return r, err
	}
	r.By, r.At = c.Name, d.Now().UTC().Truncate(time.Microsecond)
	if err := d.Store.PutRuling(ctx, c, r); err != nil {
		return r, err
	}
	return r, d.review(ctx)
}

func names() string {
	out := ""
	for i, a := range advices() {
		if i > 0 {
			out += ", "
		}
		out += a.Name
	}
	return out
}

// Release takes a ruling back. What was turned off by it is given back at the machines' next check-ins.
func (d *Desk) Release(ctx context.Context, c patch.Caller, updater, label string) error {
	if err := d.Store.RemoveRuling(ctx, c, updater, label); err != nil {
		return err
	}
	return d.review(ctx)
}

// Off lists what a machine's agent shall keep off, by name.
func (d *Desk) Off(ctx context.Context, id patch.MachineID) ([]wire.Off, error) {
	rulings, err := d.Store.ListRulings(ctx)
	if err != nil || !slices.ContainsFunc(rulings, func(r patch.Ruling) bool { return r.Verb == patch.TakeOver }) {
		return nil, err
	}
	labels, err := d.Labels.LabelsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	var out []wire.Off
	for _, a := range advices() {
		if r, ok := RulingOf(rulings, labels, a.Name); ok && r.Verb == patch.TakeOver && a.TakeOver {
			out = append(out, wire.Off{Name: a.Name, Asked: r.At})
		}
	}
	return out, nil
}

// Wanted is the hash of Off, as check-ins carry it.
func (d *Desk) Wanted(ctx context.Context, id patch.MachineID) (patch.Hash, error) {
	off, err := d.Off(ctx, id)
	if err != nil {
		return "", err
	}
	return wire.HashOff(off)
}

// Order is Off, signed by the approver for this machine.
func (d *Desk) Order(ctx context.Context, id patch.MachineID) (wire.Envelope, error) {
	off, err := d.Off(ctx, id)
	if err != nil {
		return wire.Envelope{}, err
	}
	return wire.Seal(d.Key, wire.TypeUpdaters, wire.Stewardship{Machine: id, Issued: d.Now().UTC(), Off: off})
}
