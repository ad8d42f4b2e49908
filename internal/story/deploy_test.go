package story_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/wire"
)

// ready is a site with one machine that needs perl, openssl and curl, all fetched, detected; ids are approved.
func ready(t *testing.T, ids ...patch.ID) (*site, *box) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	b := web(s)
	if len(ids) > 0 {
		s.decide(patch.Approve, "all", ids...)
	}
	s.fetch(bookworm, perl, oldPerl, openssl, curl)
	b.detect()
	return s, b
}

func (s *site) plan() patch.Plan {
	s.t.Helper()
	p, err := s.planner.Make(s.ctx(), s.admin, plan.Request{Label: "all"})
	s.must(err)
	return p
}

func (s *site) attempts(f patch.AttemptFilter) []patch.Attempt {
	s.t.Helper()
	all, err := s.store.ListAttempts(s.ctx(), f)
	s.must(err)
	return all
}

func TestApplyTwiceIsOneDeployment(t *testing.T) {
	s, _ := ready(t, perl, curl)
	p := s.plan()
	first, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	again, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	if first.ID != again.ID || len(s.attempts(patch.AttemptFilter{})) != 2 {
		t.Errorf("%s and %s, %d attempts", first.ID, again.ID, len(s.attempts(patch.AttemptFilter{})))
	}
	// The same deed planned anew is refused while the first is under way: nothing of it is deployable.
	fresh := p
	fresh.Made = fresh.Made.Add(time.Second)
	if _, err := s.deploy.Apply(t.Context(), s.admin, fresh); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "being deployed") {
		t.Errorf("a second deployment of the same: %v", err)
	}
}

func TestApplyAtOnceIsOneDeployment(t *testing.T) {
	s, _ := ready(t, perl)
	p := s.plan()
	var wg sync.WaitGroup
	ids := make([]string, 8)
	for i := range ids {
		wg.Go(func() {
			dep, err := s.deploy.Apply(t.Context(), s.admin, p)
			if err != nil && patch.KindOf(err) != patch.Conflict {
				t.Error(err)
			}
			ids[i] = dep.ID
		})
	}
	wg.Wait()
	if n := len(s.attempts(patch.AttemptFilter{})); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

func TestApplyNamesDrift(t *testing.T) {
	for name, c := range map[string]struct {
		drift func(*site, *box)
		says  string
	}{
		"declined since": {func(s *site, _ *box) { s.decide(patch.Decline, "all", perl) }, `declined for "all"`},
		"patched since":  {func(_ *site, b *box) { b.set("perl-base=5.36.0-7+deb12u4"); b.detect() }, "bookworm-security/perl/5.36.0-7+deb12u4 on web-1"},
		"another version since": {func(_ *site, b *box) { b.set("perl-base=5.36.0-7+deb12u1"); b.detect() },
			"perl-base is at 5.36.0-7+deb12u1, and the plan was made for 5.36.0-7"},
		"held since":   {func(_ *site, b *box) { b.set("perl-base=5.36.0-7!"); b.detect() }, "held"},
		"another file": {func(s *site, _ *box) { s.cat.newest[bookworm].files[perl][0].SHA256 = hashOf(s, curl, "curl") }, "another one now"},
		"new package":  {func(_ *site, b *box) { b.set("perl=5.36.0-7"); b.detect() }, "perl has to be installed too"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := ready(t, perl)
			p := s.plan()
			c.drift(s, b)
			_, err := s.deploy.Apply(t.Context(), s.admin, p)
			if patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want it to say %q", err, c.says)
			}
			if n := len(s.attempts(patch.AttemptFilter{})); n != 0 {
				t.Errorf("%d attempts", n)
			}
		})
	}
	t.Run("detected again, nothing changed", func(t *testing.T) {
		s, b := ready(t, perl)
		p := s.plan()
		b.detect()
		s.decide(patch.Approve, "all", curl) // was not in the plan that the person saw
		dep, err := s.deploy.Apply(t.Context(), s.admin, p)
		if err != nil || len(dep.Plan.Machines[0].Items) != 1 {
			t.Errorf("%v, %+v", err, dep.Plan.Machines)
		}
	})
}

