package store

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func hashOf(c string) patch.Hash { return patch.Hash(strings.Repeat(c, 64)) }

func TestUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		_, err := s.FindUser(ctx, "alice")
		wantKind(t, err, patch.NotFound)
		a := patch.User{Name: "alice", Role: patch.Admin, PasswordHash: "h1", CreatedAt: then}
		must(t, s.PutUser(ctx, alice, a))
		must(t, s.PutUser(ctx, alice, patch.User{Name: "bob", Role: patch.Auditor, PasswordHash: "h2", CreatedAt: then}))
		if diff := cmp.Diff(a, got[patch.User](t)(s.FindUser(ctx, "alice"))); diff != "" {
			t.Error(diff)
		}
		if all := got[[]patch.User](t)(s.ListUsers(ctx)); len(all) != 2 || all[1].Name != "bob" {
			t.Errorf("people are %v", all)
		}
		later := a
		later.CreatedAt = then.Add(time.Hour)
		must(t, s.PutUser(ctx, alice, later))
		if u := got[patch.User](t)(s.FindUser(ctx, "alice")); !u.CreatedAt.Equal(then) {
			t.Errorf("a change moved the day of creation to %s", u.CreatedAt)
		}
		wantKind(t, s.PutUser(ctx, alice, patch.User{Role: patch.Admin}), patch.Invalid)
	})
}

func TestLastAdminStays(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		a := patch.User{Name: "alice", Role: patch.Admin, PasswordHash: "h", CreatedAt: then}
		b := a
		b.Name = "bob"
		must(t, s.PutUser(ctx, alice, a))
		must(t, s.PutUser(ctx, alice, b))
		a.Role, b.Disabled = patch.Auditor, true
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, u := range []patch.User{a, b} {
			wg.Go(func() { errs[i] = s.PutUser(ctx, alice, u) })
		}
		wg.Wait()
		refused := 0
		for _, err := range errs {
			if err != nil {
				wantKind(t, err, patch.Conflict)
				refused++
			}
		}
		if refused != 1 {
			t.Errorf("%d of two changes that take the last administrators away were refused, want 1", refused)
		}
	})
}

func TestSessions(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		u := patch.User{Name: "alice", Role: patch.Admin, PasswordHash: "h", CreatedAt: then}
		must(t, s.PutUser(ctx, alice, u))
		v := patch.Session{Hash: hashOf("a"), User: "alice", Kind: "cli", CreatedAt: then, ExpiresAt: then.Add(10 * time.Hour),
			IdleUntil: then.Add(time.Hour), From: "192.0.2.1"}
		must(t, s.PutSession(ctx, alice, v))
		if diff := cmp.Diff(v, got[patch.Session](t)(s.FindSession(ctx, v.Hash))); diff != "" {
			t.Error(diff)
		}
		must(t, s.TouchSession(ctx, v.Hash, then.Add(2*time.Hour)))
		must(t, s.TouchSession(ctx, v.Hash, then.Add(time.Minute)))
		if at := got[patch.Session](t)(s.FindSession(ctx, v.Hash)).IdleUntil; !at.Equal(then.Add(2 * time.Hour)) {
			t.Errorf("idle end is %s", at)
		}
		must(t, s.TouchSession(ctx, v.Hash, then.Add(99*time.Hour)))
		if at := got[patch.Session](t)(s.FindSession(ctx, v.Hash)).IdleUntil; !at.Equal(v.ExpiresAt) {
			t.Errorf("use moved the idle end beyond the absolute one, to %s", at)
		}
		must(t, s.RemoveExpiredSessions(ctx, then.Add(9*time.Hour)))
		got[patch.Session](t)(s.FindSession(ctx, v.Hash))
		must(t, s.RemoveExpiredSessions(ctx, then.Add(10*time.Hour)))
		_, err := s.FindSession(ctx, v.Hash)
		wantKind(t, err, patch.NotFound)

		must(t, s.PutSession(ctx, alice, v))
		must(t, s.RemoveSession(ctx, alice, v.Hash))
		must(t, s.RemoveSession(ctx, alice, v.Hash))
		_, err = s.FindSession(ctx, v.Hash)
		wantKind(t, err, patch.NotFound)

		must(t, s.PutSession(ctx, alice, v))
		u.PasswordHash = "new"
		must(t, s.PutUser(ctx, alice, u))
		_, err = s.FindSession(ctx, v.Hash)
		wantKind(t, err, patch.NotFound)
		wantKind(t, s.PutSession(ctx, alice, patch.Session{Hash: "the secret itself", User: "alice"}), patch.Internal)
	})
}

func token(name string, uses int, admit bool) patch.Token {
	return patch.Token{Name: name, Hash: hashOf(name[:1]), Uses: uses, Admit: admit, ExpiresAt: then.Add(time.Hour), CreatedBy: "alice", CreatedAt: then}
}

