package story_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/ring"
	"github.com/fettle-project/fettle/internal/world"
)

// ringed is a site with canary (two machines), early (three) and the rest (two), where perl is approved for all and deployed to all.
func ringed(t *testing.T, change func(*patch.Ring)) (s *site, dep patch.Deployment, canary, early, rest []*box) {
	s = newSite(t)
	s.publish(bookworm, story()...)
	enrol := func(label string, n int) (out []*box) {
		var ids []patch.MachineID
		for i := range n {
			b := s.enrol(fmt.Sprint(label, "-", i), bookworm, "perl-base=5.36.0-7", "curl=7.88.1-10")
			out, ids = append(out, b), append(ids, b.id)
		}
		s.must(s.book.Put(s.ctx(), s.admin, patch.Label{Name: label, Members: ids, CreatedAt: s.now}))
		return out
	}
	canary, early, rest = enrol("canary", 2), enrol("early", 3), enrol("others", 2)
	for i, name := range []string{"canary", "early"} {
		r := patch.Ring{Name: name, Label: name, Position: i + 1}
		if change != nil {
			change(&r)
		}
		_, err := s.rings.Put(s.ctx(), s.admin, r)
		s.must(err)
	}
	s.decide(patch.Approve, "all", perl)
	s.fetch(bookworm, perl, curl)
	for _, b := range append(append(canary, early...), rest...) {
		b.detect()
	}
	return s, s.roll(), canary, early, rest
}

func (s *site) step() {
	s.t.Helper()
	s.must(s.rings.Step(s.ctx()))
}

// comeBack has machines check in, as they do all day.
func comeBack(boxes ...[]*box) {
	for _, all := range boxes {
		for _, b := range all {
			b.later(time.Second)
			b.checkin()
		}
	}
}

// hours lets time pass in which machines check in.
func (s *site) hours(n int, boxes ...[]*box) {
	for range n {
		s.later(time.Hour)
		comeBack(boxes...)
		s.step()
	}
}

func (s *site) ringGate(b *box) gate.Gate {
	s.t.Helper()
	return s.explain(b, perl).Answer.Gate(gate.Ring)
}

func (s *site) code(b *box, want string) {
	s.t.Helper()
	progress, err := s.deploy.Watch(s.ctx(), s.attempts(patch.AttemptFilter{Machine: b.id})[0].Deployment)
	s.must(err)
	text := ""
	for _, m := range progress.Machines {
		if m.Machine == b.id {
			text = m.Text.String()
		}
	}
	if g := s.ringGate(b); g.Code != want || g.State == gate.Closed && !strings.Contains(text, g.Text.String()) {
		s.t.Errorf("%s: ring gate %s (%s), want %s; the deployment says %q", b.name, g.Code, g.Text, want, text)
	}
}

func TestRingsAreTakenOneAfterTheOther(t *testing.T) {
	s, _, canary, early, rest := ringed(t, nil)
	if len(s.attempts(patch.AttemptFilter{})) != 7 {
		t.Fatal("the deployment does not take all rings along")
	}
	s.step()
	for _, b := range append(append([]*box{}, early...), rest...) {
		if b.work() {
			t.Fatalf("%s got the patch before its ring's turn", b.name)
		}
	}
	s.code(early[0], gate.CodeRingWaits)
	for _, b := range canary {
		if !b.work() {
			t.Fatalf("%s of the first ring got nothing", b.name)
		}
	}
	s.step()
	if g := s.ringGate(early[0]); g.Code != gate.CodeRingWaits {
		t.Errorf("the canary's install counts before it was seen again: %s", g.Text)
	}
	comeBack(canary)
	s.step()
	s.code(early[0], gate.CodeRingSoaks)
	s.hours(23, canary, early, rest)
	if early[0].work() {
		t.Fatal("the second ring began before the first had soaked")
	}
	s.hours(2, canary, early, rest)
	s.code(early[0], "open")
	s.code(rest[0], gate.CodeRingWaits)
	for _, b := range early {
		if !b.work() {
			t.Fatalf("%s of the second ring got nothing", b.name)
		}
	}
	s.hours(26, canary, early, rest)
	for _, b := range rest {
		if !b.work() {
			t.Fatalf("%s of no ring got nothing after the last one", b.name)
		}
	}
	list, err := s.rings.List(s.ctx(), perl)
	s.must(err)
	if len(list) != 3 || list[0].Machines != 2 || list[0].Patches[0].Proven != 2 || list[1].Patches[0].Proven != 3 || list[1].Patches[0].PassedAt.IsZero() {
		t.Errorf("%+v", list)
	}
}