func TestHandOutChecksAgain(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*site, *box)
		cause   patch.FailCause
		says    string
		offered int // items of the order that comes; 0: none
		open    int // attempts that stay in the queue without being offered
	}{
		"nothing changed": {func(*site, *box) {}, "", "", 2, 0},
		"declined":        {func(s *site, _ *box) { s.decide(patch.Decline, "all", perl) }, "", "declined for", 1, 0},
		"cleared":         {func(s *site, _ *box) { s.decide(patch.Clear, "all", perl) }, "", "nobody has decided", 1, 0},
		"held back":       {func(s *site, _ *box) { s.decide(patch.Hold, "all", perl) }, "", "held back for", 1, 0},
		"patched by hand": {func(_ *site, b *box) { b.set("perl-base=5.36.0-7+deb12u4"); b.detect() }, patch.FailDrift, "perl-base", 1, 0},
		"changed by hand": {func(_ *site, b *box) { b.set("perl-base=5.36.0-7+deb12u2"); b.detect() }, patch.FailDrift, "perl-base is at 5.36.0-7+deb12u2", 1, 0},
		"held by owner":   {func(_ *site, b *box) { b.set("perl-base=5.36.0-7!"); b.detect() }, patch.FailDrift, "held", 1, 0},
		"removed":         {func(_ *site, b *box) { b.facts.Packages = b.facts.Packages[:3]; b.detect() }, patch.FailDrift, "installed", 1, 0},
		"stale":           {func(s *site, b *box) { s.later(80 * time.Hour); b.checkin() }, "", "", 0, 2},
		"detect failed": {func(s *site, b *box) {
			s.later(time.Minute)
			s.must(s.store.PutDetectFailed(s.ctx(), b.id, s.now, "garbled"))
		}, "", "", 0, 2},
		"a new list": {func(s *site, _ *box) {
			s.publish(bookworm, append(story(), src{"bookworm", "zsh", "5.9-4", []string{"zsh"}})...)
		}, "", "", 0, 2},
		"feed is gone":    {func(s *site, _ *box) { s.must(s.store.RemoveFeed(s.ctx(), s.admin, "feed-"+string(bookworm))) }, "", "", 0, 2},
		"catalog is gone": {func(s *site, _ *box) { delete(s.cat.newest, bookworm) }, "", "", 0, 2},
		"silent":          {func(s *site, _ *box) { s.later(30 * time.Hour) }, "", "", 0, 2},
		"locked":          {func(_ *site, b *box) { b.busy = "locked by unattended-upgr (pid 4711)"; b.checkin() }, "", "", 0, 2},
		"payload is lost": {func(s *site, _ *box) {
			s.must(s.store.SetPayload(s.ctx(), hashOf(s, perl, "perl-base"), patch.PayloadFailed, "bad sector", 1, time.Time{}))
		}, "", "", 1, 1},
		"owner forbids": {func(s *site, b *box) {
			b.counter++
			s.must(s.store.PutCheckin(s.ctx(), b.id, patch.CheckinUpdate{At: s.now, Counter: b.counter, OS: bookworm, Hostname: b.name, Policy: "detect-only"}))
		}, "", "", 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := ready(t, perl, curl)
			s.roll()
			c.change(s, b)
			o, ok := b.order()
			if len(o.Items) != c.offered || ok != (c.offered > 0) {
				t.Errorf("%d items, %v", len(o.Items), ok)
			}
			var queued, withdrawn int
			for _, a := range s.attempts(patch.AttemptFilter{Machine: b.id}) {
				switch {
				case a.State == patch.ExecWaiting && a.Order == "":
					queued++
				case a.State == patch.ExecWithdrawn:
					withdrawn++
					if a.Patch == curl && name != "removed" || a.Cause != c.cause || !strings.Contains(a.Text.String(), c.says) {
						t.Errorf("withdrawn %s: %s %q", a.Patch, a.Cause, a.Text)
					}
				}
			}
			if queued != c.open || withdrawn != 2-c.offered-c.open {
				t.Errorf("%d wait, %d withdrawn", queued, withdrawn)
			}
		})
	}
}

