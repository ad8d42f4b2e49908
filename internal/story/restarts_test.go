package story_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// A halt reaches the restarts of a deployment too, also where all of it is installed, and a blackout that was announced meanwhile keeps them back.
func TestAHaltCallsRestartsOff(t *testing.T) {
	s, b := ready(t, curl)
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Reboot: &patch.RebootPolicy{Mode: patch.RebootIfNeeded}})
	s.must(err)
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	o, _ := b.order()
	b.work()
	may := func(want string, never bool) {
		t.Helper()
		text, got, err := s.deploy.MayRestart(t.Context(), b.id, o.ID)
		s.must(err)
		if (want == "") != (text == "") || !strings.Contains(text, want) || got != never {
			t.Errorf("%q, never %v", text, got)
		}
	}
	may("", false)
	s.freeze("fair", "2026-11-24 09:00", "2026-11-24 20:00", "")
	s.clockAt(24, 11, 0)
	may("blackout until 2026-11-24 20:00 UTC, by m.keller: Closing the books.", false)
	s.clockAt(24, 20, 1)
	may("", false)
	s.must(s.deploy.Sweep(t.Context()))
	if d, err := s.deploy.Watch(t.Context(), dep.ID); err != nil || d.Deployment.State != patch.Finished {
		t.Fatalf("%+v %v", d.Deployment.State, err)
	}
	dep, err = s.deploy.Halt(t.Context(), s.admin, dep.ID)
	if err != nil || dep.State != patch.Halted {
		t.Fatalf("%s %v", dep.State, err)
	}
	may("the deployment "+dep.ID+" was halted", true)
	if off, err := s.deploy.CalledOff(t.Context(), b.id, o.ID); err != nil || !strings.Contains(off, "was halted; what the machine owes stays owed") {
		t.Errorf("what the machine is told at its next contact: %q %v", off, err)
	}
	if text, never, err := s.deploy.MayRestart(t.Context(), b.id, "an order of before a backup"); text != "" || never || err != nil {
		t.Errorf("%q %v %v", text, never, err)
	}
}

// A machine that was let go to restart and does not come back is told of, with who waits for it and until when; one that runs on as before is told of as that.
// Each clears by itself, when its machine is back.
func TestAMachineThatDoesNotComeBackFromItsRestart(t *testing.T) {
	s, b := ready(t, curl)
	other := s.enrol("web-9", bookworm)
	for _, x := range []*box{b, other} {
		x.boot = "boot-1"
		x.checkin()
	}
	_, err := s.rings.Put(t.Context(), s.admin, patch.Ring{Name: "all", Label: patch.LabelAll, Position: 1, Reboots: 1})
	s.must(err)
	let := func(x *box, want string) {
		t.Helper()
		leave, err := s.rings.MayReboot(t.Context(), x.id, x.boot)
		s.must(err)
		if leave.Text != want {
			t.Errorf("%s: %q, not %q", x.name, leave.Text, want)
		}
	}
	missed := func(want string) {
		t.Helper()
		if got := s.restartAlarms(); got != want {
			t.Errorf("the alarms say %q, not %q", got, want)
		}
	}
	at := func(d time.Duration) string { return s.now.Add(d).UTC().Format("15:04Z") }
	let(b, "")
	let(other, b.name+" ("+at(0)+") restarts now, and 1 of the ring all may at once; it is number 1 of 1 that wait")
	s.later(14 * time.Minute)
	missed("")
	s.later(time.Minute)
	waits := "; others of the ring all wait for it until " + at(45*time.Minute) + " at the latest"
	missed(b.name + " was let go to restart at " + at(-15*time.Minute) + " and has not come back" + waits)
	s.later(time.Minute)
	b.checkin()
	missed(b.name + " was let go to restart at " + at(-16*time.Minute) + " and still runs as before" + waits)
	s.later(45 * time.Minute) // its place is given on
	let(other, "")
	missed(b.name + " was let go to restart at " + at(-61*time.Minute) + " and still runs as before")
	for _, x := range []*box{b, other} {
		x.boot = "boot-2"
		x.checkin()
	}
	missed("")
}

// What restarts nothing cannot be halted once it has finished.
func TestAFinishedDeploymentIsNotHalted(t *testing.T) {
	s, b := ready(t, curl)
	dep := s.roll()
	b.work()
	s.must(s.deploy.Sweep(t.Context()))
	if _, err := s.deploy.Halt(t.Context(), s.admin, dep.ID); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "has already finished") {
		t.Errorf("%v", err)
	}
}