// One of two canaries never comes back: silence is failure, the patch is stopped, and a person has to say why it goes on.
func TestSilentCanaryHaltsThePatchAndNothingElse(t *testing.T) {
	s, dep, canary, early, rest := ringed(t, nil)
	canary[0].work()
	canary[1].work()
	s.hours(3, canary[:1], early, rest)
	s.code(early[0], gate.CodeRingWaits)
	s.hours(3, canary[:1], early, rest)
	s.code(early[0], gate.CodeRingHalted)
	if g := s.ringGate(early[0]); g.Text.String() != "ring halted: 1 of 2 failed in canary" || g.Actor != gate.Person || !strings.Contains(g.Evidence.String(), "silent since") {
		t.Errorf("%+v", g)
	}
	alarms, err := s.store.ListAlarms(s.ctx(), true)
	s.must(err)
	if len(alarms) != 1 || alarms[0].Kind != "ring" || !strings.Contains(alarms[0].Text.String(), string(perl)) {
		t.Errorf("alarms %+v", alarms)
	}
	// The ring is not in quarantine, the patch is: others go their way, and a new plan leaves this one out.
	s.decide(patch.Approve, "all", curl)
	comeBack(canary[:1], early, rest)
	p := s.plan()
	for _, m := range p.Machines {
		for _, i := range m.Items {
			if i.Patch == perl {
				t.Errorf("the plan has the patch in quarantine for %s", m.Name)
			}
		}
	}
	_, err = s.deploy.Apply(s.ctx(), s.admin, p)
	s.must(err)
	if !canary[0].work() || canary[0].has("curl") != "7.88.1-10+deb12u14" {
		t.Error("another patch does not pass through the ring")
	}

	if err := s.rings.Resume(s.ctx(), s.admin, perl, " "); patch.KindOf(err) != patch.Invalid {
		t.Errorf("resumed without a reason: %v", err)
	}
	s.must(s.rings.Resume(s.ctx(), s.admin, perl, "its power supply died"))
	entries, err := s.store.ListAudit(s.ctx(), time.Time{}, 5)
	s.must(err)
	resumed := false
	for _, e := range entries {
		resumed = resumed || e.Action == "ring.resume" && e.Who == "m.keller" && strings.Contains(e.Detail, "power supply")
	}
	if !resumed {
		t.Errorf("no entry of the resumption: %+v", entries)
	}
	if alarms, err := s.store.ListAlarms(s.ctx(), true); err != nil || len(alarms) != 0 {
		t.Errorf("alarms %+v, %v", alarms, err)
	}
	s.step()
	s.code(early[0], gate.CodeRingSoaks)
	s.must(s.rings.Pass(s.ctx(), s.admin, perl, "canary", "one of two is enough this time"))
	comeBack(early)
	if !early[0].work() {
		t.Error("nothing after a person let the ring pass")
	}
	progress, err := s.deploy.Watch(s.ctx(), dep.ID)
	s.must(err)
	if progress.Ended {
		t.Error("the deployment ended")
	}
}

