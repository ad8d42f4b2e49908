package ledger

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
	"github.com/fettle-project/fettle/internal/world"
)

// Accept takes a snapshot that a machine uploaded, if it is complete, of a known revision and newer than what is kept. The same snapshot
// once more is acknowledged again and changes nothing. s.Machine must be the caller's own, by its certificate.
func (l *Ledger) Accept(ctx context.Context, s patch.Snapshot) (wire.SnapshotReply, error) {
	m, err := l.World.Store.FindMachine(ctx, s.Machine)
	if err != nil {
		return wire.SnapshotReply{}, err
	}
	return l.AcceptWhole(ctx, &m, &s)
}

// AcceptWhole is Accept for a machine that was just read.
func (l *Ledger) AcceptWhole(ctx context.Context, m *patch.Machine, s *patch.Snapshot) (wire.SnapshotReply, error) {
	return l.accept(ctx, m, func(*slate) (*patch.Snapshot, error) { return s, s.Check() })
}

// AcceptChange takes a snapshot that a machine, which was just read, told as what changed since its newest one. It gives Conflict where that
// is not the newest one here; then the machine has to send the whole snapshot.
func (l *Ledger) AcceptChange(ctx context.Context, m *patch.Machine, c *wire.Change) (wire.SnapshotReply, error) {
	return l.accept(ctx, m, func(r *slate) (*patch.Snapshot, error) {
		switch {
		case !r.some:
			return nil, patch.Errorf(patch.Conflict, "no snapshot is kept that anything could have changed since")
		case c.Means(&r.kept): // it was sent before, and the answer was lost
			return &r.kept, nil
		}
		var err error
		if r.next, err = c.Apply(&r.kept, r.next.Verdicts.Bits()); err != nil {
			return nil, err
		}
		return &r.next, r.next.Check()
	})
}

// accept keeps the snapshot that a machine means, which may depend on the one that is kept. If another one of the same machine comes in
// between, it looks again: what a snapshot changes is worked out against the one before it.
func (l *Ledger) accept(ctx context.Context, m *patch.Machine, meant func(*slate) (*patch.Snapshot, error)) (wire.SnapshotReply, error) {
	r, _ := l.slates.Get().(*slate)
	if r == nil {
		r = &slate{}
	}
	defer l.slates.Put(r)
	for try := 0; ; try++ {
		if m.State != patch.Admitted {
			return wire.SnapshotReply{}, patch.Errorf(patch.Forbidden, "the machine is not admitted")
		}
		if err := l.read(ctx, m, r); err != nil {
			return wire.SnapshotReply{}, err
		}
		s, err := meant(r)
		if err != nil {
			return wire.SnapshotReply{}, err
		}
		if r.some && s.Seq <= r.kept.Seq {
			return l.repeated(ctx, m, s, &r.kept)
		}
		if err = l.keep(ctx, m, r, s); err == nil {
			return l.reply(ctx, m, s)
		}
		if patch.KindOf(err) != patch.Conflict || try == maxOvertaken {
			return wire.SnapshotReply{}, err
		}
		newer, err := l.World.Store.FindMachine(ctx, m.ID)
		if err != nil {
			return wire.SnapshotReply{}, err
		}
		m = &newer
	}
}

// maxOvertaken is how often a snapshot may be overtaken by another one of the same machine. Two at once are a lost answer; more are no agent.
const maxOvertaken = 3

// slate is where two snapshots of one machine are while the later one is accepted. Nothing keeps them longer: their verdicts are written over.
type slate struct {
	some bool           // whether the machine has one
	kept patch.Snapshot // the newest one
	next patch.Snapshot // of a change
}

// read puts a machine's newest snapshot onto the slate.
func (l *Ledger) read(ctx context.Context, m *patch.Machine, r *slate) error {
	kept, err := l.Store.KnownSnapshot(ctx, m.ID, r.kept.Verdicts.Bits())
	if r.some = err == nil; r.some {
		r.kept = kept
	}
	if patch.KindOf(err) == patch.NotFound {
		return nil
	}
	return err
}

// before is the snapshot that the next one is told against; nil where there is none.
func (r *slate) before() *patch.Snapshot {
	if !r.some {
		return nil
	}
	return &r.kept
}

