package story_test

import (
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

func TestSnapshotsThatAreRefused(t *testing.T) {
	s, b := ready(t)
	good := b.snapshot("")
	for name, c := range map[string]struct {
		spoil func(*patch.Snapshot)
		kind  patch.Kind
		says  string
	}{
		"partial":                    {func(x *patch.Snapshot) { x.Evaluated-- }, patch.Invalid, "5 of 6"},
		"truncated":                  {func(x *patch.Snapshot) { x.Verdicts = patch.NewVector(5) }, patch.Invalid, "truncated"},
		"miscounted":                 {func(x *patch.Snapshot) { x.Errors = 3 }, patch.Invalid, "counts 3 errors"},
		"unknown revision":           {func(x *patch.Snapshot) { x.Revision = "0123456789abcdef" }, patch.Invalid, "no revision"},
		"other OS":                   {func(x *patch.Snapshot) { x.OS = trixie }, patch.Invalid, "no revision"},
		"another list":               {func(x *patch.Snapshot) { x.Verdicts, x.Expected, x.Evaluated = patch.NewVector(7), 7, 7 }, patch.Invalid, "judges 7 patches"},
		"older":                      {func(x *patch.Snapshot) { x.Seq = 1; x.Boot = "boot-0" }, patch.Conflict, "number 1 is kept"},
		"same number, other content": {func(x *patch.Snapshot) { x.Seq = 1; x.Verdicts = patch.NewVector(6); x.Errors = 0 }, patch.Conflict, "never replaces"},
		"no machine":                 {func(x *patch.Snapshot) { x.Machine = "nobody" }, patch.NotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			bad.Verdicts = patch.NewVector(6)
			copy(bad.Verdicts.Bits(), good.Verdicts.Bits())
			c.spoil(&bad)
			_, err := s.ledger.Accept(t.Context(), bad)
			if patch.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
			if kept, err := s.store.NewestSnapshot(t.Context(), b.id); err != nil || kept.Seq != 1 {
				t.Errorf("it replaced the complete one: %v %d", err, kept.Seq)
			}
		})
	}
	for range 2 { // a lost reply: the same one again is acknowledged again, and leaves one trace
		reply, err := s.ledger.Accept(t.Context(), good)
		if err != nil || reply.Seq != good.Seq {
			t.Errorf("%v %+v", err, reply)
		}
	}
	receipts, err := s.store.ListReceipts(t.Context(), b.id, 0)
	if err != nil || len(receipts) != 2 {
		t.Errorf("%v, %d receipts", err, len(receipts))
	}
	s.must(s.store.SetMachineState(t.Context(), s.admin, b.id, patch.Revoked))
	if _, err := s.ledger.Accept(t.Context(), b.snapshot("")); patch.KindOf(err) != patch.Forbidden {
		t.Errorf("from a revoked machine: %v", err)
	}
}

// last is the newest transition of a patch on a machine.
func (s *site) last(b *box, id patch.ID) patch.Transition {
	s.t.Helper()
	ts, err := s.store.ListTransitions(s.ctx(), patch.TransitionFilter{Machine: b.id, Patch: id, Limit: 1})
	s.must(err)
	if len(ts) == 0 {
		s.t.Fatalf("no transition of %s", id)
	}
	return ts[0]
}

