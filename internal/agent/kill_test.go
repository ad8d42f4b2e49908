package agent

import (
	"context"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// world is a machine, its disk and the appliance's view of its results, over many lives of the agent.
type world struct {
	k       *keys
	box     *box
	cfg     Config
	debs    []deb
	results map[uint64]wire.Result // what the appliance got, by Seq
	manner  *patch.Manner
}

func newWorld(t testing.TB, names ...string) *world {
	w := &world{k: newKeys(t), box: newBox(names...), results: map[uint64]wire.Result{}}
	for _, n := range names {
		w.debs = append(w.debs, newDeb(n, "1.0-1", "1.0-2"))
	}
	w.cfg = enrolled(t, w.k, w.box, nowhere)
	stock(t, w.cfg, w.debs...)
	return w
}

// live lets one agent live until the order is closed or it is killed at the given step from now on; 0 is never.
func (w *world) live(t testing.TB, killAt int, torn []byte) (closed bool, steps int) {
	s, stop, err := start(w.cfg)
	must(t, err)
	defer stop()
	s.settleWait = 0
	kill := func(string) error {
		if steps++; killAt > 0 && steps >= killAt {
			return errKilled
		}
		return nil
	}
	// kill -9 runs nothing any more: the context is over, and every later step of journal and installer fails too.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	trouble := func(step string) error {
		err := kill(step)
		if err != nil {
			cancel()
			if step == "write" && torn != nil {
				s.journal.f.WriteAt(torn, s.journal.size)
				torn = nil
			}
		}
		return err
	}
	s.journal.trouble, w.box.trouble = trouble, trouble
	if c := s.journal.newest(); c == nil {
		o := newOrder(1, w.debs...)
		o.Manner = w.manner
		if err := s.acceptOrder(w.k.seal(t, o)); err != nil {
			return false, steps
		}
	}
	if c := s.journal.newest(); !c.Closed {
		s.carryOut(ctx)
	}
	if killAt == 0 || steps < killAt {
		for _, r := range s.journal.unsent(1000) {
			w.results[r.Seq] = r
		}
	}
	c := s.journal.newest()
	return c != nil && c.Closed, steps
}

func (w *world) check(t rapid.TB) {
	ends := map[string]int{}
	for seq := uint64(1); seq <= uint64(len(w.results)); seq++ {
		r, ok := w.results[seq]
		if !ok {
			t.Fatalf("result %d is missing of %d", seq, len(w.results))
		}
		if r.State.Ended() && !r.Adds {
			ends[r.Attempt]++
			name := w.debs[r.Attempt[len(r.Attempt)-1]-'0'].Name
			if there := w.box.packages[name].Version == "1.0-2"; (r.State == patch.ExecDone) != there {
				t.Fatalf("%s: %s %s, and the package is at %s", r.Attempt, r.State, r.Cause, w.box.packages[name].Version)
			}
		}
	}
	for _, item := range newOrder(1, w.debs...).Items {
		if ends[item.Attempt] != 1 {
			t.Fatalf("%s has %d outcomes", item.Attempt, ends[item.Attempt])
		}
		if w.box.runs[item.Attempt] > 1 {
			t.Fatalf("%s was executed %d times", item.Attempt, w.box.runs[item.Attempt])
		}
	}
	for _, p := range w.box.packages {
		if p.State != patch.Installed {
			t.Fatalf("%s is left %s", p.Name, p.State)
		}
	}
}

// Another updater that holds the package manager when an interrupted installation is to be repaired does not leave it half-installed: the order stays
// open until it is free.
func TestRepairWaitsForTheLock(t *testing.T) {
	w := newWorld(t, "perl")
	s, stop, err := start(w.cfg)
	must(t, err)
	must(t, s.acceptOrder(w.k.seal(t, newOrder(1, w.debs...))))
	ctx, cancel := context.WithCancel(t.Context())
	w.box.trouble = func(step string) error {
		if step == "half" {
			cancel()
			s.journal.trouble = func(string) error { return errKilled }
		}
		return ctx.Err()
	}
	s.carryOut(ctx)
	stop()
	busy := true
	w.box.trouble = func(step string) error {
		if step == "recover" && busy {
			return &host.Failure{Cause: patch.FailLock, Untouched: true, Text: "busy: apt-get (pid 8)"}
		}
		return nil
	}
	s = open(t, w.cfg)
	s.settleWait = 0
	s.carryOut(t.Context())
	if r, ended := s.journal.newest().outcome("A1-0"); ended || w.box.packages["perl"].State != patch.Broken || !s.journal.unfinished() {
		t.Fatalf("with another at it: %+v", r)
	}
	if why := s.get().LastError; !strings.Contains(why, "busy: apt-get (pid 8)") {
		t.Errorf("the last error is %q", why)
	}
	busy = false
	s.carryOut(t.Context())
	if r, _ := s.journal.newest().outcome("A1-0"); r.State != patch.ExecDone || w.box.packages["perl"].State != patch.Installed || s.journal.unfinished() {
		t.Errorf("when it is free again: %+v, %+v", r, w.box.packages["perl"])
	}
}

