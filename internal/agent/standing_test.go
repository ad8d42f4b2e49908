package agent

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// cut makes an appliance unreachable for everything that a test does not let through.
func (a *appliance) cut(off bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tricks = nil
	if off {
		a.tricks = func(w http.ResponseWriter, _ *http.Request) bool {
			refuse(w, 503, patch.Unavailable, "away")
			return true
		}
	}
}

// holding is an agent that has taken an order whose window opens in two seconds.
func holding(t *testing.T, change func(*wire.Order), names ...string) (*appliance, *box, wire.Order) {
	t.Helper()
	var debs []deb
	for _, n := range names {
		debs = append(debs, newDeb(n, "1.0-1", "1.0-2"))
	}
	a, b := newAppliance(t), newBox(names...)
	a.publish(t, time.Now(), debs...)
	running(t, a.joined(t, b))
	a.until(t, "a first snapshot", func() bool { return len(a.snapshots) == 1 })
	o := newOrder(1, debs...)
	o.Window.NotBefore = time.Now().Add(2500 * time.Millisecond)
	if change != nil {
		change(&o)
	}
	e := a.seal(t, o)
	served := 0
	a.mu.Lock()
	a.order, a.wake = &e, true
	a.tricks = func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/blob/") {
			served++
		}
		return false
	}
	a.mu.Unlock()
	a.until(t, "the files", func() bool { return served >= len(names) })
	time.Sleep(100 * time.Millisecond)
	a.mu.Lock()
	a.order = nil
	a.mu.Unlock()
	return a, b, o
}

func (a *appliance) outcome(attempt string) (r wire.Result) {
	for _, x := range a.results {
		if x.Attempt == attempt {
			r = x
		}
	}
	return r
}

// A halt reaches an agent that holds an order and waits for its window; what stands is installed when it opens.
func TestWhatIsTakenBackIsNotBegun(t *testing.T) {
	a, b, o := holding(t, nil, "curl", "perl")
	a.mu.Lock()
	a.withdrawn, a.wake = []string{o.Items[0].Attempt, "of another order"}, true
	a.mu.Unlock()
	a.until(t, "the withdrawal", func() bool { return a.outcome(o.Items[0].Attempt).State == patch.ExecWithdrawn })
	if time.Now().After(o.Window.NotBefore) {
		t.Log("it was told only when the window was open")
	}
	a.until(t, "the other one", func() bool { return a.outcome(o.Items[1].Attempt).State == patch.ExecDone })
	if b.version("curl") != "1.0-1" || b.version("perl") != "1.0-2" || b.runs[o.Items[0].Attempt] != 0 {
		t.Errorf("curl %s, perl %s", b.version("curl"), b.version("perl"))
	}
}

// An agent that is cut off when its window opens carries out what it holds, from files that are there already.
func TestASignedOrderNeedsNoConnection(t *testing.T) {
	a, b, _ := holding(t, nil, "curl")
	a.cut(true)
	for end := time.Now().Add(15 * time.Second); b.version("curl") != "1.0-2"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it was not installed")
		}
	}
	a.cut(false)
	a.until(t, "what came of it", func() bool { return a.outcome("A1-0").State == patch.ExecDone })
}

// What asks first waits for the appliance's word, and what does not goes on.
func TestWhatAsksFirstWaitsForAnAnswer(t *testing.T) {
	k, b := newKeys(t), newBox("curl", "perl")
	curl, perl := newDeb("curl", "1.0-1", "1.0-2"), newDeb("perl", "1.0-1", "1.0-2")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, curl, perl)
	o := newOrder(1, curl, perl)
	o.Items[0].AskFirst = true
	s := open(t, cfg)
	must(t, s.acceptOrder(k.seal(t, o)))
	s.stands("O1", patch.Errorf(patch.Unavailable, "nobody answers"))
	if !s.carryOut(t.Context()) {
		t.Error("nothing waits")
	}
	c := s.journal.newest()
	if b.version("curl") != "1.0-1" || b.version("perl") != "1.0-2" || c.Last["A1-1"].State != patch.ExecDone || c.Last["A1-0"].State.Ended() || c.Closed {
		t.Errorf("curl %s, perl %s, %+v", b.version("curl"), b.version("perl"), c.Last)
	}
	s.stands("O1", nil)
	if s.carryOut(t.Context()) || b.version("curl") != "1.0-2" || !s.journal.newest().Closed {
		t.Errorf("curl %s after an answer", b.version("curl"))
	}
}