func TestCausesOfChanges(t *testing.T) {
	s, b := ready(t)
	first := b.now
	history := s.explain(b, perl).Transitions
	if len(history) != 1 || history[0].Cause != patch.FirstDetect || history[0].From != patch.Unknown || history[0].To != patch.NotPatched || !history[0].At.Equal(first) {
		t.Errorf("%+v", history)
	}
	s.later(time.Hour)
	b.set("libssl3=3.0.17-1~deb12u3")
	b.history = append(b.history, patch.PkgChange{At: s.now, Action: "upgrade", Name: "libssl3", From: "3.0.11-1", To: "3.0.17-1~deb12u3", By: "unattended-upgrades",
		Who: patch.DoerService, Evidence: "/var/log/apt/history.log: Commandline: /usr/bin/unattended-upgrade"})
	b.set("curl=7.88.1-10+deb12u14")
	s.later(time.Minute)
	b.detect()
	if c := s.last(b, openssl); c.Cause != patch.ByService || c.To != patch.Patched ||
		c.Note.String() != "unattended-upgrades: upgrade of libssl3 from 3.0.11-1 to 3.0.17-1~deb12u3 (/var/log/apt/history.log: Commandline: /usr/bin/unattended-upgrade)" {
		t.Errorf("a named other: %+v", c)
	}
	history = s.explain(b, openssl).Transitions
	if n := len(history); n != 2 || history[1].Cause != patch.FirstDetect || history[1].To != patch.NotPatched || !history[1].At.Equal(first) {
		t.Errorf("%+v", history)
	}
	if c := s.last(b, curl); c.Cause != patch.ByOther || c.Note != "" {
		t.Errorf("an unknown other: %+v", c)
	}
	// The catalog moves on: a new patch, one that is superseded and gone, one that simply goes.
	sources := story()[:4]
	sources = append(sources, src{"bookworm", "bash", "5.2.15-3", []string{"bash"}})
	sources[1].version = "5.36.0-7+deb12u5"
	s.publish(bookworm, sources...)
	b.detect()
	newPerl := patch.ID("bookworm-security/perl/5.36.0-7+deb12u5")
	if history = s.explain(b, newPerl).Transitions; len(history) != 1 {
		t.Errorf("a patch that the first detect did not know: %+v", history)
	}
	if c := s.last(b, newPerl); c.Cause != patch.CatalogChange || c.Note != "new on the list" {
		t.Errorf("a new patch: %+v", c)
	}
	if c := s.last(b, perl); c.Cause != patch.CatalogChange || c.To != patch.Unknown || c.Note.String() != "left the list, replaced by "+string(newPerl) {
		t.Errorf("a replaced patch: %+v", c)
	}
	if a := s.explain(b, perl).Answer; a.Closed.Code != gate.CodeLeftList || a.Standing != "not on the list" {
		t.Errorf("it is not findable: %s %s", a.Closed.Code, a.Sentence)
	}
	rows, sum, err := s.ledger.Rows(t.Context(), b.id, ledger.RowFilter{Closed: true, Text: "perl"})
	s.must(err)
	if len(rows) != 3 || sum.Closed != 1 || rows[2].Closed == nil || rows[2].Patch.Source != "perl" {
		t.Errorf("%d rows, %d closed", len(rows), sum.Closed)
	}
}

// A package that our own installation left half-way is our doing; one that was left so while ours did not get that far is not.
func TestWhatFailedInTheMiddleIsOurs(t *testing.T) {
	for cause, want := range map[patch.FailCause]patch.Cause{patch.FailPatch: patch.ByFettle, patch.FailInterrupted: patch.ByFettle, patch.FailNetwork: patch.ByOther} {
		s, b := ready(t, curl)
		dep := s.roll()
		b.fails = map[patch.ID]patch.FailCause{curl: cause}
		b.facts.Packages = slices.Clone(b.facts.Packages)
		for i, p := range b.facts.Packages {
			if p.Name == "curl" {
				b.facts.Packages[i].State, b.facts.Packages[i].Version = patch.Broken, path.Base(string(curl))
			}
		}
		b.work()
		note := map[patch.Cause]string{patch.ByFettle: "its installation by deployment " + dep.ID + " failed in the middle"}[want]
		if c := s.last(b, curl); c.To != patch.Faulty || c.Cause != want || c.Note.String() != note {
			t.Errorf("%s: %+v", cause, c)
		}
	}
}