func TestOpenOrderGoesOutUnchanged(t *testing.T) {
	s, b := ready(t, perl, curl)
	s.roll()
	get := func() string {
		e, ok, err := s.deploy.OrderFor(t.Context(), b.id)
		s.must(err)
		if !ok {
			return ""
		}
		out, err := json.Marshal(e)
		s.must(err)
		return string(out)
	}
	first := get()
	s.later(time.Hour)
	if first == "" || get() != first {
		t.Error("the open order changed")
	}
	// What was declined is not handed out again; what is left comes as a new, higher order.
	s.decide(patch.Decline, "all", curl)
	o, ok := b.order()
	if !ok || o.Number != 2 || len(o.Items) != 1 || o.Items[0].Patch != perl {
		t.Errorf("after a refusal: %v %+v", ok, o)
	}
	// An expired order is replaced while the machine has not begun.
	s.later(25 * time.Hour)
	b.detect()
	if o, ok = b.order(); !ok || o.Number != 3 {
		t.Errorf("after it expired: %v %+v", ok, o)
	}
	b.report(o, o.Items[0], patch.ExecDownloading, "")
	s.decide(patch.Decline, "all", perl)
	if o2, ok := b.order(); !ok || o2.ID != o.ID {
		t.Errorf("while the machine is at it: %v %+v", ok, o2)
	}
}

func TestHalt(t *testing.T) {
	s, b := ready(t, perl, curl)
	dep := s.roll()
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	halted, err := s.deploy.Halt(t.Context(), s.admin, dep.ID)
	s.must(err)
	if halted.State != patch.Halted {
		t.Errorf("state %s", halted.State)
	}
	if _, ok := b.order(); ok {
		t.Error("an order came from a halted deployment")
	}
	for _, a := range s.attempts(patch.AttemptFilter{}) {
		if want := map[patch.ID]patch.Execution{o.Items[0].Patch: patch.ExecInstalling, o.Items[1].Patch: patch.ExecWithdrawn}[a.Patch]; a.State != want {
			t.Errorf("%s is %s after the halt, not %s", a.Patch, a.State, want)
		}
	}
	b.report(o, o.Items[0], patch.ExecDone, "")
	// The machine had the second one already and was at it when it was halted: its late result counts.
	b.report(o, o.Items[1], patch.ExecFailed, patch.FailLock)
	p, err := s.deploy.Watch(t.Context(), dep.ID)
	s.must(err)
	if !p.Ended || p.Counts.Done != 1 || p.Counts.Failed != 1 || p.Deployment.State != patch.Halted {
		t.Errorf("%+v %s", p.Counts, p.Deployment.State)
	}
	if _, err := s.deploy.Halt(t.Context(), s.admin, dep.ID); err != nil {
		t.Errorf("halted twice: %v", err)
	}
	if _, err := s.deploy.Halt(t.Context(), s.admin, "none"); patch.KindOf(err) != patch.NotFound {
		t.Errorf("halted nothing: %v", err)
	}
}

// haltedMeanwhile is a store of deployments one of which somebody halts right after all were looked at.
type haltedMeanwhile struct {
	deploy.Store
	halt func()
}

func (h *haltedMeanwhile) ListDeployments(ctx context.Context, limit int) ([]patch.Deployment, error) {
	all, err := h.Store.ListDeployments(ctx, limit)
	if h.halt != nil {
		h.halt()
		h.halt = nil
	}
	return all, err
}