// A withdrawal never comes between what has begun and its end.
func TestWhatHasBegunIsNotTakenBack(t *testing.T) {
	k, b := newKeys(t), newBox("curl")
	d := newDeb("curl", "1.0-1", "1.0-2")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, d)
	s := open(t, cfg)
	must(t, s.acceptOrder(k.seal(t, newOrder(1, d))))
	b.trouble = func(step string) error {
		if step == "run" || step == "half" || step == "ran" {
			return s.takeBack("O1", []string{"A1-0"})
		}
		return nil
	}
	s.carryOut(t.Context())
	if got := s.journal.newest().Last["A1-0"]; got.State != patch.ExecDone || b.version("curl") != "1.0-2" {
		t.Errorf("%s %s", got.State, b.version("curl"))
	}
	if did, err := s.journal.withdraw(wire.Result{Order: "O1", Attempt: "A1-0", State: patch.ExecWithdrawn}); did || err != nil {
		t.Errorf("%v %v", did, err)
	}
}

// Who has said that it installs is about to write what it will do: nothing comes in between.
func TestWhatIsSaidToBeInstallingIsNotTakenBack(t *testing.T) {
	k := newKeys(t)
	d := newDeb("curl", "1.0-1", "1.0-2")
	s := open(t, enrolled(t, k, newBox("curl"), nowhere))
	must(t, s.acceptOrder(k.seal(t, newOrder(1, d))))
	must(t, s.journal.report(wire.Result{Order: "O1", Attempt: "A1-0", State: patch.ExecInstalling}))
	if did, err := s.journal.withdraw(wire.Result{Order: "O1", Attempt: "A1-0", State: patch.ExecWithdrawn}); did || err != nil {
		t.Errorf("%v %v", did, err)
	}
}

// One transaction may install what several attempts are for. Only one of them says so.
func TestWhatATransactionTakesAlongIsNotTakenBack(t *testing.T) {
	k := newKeys(t)
	s := open(t, enrolled(t, k, newBox("curl", "perl"), nowhere))
	must(t, s.acceptOrder(k.seal(t, newOrder(1, newDeb("curl", "1.0-1", "1.0-2"), newDeb("perl", "1.0-1", "1.0-2")))))
	must(t, s.journal.intend(intent{Attempts: []string{"A1-0", "A1-1"}}))
	if did, err := s.journal.withdraw(wire.Result{Order: "O1", Attempt: "A1-1", State: patch.ExecWithdrawn}); did || err != nil {
		t.Errorf("%v %v", did, err)
	}
}

// Between the last look and the first step there is a moment; what is taken back in it is not begun.
func TestWhatIsTakenBackBetweenTwoStepsIsNotBegun(t *testing.T) {
	k, b := newKeys(t), newBox("curl")
	d := newDeb("curl", "1.0-1", "1.0-2")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, d)
	s := open(t, cfg)
	must(t, s.acceptOrder(k.seal(t, newOrder(1, d))))
	b.trouble = func(step string) error {
		if step == "plan" {
			return s.takeBack("O1", []string{"A1-0"})
		}
		return nil
	}
	s.carryOut(t.Context())
	if c := s.journal.newest(); c.Last["A1-0"].State != patch.ExecWithdrawn || b.version("curl") != "1.0-1" || b.runs["A1-0"] != 0 || !c.Closed {
		t.Errorf("%+v, curl %s", c.Last, b.version("curl"))
	}
}