func TestUpgradeOfTheOSClosesRows(t *testing.T) {
	s, b := ready(t, perl)
	s.publish(trixie, src{"trixie-security", "perl", "5.40.1-6", []string{"perl-base"}})
	b.facts.OS.Key, b.facts.OS.VersionID = trixie, "13"
	b.set("perl-base=5.40.1-5")
	b.checkin()
	if a := s.explain(b, "trixie-security/perl/5.40.1-6").Answer; a.Closed.Code != gate.CodeOSMoved && a.Closed.Code != gate.CodeNotJudged {
		t.Errorf("between the upgrade and the detect: %s: %s", a.Closed.Code, a.Sentence)
	}
	b.detect()
	ex := s.explain(b, perl)
	if ex.Answer.Closed.Code != gate.CodeUpgraded || !strings.Contains(ex.Answer.Sentence.String(), "satisfied by upgrade: debian-12-amd64 → debian-13-amd64") {
		t.Errorf("%s: %s", ex.Answer.Closed.Code, ex.Answer.Sentence)
	}
	if ex := s.explain(b, nginx); ex.Answer.Closed.Code != gate.CodeOtherOS {
		t.Errorf("one that never applied: %s", ex.Answer.Sentence)
	}
	if c := s.last(b, "trixie-security/perl/5.40.1-6"); c.Cause != patch.OSChange || c.To != patch.NotPatched {
		t.Errorf("%+v", c)
	}
	rows, sum, err := s.ledger.Rows(t.Context(), b.id, ledger.RowFilter{Closed: true})
	s.must(err)
	if sum.Total != 1 || sum.Closed != 5 || len(rows) != 6 || rows[1].Closed.Was != patch.OSChange {
		t.Errorf("%+v, %d rows", sum, len(rows))
	}
	rows, _, err = s.ledger.PatchRows(t.Context(), perl, ledger.RowFilter{Closed: true})
	s.must(err)
	if len(rows) != 1 || rows[0].Closed == nil || rows[0].Code != gate.CodeUpgraded {
		t.Errorf("on the patch's page: %+v", rows)
	}
}

// A machine whose new OS has no list cannot detect: nobody says that it will by itself, it is not green, and what was known before stays findable.
func TestUpgradeToAnOSWithoutAList(t *testing.T) {
	s, b := ready(t, perl)
	b.facts.OS.Key, b.facts.OS.VersionID = trixie, "13"
	b.checkin()
	ex, err := s.ledger.ExplainMachine(t.Context(), b.id)
	s.must(err)
	if g := ex.Gates[0]; g.Code != gate.CodeNoList || g.Actor != gate.Person || ex.Actor != gate.Person || !strings.Contains(ex.Sentence.String(), "no list is published") || !strings.Contains(ex.Next.String(), "fettle feeds add") {
		t.Errorf("%s: %s %s", g.Code, ex.Sentence, ex.Next)
	}
	if g := ledger.GlanceAt(ex.Machine.Machine, ex.Machine.Receipt, s.now); g.Complete || !strings.HasPrefix(g.Sentence.String(), "No: it runs debian-13-amd64 now") {
		t.Errorf("did its detect complete? %s", g.Sentence)
	}
	f, err := s.ledger.Status(t.Context())
	s.must(err)
	if f.Never != 1 || f.Behind != 0 {
		t.Errorf("the fleet: %+v", f)
	}
	old := s.explain(b, perl)
	if n := len(old.Transitions); n != 1 || old.Transitions[0].To != patch.NotPatched || !strings.Contains(old.Proof.Text.String(), `on debian-12-amd64, which the machine had before, snapshot 1 said "not-patched"`) {
		t.Errorf("%+v: %s", old.Transitions, old.Proof.Text)
	}
	c := s.enrol("web-2", trixie, "perl-base=5.40.1-5")
	c.checkin()
	if ex, err = s.ledger.ExplainMachine(t.Context(), c.id); err != nil || ex.Gates[0].Code != gate.CodeNever || ex.Actor != gate.Person || !strings.Contains(ex.Sentence.String(), "no list is published for debian-13-amd64") {
		t.Errorf("one that never detected: %s, %s: %v", ex.Sentence, ex.Actor, err)
	}
}

