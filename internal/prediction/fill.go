package prediction

import (
	"context"
	"maps"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// Store is where facts come from.
type Store interface {
	ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error)
	FindMachine(ctx context.Context, id patch.MachineID) (patch.Machine, error)
	NewestReceipt(ctx context.Context, id patch.MachineID) (patch.Receipt, error)
	FindFacts(ctx context.Context, hash patch.Hash) ([]byte, error)
}

// Filler keeps an index as storage is.
type Filler struct {
	Index  *Index
	Store  Store
	Decode func(body []byte, into any) error // of stored facts: world.Decode
}

// Refresh looks at every machine: at the start, and from time to time for what other appliances were told. Machines whose facts cannot
// be read are left out and counted.
func (f *Filler) Refresh(ctx context.Context) (unreadable int, err error) {
	machines, err := f.Store.ListMachines(ctx, patch.MachineFilter{State: patch.Admitted})
	if err != nil {
		return 0, err
	}
	before := f.Index.expect(len(machines))
	there := make(map[patch.MachineID]bool, len(machines))
	for _, m := range machines {
		there[m.ID] = true
		if err := f.put(ctx, m, nil); err != nil {
			if ctx.Err() != nil || patch.KindOf(err) == patch.Unavailable {
				return unreadable, err
			}
			unreadable++
		}
	}
	f.Index.settle(before, there)
	return unreadable, nil
}

// Note looks at one machine again: it has sent facts or a snapshot.
func (f *Filler) Note(ctx context.Context, id patch.MachineID) error {
	m, err := f.Store.FindMachine(ctx, id)
	if err != nil {
		return err
	}
	if m.State != patch.Admitted {
		f.Index.Remove(id)
		return nil
	}
	return f.put(ctx, m, nil)
}

// Accepted looks at a machine again whose snapshot was just accepted; m is as it was before that.
func (f *Filler) Accepted(ctx context.Context, m patch.Machine, r patch.Receipt) error {
	m.SnapshotSeq = r.Seq
	return f.put(ctx, m, &r)
}

// put notes a machine and its newest receipt, which is read where it is not given.
func (f *Filler) put(ctx context.Context, m patch.Machine, r *patch.Receipt) error {
	was, hash, known := f.Index.find(m.ID)
	if known && was.Seq > m.SnapshotSeq {
		return nil // another one was quicker
	}
	if m.Facts == "" || known && hash == m.Facts && was.Seq == m.SnapshotSeq && was.Name == m.Name {
		return nil
	}
	s := Seat{Machine: m.ID, Name: m.Name, Seq: m.SnapshotSeq, At: m.SeenAt}
	if r == nil && m.SnapshotSeq > 0 {
		newest, err := f.Store.NewestReceipt(ctx, m.ID)
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return err
		}
		r = &newest
	}
	if r != nil {
		s.Revision = r.Revision
		if r.Facts == m.Facts {
			s.At = r.Ended
		}
	}
	if f.Index.Put(s, m.Facts, nil) {
		return nil
	}
	body, err := f.Store.FindFacts(ctx, m.Facts)
	if err != nil {
		return err
	}
	facts := new(patch.Facts)
	if err := f.Decode(body, facts); err != nil {
		return patch.Errorf(patch.Invalid, "cannot read the stored facts %s: %w", m.Facts, err)
	}
	f.Index.Put(s, m.Facts, facts)
	return nil
}

// expect notes how many machines there are, and gives those that are in the index.
func (x *Index) expect(machines int) []patch.MachineID {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.expected = machines
	return slices.Collect(maps.Keys(x.byID))
}

// settle forgets those of the machines before that are not there any more; from now on the index is whole.
func (x *Index) settle(before []patch.MachineID, there map[patch.MachineID]bool) {
	for _, id := range before {
		if !there[id] {
			x.Remove(id)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.whole = true
	if len(x.words) > 4*x.packages.size()+10_000 { // most of them were of packages that are gone
		x.words = map[string]string{}
		for p := range x.packages.index {
			for _, s := range []string{p.Name, p.Arch, p.Version, p.Source, p.SourceVersion, string(p.State), p.Module, p.Signer} {
				x.words[s] = s
			}
		}
	}
}
