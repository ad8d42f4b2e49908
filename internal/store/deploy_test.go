package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func decide(id string, p patch.ID, label string, v patch.Verb) patch.Decision {
	return patch.Decision{ID: id, Patch: p, Label: label, Verb: v, By: "alice", At: then, Why: "because"}
}

func TestDecisions(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		must(t, s.PutRevision(ctx, revision("r1", bookworm, 1), []byte("e"), []patch.Patch{aPatch("s/p/1")}))
		hold := decide("3", "s/p/1", "canary", patch.Hold)
		hold.Until = then.Add(time.Hour)
		for _, batch := range [][]patch.Decision{
			{decide("1", "s/p/1", "all", patch.Approve), decide("2", "s/q/1", "all", patch.Decline)},
			{hold},
			{decide("4", "s/p/1", "all", patch.Decline)},
			{decide("5", "s/q/1", "all", patch.Clear)},
		} {
			must(t, s.PutDecisions(ctx, alice, batch))
		}
		want := []patch.Decision{decide("4", "s/p/1", "all", patch.Decline), hold}
		if diff := cmp.Diff(want, got[[]patch.Decision](t)(s.ListDecisions(ctx, patch.DecisionFilter{}))); diff != "" {
			t.Error(diff)
		}
		for name, tt := range map[string]struct {
			filter patch.DecisionFilter
			want   string
		}{
			"patch": {patch.DecisionFilter{Patch: "s/p/1"}, "4 3"}, "label": {patch.DecisionFilter{Label: "canary"}, "3"},
			"os": {patch.DecisionFilter{OS: bookworm}, "4 3"}, "other os": {patch.DecisionFilter{OS: "x"}, ""}, "cleared": {patch.DecisionFilter{Patch: "s/q/1"}, ""},
		} {
			var ids []string
			for _, d := range got[[]patch.Decision](t)(s.ListDecisions(ctx, tt.filter)) {
				ids = append(ids, d.ID)
			}
			if strings.Join(ids, " ") != tt.want {
				t.Errorf("%s: %v, want %s", name, ids, tt.want)
			}
		}
		if h := got[[]patch.Decision](t)(s.DecisionHistory(ctx, "s/q/1")); len(h) != 2 || h[0].Verb != patch.Clear || h[1].Verb != patch.Decline {
			t.Errorf("history is %+v", h)
		}
		// All or nothing: the second of these has an ID in use.
		wantKind(t, s.PutDecisions(ctx, alice, []patch.Decision{decide("6", "s/z/1", "all", patch.Approve), decide("1", "s/z/2", "all", patch.Approve)}), patch.Conflict)
		if ds := got[[]patch.Decision](t)(s.ListDecisions(ctx, patch.DecisionFilter{Patch: "s/z/1"})); len(ds) != 0 {
			t.Errorf("half of a refused batch is there: %v", ds)
		}
		must(t, s.VerifyAudit(ctx))
	})
}

func TestProposalsAreAnsweredOnceAndByAnother(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		p := patch.Proposal{ID: "p1", Patches: []patch.ID{"s/p/1"}, Label: "all", Verb: patch.Approve, By: "alice", Author: "alice", At: then, State: patch.Proposed}
		must(t, s.PutProposal(ctx, alice, p))
		if diff := cmp.Diff(p, got[patch.Proposal](t)(s.FindProposal(ctx, "p1"))); diff != "" {
			t.Error(diff)
		}
		wantKind(t, s.PutProposal(ctx, alice, patch.Proposal{ID: "p2"}), patch.Invalid)
		ds := []patch.Decision{decide("d1", "s/p/1", "all", patch.Approve)}
		own := p
		own.State, own.AnsweredBy = patch.Confirmed, "alice"
		wantKind(t, s.AnswerProposal(ctx, alice, own, ds), patch.Conflict)
		if all := got[[]patch.Decision](t)(s.ListDecisions(ctx, patch.DecisionFilter{})); len(all) != 0 {
			t.Errorf("a proposal that its author confirmed decided %+v", all)
		}
		own.AnsweredBy, own.AnsweredAt, own.Answer = "bob", then.Add(time.Hour), "seen"
		must(t, s.AnswerProposal(ctx, alice, own, ds))
		wantKind(t, s.AnswerProposal(ctx, alice, own, []patch.Decision{decide("d2", "s/p/1", "all", patch.Approve)}), patch.Conflict)
		if all := got[[]patch.Decision](t)(s.ListDecisions(ctx, patch.DecisionFilter{})); len(all) != 1 || all[0].ID != "d1" {
			t.Errorf("%+v", all)
		}
		if open := got[[]patch.Proposal](t)(s.ListProposals(ctx, true)); len(open) != 0 {
			t.Errorf("%+v", open)
		}
		if diff := cmp.Diff([]patch.Proposal{own}, got[[]patch.Proposal](t)(s.ListProposals(ctx, false))); diff != "" {
			t.Error(diff)
		}
		must(t, s.VerifyAudit(ctx))
	})
}