// From either side of an upgrade a patch is findable with what became of it: one that was missing, one that was there, one that goes on under
// its own name, one that came with the new OS. The old OS is still told as it was.
func TestUpgradeIsFindableFromBothSides(t *testing.T) {
	const tool patch.ID = "tools/agent/2.0"
	s := newSite(t)
	s.publish(bookworm, append(story(), src{"tools", "agent", "2.0", []string{"agent"}})...)
	s.publish(trixie, src{"trixie-security", "perl", "5.40.1-6", []string{"perl-base"}}, src{"tools", "agent", "2.0", []string{"agent"}})
	b := s.enrol("web-1", bookworm, "perl-base=5.36.0-7", "bash=5.2.15-2", "agent=1.0")
	b.detect()
	if a := s.explain(b, "trixie-security/perl/5.40.1-6").Answer; a.Closed.Code != gate.CodeOtherOS {
		t.Errorf("a patch of the OS to come: %s", a.Sentence)
	}
	before := s.now
	s.later(24 * time.Hour)
	b.facts.OS.Key, b.facts.OS.VersionID = trixie, "13"
	b.checkin()
	if past, err := s.ledger.AsOf(t.Context(), b.id, before); err != nil || past.Verdicts[patch.NotPatched] != 3 || len(past.Rows) != 3 {
		t.Errorf("between the upgrade and its detect the past is gone: %+v %v", past.Verdicts, err)
	}
	b.set("perl-base=5.40.1-5")
	b.set("bash=5.2.37-2")
	b.detect()
	for id, says := range map[patch.ID]string{perl: "atisfied by upgrade: debian-12-amd64 → debian-13-amd64; it was still missing before.", bash: "atisfied by upgrade: debian-12-amd64 → debian-13-amd64."} {
		ex := s.explain(b, id)
		if ex.Answer.Closed.Code != gate.CodeUpgraded || !strings.Contains(ex.Answer.Sentence.String(), says) {
			t.Errorf("%s: %s", id, ex.Answer.Sentence)
		}
	}
	ex := s.explain(b, tool)
	if ex.Row.Verdict != patch.NotPatched || len(ex.Transitions) < 2 {
		t.Errorf("one that goes on: %s, %+v", ex.Row.Verdict, ex.Transitions)
	}
	notes := map[string]bool{}
	for _, x := range ex.Transitions {
		notes[x.Note.String()] = true
	}
	if !notes["carried over by upgrade: debian-12-amd64 → debian-13-amd64"] || !notes["carried over from debian-12-amd64, where it was not-patched"] {
		t.Errorf("%v", notes)
	}
	past, err := s.ledger.AsOf(t.Context(), b.id, before)
	s.must(err)
	if past.Receipt == nil || past.Receipt.OS != bookworm || past.Verdicts[patch.NotPatched] != 3 || past.Verdicts[patch.Patched] != 1 {
		t.Errorf("as it was: %+v", past.Verdicts)
	}
	diff, err := s.ledger.Between(t.Context(), b.id, before, s.now)
	s.must(err)
	if diff.From.Verdicts != past.Verdicts || diff.To.Receipt.OS != trixie || diff.Causes[patch.OSChange] != len(diff.Moved) || !strings.Contains(diff.Sentence.String(), "its OS became debian-13-amd64") {
		t.Errorf("%s %+v", diff.Sentence, diff.Causes)
	}
	if _, err := s.ledger.Between(t.Context(), b.id, s.now, before); patch.KindOf(err) != patch.Invalid {
		t.Errorf("backwards: %v", err)
	}
	old, err := s.ledger.Formerly(t.Context(), b.id)
	s.must(err)
	if len(old) != 1 || old[0].OS != bookworm || old[0].Next != trixie || old[0].Verdicts[patch.NotPatched] != 3 || old[0].Until.Before(before) {
		t.Errorf("%+v", old)
	}
	rows, _, err := s.ledger.PatchRows(t.Context(), perl, ledger.RowFilter{Closed: true})
	s.must(err)
	if len(rows) != 1 || rows[0].Closed == nil || rows[0].OS != bookworm {
		t.Errorf("from the patch's side: %+v", rows)
	}
}