// What a person halts is not finished over their head: its machines would be restarted all the same.
func TestHaltedStaysHalted(t *testing.T) {
	s, b := ready(t, perl)
	dep := s.roll()
	o, _ := b.order()
	h := &haltedMeanwhile{Store: s.deploy.Store}
	h.halt = func() {
		_, err := s.deploy.Halt(t.Context(), s.admin, dep.ID)
		s.must(err)
	}
	s.deploy.Store = h
	b.report(o, o.Items[0], patch.ExecDone, "")
	s.must(s.deploy.Sweep(t.Context()))
	if _, never, err := s.deploy.MayRestart(t.Context(), b.id, o.ID); err != nil || !never || h.halt != nil {
		t.Errorf("it may restart: %v %v", !never, err)
	}
}

func TestResults(t *testing.T) {
	s, b := ready(t, perl)
	other := s.enrol("web-2", bookworm, "perl-base=5.36.0-7")
	other.detect()
	s.roll()
	o, _ := b.order()
	line := func(seq uint64, state patch.Execution, cause patch.FailCause) wire.Result {
		return wire.Result{Seq: seq, Order: o.ID, Attempt: o.Items[0].Attempt, At: s.now, State: state, Cause: cause}
	}
	if _, err := s.deploy.Accept(t.Context(), other.id, wire.Results{Results: []wire.Result{line(1, patch.ExecDone, "")}}); patch.KindOf(err) != patch.Forbidden {
		t.Errorf("another machine's result was taken: %v", err)
	}
	for _, bad := range []wire.Result{line(1, patch.ExecWaiting, ""), line(1, "odd", "")} {
		if _, err := s.deploy.Accept(t.Context(), b.id, wire.Results{Results: []wire.Result{bad}}); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%s %q was taken: %v", bad.State, bad.Cause, err)
		}
	}
	send := func(rs ...wire.Result) uint64 {
		reply, err := s.deploy.Accept(t.Context(), b.id, wire.Results{Results: rs})
		s.must(err)
		return reply.Ack
	}
	// Reordered, repeated and stepping back: the attempt only moves forward.
	if ack := send(line(2, patch.ExecInstalling, ""), line(1, patch.ExecDownloading, "")); ack != 2 {
		t.Errorf("ack %d", ack)
	}
	if ack := send(line(1, patch.ExecDownloading, ""), line(2, patch.ExecInstalling, ""), line(3, patch.ExecDownloading, "")); ack != 3 {
		t.Errorf("ack %d", ack)
	}
	if a := s.attempts(patch.AttemptFilter{Machine: b.id})[0]; a.State != patch.ExecInstalling {
		t.Errorf("stepped back to %s", a.State)
	}
	future := line(4, patch.ExecDone, "")
	future.At, future.Log = s.now.Add(1000*time.Hour), strings.Repeat("x", 100_000)
	send(future)
	send(line(4, patch.ExecFailed, patch.FailPatch), line(5, patch.ExecFailed, patch.FailPatch))
	a := s.attempts(patch.AttemptFilter{Machine: b.id})[0]
	if a.State != patch.ExecDone || a.EndedAt.After(s.now) || len(a.Log) > 16<<10 {
		t.Errorf("%s, ended %s, %d bytes of log", a.State, a.EndedAt, len(a.Log))
	}
}

func TestAttemptsRunOut(t *testing.T) {
	s, b := ready(t, perl)
	b.fails[perl] = patch.FailPatch
	for range 3 {
		s.roll()
		if !b.work() {
			t.Fatal("no order")
		}
	}
	if p := s.plan(); len(p.Machines[0].Items) != 0 || p.Machines[0].Left[0].Gate != "attempts/out-of-attempts" {
		t.Errorf("%+v", p.Machines)
	}
	s.later(time.Minute)
	s.decide(patch.Approve, "all", perl)
	delete(b.fails, perl)
	s.roll()
	if !b.work() || s.explain(b, perl).Row.Effect != patch.EffectVerified {
		t.Error("approving it again gave no new attempts")
	}
	if all := s.attempts(patch.AttemptFilter{}); all[3].Number != 4 {
		t.Errorf("number %d", all[3].Number)
	}
}

