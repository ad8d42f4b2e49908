package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestEveryChangeByPeopleIsAudited(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		for _, c := range changesByPeople(s) {
			before := got[[]patch.AuditEntry](t)(s.ListAudit(ctx, then, 0))
			wantKind(t, c.do(patch.Caller{}), patch.Internal)
			must(t, c.do(alice))
			after := got[[]patch.AuditEntry](t)(s.ListAudit(ctx, then, 0))
			if len(after) != len(before)+1 {
				t.Fatalf("%s left %d entries, want 1", c.action, len(after)-len(before))
			}
			e := after[0]
			if e.Action != c.action || e.Object != c.object || e.Who != "alice" || e.From != "192.0.2.1" || e.Via != "cli" {
				t.Errorf("%s on %s was recorded as %+v", c.action, c.object, e)
			}
		}
		must(t, s.VerifyAudit(ctx))
	})
}

type changeByPerson struct {
	action, object string
	do             func(patch.Caller) error
}

// changesByPeople is every call that takes a caller, in an order in which each succeeds.
func changesByPeople(s *Store) []changeByPerson {
	admin := patch.User{Name: "alice", Role: patch.Admin, CreatedAt: then}
	deployment := patch.Deployment{ID: "d1", State: patch.Running, By: "alice", At: then}
	return []changeByPerson{
		{"user.put", "alice", func(c patch.Caller) error { return s.PutUser(ctx, c, admin) }},
		{"session.start", "alice", func(c patch.Caller) error {
			return s.PutSession(ctx, c, patch.Session{Hash: hashOf("a"), User: "alice", ExpiresAt: then})
		}},
		{"session.end", "alice", func(c patch.Caller) error { return s.RemoveSession(ctx, c, hashOf("a")) }},
		{"token.put", "b", func(c patch.Caller) error { return s.PutToken(ctx, c, token("b", 1, false)) }},
		{"token.remove", "b", func(c patch.Caller) error { return s.RemoveToken(ctx, c, "b") }},
		{"feed.put", "f", func(c patch.Caller) error { return s.PutFeed(ctx, c, patch.Feed{Name: "f"}) }},
		{"feed.remove", "f", func(c patch.Caller) error { return s.RemoveFeed(ctx, c, "f") }},
		{"label.put", "l", func(c patch.Caller) error { return s.PutLabel(ctx, c, patch.Label{Name: "l"}) }},
		{"label.remove", "l", func(c patch.Caller) error { return s.RemoveLabel(ctx, c, "l") }},
		{"decide.approve", "s/p/1", func(c patch.Caller) error {
			return s.PutDecisions(ctx, c, []patch.Decision{{ID: "1", Patch: "s/p/1", Label: "all", Verb: patch.Approve, At: then}})
		}},
		{"deploy.apply", "d1", func(c patch.Caller) error { return s.PutDeployment(ctx, c, deployment, nil) }},
		{"deploy.halted", "d1", func(c patch.Caller) error { return s.SetDeploymentState(ctx, c, "d1", patch.Halted, then) }},
		{"view.put", "machines/v", func(c patch.Caller) error {
			return s.PutView(ctx, c, patch.View{Page: "machines", Name: "v", Owner: "alice", Query: "show=stale", At: then})
		}},
		{"view.remove", "machines/v", func(c patch.Caller) error { return s.RemoveView(ctx, c, "alice", "machines", "v") }},
		{"setting.put", "k", func(c patch.Caller) error { return s.PutSetting(ctx, c, "k", "v") }},
		{"login.failed", "mallory", func(c patch.Caller) error { return s.PutAudit(ctx, c, "login.failed", "mallory", nil) }},
	}
}

func TestNoChangeWithoutItsAuditEntry(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		wantKind(t, s.PutSetting(ctx, patch.Caller{}, "k", "v"), patch.Internal)
		_, err := s.FindSetting(ctx, "k")
		wantKind(t, err, patch.NotFound)
	})
}