func TestScopes(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		h := got[patch.Hash](t)(s.PutScope(ctx, []patch.MachineID{"m-2", "m-1"}))
		if again := got[patch.Hash](t)(s.PutScope(ctx, []patch.MachineID{"m-1", "m-2"})); again != h {
			t.Errorf("one membership has two names: %s, %s", h, again)
		}
		if ids := got[[]patch.MachineID](t)(s.FindScope(ctx, h)); len(ids) != 2 || ids[0] != "m-1" {
			t.Errorf("%v", ids)
		}
		none := got[patch.Hash](t)(s.PutScope(ctx, nil))
		if ids := got[[]patch.MachineID](t)(s.FindScope(ctx, none)); len(ids) != 0 || none == h {
			t.Errorf("%v", ids)
		}
		_, err := s.FindScope(ctx, "x")
		wantKind(t, err, patch.NotFound)
		d := decide("9", "s/p/9", "all", patch.Approve)
		d.Scope, d.Via = h, "php"
		must(t, s.PutDecisions(ctx, alice, []patch.Decision{d}))
		if diff := cmp.Diff(d, got[patch.Decision](t)(s.FindDecision(ctx, "9"))); diff != "" {
			t.Error(diff)
		}
		_, err = s.FindDecision(ctx, "x")
		wantKind(t, err, patch.NotFound)
	})
}

func TestOneDecisionCountsWhoeverIsFaster(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() {
				if err := s.PutDecisions(ctx, alice, []patch.Decision{decide(fmt.Sprint(i), "s/p/1", "all", patch.Approve)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		now := got[[]patch.Decision](t)(s.ListDecisions(ctx, patch.DecisionFilter{}))
		history := got[[]patch.Decision](t)(s.DecisionHistory(ctx, "s/p/1"))
		if len(now) != 1 || len(history) != 30 || now[0].ID != history[0].ID {
			t.Errorf("%d count, %d in history", len(now), len(history))
		}
	})
}

func attempt(id string, m patch.MachineID, p patch.ID) patch.Attempt {
	return patch.Attempt{ID: id, Deployment: "d1", Machine: m, Patch: p, Decision: "1", State: patch.ExecWaiting, TotalBytes: 9, CreatedAt: then}
}

// deployed gives a store where a1 (s/p/1) and a2 (s/q/1) are ordered on m-1, and a3 (s/p/1) waits on m-2 without an order.
func deployed(t testing.TB, s *Store) {
	t.Helper()
	enrol(t, s, "m-1", "m-2")
	d := patch.Deployment{ID: "d1", State: patch.Running, By: "alice", At: then, Plan: patch.Plan{Hash: hashOf("p"), Made: then, By: "alice", Label: "all",
		Machines: []patch.MachinePlan{{Machine: "m-1", Name: "one"}}}}
	must(t, s.PutDeployment(ctx, alice, d, []patch.Attempt{attempt("a1", "m-1", "s/p/1"), attempt("a2", "m-1", "s/q/1"), attempt("a3", "m-2", "s/p/1")}))
	must(t, s.PutOrder(ctx, patch.OrderRow{ID: "o1", Machine: "m-1", Number: 1, Deployment: "d1", Envelope: []byte("signed"), IssuedAt: then,
		ExpiresAt: then.Add(time.Hour)}, []string{"a1", "a2"}))
}

func findAttempt(t testing.TB, s *Store, id string) patch.Attempt {
	t.Helper()
	for _, a := range got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{})) {
		if a.ID == id {
			return a
		}
	}
	t.Fatalf("no attempt %s", id)
	return patch.Attempt{}
}