func TestMachinesOwnFailuresDoNotCount(t *testing.T) {
	s, b := ready(t, perl, curl)
	b.fails[perl], b.fails[curl] = patch.FailLock, patch.FailLock
	for range 5 {
		s.roll()
		if !b.work() {
			t.Fatal("no order")
		}
		if p := s.plan(); len(p.Machines[0].Items) != 0 || p.Machines[0].Left[0].Gate != "preflight/locked" {
			t.Fatalf("right after a lock: %+v", p.Machines[0])
		}
		s.later(16 * time.Minute)
	}
	clear(b.fails)
	s.roll()
	if !b.work() || len(b.installed) == 0 {
		t.Error("a free lock did not help")
	}
}

// A hook that failed keeps back what names it, for a while, and nothing else: neither other patches nor the same one by another plan.
func TestAFailedHookHoldsBackWhatNamesIt(t *testing.T) {
	s, b := ready(t, perl, curl)
	b.fails[perl] = patch.FailHook
	drain, other := &patch.Manner{Before: []string{"drain"}}, &patch.Manner{After: []string{"greet"}}
	plans := func(r plan.Request) []patch.PlanItem {
		t.Helper()
		r.Label = "all"
		p, err := s.planner.Make(t.Context(), s.admin, r)
		s.must(err)
		return p.Machines[0].Items
	}
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Patches: []patch.ID{perl}, Manner: drain})
	s.must(err)
	_, err = s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	if !b.work() {
		t.Fatal("no order")
	}
	for name, tt := range map[string]struct {
		manner *patch.Manner
		items  int
	}{"with it": {drain, 0}, "without": {nil, 2}, "with another one": {other, 2}, "with both": {&patch.Manner{Before: []string{"greet"}, After: []string{"drain"}}, 0}} {
		if items := plans(plan.Request{Manner: tt.manner}); len(items) != tt.items {
			t.Errorf("%s: %d are planned, not %d", name, len(items), tt.items)
		}
	}
	if a := s.explain(b, perl).Answer; !a.Deployable {
		t.Errorf("it is explained as %s", a.Sentence)
	}
	s.later(16 * time.Minute)
	if items := plans(plan.Request{Manner: drain}); len(items) != 2 {
		t.Errorf("after the retry time %d are planned", len(items))
	}
}

func TestOneBadPatchDoesNotBlockOthers(t *testing.T) {
	s, b := ready(t, perl, curl)
	b.fails[curl] = patch.FailPatch
	s.roll()
	b.work()
	if s.explain(b, perl).Row.Effect != patch.EffectVerified || s.explain(b, curl).Row.Execution != patch.ExecFailed {
		t.Error("the good patch was not installed")
	}
	if ex := s.explain(b, curl); !ex.Answer.Deployable || ex.Answer.Gate(gate.Installed).State != gate.Closed {
		t.Errorf("%+v", ex.Answer.Closed)
	}
}