func ifNeeded() *patch.RebootPolicy { return &patch.RebootPolicy{Mode: patch.RebootIfNeeded} }

// restarts plans restarts alone for a label.
func (s *site) restarts(r plan.Request) patch.Plan {
	s.t.Helper()
	r.Restarts = true
	if len(r.Machines) == 0 {
		r.Label = patch.LabelAll
	}
	p, err := s.planner.Make(s.ctx(), s.admin, r)
	s.must(err)
	return p
}

// saysOf is what a plan says of each machine, by name.
func saysOf(p patch.Plan) string {
	var out []string
	for _, m := range p.Machines {
		for _, i := range m.Items {
			out = append(out, m.Name+" "+string(i.Outcome)+": "+m.Expected.Why.String())
		}
		for _, l := range m.Left {
			out = append(out, m.Name+" "+string(l.Outcome)+" "+l.Gate+": "+l.Text.String())
		}
	}
	return strings.Join(out, "\n")
}

// A machine that owes a restart and needs no patch is restarted by a plan of its own: nothing is approved, nothing is installed, and another boot proves it.
func TestRestartsAlone(t *testing.T) {
	s, b := ready(t)
	if got := saysOf(s.restarts(plan.Request{})); got != "web-1 no-restart-owed owed/not-owed: it owes no restart" {
		t.Errorf("%s", got)
	}
	b.owed = true
	b.checkin()
	p := s.restarts(plan.Request{})
	if got := saysOf(p); got != "web-1 will-restart: it owes one" || p.Reboot.Mode != patch.RebootIfNeeded {
		t.Errorf("%s", got)
	}
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	if got := saysOf(s.restarts(plan.Request{})); !strings.HasPrefix(got, "web-1 blocked attempts/under-way: its restart is part of a deployment already") {
		t.Errorf("twice: %s", got)
	}
	says := func(want string, ended bool, state patch.DeploymentState) {
		t.Helper()
		s.must(s.deploy.Sweep(t.Context()))
		w, err := s.deploy.Watch(t.Context(), dep.ID)
		if err != nil || w.Sentence.String() != want || w.Ended != ended || w.Deployment.State != state {
			t.Errorf("%q, ended %v, %s %v", w.Sentence, w.Ended, w.Deployment.State, err)
		}
	}
	says("0 of 1 restarted, 1 waiting", false, patch.Running)
	b.later(time.Minute)
	o, ok := b.order()
	if !ok || len(o.Items) != 1 || o.Items[0].Patch != patch.Restart || len(o.Items[0].Packages) > 0 || o.Reboot == nil {
		t.Fatalf("%+v", o)
	}
	b.report(o, o.Items[0], patch.ExecDone, "")
	says("0 of 1 restarted, 1 due on the machine", false, patch.Running)
	if got := saysOf(s.restarts(plan.Request{})); got != "web-1 blocked attempts/under-way: it has the order of deployment "+dep.ID+" to restart, and has not restarted yet" {
		t.Errorf("thrice: %s", got)
	}
	b.busy = "reboot announced for 2026-11-24 12:00Z"
	b.checkin()
	if got := saysOf(s.restarts(plan.Request{})); got != "web-1 blocked attempts/under-way: its restart is due already, and it says: "+b.busy {
		t.Errorf("while it says so: %s", got)
	}
	b.busy = ""
	b.detectFor(o.ID)
	b.detect() // of the same boot
	says("0 of 1 restarted, 1 due on the machine", false, patch.Running)
	ex, err := s.deploy.Explain(t.Context(), dep.ID)
	if err != nil || !strings.HasPrefix(ex.Sentence.String(), "1 of 1 restart is still to come. 1: web-1 has the order and has not restarted yet") {
		t.Errorf("%q %v", ex.Sentence, err)
	}
	b.boot, b.owed = "boot-2", false
	b.detect()
	says("1 of 1 restarted", true, patch.Finished)
	if a := s.attempts(patch.AttemptFilter{Deployment: dep.ID}); len(a) != 1 || a[0].Effect != patch.EffectVerified || a[0].RebootOwed {
		t.Errorf("%+v", a)
	}
}