func TestTokens(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.PutToken(ctx, alice, token("a", 2, false)))
		wantKind(t, s.PutToken(ctx, alice, token("a", 2, false)), patch.Conflict)
		one := got[patch.Machine](t)(s.RedeemToken(ctx, hashOf("a"), then, patch.Machine{ID: "m-1", Name: "web\x00\xff", Address: "192.0.2.7"}))
		if one.State != patch.Pending || one.EnrolledBy != "a" || one.Name != "web\uFFFD\uFFFD" {
			t.Errorf("enrolled as %+v", one)
		}
		if diff := cmp.Diff(one, got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))); diff != "" {
			t.Error(diff)
		}
		again := got[patch.Machine](t)(s.RedeemToken(ctx, hashOf("a"), then, patch.Machine{ID: "m-1", Name: "other"}))
		if diff := cmp.Diff(one, again); diff != "" {
			t.Error(diff)
		}
		got[patch.Machine](t)(s.RedeemToken(ctx, hashOf("a"), then, patch.Machine{ID: "m-2"}))
		_, err := s.RedeemToken(ctx, hashOf("a"), then, patch.Machine{ID: "m-3"})
		wantKind(t, err, patch.Exhausted)
		got[patch.Machine](t)(s.RedeemToken(ctx, hashOf("a"), then, patch.Machine{ID: "m-2"}))
		_, err = s.RedeemToken(ctx, hashOf("a"), then.Add(time.Hour), patch.Machine{ID: "m-2"})
		wantKind(t, err, patch.Unauthenticated)
		_, err = s.RedeemToken(ctx, hashOf("f"), then, patch.Machine{ID: "m-4"})
		wantKind(t, err, patch.Unauthenticated)
		if all := got[[]patch.Token](t)(s.ListTokens(ctx)); len(all) != 1 || all[0].Uses != 0 {
			t.Errorf("tokens are %+v", all)
		}
		must(t, s.RemoveToken(ctx, alice, "a"))
		wantKind(t, s.RemoveToken(ctx, alice, "a"), patch.NotFound)
	})
}

func TestSingleUseTokenHasOneWinner(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.PutToken(ctx, alice, token("a", 1, true)))
		const redeemers = 1000
		errs := make([]error, redeemers)
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range redeemers {
			wg.Go(func() {
				<-start
				_, errs[i] = s.RedeemToken(ctx, hashOf("a"), then, patch.Machine{ID: patch.MachineID("m-" + string(rune('A'+i%26)) + strings.Repeat("x", i/26))})
			})
		}
		close(start)
		wg.Wait()
		winners := 0
		for _, err := range errs {
			if err == nil {
				winners++
			} else {
				wantKind(t, err, patch.Exhausted)
			}
		}
		machines := got[[]patch.Machine](t)(s.ListMachines(ctx, patch.MachineFilter{}))
		if winners != 1 || len(machines) != 1 {
			t.Errorf("%d of %d won and %d machines exist, want 1 and 1", winners, redeemers, len(machines))
		}
		must(t, s.VerifyAudit(ctx))
	})
}

func TestSettingsAndAlarms(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		_, err := s.FindSetting(ctx, "k")
		wantKind(t, err, patch.NotFound)
		must(t, s.PutSetting(ctx, alice, "k", "1"))
		must(t, s.PutSetting(ctx, alice, "k", "2"))
		if v := got[string](t)(s.FindSetting(ctx, "k")); v != "2" {
			t.Errorf("setting is %q", v)
		}
		must(t, s.RaiseAlarm(ctx, patch.Alarm{Key: "feed/x", Kind: "feed", Text: "down", Do: "look", RaisedAt: then, SeenAt: then}))
		must(t, s.RaiseAlarm(ctx, patch.Alarm{Key: "feed/x", Kind: "feed", Text: "still down", RaisedAt: then.Add(time.Hour), SeenAt: then.Add(time.Hour)}))
		want := []patch.Alarm{{Key: "feed/x", Kind: "feed", Text: "still down", RaisedAt: then, SeenAt: then.Add(time.Hour)}}
		if diff := cmp.Diff(want, got[[]patch.Alarm](t)(s.ListAlarms(ctx, true))); diff != "" {
			t.Error(diff)
		}
		must(t, s.ClearAlarm(ctx, "feed/x", then.Add(2*time.Hour)))
		must(t, s.ClearAlarm(ctx, "feed/y", then))
		if open := got[[]patch.Alarm](t)(s.ListAlarms(ctx, true)); len(open) != 0 {
			t.Errorf("still open: %v", open)
		}
		must(t, s.RaiseAlarm(ctx, patch.Alarm{Key: "feed/x", Kind: "feed", Text: "again", RaisedAt: then.Add(3 * time.Hour)}))
		if a := got[[]patch.Alarm](t)(s.ListAlarms(ctx, false))[0]; !a.RaisedAt.Equal(then.Add(3*time.Hour)) || !a.ClearedAt.IsZero() {
			t.Errorf("raised again as %+v", a)
		}
	})
}

func TestCheckingATokenUsesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.PutToken(ctx, alice, patch.Token{Name: "t", Hash: hashOf("a"), Uses: 1, ExpiresAt: then.Add(time.Hour), CreatedBy: "alice", CreatedAt: then}))
		must(t, s.CheckToken(ctx, hashOf("a"), then))
		must(t, s.CheckToken(ctx, hashOf("a"), then))
		wantKind(t, s.CheckToken(ctx, hashOf("b"), then), patch.Unauthenticated)
		wantKind(t, s.CheckToken(ctx, hashOf("a"), then.Add(time.Hour)), patch.Unauthenticated)
		got[patch.Machine](t)(s.RedeemToken(ctx, hashOf("a"), then, patch.Machine{ID: "m", Name: "n"}))
		wantKind(t, s.CheckToken(ctx, hashOf("a"), then), patch.Exhausted)
	})
}