// Both canaries have the patch and are not well with it. Who resumes it forgives them, and lets nobody else have it: the next ring begins when they are well again
// and that has soaked, or when somebody lets it pass.
func TestWhatIsForgivenProvesNothing(t *testing.T) {
	s, _, canary, early, _ := ringed(t, probed)
	for _, b := range canary {
		b.work()
		s.answers(b, false)
	}
	s.hours(1, canary, early)
	s.code(early[0], gate.CodeRingHalted)
	s.must(s.rings.Resume(s.ctx(), s.admin, perl, "the port was shut by hand"))
	s.hours(30, canary, early)
	s.code(early[0], gate.CodeRingWaits)
	if early[0].work() {
		t.Fatal("the second ring has what nobody has proven")
	}
	g := s.ringGate(early[0])
	for _, word := range []string{"canary comes first: m.keller resumed it", "no machine there has proven it since"} {
		if !strings.Contains(g.Text.String(), word) {
			t.Errorf("it does not say %q: %s", word, g.Text)
		}
	}
	if g.Actor != gate.Person || !strings.Contains(g.Next.String(), "fettle rings pass "+string(perl)+" canary --why …") {
		t.Errorf("%s: %s", g.Actor, g.Next)
	}
	for _, b := range canary {
		s.answers(b, true)
	}
	s.hours(1, canary, early)
	s.code(early[0], gate.CodeRingSoaks)
	s.hours(25, canary, early)
	if !early[0].work() {
		t.Error("the canaries are well and it has soaked, and the second ring gets nothing")
	}
}

// Where machines are not well after an order of several patches, each of these is halted, and it is said that one of the others may have done it. A ring in which
// something is halted is not removed: with it the halt would go.
func TestWhoFailedIsNamed(t *testing.T) {
	s, dep, canary, early, _ := ringed(t, probed)
	_, err := s.deploy.Halt(s.ctx(), s.admin, dep.ID)
	s.must(err)
	s.decide(patch.Approve, "all", curl)
	s.roll()
	for _, b := range canary {
		b.work()
		s.answers(b, false)
	}
	s.hours(1, canary, early)
	list, err := s.rings.List(s.ctx(), perl)
	s.must(err)
	if len(list[0].Failing) != 2 || len(list[1].Failing) != 0 {
		t.Fatalf("%+v", list)
	}
	for _, f := range list[0].Failing {
		if !strings.HasPrefix(f.Name, "canary-") || !strings.Contains(f.Text.String(), "port:443 is not well") || len(f.Beside) != 1 || f.Beside[0] != curl {
			t.Errorf("%+v", f)
		}
	}
	for id, other := range map[patch.ID]patch.ID{perl: curl, curl: perl} {
		all, err := s.rings.List(s.ctx(), id)
		s.must(err)
		if text := all[0].Patches[0].Text.String(); !strings.Contains(text, "port:443 is not well: nothing listens; it may be the doing of "+string(other)+", which came with it") {
			t.Errorf("%s: %s", id, text)
		}
		err = s.rings.Remove(s.ctx(), s.admin, "canary")
		if patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "is halted there") {
			t.Errorf("the ring is removed with what it halted: %v", err)
		}
		s.must(s.rings.Resume(s.ctx(), s.admin, id, "a person looked"))
	}
	if list, err = s.rings.List(s.ctx(), perl); err != nil || len(list[0].Failing) != 0 {
		t.Errorf("forgiven, and still named: %+v, %v", list[0].Failing, err)
	}
	s.must(s.rings.Remove(s.ctx(), s.admin, "canary"))
}