func TestDeployments(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		d := got[patch.Deployment](t)(s.FindDeployment(ctx, "d1"))
		if d.Plan.Label != "all" || len(d.Plan.Machines) != 1 || d.State != patch.Running || !d.At.Equal(then) {
			t.Errorf("deployment is %+v", d)
		}
		_, err := s.FindDeployment(ctx, "d9")
		wantKind(t, err, patch.NotFound)
		second := d
		second.ID = "d2"
		again := attempt("b1", "m-1", "s/p/1")
		again.Deployment = "d2"
		wantKind(t, s.PutDeployment(ctx, alice, second, []patch.Attempt{again}), patch.Conflict)
		must(t, s.PutDeployment(ctx, alice, second, nil))
		if all := got[[]patch.Deployment](t)(s.ListDeployments(ctx, 0)); len(all) != 2 || all[0].ID != "d2" || all[0].Plan.Machines != nil || all[0].Plan.Hash != hashOf("p") {
			t.Errorf("deployments are %+v", all)
		}
		must(t, s.SetDeploymentState(ctx, alice, "d2", patch.Halted, then.Add(time.Hour)))
		wantKind(t, s.SetDeploymentState(ctx, alice, "d2", patch.Finished, then.Add(2*time.Hour)), patch.Conflict) // somebody halted it meanwhile
		if d := got[patch.Deployment](t)(s.FindDeployment(ctx, "d2")); d.State != patch.Halted || !d.EndedAt.Equal(then.Add(time.Hour)) {
			t.Errorf("halted: %s at %s", d.State, d.EndedAt)
		}
		must(t, s.SetDeploymentState(ctx, alice, "d1", patch.Finished, then.Add(2*time.Hour)))
		must(t, s.SetDeploymentState(ctx, alice, "d1", patch.Finished, then.Add(3*time.Hour)))
		wantKind(t, s.SetDeploymentState(ctx, alice, "d1", patch.Halted, then), patch.Conflict)
		wantKind(t, s.CallOffRestarts(ctx, alice, "d2"), patch.Conflict) // it runs
		if d := got[patch.Deployment](t)(s.FindDeployment(ctx, "d1")); d.State != patch.Finished || !d.EndedAt.Equal(then.Add(2*time.Hour)) {
			t.Errorf("ended as %s at %s", d.State, d.EndedAt)
		}
		must(t, s.CallOffRestarts(ctx, alice, "d1"))
		if d := got[patch.Deployment](t)(s.FindDeployment(ctx, "d1")); d.State != patch.Halted || !d.EndedAt.Equal(then.Add(2*time.Hour)) {
			t.Errorf("called off: %s at %s", d.State, d.EndedAt)
		}
		stray := attempt("c1", "m-2", "s/z/1")
		second.ID = "d3"
		wantKind(t, s.PutDeployment(ctx, alice, second, []patch.Attempt{stray}), patch.Internal)
	})
}

// A rollback that a second person confirms begins and is answered together, or neither: whatever dies in between, nothing is confirmed that does not happen.
// A plan's order is the one in which a machine works: what needs another patch comes after it, and goes back before it.
func TestAttemptsKeepTheirPlansOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		d := patch.Deployment{ID: "d1", State: patch.Running, By: "alice", At: then, Plan: patch.Plan{Hash: hashOf("p"), Made: then, By: "alice"}}
		must(t, s.PutDeployment(ctx, alice, d, []patch.Attempt{attempt("a1", "m-1", "s/shop/1"), attempt("a2", "m-1", "s/door/1"), attempt("a3", "m-1", "s/till/1")}))
		var order []patch.ID
		for _, a := range got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Machine: "m-1", Open: true})) {
			order = append(order, a.Patch)
		}
		if diff := cmp.Diff([]patch.ID{"s/shop/1", "s/door/1", "s/till/1"}, order); diff != "" {
			t.Error(diff)
		}
	})
}