func TestEffects(t *testing.T) {
	s, b := ready(t, perl, curl, openssl)
	s.roll()
	b.owed = true
	b.work()
	if ex := s.explain(b, perl); ex.Row.Effect != patch.EffectNeedsReboot || ex.Answer.Standing != "patched, reboot owed" || !strings.HasPrefix(ex.Answer.Next.String(), "nothing restarts it by itself: ") || ex.Answer.Actor != gate.Person {
		t.Errorf("%s, %s", ex.Row.Effect, ex.Answer.Standing)
	}
	b.detect()
	if e := s.explain(b, perl).Row.Effect; e != patch.EffectNeedsReboot {
		t.Errorf("a detect without a reboot paid the debt: %s", e)
	}
	b.boot, b.owed = "boot-2", false
	b.detect()
	if ex := s.explain(b, perl); ex.Row.Effect != patch.EffectVerified || ex.Answer.Standing != "patched" {
		t.Errorf("after the reboot: %s, %s", ex.Row.Effect, ex.Answer.Standing)
	}
	s.later(time.Hour)
	b.set("perl-base=5.36.0-7")
	b.history = append(b.history, patch.PkgChange{At: s.now, Action: "downgrade", Name: "perl-base", By: "apt install perl-base=5.36.0-7 by ann (1000)", Who: patch.DoerPerson})
	b.detect()
	if c := s.last(b, perl); c.Cause != patch.ByPerson || !strings.Contains(c.Note.String(), "ann (1000)") {
		t.Errorf("a person: %+v", c)
	}
	ex := s.explain(b, perl)
	if ex.Row.Effect != patch.EffectUndone || ex.Answer.Gate(gate.Undone).State != gate.Closed || !strings.Contains(ex.Answer.Gate(gate.Undone).Text.String(), "apt install") {
		t.Errorf("undone: %s, %+v", ex.Row.Effect, ex.Answer.Gate(gate.Undone))
	}
	if !ex.Answer.Deployable {
		t.Errorf("it cannot be deployed again: %s", ex.Answer.Sentence)
	}
}

func TestNotEffective(t *testing.T) {
	s, b := ready(t, perl)
	s.roll()
	o, _ := b.order()
	s.later(time.Second)
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	b.report(o, o.Items[0], patch.ExecDone, "") // its installer lied
	if a := s.explain(b, perl).Answer; a.Closed == nil || a.Closed.Code != gate.CodeAwaiting {
		t.Errorf("before the detect: %+v", a.Closed)
	}
	b.detectFor(o.ID)
	ex := s.explain(b, perl)
	if ex.Row.Effect != patch.EffectNotEffective || ex.Answer.Gate(gate.Verified).Code != gate.CodeNotEffective {
		t.Errorf("%s: %s", ex.Row.Effect, ex.Answer.Sentence)
	}
}

// A detect from before an install does not judge it, although the machine's clock was ahead when it was made; what the next one changes is Fettle's doing.
func TestAClockThatIsAheadJudgesNothing(t *testing.T) {
	s, b := ready(t, perl)
	b.ahead = 5 * time.Minute
	b.detect()
	s.roll()
	s.later(20 * time.Second)
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	b.set("perl-base=5.36.0-7+deb12u4")
	b.set("perl-extra=5.36.0-7+deb12u4")
	s.later(20 * time.Second)
	b.report(o, o.Items[0], patch.ExecDone, "")
	ex := s.explain(b, perl)
	if ex.Row.Effect != patch.EffectNone || ex.Attempts[0].VerifiedSeq != 0 || ex.Answer.Closed == nil || ex.Answer.Closed.Code != gate.CodeAwaiting {
		t.Errorf("before the detect: %q by snapshot %d, %+v", ex.Row.Effect, ex.Attempts[0].VerifiedSeq, ex.Answer.Closed)
	}
	b.detect() // not the one that closes the order
	if ex := s.explain(b, perl); ex.Row.Effect != patch.EffectVerified || ex.Answer.Standing != "patched" {
		t.Errorf("after it: %q, %s", ex.Row.Effect, ex.Answer.Sentence)
	}
	if c := s.last(b, perl); c.Cause != patch.ByFettle {
		t.Errorf("who did it: %+v", c)
	}
}

// The snapshot may arrive before the results that it proves.
func TestResultsAfterTheSnapshot(t *testing.T) {
	s, b := ready(t, perl)
	s.roll()
	o, _ := b.order()
	b.set("perl-base=5.36.0-7+deb12u4")
	b.set("perl-extra=5.36.0-7+deb12u4")
	done := s.now
	s.later(time.Minute)
	b.detectFor(o.ID)
	if c := s.last(b, perl); c.Cause != patch.ByFettle {
		t.Errorf("the detect that closes our order says: %+v", c)
	}
	_, err := s.deploy.Accept(t.Context(), b.id, wire.Results{Results: []wire.Result{{Seq: 1, Order: o.ID, Attempt: o.Items[0].Attempt, At: done, State: patch.ExecDone}}})
	s.must(err)
	if ex := s.explain(b, perl); ex.Row.Effect != patch.EffectVerified || ex.Attempts[0].VerifiedSeq != 2 {
		t.Errorf("%q by snapshot %d", ex.Row.Effect, ex.Attempts[0].VerifiedSeq)
	}
}

