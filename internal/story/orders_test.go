package story_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/wire"
)

// A machine that is at an order gets no second one, whatever of the first was taken back or however long ago it was to have begun: the two would cross. What
// is left of it comes once the machine has ended what it began.
func TestASecondOrderDoesNotCrossTheFirst(t *testing.T) {
	for name, since := range map[string]func(*site, *box){
		"an item is taken back": func(s *site, _ *box) { s.decide(patch.Decline, "all", curl) },
		"the order expires":     func(s *site, b *box) { s.later(25 * time.Hour); b.detect() },
	} {
		t.Run(name, func(t *testing.T) {
			s, b := ready(t, perl, openssl, curl)
			s.roll()
			first, _ := b.order()
			i := slices.IndexFunc(first.Items, func(i wire.OrderItem) bool { return i.Patch == openssl })
			b.report(first, first.Items[i], patch.ExecInstalling, "")
			since(s, b)
			if o, ok := b.order(); ok {
				t.Errorf("the order %d comes with %d items while the machine is at the order %d", o.Number, len(o.Items), first.Number)
			}
			b.report(first, first.Items[i], patch.ExecFailed, patch.FailPatch)
			b.detectFor(first.ID)
			if o, ok := b.order(); !ok || o.Number != first.Number+1 {
				t.Errorf("once it has ended what it began: %v %+v", ok, o)
			}
		})
	}
}

// An order of which something has to wait is not given again meanwhile, nor in part; afterwards it comes as it was.
func TestAnOrderOfWhichSomethingWaitsIsNotGivenAgain(t *testing.T) {
	s, b := ready(t, perl, curl)
	s.roll()
	first, _ := b.order()
	s.later(time.Minute)
	s.must(s.store.PutDetectFailed(s.ctx(), b.id, s.now, "garbled"))
	if o, ok := b.order(); ok {
		t.Errorf("after a detect that failed: %+v", o)
	}
	b.detect()
	if o, ok := b.order(); !ok || o.ID != first.ID {
		t.Errorf("after a detect: %v %+v", ok, o)
	}
}

// An order all of which has begun stays where it is when its deployment is halted: who lost it does not get it again.
func TestAHaltedOrderIsNotGivenAgain(t *testing.T) {
	s, b := ready(t, curl)
	dep := s.roll()
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	if again, ok := b.order(); !ok || again.ID != o.ID {
		t.Errorf("before the halt: %v %+v", ok, again)
	}
	_, err := s.deploy.Halt(t.Context(), s.admin, dep.ID)
	s.must(err)
	if again, ok := b.order(); ok {
		t.Errorf("after the halt: %+v", again)
	}
}

// An order that goes out ahead of a window without an end can be begun for as long as any other, counted from when it may begin.
func TestAnOrdersLifeBeginsWithItsWindow(t *testing.T) {
	s, b := ready(t, curl)
	begins := s.now.Add(50 * time.Minute)
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Window: patch.Window{NotBefore: begins}})
	s.must(err)
	_, err = s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	if o, ok := b.order(); !ok || !o.Expires.Equal(begins.Add(24*time.Hour)) {
		t.Errorf("%v: it expires %s", ok, o.Expires)
	}
}

// An order that was taken back as a whole makes room for what waits behind it.
func TestAnOrderThatWasTakenBackMakesRoom(t *testing.T) {
	s, b := ready(t, perl)
	s.roll()
	s.decide(patch.Approve, "all", curl)
	s.later(time.Minute)
	second := s.roll()
	first, _ := b.order()
	s.decide(patch.Decline, "all", perl)
	if o, ok := b.order(); !ok || o.Deployment != second.ID || first.Deployment == second.ID {
		t.Errorf("%v: the order is of the deployment %q", ok, o.Deployment)
	}
}

// withdrawsMeanwhile is a store of deployments in which an attempt is taken back right before the first order of it is stored.
type withdrawsMeanwhile struct {
	deploy.Store
	withdraw func(attempt string)
}

func (w *withdrawsMeanwhile) PutOrder(ctx context.Context, o patch.OrderRow, attempts []string, claims ...patch.RingClaim) error {
	if w.withdraw != nil {
		w.withdraw(attempts[0])
		w.withdraw = nil
	}
	return w.Store.PutOrder(ctx, o, attempts, claims...)
}

