package main

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/store"
)

// The roster lists what the store lists, in the same order, also right after a machine was renamed.
func TestTheRosterIsTheStore(t *testing.T) {
	ctx := context.Background()
	s, err := store.Open(ctx, "sqlite://"+filepath.Join(t.TempDir(), "fettle.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r := roster{s, fleet.New(s, nil)}
	alike := func() {
		t.Helper()
		for _, f := range []patch.MachineFilter{{}, {State: patch.Admitted}, {OS: "debian-12-amd64"}, {State: patch.Pending, OS: "debian-12-amd64"}, {Label: patch.LabelAll}} {
			want, err := s.ListMachines(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.ListMachines(ctx, f)
			if err != nil || len(got) != len(want) || len(got) > 0 && !cmp.Equal(want, got) {
				t.Errorf("%+v: %v\n%s", f, err, cmp.Diff(want, got))
			}
		}
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	for i := range 6 {
		h := patch.Hash(fmt.Sprintf("%064x", i))
		caller := patch.Caller{Name: "alice", Role: patch.Admin, From: "192.0.2.1", Via: "cli"}
		if err := s.PutToken(ctx, caller, patch.Token{Name: fmt.Sprint("t", i), Hash: h, Uses: 1, Admit: i%2 == 0, ExpiresAt: now.Add(time.Hour), CreatedAt: now}); err != nil {
			t.Fatal(err)
		}
		id := patch.MachineID(fmt.Sprint("m-", i))
		if _, err := s.RedeemToken(ctx, h, now, patch.Machine{ID: id, Name: fmt.Sprint("z", 9-i)}); err != nil {
			t.Fatal(err)
		}
		alike()
		err := s.PutCheckin(ctx, id, patch.CheckinUpdate{At: now, Counter: 1, Hostname: fmt.Sprint("n", i*3%5), OS: []patch.HostOS{"debian-12-amd64", "debian-13-amd64"}[i%2]})
		if err != nil {
			t.Fatal(err)
		}
		alike()
	}
}
