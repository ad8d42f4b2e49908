package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/world"
)

// inside is the appliance's own data, opened in this process after the appliance has stopped: so that the functions that the API's handlers
// call are timed where the row table's SQL is, without HTTP, TLS and JSON on one side only.
type inside struct {
	store    *store.Store
	files    *content.Dir
	index    *fleet.Index
	labels   *label.Book
	ledger   *ledger.Ledger
	os       patch.HostOS
	revision patch.RevisionID
	patches  []patch.Patch
}

func openInside(ctx context.Context, data string, os patch.HostOS) (*inside, error) {
	in := &inside{os: os}
	var err error
	if in.store, err = store.Open(ctx, "sqlite://"+filepath.Join(data, "fettle.db"), store.Options{}); err != nil {
		return nil, err
	}
	if in.files, err = content.Open(filepath.Join(data, "catalogs")); err != nil {
		return nil, err
	}
	cat := &catalog.Catalog{Store: in.store, Files: in.files, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	lists := func(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (world.List, error) {
		return cat.ListOf(ctx, os, rev)
	}
	in.index = fleet.New(in.store, lists)
	in.labels = &label.Book{Labels: in.store, Fleet: in.index, Inventories: in.store}
	reader := &world.Reader{Store: in.store, Fleet: in.index, Catalog: cat, Labels: in.labels, Now: time.Now, Lists: lists}
	in.ledger = &ledger.Ledger{World: reader, Store: in.store, Labels: in.labels, Log: slog.New(slog.DiscardHandler)}
	meta, published := cat.Meta(os)
	if !published {
		return nil, fmt.Errorf("no catalog of %s", os)
	}
	list, err := cat.ListOf(ctx, os, meta.ID)
	if err != nil {
		return nil, err
	}
	in.revision, in.patches = meta.ID, list.Patches()
	return in, nil
}

func (in *inside) close() {
	_ = in.files.Close()
	_ = in.store.Close()
}

// seats gives the machines by ID.
func (in *inside) seats(ctx context.Context) ([]*fleet.Seat, error) {
	look, err := in.index.Look(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*fleet.Seat, 0, look.Len())
	for _, n := range look.ByID() {
		out = append(out, look.At(n))
	}
	return out, nil
}

func (in *inside) hardware(ctx context.Context, m patch.Machine) (patch.Hardware, error) {
	blob, err := in.store.FindInventory(ctx, m.Inventory)
	if err != nil {
		return patch.Hardware{}, err
	}
	var i patch.Inventory
	err = world.Decode(blob, &i)
	return i.Hardware, err
}

// telling has machines say something new about themselves: another address.
func (in *inside) telling(ctx context.Context, seats []*fleet.Seat, round int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(256) // they share transactions, as check-ins do
	for i, s := range seats {
		g.Go(func() error {
			m := s.Machine
			return in.store.PutCheckin(ctx, m.ID, patch.CheckinUpdate{At: time.Now(), Counter: uint64(time.Now().UnixMicro()), Address: fmt.Sprintf("10.%d.%d.%d", round, i/256%256, i%256), Boot: m.BootID, OS: m.OS,
				Agent: m.AgentVersion, Hostname: m.Name, Inventory: m.Inventory, Facts: m.Facts})
		})
	}
	return g.Wait()
}

// named asks which machines lack each of some patches.
func (in *inside) named(ctx context.Context, ids []patch.ID) (_ [][]*fleet.Name, err error) {
	out := make([][]*fleet.Name, len(ids))
	for i, id := range ids {
		if out[i], err = in.ledger.Who(ctx, id, patch.NotPatched); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fastest is the shortest of n times: what else this machine does is in all of them.
func fastest(n int, do func() error) (time.Duration, error) {
	times, err := timesOf(n, do)
	if err != nil {
		return 0, err
	}
	return times[0], nil
}

// alike fails where two answers to one question differ.
func alike(what string, ours, theirs any) error {
	a, err := json.Marshal(ours)
	if err != nil {
		return err
	}
	b, err := json.Marshal(theirs)
	if err != nil || slices.Equal(a, b) {
		return err
	}
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	return fmt.Errorf("%s: after %d bytes Fettle goes on with %.200s, and the row table with %.200s", what, same, a[same:], b[same:])
}