func TestADeploymentAnswersItsProposal(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		p := patch.Proposal{ID: "p1", Patches: []patch.ID{"s/p/1"}, Label: "all", Verb: patch.TakeBack, By: "alice", Author: "alice", At: then, State: patch.Proposed}
		must(t, s.PutProposal(ctx, alice, p))
		p.State, p.AnsweredBy, p.AnsweredAt = patch.Confirmed, "bob", then.Add(time.Hour)
		d := patch.Deployment{ID: "d2", State: patch.Running, By: "alice", Second: "bob", At: then, Proposal: &p}
		busy := attempt("b1", "m-1", "s/p/1")
		busy.Deployment = "d2"
		wantKind(t, s.PutDeployment(ctx, alice, d, []patch.Attempt{busy}), patch.Conflict)
		if open := got[[]patch.Proposal](t)(s.ListProposals(ctx, true)); len(open) != 1 {
			t.Error("it is answered, and what it confirmed did not begin")
		}
		must(t, s.PutDeployment(ctx, alice, d, nil))
		if open := got[[]patch.Proposal](t)(s.ListProposals(ctx, true)); len(open) != 0 {
			t.Errorf("%+v still wait", open)
		}
		d.ID = "d3"
		if err := s.PutDeployment(ctx, alice, d, nil); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "does not wait") {
			t.Errorf("answered twice: %v", err)
		}
		_, err := s.FindDeployment(ctx, "d3")
		wantKind(t, err, patch.NotFound)
		must(t, s.VerifyAudit(ctx))
	})
}

// Two deployments at once, or a patch approved twice, must not run twice on one machine.
func TestOneOpenAttemptForEachMachineAndPatch(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		var wg sync.WaitGroup
		errs := make([]error, 12)
		for i := range errs {
			wg.Go(func() {
				a := attempt(fmt.Sprint("a", i), "m-1", "s/p/1")
				a.Deployment = fmt.Sprint("d", i)
				errs[i] = s.PutDeployment(ctx, alice, patch.Deployment{ID: a.Deployment, State: patch.Running, At: then}, []patch.Attempt{a})
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				wantKind(t, err, patch.Conflict)
			}
		}
		if open := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Machine: "m-1", Open: true})); won != 1 || len(open) != 1 {
			t.Errorf("%d deployments won, %d attempts are open", won, len(open))
		}
	})
}

func TestAttemptNumbersCountUp(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		for i := range 3 {
			a := attempt(fmt.Sprint("a", i), "m-1", "s/p/1")
			a.Deployment = fmt.Sprint("d", i)
			must(t, s.PutDeployment(ctx, alice, patch.Deployment{ID: a.Deployment, State: patch.Running, At: then}, []patch.Attempt{a}))
			must(t, s.WithdrawAttempts(ctx, []string{a.ID}, patch.FailWindow, "the window ended"))
		}
		for i, a := range got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Patch: "s/p/1"})) {
			if a.Number != i+1 || a.State != patch.ExecWithdrawn || a.Cause != patch.FailWindow || a.Text != "the window ended" || a.EndedAt.IsZero() {
				t.Errorf("attempt %d is %+v", i, a)
			}
		}
	})
}

func TestOrders(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		o := got[patch.OrderRow](t)(s.OpenOrder(ctx, "m-1"))
		if o.ID != "o1" || string(o.Envelope) != "signed" || !o.ExpiresAt.Equal(then.Add(time.Hour)) {
			t.Errorf("order is %+v", o)
		}
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.OrderNumber != 1 {
			t.Errorf("order number is %d", m.OrderNumber)
		}
		_, err := s.OpenOrder(ctx, "m-2")
		wantKind(t, err, patch.NotFound)
		next := patch.OrderRow{ID: "o2", Machine: "m-1", Number: 2, Deployment: "d1", Envelope: []byte("x"), IssuedAt: then}
		older, foreign := next, next
		older.Number, foreign.Machine = 1, "m-2"
		wantKind(t, s.PutOrder(ctx, older, []string{"a1", "a2"}), patch.Conflict)
		wantKind(t, s.PutOrder(ctx, next, []string{"a1"}), patch.Conflict)         // a2 would stay with o1
		wantKind(t, s.PutOrder(ctx, foreign, []string{"a1"}), patch.Conflict)      // another machine's attempt
		wantKind(t, s.PutOrder(ctx, next, []string{"a1", "none"}), patch.Conflict) // no such attempt
		wantKind(t, s.PutOrder(ctx, next, nil), patch.Invalid)
		if o := got[patch.OrderRow](t)(s.OpenOrder(ctx, "m-1")); o.ID != "o1" {
			t.Errorf("a refused order took over: %s", o.ID)
		}
		must(t, s.WithdrawAttempts(ctx, []string{"a2"}, patch.FailDrift, "drifted"))
		next.Number = 5
		must(t, s.PutOrder(ctx, next, []string{"a1"}))
		stale := next
		stale.ID, stale.Number = "o3", 4
		wantKind(t, s.PutOrder(ctx, stale, []string{"a1"}), patch.Conflict)
		if o := got[patch.OrderRow](t)(s.OpenOrder(ctx, "m-1")); o.ID != "o2" {
			t.Errorf("open order is %s", o.ID)
		}
		if as := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Order: "o2"})); len(as) != 1 || as[0].ID != "a1" {
			t.Errorf("o2 has %v", as)
		}
		must(t, s.WithdrawAttempts(ctx, []string{"a1"}, "", "halted"))
		_, err = s.OpenOrder(ctx, "m-1")
		wantKind(t, err, patch.NotFound)
	})
}