// known checks that the snapshot was made with a list that the appliance published for its OS.
func known(ctx context.Context, w *world.Reader, s *patch.Snapshot) (*world.Shelf, error) {
	list, err := w.Shelf(ctx, s.OS, s.Revision)
	if err != nil {
		return nil, err
	}
	if list == nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot accept the snapshot",
			Why: phrase.Format("no revision %s is known for %s", s.Revision, s.OS), Do: "The agent has to fetch the newest list and detect again."}
	}
	if n := len(list.List.Patches()); n != s.Expected {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot accept the snapshot",
			Why: phrase.Format("it judges %d patches, and revision %s of %s has %d", s.Expected, s.Revision, s.OS, n), Do: "The agent has to detect again."}
	}
	return list, nil
}

// repeated answers a snapshot that is not newer: once more with the acknowledgement if it is the one that is kept, else with Conflict.
func (l *Ledger) repeated(ctx context.Context, m *patch.Machine, s, kept *patch.Snapshot) (wire.SnapshotReply, error) {
	a, b := &s.Receipt, &kept.Receipt
	same := a.Seq == b.Seq && a.OS == b.OS && a.Revision == b.Revision && a.Facts == b.Facts && a.Boot == b.Boot && a.Ended.Equal(b.Ended) &&
		bytes.Equal(s.Verdicts.Bits(), kept.Verdicts.Bits())
	if !same {
		return wire.SnapshotReply{}, &patch.Error{Kind: patch.Conflict, What: "cannot accept the snapshot",
			Why: phrase.Format("it is number %d, and number %d is kept already: an older one never replaces a newer one", a.Seq, b.Seq),
			Do:  phrase.Format("The agent has to detect again with a number above %d.", b.Seq)}
	}
	return l.reply(ctx, m, kept)
}

// reply acknowledges a snapshot and asks for its facts where they are not stored. A machine's newest ones are.
func (l *Ledger) reply(ctx context.Context, m *patch.Machine, r *patch.Snapshot) (wire.SnapshotReply, error) {
	if r.Facts == m.Facts {
		return wire.SnapshotReply{Seq: r.Seq}, nil
	}
	there, err := l.Store.HasFacts(ctx, r.Facts)
	return wire.SnapshotReply{Seq: r.Seq, WantFacts: !there}, err
}

// keep works out what a snapshot changes and stores all of it in one step.
func (l *Ledger) keep(ctx context.Context, m *patch.Machine, r *slate, s *patch.Snapshot) error {
	prev := r.before()
	list, err := known(ctx, l.World, s)
	if err != nil {
		return err
	}
	s.Received = l.World.Now()
	c := &change{prev: prev, snap: s, list: list, history: sync.OnceValue(func() []patch.PkgChange { return l.changesOn(ctx, *m) })}
	boot := s.Boot
	if prev != nil {
		boot = prev.Boot
		if c.old = list; prev.OS != s.OS || prev.Revision != s.Revision {
			if c.old, err = l.World.Shelf(ctx, prev.OS, prev.Revision); err != nil {
				return err
			}
		}
	}
	var facts *patch.Facts
	if m.OrderNumber > 0 { // a machine that never had an order has carried nothing out
		v := l.World.Records()
		if c.attempts, err = v.Attempts(ctx, m.ID); err != nil {
			return err
		}
		for i := range c.attempts {
			if a := &c.attempts[i]; a.EndedAt.After(s.Received) { // by a clock that was ahead: it has ended, because it was told so
				a.EndedAt = s.Begun()
			}
		}
		if facts, err = l.factsOf(ctx, v, c.attempts, s.Facts); err != nil {
			return err
		}
	}
	proven := effects(boot, *s, list, c.attempts, facts)
	if err := l.Store.PutSnapshotAfter(ctx, prev, *s, c.transitions(), proven); err != nil {
		return err
	}
	l.suspect(ctx, *m, c.attempts, proven)
	l.Log.LogAttrs(ctx, slog.LevelDebug, "snapshot accepted", slog.String("machine", string(s.Machine)), slog.Uint64("seq", s.Seq), slog.String("os", string(s.OS)),
		slog.String("revision", string(s.Revision)), slog.Int("patches", s.Expected))
	if l.Accepted != nil {
		l.Accepted(ctx, *m, s.Receipt)
	}
	return nil
}

// factsOf reads the facts of a snapshot where an attempt needs them to be proven; nil where none does, or they have not arrived.
func (l *Ledger) factsOf(ctx context.Context, v *world.View, attempts []patch.Attempt, h patch.Hash) (*patch.Facts, error) {
	if !slices.ContainsFunc(attempts, func(a patch.Attempt) bool { return a.TakesBack() }) {
		return nil, nil
	}
	return v.Facts(ctx, h)
}