func TestWindows(t *testing.T) {
	s, b := ready(t, perl)
	tonight := patch.Window{NotBefore: s.now.Add(14 * time.Hour), NotAfter: s.now.Add(20 * time.Hour)}
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Window: tonight})
	s.must(err)
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	if _, ok := b.order(); ok {
		t.Error("an order came before the window")
	}
	w, err := s.deploy.Watch(t.Context(), dep.ID)
	s.must(err)
	if w.Machines[0].Text.String() != "waits: the window opens today 22:00" {
		t.Errorf("%q", w.Machines[0].Text)
	}
	s.later(15 * time.Hour)
	b.checkin()
	if o, ok := b.order(); !ok || !o.Window.NotAfter.Equal(tonight.NotAfter) || !o.Expires.Equal(tonight.NotAfter) {
		t.Errorf("within the window: %v %+v", ok, o)
	}
	s.later(6 * time.Hour)
	b.checkin()
	if _, ok := b.order(); ok {
		t.Error("an order came after the window")
	}
	s.must(s.deploy.Sweep(t.Context()))
	a := s.attempts(patch.AttemptFilter{})[0]
	if w, err = s.deploy.Watch(t.Context(), dep.ID); err != nil || !w.Ended || w.Deployment.State != patch.Finished || a.Cause != patch.FailWindow {
		t.Errorf("%v %+v %s: %s", err, w.Counts, w.Deployment.State, a.Text)
	}
	for _, bad := range []patch.Window{{NotBefore: s.now.Add(2 * time.Hour), NotAfter: s.now.Add(time.Hour)}, {NotAfter: s.now.Add(-time.Hour)}} {
		if _, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Window: bad}); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestNothingRunsForEver(t *testing.T) {
	s, b := ready(t, perl, curl, openssl)
	dep := s.roll()
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	b.report(o, o.Items[1], patch.ExecDownloading, "")
	s.later(29 * time.Hour)
	s.must(s.deploy.Sweep(t.Context()))
	if n := len(s.attempts(patch.AttemptFilter{Open: true})); n != 3 {
		t.Errorf("%d open after 29 hours", n)
	}
	s.later(2 * time.Hour)
	s.must(s.deploy.Sweep(t.Context()))
	if open := s.attempts(patch.AttemptFilter{Open: true}); len(open) != 1 || open[0].State != patch.ExecWaiting {
		t.Errorf("%d open after 31 hours", len(open))
	}
	s.later(7 * 24 * time.Hour)
	s.must(s.deploy.Sweep(t.Context()))
	p, err := s.deploy.Watch(t.Context(), dep.ID)
	s.must(err)
	if !p.Ended || p.Counts.Withdrawn != 3 || p.Deployment.State != patch.Finished {
		t.Errorf("%+v %s", p.Counts, p.Deployment.State)
	}
	// It comes back and tells how it ended.
	b.report(o, o.Items[0], patch.ExecDone, "")
	if p, err = s.deploy.Watch(t.Context(), dep.ID); err != nil || p.Counts.Done != 1 {
		t.Errorf("the late result: %v %+v", err, p.Counts)
	}
}

func TestTwoDeploymentsQueue(t *testing.T) {
	s, b := ready(t, perl)
	s.roll()
	s.decide(patch.Approve, "all", curl)
	s.later(time.Minute)
	second := s.roll()
	if len(second.Plan.Machines[0].Items) != 1 || second.Plan.Machines[0].Items[0].Patch != curl {
		t.Fatalf("the second has %+v", second.Plan.Machines[0].Items)
	}
	o, _ := b.order()
	if o.Deployment == second.ID {
		t.Error("the younger one came first")
	}
	p, err := s.deploy.Watch(t.Context(), second.ID)
	s.must(err)
	if want := "waits: web-1 carries out the order of deployment " + o.Deployment + " first"; p.Machines[0].Text.String() != want {
		t.Errorf("the second says %q, not %q", p.Machines[0].Text, want)
	}
	if ex, err := s.deploy.Explain(t.Context(), second.ID); err != nil || len(ex.Groups) != 1 || ex.Groups[0].Code != "order-queued" {
		t.Errorf("%+v %v", ex, err)
	}
	if has, err := s.deploy.HasOrder(t.Context(), b.id); err != nil || !has {
		t.Errorf("%v %v", has, err)
	}
	orders := 0
	for b.work() {
		orders++
	}
	if orders != 2 {
		t.Errorf("%d orders", orders)
	}
	list, err := s.deploy.List(t.Context(), 10)
	s.must(err)
	for _, p := range list {
		if p.Deployment.State != patch.Finished || p.Sentence.String() != "1 of 1 installed, 1 verified by detect" {
			t.Errorf("%s: %s", p.Deployment.State, p.Sentence)
		}
	}
}

func TestOnlyAdmittedMachinesGetOrders(t *testing.T) {
	s, b := ready(t, perl)
	s.roll()
	s.must(s.store.SetMachineState(t.Context(), s.admin, b.id, patch.Revoked))
	if _, _, err := s.deploy.OrderFor(t.Context(), b.id); patch.KindOf(err) != patch.Forbidden {
		t.Errorf("%v", err)
	}
}