// What is taken back while its order is made is not part of the order, and the rest comes all the same.
func TestWhatIsTakenBackWhileItsOrderIsMade(t *testing.T) {
	s, b := ready(t, perl, curl)
	s.roll()
	gone := ""
	s.deploy.Store = &withdrawsMeanwhile{s.deploy.Store, func(attempt string) {
		gone = attempt
		s.must(s.store.WithdrawAttempts(t.Context(), []string{attempt}, "", "halted"))
	}}
	if o, ok := b.order(); !ok || len(o.Items) != 1 || gone == "" || o.Items[0].Attempt == gone {
		t.Errorf("%v %+v", ok, o.Items)
	}
}

// What is being fetched can still be taken back by a decision.
func TestWhatIsBeingFetchedIsTakenBack(t *testing.T) {
	s, b := ready(t, perl, curl)
	s.roll()
	o, _ := b.order()
	for _, item := range o.Items {
		b.report(o, item, patch.ExecDownloading, "")
	}
	s.decide(patch.Decline, "all", curl)
	gone, err := s.deploy.Standing(t.Context(), b.id, o.ID)
	s.must(err)
	if i := slices.IndexFunc(o.Items, func(i wire.OrderItem) bool { return i.Patch == curl }); !slices.Equal(gone, []string{o.Items[i].Attempt}) {
		t.Errorf("taken back: %v", gone)
	}
}

// states are the attempts' states, by machine and patch.
func (s *site) states() map[string]patch.Execution {
	out := map[string]patch.Execution{}
	for _, a := range s.attempts(patch.AttemptFilter{}) {
		out[string(a.Machine)+" "+string(a.Patch)] = a.State
	}
	return out
}

// Machines that a deployment is no more for lose what they have not begun, hear so at once, and end what they are installing; the others keep all.
func TestADeploymentKeepsOnlySomeMachines(t *testing.T) {
	s, b := ready(t, perl, curl)
	stays := s.enrol("web-2", bookworm, "perl-base=5.36.0-7")
	stays.detect()
	dep := s.roll()
	o, _ := b.order()
	i := slices.IndexFunc(o.Items, func(i wire.OrderItem) bool { return i.Patch == curl })
	b.report(o, o.Items[i], patch.ExecInstalling, "")
	var called []patch.MachineID
	s.deploy.Wake = func(id patch.MachineID) { called = append(called, id) }
	s.must(s.deploy.KeepOnly(t.Context(), dep.ID, []patch.MachineID{stays.id}, "it is for others"))
	want := map[string]patch.Execution{"id-web-1 " + string(curl): patch.ExecInstalling, "id-web-1 " + string(perl): patch.ExecWithdrawn, "id-web-2 " + string(perl): patch.ExecWaiting}
	if d := cmp.Diff(want, s.states()); d != "" || !slices.Equal(called, []patch.MachineID{b.id}) {
		t.Errorf("%v are called\n%s", called, d)
	}
}

// A halt calls the machines from which it takes something, and those that would restart for what they have installed already.
func TestAHaltCallsItsMachines(t *testing.T) {
	s, b := ready(t, curl)
	other := s.enrol("web-2", bookworm, "curl=7.88.1-10")
	other.detect()
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Reboot: ifNeeded()})
	s.must(err)
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	b.owed = true
	b.work()
	var called []patch.MachineID
	s.deploy.Wake = func(id patch.MachineID) { called = append(called, id) }
	_, err = s.deploy.Halt(t.Context(), s.admin, dep.ID)
	s.must(err)
	if slices.Sort(called); !slices.Equal(called, []patch.MachineID{b.id, other.id}) {
		t.Errorf("%v are called", called)
	}
}

// What a machine fetches when its window ends has some hours to be told of, and no longer.
func TestFetchingEndsAfterTheWindow(t *testing.T) {
	s, b := ready(t, curl)
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Window: patch.Window{NotAfter: s.now.Add(2 * time.Hour)}})
	s.must(err)
	_, err = s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecDownloading, "")
	for _, c := range []struct {
		later time.Duration
		state patch.Execution
		cause patch.FailCause
	}{{7 * time.Hour, patch.ExecDownloading, ""}, {2 * time.Hour, patch.ExecWithdrawn, patch.FailWindow}} {
		s.later(c.later)
		s.must(s.deploy.Sweep(t.Context()))
		if a := s.attempts(patch.AttemptFilter{})[0]; a.State != c.state || a.Cause != c.cause {
			t.Errorf("at %s: %s, %q", s.now.Format("15:04"), a.State, a.Cause)
		}
	}
}