// What keeps other restarts back keeps these back: blackouts, windows, owners; and a machine that owes none any more is not told to restart.
func TestRestartsAloneKeepToTheGates(t *testing.T) {
	s, b := ready(t)
	b.owed = true
	b.checkin()
	for why, r := range map[string]plan.Request{
		"never":                 {Reboot: &patch.RebootPolicy{Mode: patch.RebootNever}},
		"name no patches":       {Patches: []patch.ID{perl}},
		"restarts no service":   {Manner: &patch.Manner{Services: []string{"nginx.service"}}},
		"takes nothing back":    {Rollback: &patch.Rollback{Why: "x", Deployment: "d"}},
		"window ends before it": {Window: patch.Window{NotBefore: s.now.Add(time.Hour), NotAfter: s.now}},
	} {
		r.Restarts, r.Machines = true, []patch.MachineID{b.id}
		if _, err := s.planner.Make(t.Context(), s.admin, r); patch.KindOf(err) != patch.Invalid || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if got := saysOf(s.restarts(plan.Request{Window: patch.Window{NotAfter: s.now.Add(4 * time.Minute)}})); got != "web-1 window-too-short: the window ends before the machine could be back" {
		t.Errorf("%s", got)
	}
	p := s.restarts(plan.Request{Reboot: ifNeeded()})
	b.owed = false
	b.checkin()
	if _, err := s.deploy.Apply(t.Context(), s.admin, p); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "it owes no restart") {
		t.Errorf("it has drifted: %v", err)
	}
	if got := saysOf(s.restarts(plan.Request{Reboot: &patch.RebootPolicy{Mode: patch.RebootForce}})); got != "web-1 will-restart: the plan says so" {
		t.Errorf("%s", got)
	}
	b.owed = true
	b.checkin()
	dep, err := s.deploy.Apply(t.Context(), s.admin, s.restarts(plan.Request{}))
	s.must(err)
	b.owed = false // somebody was there before
	b.checkin()
	if o, ok := b.order(); ok {
		t.Errorf("it was told to restart all the same: %+v", o)
	}
	if a := s.attempts(patch.AttemptFilter{Deployment: dep.ID}); a[0].State != patch.ExecWithdrawn || a[0].Text.String() != "it owes no restart" || a[0].Cause != "" {
		t.Errorf("%+v", a[0])
	}
	b.owed = true
	b.checkin()
	s.freeze("fair", "2026-11-24 09:00", "2026-11-24 20:00", "")
	s.clockAt(24, 11, 0)
	b.checkin()
	if got := saysOf(s.restarts(plan.Request{})); !strings.HasPrefix(got, "web-1 blocked freeze/frozen: blackout until ") {
		t.Errorf("%s", got)
	}
}

// A halt reaches machines that have taken the order and have not restarted yet.
func TestRestartsAloneAreHalted(t *testing.T) {
	s, b := ready(t)
	b.owed = true
	b.checkin()
	dep, err := s.deploy.Apply(t.Context(), s.admin, s.restarts(plan.Request{}))
	s.must(err)
	b.later(time.Minute)
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecDone, "")
	b.detectFor(o.ID)
	dep, err = s.deploy.Halt(t.Context(), s.admin, dep.ID)
	if err != nil || dep.State != patch.Halted {
		t.Fatalf("%s %v", dep.State, err)
	}
	if text, never, err := s.deploy.MayRestart(t.Context(), b.id, o.ID); !strings.Contains(text, "was halted") || !never || err != nil {
		t.Errorf("%q %v %v", text, never, err)
	}
	// Another deployment may restart it.
	if got := saysOf(s.restarts(plan.Request{})); got != "web-1 will-restart: it owes one" {
		t.Errorf("%s", got)
	}
}

// A forced restart is handed out also where none is owed.
func TestAForcedRestartNeedNotBeOwed(t *testing.T) {
	s, b := ready(t)
	_, err := s.deploy.Apply(t.Context(), s.admin, s.restarts(plan.Request{Reboot: &patch.RebootPolicy{Mode: patch.RebootForce}}))
	s.must(err)
	if o, ok := b.order(); !ok || o.Items[0].Patch != patch.Restart {
		t.Errorf("%v %+v", ok, o)
	}
}