// A failed installation whose repair finds another at the package manager is repaired when that one has ended, and then told as the failure that it was,
// though the agent was restarted meanwhile.
func TestTheRepairOfAFailureWaitsForTheLock(t *testing.T) {
	for name, c := range map[string]struct {
		why   host.Failure
		state patch.Execution
		says  string
	}{
		"a dpkg that was killed":      {host.Failure{Cause: patch.FailInterrupted, Killed: true, Text: "dpkg was ended by a signal"}, patch.ExecDone, "finished by a repair, after dpkg was ended by a signal; the repair had to wait (busy: apt-get (pid 8))"},
		"a package half-installed":    {host.Failure{Cause: patch.FailPatch, Text: "dpkg failed"}, patch.ExecDone, "finished by a repair, after dpkg failed; the repair had to wait"},
		"a script that did not end":   {host.Failure{Cause: patch.FailTimeout, Text: "its script did not end"}, patch.ExecFailed, "its script did not end; the repair had to wait (busy: apt-get (pid 8)); the package was installed once more and is whole"},
		"a lock that the script hits": {host.Failure{Cause: patch.FailPatch, Text: "dpkg failed"}, patch.ExecFailed, "dpkg failed; the repair failed: busy: its own script"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "perl")
			s, stop, err := start(w.cfg)
			must(t, err)
			must(t, s.acceptOrder(w.k.seal(t, newOrder(1, w.debs...))))
			own := name == "a lock that the script hits"
			held := &host.Failure{Cause: patch.FailLock, Untouched: !own, Text: "busy: apt-get (pid 8)"}
			if own {
				held.Text = "busy: its own script"
			}
			w.box.trouble = func(step string) error {
				switch step {
				case "half":
					why := c.why
					return &why
				case "recover":
					return held
				}
				return nil
			}
			s.carryOut(t.Context())
			if !own {
				before := len(s.journal.unsent(100))
				s.carryOut(t.Context())
				if r, ended := s.journal.newest().outcome("A1-0"); ended || w.box.packages["perl"].State != patch.Broken || len(s.journal.unsent(100)) != before {
					t.Fatalf("with another at it: %+v, %d lines after %d", r, len(s.journal.unsent(100)), before)
				}
				if r := s.journal.newest().Last["A1-0"]; r.State != patch.ExecInstalling || !strings.HasSuffix(r.Text, "; the repair had to wait (busy: apt-get (pid 8))") {
					t.Errorf("while it waits it says %+v", r)
				}
			}
			stop()
			if !own {
				w.box.trouble = nil
			}
			s = open(t, w.cfg)
			s.settleWait = 0
			s.carryOut(t.Context())
			if r, _ := s.journal.newest().outcome("A1-0"); r.State != c.state || !strings.Contains(r.Text, c.says) || s.journal.unfinished() || w.box.runs["A1-0"] != 1 {
				t.Errorf("when it is free again: %+v, %+v", r, w.box.packages["perl"])
			}
		})
	}
}

// Killed once at every single step of an order, the next life brings it to its end: one outcome each, nothing executed twice, nothing lost.
func TestKilledAtEveryStep(t *testing.T) {
	_, steps := newWorld(t, "curl", "perl").live(t, 0, nil)
	if steps < 30 {
		t.Fatalf("an order has only %d steps", steps)
	}
	for at := 1; at <= steps; at++ {
		w := newWorld(t, "curl", "perl")
		w.live(t, at, []byte("deadbeef 99 {\"at\":"))
		if closed, _ := w.live(t, 0, nil); !closed {
			t.Fatalf("killed at step %d, the order stayed open", at)
		}
		w.check(t)
	}
}

// Killed again and again, at any steps.
func TestKilledAgainAndAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, "curl", "perl", "zlib1g")
		for _, at := range rapid.SliceOfN(rapid.IntRange(1, 30), 0, 8).Draw(rt, "kills") {
			var torn []byte
			if rapid.Bool().Draw(rt, "torn") {
				torn = []byte(rapid.String().Draw(rt, "tail"))
			}
			w.live(t, at, torn)
		}
		if closed, _ := w.live(t, 0, nil); !closed {
			rt.Fatal("the order stayed open")
		}
		w.check(rt)
		os.RemoveAll(w.cfg.StateDir)
	})
}