// What waits for a window that is far away is not given up before it has had its time in the window.
func TestPatienceBeginsWithTheWindow(t *testing.T) {
	const day = 24 * time.Hour
	s, _ := ready(t, curl)
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Window: patch.Window{NotBefore: s.now.Add(10 * day)}})
	s.must(err)
	_, err = s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	for _, want := range []patch.Execution{patch.ExecWaiting, patch.ExecWithdrawn} {
		s.later(9 * day)
		s.must(s.deploy.Sweep(t.Context()))
		if a := s.attempts(patch.AttemptFilter{})[0]; a.State != want {
			t.Errorf("on %s: %s", s.now.Format(time.DateOnly), a.State)
		}
	}
}

// A halt that was cut off before it took anything back is ended by the next sweep.
func TestASweepEndsWhatAHaltBegan(t *testing.T) {
	s, _ := ready(t, curl)
	dep := s.roll()
	s.must(s.store.SetDeploymentState(t.Context(), s.admin, dep.ID, patch.Halted, s.now))
	s.must(s.deploy.Sweep(t.Context()))
	if a := s.attempts(patch.AttemptFilter{})[0]; a.State != patch.ExecWithdrawn {
		t.Errorf("%s", a.State)
	}
}

// What a machine asks for after its window is taken back there and then, as missed and not as changed.
func TestAfterTheWindowNothingWaits(t *testing.T) {
	s, b := ready(t, curl)
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Window: patch.Window{NotAfter: s.now.Add(2 * time.Hour)}})
	s.must(err)
	_, err = s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	s.later(3 * time.Hour)
	b.checkin()
	_, ok := b.order()
	if a := s.attempts(patch.AttemptFilter{})[0]; ok || a.State != patch.ExecWithdrawn || a.Cause != patch.FailWindow {
		t.Errorf("%v: %s, %q", ok, a.State, a.Cause)
	}
}

// What is withdrawn for good while it waits: attempts that ran out by results that came late.
func TestLateFailuresUseAttemptsUp(t *testing.T) {
	s, b := ready(t, curl)
	var late []wire.Order
	for range 3 {
		dep := s.roll()
		o, _ := b.order()
		late = append(late, o)
		_, err := s.deploy.Halt(t.Context(), s.admin, dep.ID)
		s.must(err)
		s.later(time.Minute)
	}
	s.roll()
	for _, o := range late {
		b.report(o, o.Items[0], patch.ExecFailed, patch.FailPatch)
	}
	b.detect()
	_, ok := b.order()
	if a := s.attempts(patch.AttemptFilter{Open: true}); ok || len(a) != 0 {
		t.Errorf("%v: %+v", ok, a)
	}
}

// An order that went out before there were rings waits where it is while rings before it try its patch.
func TestAnOrderWaitsForRingsThatCameLater(t *testing.T) {
	s, b := ready(t, curl)
	canary := s.enrol("canary", bookworm, "curl=7.88.1-10")
	canary.detect()
	s.roll()
	first, _ := b.order()
	s.hand("canary", canary.id)
	_, err := s.rings.Put(t.Context(), s.admin, patch.Ring{Name: "canary", Label: "canary", Position: 1})
	s.must(err)
	_, ok := b.order()
	if a := s.attempts(patch.AttemptFilter{Machine: b.id})[0]; ok || a.State != patch.ExecWaiting || a.Order != first.ID {
		t.Errorf("%v: %s, %s", ok, a.State, a.Text)
	}
}

// What a ring is trying goes out when its window opens and not ahead of it: its places are few.
func TestWhatIsBeingTriedDoesNotGoOutAhead(t *testing.T) {
	s, b := ready(t, curl)
	s.hand("canary", b.id)
	_, err := s.rings.Put(t.Context(), s.admin, patch.Ring{Name: "canary", Label: "canary", Position: 1})
	s.must(err)
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Window: patch.Window{NotBefore: s.now.Add(30 * time.Minute)}})
	s.must(err)
	_, err = s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	for _, want := range []bool{false, true} {
		if _, ok := b.order(); ok != want {
			t.Errorf("at %s: an order %v", s.now.Format("15:04"), ok)
		}
		s.later(31 * time.Minute)
		b.checkin()
	}
}