func TestFleetIsHonest(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	clean := s.enrol("clean", bookworm, "bash=5.2.15-2")
	old := s.enrol("old", bookworm, "bash=5.2.15-2")
	s.enrol("never", bookworm, "bash=5.2.15-2")
	broken := s.enrol("broken", bookworm, "bash=5.2.15-2")
	old.detect()
	s.later(73 * time.Hour)
	clean.detect()
	broken.detect()
	s.later(time.Minute)
	s.must(s.store.PutDetectFailed(t.Context(), broken.id, s.now, "the package database is garbled"))
	f, err := s.ledger.Status(t.Context())
	s.must(err)
	if f.Machines != 4 || f.Confirmed != 1 || f.Fresh != 1 || f.Stale != 1 || f.Never != 1 || f.Failed != 1 {
		t.Errorf("%+v", f)
	}
	if f.Rows[patch.Unknown] != 6 || f.Rows.Total() != 24 {
		t.Errorf("rows %v: the machine that never detected is not in the denominator", f.Rows)
	}
	if f.Sentence.String() != "4 machines: 1 confirmed patched, 1 not detected for too long, 1 whose detect failed, 1 never detected." {
		t.Error(f.Sentence)
	}
	rows, err := s.ledger.Machines(t.Context(), patch.MachineFilter{})
	s.must(err)
	got := map[string]ledger.Freshness{}
	for _, r := range rows {
		got[r.Name] = r.Freshness
	}
	if got["clean"] != ledger.Fresh || got["old"] != ledger.Stale || got["never"] != ledger.Never || got["broken"] != ledger.Failed {
		t.Errorf("%v", got)
	}
	for _, c := range []struct {
		q    ledger.MachineQuestion
		want string
	}{
		{ledger.MachineQuestion{Show: "confirmed"}, "clean"}, {ledger.MachineQuestion{Show: "stale"}, "old"}, {ledger.MachineQuestion{Show: "never"}, "never"},
		{ledger.MachineQuestion{Show: "failed"}, "broken"}, {ledger.MachineQuestion{Show: "pending"}, ""}, {ledger.MachineQuestion{Show: "stuck"}, "broken never old"},
		{ledger.MachineQuestion{Text: "E"}, "broken clean never"}, {ledger.MachineQuestion{Text: "E", Sort: "-name"}, "never clean broken"},
		{ledger.MachineQuestion{Show: "stuck", Sort: "detect"}, "never old broken"},
	} {
		some, n, err := s.ledger.ListMachines(t.Context(), c.q, 0, 0)
		s.must(err)
		var names []string
		for _, r := range some {
			names = append(names, r.Name)
		}
		if strings.Join(names, " ") != c.want || n != len(names) {
			t.Errorf("%+v gives %d: %v, not %s", c.q, n, names, c.want)
		}
	}
	if some, n, err := s.ledger.ListMachines(t.Context(), ledger.MachineQuestion{Sort: "-name"}, 1, 2); err != nil || n != 4 || len(some) != 2 || some[0].Name != "never" {
		t.Errorf("%v, %d of %d", err, len(some), n)
	}
	for _, q := range []ledger.MachineQuestion{{Show: "green"}, {Sort: "colour"}} {
		if _, _, err := s.ledger.ListMachines(t.Context(), q, 0, 0); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%+v: %v", q, err)
		}
	}
	// A new list makes everything that was judged by the old one wait for the next detect.
	s.publish(bookworm, append(story(), src{"bookworm", "zsh", "5.9-4", []string{"zsh"}})...)
	if f, err = s.ledger.Status(t.Context()); err != nil || f.Confirmed != 0 || f.Behind != 1 {
		t.Errorf("%v %+v", err, f)
	}
	together, err := s.ledger.ExplainLabel(t.Context(), "all", bash)
	s.must(err)
	n := 0
	for _, g := range together.Groups {
		n += g.Count
	}
	if n != 4 || together.Total != 4 {
		t.Errorf("%d of %d machines are in a group: %s", n, together.Total, together.Sentence)
	}
	counts, total, err := s.ledger.PatchCounts(t.Context(), bookworm, ledger.RowFilter{Closed: true})
	s.must(err)
	for _, c := range counts {
		if c.Verdicts.Total() != 4 {
			t.Errorf("%s counts %v", c.Patch.ID, c.Verdicts)
		}
	}
	if total != 7 {
		t.Errorf("%d patches", total)
	}
}