func TestWhatMachinesProve(t *testing.T) {
	for name, c := range map[string]struct {
		ring func(*patch.Ring)
		live func(s *site, canary []*box)
		want patch.Proof
		says string
	}{
		"an install that is detected and seen again": {nil, func(s *site, b []*box) { b[0].work() }, patch.ProofGood, ""},
		"a failure of the patch":                     {nil, func(s *site, b []*box) { b[0].fails[perl] = patch.FailPatch; b[0].work() }, patch.ProofBad, "it failed: patch"},
		"an interruption":                            {nil, func(s *site, b []*box) { b[0].fails[perl] = patch.FailInterrupted; b[0].work() }, patch.ProofBad, "interrupted"},
		"a failure of the network":                   {nil, func(s *site, b []*box) { b[0].fails[perl] = patch.FailNetwork; b[0].work() }, patch.ProofNone, ""},
		"a reboot that is owed":                      {nil, func(s *site, b []*box) { b[0].owed = true; b[0].work() }, patch.ProofPending, ""},
		"a reboot that was made": {nil, func(s *site, b []*box) {
			b[0].owed = true
			b[0].work()
			b[0].owed, b[0].boot = false, "boot-2"
			b[0].detect()
		}, patch.ProofGood, ""},
		"a signal that cleared itself without any reboot": {nil, func(s *site, b []*box) { b[0].owed = true; b[0].work(); b[0].owed = false; b[0].detect() }, patch.ProofPending, ""},
		"no answer to the probes":                         {probed, func(s *site, b []*box) { b[0].work() }, patch.ProofPending, ""},
		"probes that are well":                            {probed, func(s *site, b []*box) { b[0].work(); s.answers(b[0], true) }, patch.ProofGood, ""},
		"a port that is dead":                             {probed, func(s *site, b []*box) { b[0].work(); s.answers(b[0], false) }, patch.ProofBad, "port:443 is not well: nothing listens"},
		"a port that was dead before the install": {probed, func(s *site, b []*box) {
			ill := s.now
			b[0].work()
			for range 6 { // longer than the ring waits for a proof
				s.ill(b[0], ill)
				s.hours(1, b)
			}
		}, patch.ProofPending, "not proven: port:443 was not well before the install already (nothing listens)"},
		"a port that was dead before the install and is well": {probed, func(s *site, b []*box) {
			ill := s.now
			b[0].work()
			s.ill(b[0], ill)
			s.step()
			s.answers(b[0], true)
		}, patch.ProofGood, ""},
		"a port that was dead before the next install only": {probed, func(s *site, b []*box) {
			b[0].work()
			s.later(time.Minute)
			s.ill(b[0], s.now)
		}, patch.ProofBad, "port:443 is not well: nothing listens"},
		"an answer from before the install": {probed, func(s *site, b []*box) {
			s.answers(b[0], true)
			b[0].work()
		}, patch.ProofPending, ""},
		"undone by something else while it soaks": {nil, func(s *site, b []*box) {
			b[0].work()
			s.hours(1, b)
			b[0].set("perl-base=5.36.0-7")
			b[0].detect()
		}, patch.ProofBad, "undone"},
		"a port that dies while it soaks": {probed, func(s *site, b []*box) {
			b[0].work()
			s.answers(b[0], true)
			s.hours(6, b)
			s.answers(b[0], false)
		}, patch.ProofBad, "nothing listens"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, canary, _, _ := ringed(t, c.ring)
			c.live(s, canary)
			s.hours(1, canary)
			a := s.attempts(patch.AttemptFilter{Machine: canary[0].id})[0]
			if a.Proof != c.want || !strings.Contains(a.ProofText.String(), c.says) {
				t.Errorf("proof %q (%s), want %q", a.Proof, a.ProofText, c.want)
			}
		})
	}
}

func probed(r *patch.Ring) { r.Probes = []patch.Probe{"port:443"} }

// answers has a machine answer its probes now.
func (s *site) answers(b *box, well bool) {
	s.t.Helper()
	s.later(time.Second)
	seen := "nothing listens"
	if well {
		seen = "answers"
	}
	s.must(s.store.PutHealth(s.ctx(), b.id, patch.Health{At: s.now, Boot: b.boot, Probes: []patch.ProbeAnswer{{Probe: "port:443", OK: well, Seen: seen}}}))
}

// ill has a machine answer a probe badly that was answered so before an install already.
func (s *site) ill(b *box, since time.Time) {
	s.t.Helper()
	s.later(time.Second)
	s.must(s.store.PutHealth(s.ctx(), b.id, patch.Health{At: s.now, Boot: b.boot, Probes: []patch.ProbeAnswer{{Probe: "port:443", Seen: "nothing listens", Ill: since}}}))
}

// A ring does not advance on machines whose probe was bad before the install; it names them with why, and goes on once they are well.
func TestAProbeThatWasBadBeforeHoldsTheRing(t *testing.T) {
	s, _, canary, _, _ := ringed(t, probed)
	before := s.now
	for _, b := range canary {
		b.work()
	}
	for range 40 { // longer than its soak
		for _, b := range canary {
			s.ill(b, before)
		}
		s.hours(1, canary)
	}
	ring := func() ring.Standing {
		t.Helper()
		list, err := s.rings.List(s.ctx(), perl)
		s.must(err)
		return list[0]
	}
	if r := ring(); !r.Patches[0].PassedAt.IsZero() || !r.Patches[0].HaltedAt.IsZero() || r.Patches[0].Failed != 0 || len(r.Unproven) != 2 || !strings.Contains(r.Unproven[0].Text.String(), "port:443 was not well before the install") {
		t.Errorf("%+v, unproven %+v", r.Patches[0], r.Unproven)
	}
	who, err := s.rings.Who(s.ctx(), "canary", perl, "unproven")
	if err != nil || len(who) != 2 || who[canary[0].id] == "" {
		t.Errorf("%v %v", who, err)
	}
	for range 26 {
		for _, b := range canary {
			s.answers(b, true)
		}
		s.hours(1, canary)
	}
	if r := ring(); r.Patches[0].PassedAt.IsZero() || len(r.Unproven) != 0 {
		t.Errorf("they are well: %+v, unproven %+v", r.Patches[0], r.Unproven)
	}
}