func TestAuditChainShowsTampering(t *testing.T) {
	const entries = 6
	tests := map[string][]string{
		"text changed":        {`UPDATE audit SET object = 'elsewhere' WHERE seq = 3`},
		"time changed":        {`UPDATE audit SET at = at + 1 WHERE seq = 3`},
		"address changed":     {`UPDATE audit SET from_addr = 'x' WHERE seq = 3`},
		"detail changed":      {`UPDATE audit SET detail = '{}' WHERE seq = 3`},
		"one removed":         {`DELETE FROM audit WHERE seq = 3`},
		"first removed":       {`DELETE FROM audit WHERE seq = 1`},
		"tail cut":            {`DELETE FROM audit WHERE seq >= 5`},
		"all removed":         {`DELETE FROM audit`},
		"removed, renumbered": {`DELETE FROM audit WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`, `UPDATE audit SET seq = 4 WHERE seq = 5`, `UPDATE audit SET seq = 5 WHERE seq = 6`},
		"two swapped": {`UPDATE audit SET seq = 99 WHERE seq = 3`, `UPDATE audit SET seq = 3 WHERE seq = 4`,
			`UPDATE audit SET seq = 4 WHERE seq = 99`},
		"last one replaced": {`UPDATE audit SET hash = prev, prev = hash WHERE seq = 6`},
	}
	onBoth(t, func(t *testing.T, s *Store) {
		for i := range entries {
			must(t, s.PutSetting(ctx, alice, "k", fmt.Sprint(i)))
		}
		must(t, s.VerifyAudit(ctx))
		kept := got[[]patch.AuditEntry](t)(s.ListAudit(ctx, then, 0))
		for name, statements := range tests {
			for _, q := range statements {
				if _, err := s.writer.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
			err := s.VerifyAudit(ctx)
			if patch.KindOf(err) != patch.Untrusted || err == nil || !strings.Contains(err.Error(), "entry") {
				t.Errorf("%s: verification says %v", name, err)
			}
			restoreAudit(t, s, kept)
			must(t, s.VerifyAudit(ctx))
		}
	})
}

// A forger who recomputes every later hash is still found by the head.
func TestAuditHeadShowsRecomputedChain(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.PutSetting(ctx, alice, "k", "1"))
		e := got[[]patch.AuditEntry](t)(s.ListAudit(ctx, then, 1))[0]
		e.Who = "bob"
		e.Hash = chainHash(e)
		restoreAudit(t, s, []patch.AuditEntry{e})
		wantKind(t, s.VerifyAudit(ctx), patch.Untrusted)
	})
}

// One in the middle with a hash of its own is found by the one after it.
func TestAuditEntriesAreLinked(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		for range 3 {
			must(t, s.PutSetting(ctx, alice, "k", "1"))
		}
		entries := got[[]patch.AuditEntry](t)(s.ListAudit(ctx, then, 0))
		entries[1].Who = "bob"
		entries[1].Hash = chainHash(entries[1])
		restoreAudit(t, s, entries)
		wantKind(t, s.VerifyAudit(ctx), patch.Untrusted)
	})
}

func restoreAudit(t *testing.T, s *Store, entries []patch.AuditEntry) {
	t.Helper()
	if _, err := s.writer.Exec(`DELETE FROM audit`); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, err := s.writer.Exec(`INSERT INTO audit (`+auditColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			e.Seq, toMicros(e.At), e.Who, e.From, e.Via, e.Action, e.Object, e.Detail, string(e.Prev), string(e.Hash)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAuditChainNeverForks(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				for i := range 20 {
					if err := s.PutSetting(ctx, alice, fmt.Sprint("k", (w+i)%5), "v"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		must(t, s.VerifyAudit(ctx))
		if n := len(got[[]patch.AuditEntry](t)(s.ListAudit(ctx, then, 0))); n != 320 {
			t.Errorf("%d entries, want 320", n)
		}
	})
}