// A stored verdict that its own facts do not support is not believed.
func TestMismatchRaisesAnAlarm(t *testing.T) {
	s, b := ready(t, perl)
	lie := b.snapshot("")
	i, _ := s.cat.newest[bookworm].Index(perl)
	lie.Verdicts.Set(i, patch.Patched)
	_, err := s.ledger.Accept(t.Context(), lie)
	s.must(err)
	ex := s.explain(b, perl)
	if ex.Proof.Outcome != ledger.Disagrees || !strings.Contains(ex.Answer.Sentence.String(), "Do not rely on this") {
		t.Errorf("%+v: %s", ex.Proof, ex.Answer.Sentence)
	}
	alarms, err := s.store.ListAlarms(t.Context(), true)
	if err != nil || len(alarms) != 1 || alarms[0].Kind != "mismatch" {
		t.Fatalf("%v %+v", err, alarms)
	}
	b.detect()
	if p := s.explain(b, perl).Proof; p.Outcome != ledger.Reproduced {
		t.Errorf("%+v", p)
	}
	if alarms, err = s.store.ListAlarms(t.Context(), true); err != nil || len(alarms) != 0 {
		t.Errorf("%v: the alarm stays: %+v", err, alarms)
	}
}

func TestResolve(t *testing.T) {
	s, b := ready(t)
	s.enrol("web-10", bookworm)
	s.enrol("db-1", bookworm)
	for text, want := range map[string]patch.MachineID{"web-1": b.id, "id-web-1": b.id, "db": "id-db-1", "DB-1": "id-db-1", "web-10": "id-web-10"} {
		if m, err := s.ledger.Resolve(t.Context(), text); err != nil || m.ID != want {
			t.Errorf("%s: %v %s", text, err, m.ID)
		}
	}
	if _, err := s.ledger.Resolve(t.Context(), "we"); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "web-1 (id-web-1), web-10 (id-web-10)") {
		t.Errorf("%v", err)
	}
	if _, err := s.ledger.Resolve(t.Context(), "nobody"); patch.KindOf(err) != patch.NotFound {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]patch.ID{string(perl): perl, "perl": perl, "perl/5.36.0-7+deb12u3": oldPerl, "perl 5.36.0-7+deb12u3": oldPerl, "bookworm-security/curl": curl,
		"ngin": nginx, "openssl": openssl} {
		if p, err := s.ledger.ResolvePatch(t.Context(), text, bookworm); err != nil || p.ID != want {
			t.Errorf("%s: %v %s", text, err, p.ID)
		}
	}
	s.publish(bookworm, append(story(), src{"bookworm-security", "curlew", "1-1", []string{"curlew"}})...)
	if p, err := s.ledger.ResolvePatch(t.Context(), "bookworm-security/curl", bookworm); err != nil || p.ID != curl {
		t.Errorf("beside one whose name begins so: %v %s", err, p.ID)
	}
	if _, err := s.ledger.ResolvePatch(t.Context(), "bookworm-security", ""); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), string(curl)) {
		t.Errorf("%v", err)
	}
	if _, err := s.ledger.ResolvePatch(t.Context(), "solitaire", ""); patch.KindOf(err) != patch.NotFound {
		t.Errorf("%v", err)
	}
}