// Silence that comes to an end, and a late result, make up for what was held against a machine.
func TestLateProofIsAccepted(t *testing.T) {
	s, _, canary, early, _ := ringed(t, func(r *patch.Ring) { r.Share = 50; r.Proofs = 1 })
	canary[0].work()
	s.hours(6, early)
	if a := s.attempts(patch.AttemptFilter{Machine: canary[0].id})[0]; a.Proof != patch.ProofBad {
		t.Fatalf("a silent machine: %q", a.Proof)
	}
	comeBack(canary)
	s.step()
	if a := s.attempts(patch.AttemptFilter{Machine: canary[0].id})[0]; a.Proof != patch.ProofGood {
		t.Errorf("it came back: %q %s", a.Proof, a.ProofText)
	}
}

func TestARingTakesNoMoreThanMay(t *testing.T) {
	t.Run("unproven", func(t *testing.T) {
		s, _, canary, _, _ := ringed(t, func(r *patch.Ring) { r.First = 1 })
		if _, ok := canary[0].order(); !ok {
			t.Fatal("no order")
		}
		if _, ok := canary[1].order(); ok {
			t.Fatal("two machines have it unproven, and one may")
		}
		s.code(canary[1], gate.CodeRingFull)
		if _, ok := canary[0].order(); !ok {
			t.Error("an order that went out does not go out again")
		}
		canary[0].work()
		comeBack(canary)
		s.step()
		if _, ok := canary[1].order(); !ok {
			t.Error("a proof makes no room")
		}
	})
	t.Run("at once", func(t *testing.T) {
		s, _, canary, _, _ := ringed(t, func(r *patch.Ring) { r.AtOnce = 1 })
		canary[0].order()
		if _, ok := canary[1].order(); ok {
			t.Fatal("two machines install at once, and one may")
		}
		s.code(canary[1], gate.CodeRingBusy)
		canary[0].work()
		if _, ok := canary[1].order(); !ok {
			t.Error("nobody installs, and it may not begin")
		}
	})
	t.Run("splay", func(t *testing.T) {
		s, _, canary, _, _ := ringed(t, func(r *patch.Ring) { r.Splay = patch.Span(2 * time.Hour) })
		turn, began := map[string]time.Time{}, map[string]time.Time{}
		for _, b := range canary {
			a := s.attempts(patch.AttemptFilter{Machine: b.id})[0]
			turn[b.name] = world.Turn(b.id, a, 2*time.Hour, patch.Window{})
		}
		for range 125 {
			s.later(time.Minute)
			for _, b := range canary {
				if _, ok := b.order(); ok && began[b.name].IsZero() {
					began[b.name] = s.now
				}
			}
		}
		for name, at := range turn {
			if late := began[name].Sub(at); late < 0 || late > time.Minute {
				t.Errorf("%s was to begin at %v and began at %v", name, at, began[name])
			}
		}
		if turn["canary-0"].Equal(turn["canary-1"]) {
			t.Errorf("both have their turn at %v", turn)
		}
	})
}