func line(seq uint64, attempt string, state patch.Execution) patch.AttemptUpdate {
	return patch.AttemptUpdate{Seq: seq, Attempt: attempt, Order: "o1", At: then.Add(time.Duration(seq) * time.Second), Boot: "b", State: state}
}

func TestResults(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		failed := line(4, "a1", patch.ExecFailed)
		failed.Cause, failed.Text, failed.Log, failed.Bytes = patch.FailPatch, "exit 1\x00", "tail", 9
		ack := got[uint64](t)(s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{failed, line(1, "a1", patch.ExecDownloading), line(3, "a2", patch.ExecDone), line(2, "a1", patch.ExecInstalling)}))
		if ack != 4 {
			t.Errorf("acknowledged %d", ack)
		}
		a := findAttempt(t, s, "a1")
		if a.State != patch.ExecFailed || a.Cause != patch.FailPatch || a.Text != "exit 1\uFFFD" || a.Log != "tail" || a.Bytes != 9 || a.TotalBytes != 9 ||
			!a.StartedAt.Equal(then.Add(time.Second)) || !a.EndedAt.Equal(then.Add(4*time.Second)) {
			t.Errorf("a1 is %+v", a)
		}
		if ls := got[[]patch.AttemptUpdate](t)(s.ListResults(ctx, "m-1", "a1")); len(ls) != 3 || ls[2].Seq != 4 {
			t.Errorf("lines of a1: %+v", ls)
		}
	})
}

// Any repetition of acknowledged lines changes nothing.
func TestResultsAreIdempotent(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		lines := []patch.AttemptUpdate{line(1, "a1", patch.ExecInstalling), line(2, "a1", patch.ExecDone), line(3, "a2", patch.ExecInstalling)}
		if ack := got[uint64](t)(s.ApplyResults(ctx, "m-1", lines)); ack != 3 {
			t.Fatalf("acknowledged %d", ack)
		}
		before := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{}))
		rewritten := line(2, "a1", patch.ExecFailed)
		for _, again := range [][]patch.AttemptUpdate{lines, lines[:1], {rewritten}, {lines[2], lines[0]}, nil} {
			if ack := got[uint64](t)(s.ApplyResults(ctx, "m-1", again)); ack != 3 {
				t.Errorf("acknowledged %d", ack)
			}
		}
		_, err := s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{line(5, "a2", patch.ExecDone)})
		wantKind(t, err, patch.Conflict)
		_, err = s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{line(4, "a2", patch.ExecDone), line(6, "a2", patch.ExecDone)})
		wantKind(t, err, patch.Conflict)
		if diff := cmp.Diff(before, got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{}))); diff != "" {
			t.Error(diff)
		}
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.ResultsAck != 3 {
			t.Errorf("acknowledged %d", m.ResultsAck)
		}
	})
}

// A machine reaches its own attempts only, and only those that were handed to it.
func TestResultsOfAnotherMachineAreRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		before := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{}))
		for name, l := range map[string]patch.AttemptUpdate{
			"another machine's": line(1, "a1", patch.ExecDone), "never handed out": line(1, "a3", patch.ExecDone), "unheard of": line(1, "x", patch.ExecDone),
		} {
			if _, err := s.ApplyResults(ctx, "m-2", []patch.AttemptUpdate{l}); err == nil || patch.KindOf(err) != patch.Forbidden {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{line(1, "a1", "exploded")})
		wantKind(t, err, patch.Invalid)
		_, err = s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{line(1, "a1", patch.ExecInstalling), line(2, "a3", patch.ExecDone)})
		wantKind(t, err, patch.Forbidden)
		must(t, s.SetMachineState(ctx, alice, "m-2", patch.Revoked))
		_, err = s.ApplyResults(ctx, "m-2", nil)
		wantKind(t, err, patch.Forbidden)
		after := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Machine: "m-1"}))
		if diff := cmp.Diff(before[:2], after); diff != "" {
			t.Error(diff)
		}
		if a := findAttempt(t, s, "a3"); a.State != patch.ExecWithdrawn {
			t.Errorf("a revoked machine's attempt is %s", a.State)
		}
	})
}