// A deployment of restarts waits for machines that took the order until they may restart no more, and some hours for word of it; without a window, for a week.
func TestRestartsAloneAreNotAwaitedForEver(t *testing.T) {
	for name, c := range map[string]struct {
		window      time.Duration
		still, over time.Duration
	}{
		"a window":  {2 * time.Hour, 7 * time.Hour, 9 * time.Hour},
		"no window": {0, 6 * 24 * time.Hour, 8 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := ready(t)
			b.owed = true
			b.checkin()
			r := plan.Request{}
			if c.window > 0 {
				r.Window.NotAfter = s.now.Add(c.window)
			}
			dep, err := s.deploy.Apply(t.Context(), s.admin, s.restarts(r))
			s.must(err)
			began := s.now
			b.later(time.Minute)
			o, _ := b.order()
			b.report(o, o.Items[0], patch.ExecDone, "")
			for _, x := range []struct {
				at   time.Duration
				want patch.DeploymentState
			}{{c.still, patch.Running}, {c.over, patch.Finished}} {
				s.now = began.Add(x.at)
				s.must(s.deploy.Sweep(t.Context()))
				if w, err := s.deploy.Watch(t.Context(), dep.ID); err != nil || w.Deployment.State != x.want {
					t.Errorf("after %s it is %s, not %s: %v", x.at, w.Deployment.State, x.want, err)
				}
			}
		})
	}
}

// A deployment that has finished says how many of its installs are not in effect before a restart, until one has been.
func TestWhatHasFinishedSaysWhatAwaitsARestart(t *testing.T) {
	s, b := ready(t, perl, curl)
	b.owed = true
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Reboot: ifNeeded()})
	s.must(err)
	_, err = s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	stands := func(want string) {
		t.Helper()
		s.must(s.deploy.Sweep(t.Context()))
		all, err := s.deploy.List(t.Context(), 1)
		if err != nil || len(all) != 1 || all[0].Stands().String() != want {
			t.Fatalf("%q, not %q: %v", all[0].Stands(), want, err)
		}
	}
	stands("running")
	b.work()
	stands("finished, 2 await a restart")
	b.boot, b.owed = "boot-2", false
	b.detect()
	stands("finished")

	b.owed = true
	b.checkin()
	dep, err := s.deploy.Apply(t.Context(), s.admin, s.restarts(plan.Request{Window: patch.Window{NotAfter: s.now.Add(time.Hour)}}))
	s.must(err)
	b.later(time.Minute)
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecDone, "")
	stands("running")
	s.later(9 * time.Hour)
	stands("finished, 1 not restarted")
	_, err = s.deploy.Halt(t.Context(), s.admin, dep.ID)
	s.must(err)
	stands("halted")
}

// A machine that its agent restarts no more, because it owed a restart after every one, is an alarm that leads to it, until it has restarted or nothing is due there any more.
func TestAMachineThatRestartsAgainAndAgain(t *testing.T) {
	s, b := ready(t)
	b.boot, b.owed = "boot-4", true
	alarms := func(busy, want string) {
		t.Helper()
		b.busy = busy
		s.later(time.Minute)
		b.checkin()
		if got := s.restartAlarms(); got != want {
			t.Errorf("it says %q, and the alarms %q, not %q", busy, got, want)
		}
	}
	const loops = "reboot waits: Fettle restarted it 3 times within a day and does not do so again before 2026-11-28 03:12Z"
	is := b.name + " is restarted no more for now: Fettle restarted it 3 times within a day and does not do so again before 2026-11-28 03:12Z"
	alarms("reboot due", "")
	alarms(loops, is)
	all, err := s.store.ListAlarms(t.Context(), true)
	s.must(err)
	if !slices.ContainsFunc(all, func(a patch.Alarm) bool { return a.Key == "restart-loop/"+string(b.id) }) {
		t.Errorf("no alarm leads to the machine: %+v", all)
	}
	alarms("detecting", is)
	if got := saysOf(s.restarts(plan.Request{})); got != "web-1 will-restart: it owes one" {
		t.Errorf("%s", got)
	}
	alarms("reboot is not made: the deployment 01J was halted; what the machine owes stays owed", "")
	alarms(loops, is)
	b.boot, b.owed = "boot-5", false
	alarms("", "")
}

// restartAlarms looks for machines whose restarts need somebody, and gives what the alarms say then.
func (s *site) restartAlarms() string {
	s.must(s.rings.Missed(s.ctx()))
	all, err := s.store.ListAlarms(s.ctx(), true)
	s.must(err)
	var says []string
	for _, a := range all {
		if a.Kind == "restart" {
			says = append(says, a.Text.String())
		}
	}
	return strings.Join(says, "|")
}
