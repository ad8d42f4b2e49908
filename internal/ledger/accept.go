package ledger

import (
	"bytes"
	"context"
	"fmt"

	"github.com/fettle-project/fettle/internal/patch"
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
	if m.State != patch.Admitted {
		return wire.SnapshotReply{}, patch.Errorf(patch.Forbidden, "the machine is not admitted")
	}
	if err := s.Check(); err != nil {
		return wire.SnapshotReply{}, err
	}
	v := l.World.Records()
	before, err := v.Sight(ctx, s.Machine)
	if err != nil {
		return wire.SnapshotReply{}, err
	}
	prev, err := l.previous(ctx, before)
	if err != nil {
		return wire.SnapshotReply{}, err
	}
	if prev != nil && s.Seq <= prev.Seq {
		return l.repeated(ctx, v, s, *prev)
	}
	list, err := known(ctx, v, s)
	if err != nil {
		return wire.SnapshotReply{}, err
	}
	s.Received = v.Now
	return l.keep(ctx, v, before, prev, s, list)
}

func (l *Ledger) previous(ctx context.Context, before *world.Sight) (*patch.Snapshot, error) {
	if before.Receipt == nil {
		return nil, nil
	}
	prev, err := l.World.Store.NewestSnapshot(ctx, before.Machine.ID)
	return &prev, err
}

// known checks that the snapshot was made with a list that the appliance published for its OS.
func known(ctx context.Context, v *world.View, s patch.Snapshot) (*world.Shelf, error) {
	list, err := v.Shelf(ctx, s.OS, s.Revision)
	if err != nil {
		return nil, err
	}
	if list == nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot accept the snapshot",
			Why: fmt.Sprintf("no revision %s is known for %s", s.Revision, s.OS), Do: "The agent has to fetch the newest list and detect again."}
	}
	if n := len(list.List.Patches()); n != s.Expected {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot accept the snapshot",
			Why: fmt.Sprintf("it judges %d patches, and revision %s of %s has %d", s.Expected, s.Revision, s.OS, n), Do: "The agent has to detect again."}
	}
	return list, nil
}

// repeated answers a snapshot that is not newer: once more with the acknowledgement if it is the one that is kept, else with Conflict.
func (l *Ledger) repeated(ctx context.Context, v *world.View, s, kept patch.Snapshot) (wire.SnapshotReply, error) {
	a, b := s.Receipt, kept.Receipt
	same := a.Seq == b.Seq && a.OS == b.OS && a.Revision == b.Revision && a.Facts == b.Facts && a.Boot == b.Boot && a.Ended.Equal(b.Ended) &&
		bytes.Equal(s.Verdicts.Bits(), kept.Verdicts.Bits())
	if !same {
		return wire.SnapshotReply{}, &patch.Error{Kind: patch.Conflict, What: "cannot accept the snapshot",
			Why: fmt.Sprintf("it is number %d, and number %d is kept already: an older one never replaces a newer one", a.Seq, b.Seq),
			Do:  fmt.Sprintf("The agent has to detect again with a number above %d.", b.Seq)}
	}
	return l.reply(ctx, v, kept.Receipt)
}

func (l *Ledger) reply(ctx context.Context, v *world.View, r patch.Receipt) (wire.SnapshotReply, error) {
	facts, err := v.Facts(ctx, r.Facts)
	if err != nil {
		// Facts that cannot be read are asked for again.
		l.Log.WarnContext(ctx, "stored facts cannot be read", "machine", r.Machine, "facts", r.Facts, "error", err)
	}
	return wire.SnapshotReply{Seq: r.Seq, WantFacts: facts == nil}, nil
}

// keep works out what the snapshot changes and stores all of it in one step.
func (l *Ledger) keep(ctx context.Context, v *world.View, before *world.Sight, prev *patch.Snapshot, s patch.Snapshot, list *world.Shelf) (wire.SnapshotReply, error) {
	attempts, err := before.Attempts(ctx, "")
	if err != nil {
		return wire.SnapshotReply{}, err
	}
	c := &change{machine: before.Machine, snap: s, list: list, attempts: attempts}
	if prev != nil {
		c.prev = prev
		if c.old, err = v.Shelf(ctx, prev.OS, prev.Revision); err != nil {
			return wire.SnapshotReply{}, err
		}
		c.inventory = l.inventory(ctx, before.Machine)
	}
	boot := s.Boot
	if prev != nil {
		boot = prev.Boot
	}
	effects := effects(boot, s, list, attempts)
	if err := l.Store.PutSnapshotWithEffects(ctx, s, c.transitions(), effects); err != nil {
		return wire.SnapshotReply{}, err
	}
	l.Log.InfoContext(ctx, "snapshot accepted", "machine", s.Machine, "seq", s.Seq, "os", s.OS, "revision", s.Revision, "patches", s.Expected)
	if l.Accepted != nil {
		l.Accepted(s.Receipt)
	}
	return l.reply(ctx, v, s.Receipt)
}

// inventory reads the machine's own history of package changes; without it changes stay unnamed.
func (l *Ledger) inventory(ctx context.Context, m patch.Machine) patch.Inventory {
	var i patch.Inventory
	if m.Inventory == "" {
		return i
	}
	b, err := l.Store.FindInventory(ctx, m.Inventory)
	if err == nil {
		err = world.Decode(b, &i)
	}
	if err != nil && patch.KindOf(err) != patch.NotFound {
		l.Log.WarnContext(ctx, "inventory cannot be read", "machine", m.ID, "error", err)
	}
	return i
}