// What a machine adds to an attempt that has ended joins what it told, and moves nothing.
func TestResultsAdd(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		done, failed := line(1, "a1", patch.ExecDone), line(2, "a2", patch.ExecFailed)
		done.Text, done.Log, failed.Cause = "one", "log", patch.FailPatch
		more := line(3, "a1", patch.ExecDone)
		more.Text, more.Log, more.Adds = "two", "more", true
		other := line(4, "a2", patch.ExecDone)
		other.Adds = true
		early := line(5, "a2", patch.ExecFailed)
		early.Text, early.Adds = strings.Repeat("é", 3000), true
		got[uint64](t)(s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{done, failed, more, other, early}))
		if a := findAttempt(t, s, "a1"); a.Text != "one; two" || a.Log != "log\nmore" || !a.EndedAt.Equal(done.At) {
			t.Errorf("%+v", a)
		}
		if a := findAttempt(t, s, "a2"); a.State != patch.ExecFailed || a.Cause != patch.FailPatch || len(a.Text) > 4000 || !utf8.ValidString(a.Text.String()) {
			t.Errorf("%+v", a)
		}
	})
}

func TestLateResultOfWithdrawnAttemptCounts(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		must(t, s.WithdrawAttempts(ctx, []string{"a1", "a2"}, "", "halted"))
		got[uint64](t)(s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{line(1, "a1", patch.ExecInstalling), line(2, "a2", patch.ExecInstalling)}))
		if a := findAttempt(t, s, "a1"); a.State != patch.ExecWithdrawn {
			t.Errorf("a withdrawn attempt opened again as %s", a.State)
		}
		got[uint64](t)(s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{line(3, "a1", patch.ExecDone), line(4, "a1", patch.ExecFailed)}))
		if a := findAttempt(t, s, "a1"); a.State != patch.ExecDone {
			t.Errorf("what really happened was not kept: %s", a.State)
		}
		must(t, s.WithdrawAttempts(ctx, []string{"a1"}, "", "again"))
		if a := findAttempt(t, s, "a1"); a.State != patch.ExecDone {
			t.Errorf("an ended attempt was withdrawn: %s", a.State)
		}
	})
}

func TestEffects(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		must(t, s.PutEffects(ctx, []patch.EffectUpdate{{Attempt: "a1", VerifiedSeq: 7, Effect: patch.EffectVerified, RebootOwed: true}}))
		must(t, s.PutEffects(ctx, []patch.EffectUpdate{{Attempt: "a1", VerifiedSeq: 6, Effect: patch.EffectNotEffective}}))
		if a := findAttempt(t, s, "a1"); a.Effect != patch.EffectVerified || a.VerifiedSeq != 7 || !a.RebootOwed {
			t.Errorf("a1 is %+v", a)
		}
		wantKind(t, s.PutEffects(ctx, []patch.EffectUpdate{{Attempt: "x", VerifiedSeq: 1}}), patch.NotFound)
		v := snapshot("m-1", 8, bookworm, patch.NotPatched)
		must(t, s.PutSnapshotAfter(ctx, nil, v, nil, []patch.EffectUpdate{{Attempt: "a1", VerifiedSeq: 8, Effect: patch.EffectUndone}}))
		before := v
		v.Seq = 9
		wantKind(t, s.PutSnapshotAfter(ctx, &before, v, nil, []patch.EffectUpdate{{Attempt: "a3", VerifiedSeq: 9, Effect: patch.EffectUndone}}), patch.NotFound)
		if a := findAttempt(t, s, "a1"); a.Effect != patch.EffectUndone {
			t.Errorf("a1 is %+v", a)
		}
		if v := got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1")); v.Seq != 8 {
			t.Errorf("a snapshot with another machine's effect was kept")
		}
	})
}