func TestRowsFilterAndPage(t *testing.T) {
	s, b := ready(t, perl, nginx)
	for name, c := range map[string]struct {
		f    ledger.RowFilter
		want int
	}{
		"needed":      {ledger.RowFilter{Verdicts: []patch.Verdict{patch.NotPatched}}, 4},
		"approved":    {ledger.RowFilter{Stands: []patch.Stand{patch.Approved}}, 2},
		"deployable":  {ledger.RowFilter{Deployable: true}, 1},
		"security":    {ledger.RowFilter{Category: patch.Security}, 4},
		"by text":     {ledger.RowFilter{Text: "PERL deb12u4"}, 1},
		"by gate":     {ledger.RowFilter{Gate: gate.Policy}, 2},
		"by code":     {ledger.RowFilter{Code: gate.CodePatched}, 1},
		"second page": {ledger.RowFilter{Limit: 4, Offset: 4}, 2},
		"past it":     {ledger.RowFilter{Limit: 4, Offset: 40}, 0},
	} {
		rows, _, err := s.ledger.Rows(t.Context(), b.id, c.f)
		if err != nil || len(rows) != c.want {
			t.Errorf("%s: %v, %d rows", name, err, len(rows))
		}
	}
	_, sum, err := s.ledger.Rows(t.Context(), b.id, ledger.RowFilter{Limit: 1})
	s.must(err)
	if sum.Matching != 6 || sum.ApprovedNotNeeded != 1 || sum.Sentence.String() != "6 patches of debian-12-amd64: 4 needed (3 security), 3 of them undecided, 1 ready to deploy, 1 patched, 1 not applicable." {
		t.Errorf("%+v", sum)
	}
	rows, sum, err := s.ledger.PatchRows(t.Context(), perl, ledger.RowFilter{})
	if err != nil || len(rows) != 1 || sum.Sentence.String() != "perl 5.36.0-7+deb12u4 on 1 machine: 0 patched, 1 needs it, 1 ready to deploy." {
		t.Errorf("%v %s", err, sum.Sentence)
	}
}

// Words narrow a machine's rows to those that speak of them, whether they were made for it or not, and every count stays what it is without them.
func TestWordsNarrowAllRowsAlike(t *testing.T) {
	s, b := ready(t)
	all, whole, err := s.ledger.Rows(t.Context(), b.id, ledger.RowFilter{})
	s.must(err)
	plain := 0
	for _, r := range all {
		if r.Verdict == patch.NotApplicable && r.Policy.Stand == patch.Undecided {
			plain++
		}
	}
	if plain == 0 || plain == len(all) {
		t.Fatalf("%d of %d rows are plain", plain, len(all))
	}
	texts := []string{b.name, strings.ToUpper(b.name) + " perl", "deb12", "DEB12 nginx", "nowhere"}
	for _, r := range all {
		texts = append(texts, string(r.Patch.ID), r.Patch.Title)
	}
	for _, text := range texts {
		rows, sum, err := s.ledger.Rows(t.Context(), b.id, ledger.RowFilter{Text: text})
		s.must(err)
		want := slices.DeleteFunc(slices.Clone(all), func(r ledger.Row) bool {
			says := strings.ToLower(string(r.Patch.ID) + " " + r.Patch.Title + " " + strings.Join(r.Patch.CVEs, " ") + " " + r.MachineName)
			return slices.ContainsFunc(strings.Fields(strings.ToLower(text)), func(w string) bool { return !strings.Contains(says, w) })
		})
		if d := cmp.Diff(want, rows, cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%q:\n%s", text, d)
		}
		if sum.Matching != len(want) {
			t.Errorf("%q matches %d of %d", text, sum.Matching, len(want))
		}
		if sum.Matching = whole.Matching; !cmp.Equal(sum, whole) {
			t.Errorf("%q changes the counts: %+v, not %+v", text, sum, whole)
		}
	}
}

// What was installed while the appliance's clock was ahead is judged by the next detect after it was put right, and not only when that time has come.
func TestWhatEndedAtATimeToComeIsJudged(t *testing.T) {
	s, b := ready(t, perl)
	s.roll()
	s.later(time.Minute)
	o, _ := b.order()
	right := s.now
	s.later(60 * 24 * time.Hour)
	b.set("perl-base=5.36.0-7+deb12u4")
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	b.report(o, o.Items[0], patch.ExecDone, "")
	s.now = right.Add(time.Hour)
	if ex := s.explain(b, perl); ex.Answer.Closed == nil || ex.Answer.Closed.Code != gate.CodeAwaiting {
		t.Errorf("before the detect: %+v", ex.Answer.Closed)
	}
	b.detect() // not the one that closes the order
	if ex := s.explain(b, perl); ex.Row.Effect != patch.EffectVerified || ex.Answer.Standing != "patched" || ex.Attempts[0].VerifiedSeq == 0 {
		t.Errorf("after it: %q, %s", ex.Row.Effect, ex.Answer.Sentence)
	}
	if c := s.last(b, perl); c.Cause != patch.ByFettle {
		t.Errorf("%+v", c)
	}
}