// What went out and was not begun when the patch is halted is taken back, so that the machine is free for everything else.
func TestAHaltTakesBackWhatHasNotBegun(t *testing.T) {
	s, _, canary, _, _ := ringed(t, nil)
	canary[0].order()
	s.must(s.rings.Halt(s.ctx(), s.admin, perl, "the shop is slow"))
	if _, ok := canary[0].order(); ok {
		t.Fatal("the order goes out again")
	}
	if a := s.attempts(patch.AttemptFilter{Machine: canary[0].id})[0]; a.State != patch.ExecWithdrawn || !strings.Contains(a.Text.String(), "m.keller halted it") {
		t.Errorf("%s: %s", a.State, a.Text)
	}
	_, ok := canary[1].order() // its part was in no order, and keeps it from nothing
	if a := s.attempts(patch.AttemptFilter{Machine: canary[1].id})[0]; ok || a.State != patch.ExecWaiting {
		t.Errorf("%v: %s: %s", ok, a.State, a.Text)
	}
	s.decide(patch.Approve, "all", curl)
	comeBack(canary)
	s.roll()
	if o, ok := canary[0].order(); !ok || o.Items[0].Patch != curl {
		t.Error("another patch does not go out")
	}
}

func TestARingThatNeedsNothingIsPassed(t *testing.T) {
	s, _, canary, early, _ := ringed(t, nil)
	for _, b := range canary {
		b.set("perl-base=5.36.0-7+deb12u4")
		b.set("perl-extra=5.36.0-7+deb12u4")
		b.detect()
		b.work()
	}
	s.step()
	comeBack(early)
	if !early[0].work() {
		t.Errorf("early waits for canaries that have it: %s", s.ringGate(early[0]).Text)
	}
}

// A ring whose machines have not said whether they need a patch is not passed: unknown is never good. One of them that says nothing at all keeps nobody
// waiting as long as another one has said that it needs nothing.
func TestARingThatIsNotKnownIsNotPassed(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	ill, well := s.enrol("canary-0", bookworm, "bash=5.2.15-2"), s.enrol("canary-1", bookworm, "bash=5.2.15-2")
	early := s.enrol("early-0", bookworm, "perl-base=5.36.0-7")
	s.must(s.book.Put(s.ctx(), s.admin, patch.Label{Name: "canary", Members: []patch.MachineID{ill.id, well.id}, CreatedAt: s.now}))
	_, err := s.rings.Put(s.ctx(), s.admin, patch.Ring{Name: "canary", Label: "canary", Position: 1})
	s.must(err)
	s.decide(patch.Approve, "all", perl)
	s.fetch(bookworm, perl)
	early.detect()
	s.roll()
	comeBack([]*box{ill, well, early})
	s.step()
	if early.work() {
		t.Error("it is installed though no canary has ever completed a detect")
	}
	well.detect()
	s.step()
	if early.work() {
		t.Error("it is installed though a canary that is there has never completed a detect")
	}
	for range 30 { // one falls silent
		s.later(time.Hour)
		comeBack([]*box{well, early})
	}
	well.detect()
	early.detect()
	s.step()
	if !early.work() {
		t.Errorf("it waits for a canary that is gone: %s", s.ringGate(early).Text)
	}
}

// A ring none of whose machines is there to say whether it needs a patch waits; one of machines of another OS does not.
func TestARingWhoseMachinesAreGoneIsNotPassed(t *testing.T) {
	for _, c := range []struct {
		name  string
		os    patch.HostOS
		waits bool
	}{{"gone", bookworm, true}, {"of another OS", trixie, false}} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.publish(bookworm, story()...)
			s.publish(trixie, src{"trixie", "curl", "8.14.1-2+deb13u1", []string{"curl"}})
			canary, early := s.enrol("canary-0", c.os, "bash=5.2.15-2"), s.enrol("early-0", bookworm, "perl-base=5.36.0-7")
			s.must(s.book.Put(s.ctx(), s.admin, patch.Label{Name: "canary", Members: []patch.MachineID{canary.id}, CreatedAt: s.now}))
			_, err := s.rings.Put(s.ctx(), s.admin, patch.Ring{Name: "canary", Label: "canary", Position: 1})
			s.must(err)
			s.decide(patch.Approve, "all", perl)
			s.fetch(bookworm, perl)
			for range 30 {
				s.later(time.Hour)
				early.checkin()
				if !c.waits {
					canary.checkin()
				}
			}
			early.detect()
			s.roll()
			s.step()
			if worked := early.work(); worked == c.waits {
				t.Errorf("installed: %v; %s", worked, s.ringGate(early).Text)
			}
		})
	}
}
