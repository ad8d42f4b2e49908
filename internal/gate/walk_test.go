package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

var now = time.Date(2026, 11, 24, 8, 40, 0, 0, time.UTC) // a Tuesday

const (
	theOS    patch.HostOS = "debian-12-amd64"
	thePatch patch.ID     = "bookworm-security/perl/5.36.0-7+deb12u4"
)

// good is a world in which every gate up to Attempts is open.
func good() World {
	return World{
		Now: now, Limits: DefaultLimits(),
		Machine: patch.Machine{ID: "m1", Name: "web-14", State: patch.Admitted, OS: theOS, SeenAt: now.Add(-5 * time.Minute)},
		OS:      theOS, PatchOS: theOS,
		Patch:    patch.Patch{ID: thePatch, Title: "perl 5.36.0-7+deb12u4", Suite: "bookworm-security"},
		Feeds:    []FeedFact{{Name: "debian-bookworm", Suite: "bookworm", LastGood: now.Add(-time.Hour)}, {Name: "debian-security", Suite: "bookworm-security", LastGood: now.Add(-time.Hour)}},
		Revision: &patch.RevisionMeta{ID: "r2", OS: theOS, Patches: 10, Built: now.Add(-3 * time.Hour)},
		Listed:   true,
		Receipt: &patch.Receipt{Machine: "m1", Seq: 7, OS: theOS, Revision: "r2", Started: now.Add(-2*time.Hour - time.Second),
			Ended: now.Add(-2 * time.Hour), Received: now.Add(-2 * time.Hour), Expected: 10, Evaluated: 10},
		Verdict: patch.NotPatched,
		Finding: patch.Finding{Verdict: patch.NotPatched, Reason: patch.Reason{Code: patch.ReasonOlder, Text: "perl-base 5.36.0-7+deb12u3 is older than 5.36.0-7+deb12u4"}},
		Policy:  PolicyOf([]string{"web"}, []patch.Decision{approve("web")}, now),

		PayloadsKnown: true,
		Payloads:      []PayloadFact{{Name: "perl-base", Size: 1_600_000, State: patch.PayloadReady}},
	}
}

func approve(label string) patch.Decision {
	return patch.Decision{ID: "d-" + label, Patch: thePatch, Label: label, Verb: patch.Approve, By: "m.keller", At: now.Add(-22 * time.Hour)}
}

func decide(verb patch.Verb, label string, until time.Time) patch.Decision {
	d := approve(label)
	d.ID, d.Verb, d.Until = string(verb)+"-"+label, verb, until
	return d
}

func TestEveryGateOpen(t *testing.T) {
	a := Walk(good())
	if !a.Deployable || a.Closed != nil || a.Standing != "deployable" {
		t.Fatalf("the good world is not deployable: %+v", a.Closed)
	}
	for _, g := range a.Gates {
		if g.Name.Decides() && g.State != Open {
			t.Errorf("gate %s is %s: %s", g.Name, g.State, g.Text)
		}
	}
	if want := `Approved for "web", and nothing stands in its way: the next deployment installs it.`; a.Sentence.String() != want {
		t.Errorf("sentence %q", a.Sentence)
	}
}

func failed(cause patch.FailCause, ago time.Duration) patch.Attempt {
	return patch.Attempt{ID: "a1", Deployment: "dep1", Machine: "m1", Patch: thePatch, Number: 1, State: patch.ExecFailed, Cause: cause, Text: "it said no",
		CreatedAt: now.Add(-ago - time.Minute), EndedAt: now.Add(-ago)}
}

func done(ago time.Duration, e patch.Effect, seq uint64) patch.Attempt {
	a := failed("", ago)
	a.State, a.Text, a.Effect, a.VerifiedSeq = patch.ExecDone, "", e, seq
	return a
}

func TestClosedGates(t *testing.T) {
	cases := []struct {
		name   string
		break_ func(*World)
		gate   Name
		code   string
		says   string // in the sentence
		actor  Actor
	}{
		{"no feed at all", func(w *World) { w.Feeds = nil }, Feed, CodeNoFeed, "no subscribed feed covers debian-12-amd64", Person},
		{"feed never good", func(w *World) { w.Feeds = []FeedFact{{Name: "f", Suite: "bookworm-security", Failing: "no route"}} }, Feed, CodeNeverSync, "f has not had a good run", Appliance},
		{"no catalog", func(w *World) { w.Revision, w.Listed = nil, false }, Catalog, CodeNoCatalog, "no catalog", Appliance},
		{"other OS", func(w *World) { w.Listed, w.PatchOS = false, "debian-13-amd64" }, List, CodeOtherOS, "it is a patch for debian-13-amd64", Nobody},
		{"upgraded", func(w *World) {
			w.Listed, w.Closing = false, "satisfied by upgrade: debian-11-amd64 → debian-12-amd64"
		}, List, CodeUpgraded, "satisfied by upgrade: debian-11", Nobody},
		{"left the list", func(w *World) { w.Listed, w.GoneAt = false, now.Add(-time.Hour) }, List, CodeLeftList, "left the list", Nobody},
		{"not listed", func(w *World) { w.Listed = false }, List, CodeNotListed, "does not carry it", Nobody},
		{"never detected", func(w *World) { w.Receipt, w.Verdict = nil, patch.Unknown }, Snapshot, CodeNever, "has never completed a detect", Agent},
		{"never detected, pending", func(w *World) { w.Receipt, w.Verdict, w.Machine.State = nil, patch.Unknown, patch.Pending }, Snapshot, CodeNever, "waits to be admitted", Person},
		{"never detected, failing", func(w *World) { w.Receipt, w.Verdict, w.Machine.DetectFailed = nil, patch.Unknown, "garbled status" }, Snapshot, CodeNever, "garbled status", Owner},
		{"incomplete", func(w *World) { w.Receipt.Evaluated = 9 }, Snapshot, CodeIncomplete, "9 of 10", Agent},
		{"never detected, no list", func(w *World) { w.Receipt, w.Verdict, w.Revision, w.Listed = nil, patch.Unknown, nil, false }, Catalog, CodeNoCatalog, "no catalog is published", Appliance},
		{"snapshot of another OS", func(w *World) { w.Receipt.OS = "debian-11-amd64" }, Snapshot, CodeOSMoved, "runs debian-12-amd64 now", Agent},
		{"detect failed since", func(w *World) {
			w.Machine.DetectFailed, w.Machine.DetectFailedAt = "garbled status", now.Add(-time.Minute)
		}, Snapshot, CodeDetectFailed, "garbled status", Owner},
		{"stale", func(w *World) { w.Receipt.Ended = now.Add(-73 * time.Hour) }, Snapshot, CodeStale, "3 days old", Agent},
		{"stale and patched", func(w *World) { w.Receipt.Ended, w.Verdict = now.Add(-73*time.Hour), patch.Patched }, Snapshot, CodeStale, "does not count as patched", Agent},
		{"not judged by the old list", func(w *World) { w.Receipt.Revision, w.Verdict = "r1", patch.Unknown }, Snapshot, CodeNotJudged, "older list that does not carry this patch", Agent},
		{"old list", func(w *World) { w.Receipt.Revision = "r1" }, Snapshot, CodeOldRevision, "r2 is published since", Agent},
		{"no verdict", func(w *World) { w.Verdict = patch.Unknown }, Snapshot, CodeIncomplete, "no verdict", Agent},
		{"not applicable", func(w *World) { notApp(w, patch.ReasonNotInstalled, "none of its packages is installed") }, Prerequisites, patch.ReasonNotInstalled, `Approved for "web", but none of its packages`, Nobody},
		{"not applicable without reason", func(w *World) { notApp(w, "", "") }, Prerequisites, CodeNotApplicable, "does not apply", Nobody},
		{"held on the machine", func(w *World) { notApp(w, patch.ReasonHeld, "") }, Prerequisites, CodeHeldOnMachine, "apt-mark hold", Owner},
		{"error", func(w *World) { w.Verdict, w.Finding.Reason.Text = patch.Faulty, "perl is half-installed" }, InstalledTest, CodeError, "perl is half-installed", Owner},
		{"patched", func(w *World) { w.Verdict = patch.Patched }, InstalledTest, CodePatched, "Patched: the detect of today 06:40 says so.", Nobody},
		{"superseded", func(w *World) {
			w.Superseding = []Superseder{{Patch: "x"}, {Patch: "y", Title: "perl 5.36.0-7+deb12u5", Deployable: true}}
		}, Superseded, CodeSuperseded, `Approved for "web", but superseded by perl 5.36.0-7+deb12u5`, Nobody},
		{"undecided", func(w *World) { w.Policy = PolicyOf([]string{"web"}, nil, now) }, Policy, CodeUndecided, "It is needed here, but nobody has decided about it.", Person},
		{"declined beats approved", func(w *World) {
			w.Policy = PolicyOf([]string{"web"}, []patch.Decision{approve("all"), decide(patch.Decline, "web", time.Time{})}, now)
		}, Policy, CodeDeclined, `Declined for "web" by m.keller yesterday 10:40.`, Person},
		{"declined elsewhere only", func(w *World) {
			w.Policy = PolicyOf([]string{"db"}, []patch.Decision{decide(patch.Decline, "web", time.Time{})}, now)
		}, Policy, CodeUndecided, "does not cover it", Person},
		{"not in the label", func(w *World) { w.Policy = PolicyOf(nil, []patch.Decision{approve("web")}, now) }, Label, CodeNotInLabel,
			`Approved for "web" by m.keller yesterday 10:40, but web-14 is not in "web".`, Person},
		{"held", func(w *World) {
			w.Policy = PolicyOf([]string{"web"}, []patch.Decision{approve("all"), decide(patch.Hold, "web", now.Add(24*time.Hour))}, now)
		}, Hold, CodeHeld, "until tomorrow 08:40", Time},
		{"held and never approved", func(w *World) {
			w.Policy = PolicyOf([]string{"web"}, []patch.Decision{decide(patch.Hold, "web", now.Add(24*time.Hour))}, now)
		}, Hold, CodeHeld, "nobody has approved it", Time},
		{"an earlier ring has not begun", func(w *World) { w.Rings = ringsBefore(false, 0) }, Ring, CodeRingWaits, "canary comes first: nothing of it is deployed there yet", Person},
		{"an earlier ring has not proven it", func(w *World) {
			w.Rings = ringsBefore(false, 0)
			w.Rings[0].Progress = patch.RingProgress{Proven: 1, Pending: 1, Waiting: 1, Need: 3}
		}, Ring, CodeRingWaits, "1 of 3 machines there have proven it, 3 are needed", Agent},
		{"an earlier ring is away", func(w *World) {
			w.Rings = ringsBefore(false, 0)
			w.Rings[0].Progress = patch.RingProgress{Away: 2, Need: 2}
		}, Ring, CodeRingWaits, "its 2 machines have not been seen lately", Agent},
		{"an earlier ring soaks", func(w *World) {
			w.Rings = ringsBefore(false, 0)
			w.Rings[0].Progress = patch.RingProgress{Proven: 3, Need: 3, EnoughAt: now.Add(-time.Hour)}
		}, Ring, CodeRingSoaks, "soaks until tomorrow 07:40", Time},
		{"halted", func(w *World) {
			w.Rings, w.Quarantine = ringsBefore(true, 0), &patch.RingProgress{Ring: "canary", Proven: 9, Failed: 3, HaltedAt: now}
		}, Ring, CodeRingHalted, "ring halted: 3 of 12 failed in canary", Person},
		{"halted by a person", func(w *World) {
			w.Rings, w.Quarantine = ringsBefore(true, 0), &patch.RingProgress{Ring: "canary", HaltedAt: now, By: "m.keller", Text: "The shop is slow."}
		}, Ring, CodeRingHalted, "m.keller halted it in canary: the shop is slow", Person},
		{"the ring is full", func(w *World) { w.Rings = ringsBefore(true, 5) }, Ring, CodeRingFull, "5 machines of early have it and have not proven it yet", Agent},
		{"the ring is busy", func(w *World) {
			w.Rings = ringsBefore(true, 0)
			w.Rings[1].AtOnce, w.Rings[1].Load.Busy = 3, 3
		}, Ring, CodeRingBusy, "3 machines of early install something, and 3 may at once", Agent},
		{"its turn in the window comes later", func(w *World) {
			w.Window, w.Turn = patch.Window{NotBefore: now.Add(-time.Hour)}, now.Add(20*time.Minute)
		}, Window, CodeTurn, "this machine's turn in it comes today 09:00", Time},
		{"in a blackout", func(w *World) {
			w.Freezes = []patch.Blackout{{Name: "year-end", From: now.Add(-time.Hour), Until: now.Add(13 * time.Hour), Owner: "m.keller", Reason: "Closing the books."}}
		}, Freeze, CodeFrozen, "blackout until today 21:40, by m.keller: closing the books", Time},
		{"window to come", func(w *World) { w.Window.NotBefore = now.Add(13 * time.Hour) }, Window, CodeNotYet, "opens today 21:40", Time},
		{"window over", func(w *World) { w.Window.NotAfter = now }, Window, CodeWindowOver, "ended today 08:40", Person},
		{"pending", func(w *World) { w.Machine.State = patch.Pending }, Machine, CodePending, "waits to be admitted", Person},
		{"revoked", func(w *World) { w.Machine.State = patch.Revoked }, Machine, CodeRevoked, "shut out", Person},
		{"never seen", func(w *World) { w.Machine.SeenAt = time.Time{} }, Machine, CodeSilent, "has not checked in", Owner},
		{"seen in a time to come", func(w *World) { w.Machine.SeenAt = now.AddDate(1, 0, 0) }, Machine, CodeSilent, "clock was ahead", Owner},
		{"silent", func(w *World) { w.Machine.SeenAt = now.Add(-49 * time.Hour) }, Machine, CodeSilent, "2 days ago", Owner},
		{"facts missing", func(w *World) { w.PayloadsKnown = false }, Payload, CodeNoFacts, "facts", Agent},
		{"no files", func(w *World) { w.Payloads = nil }, Payload, CodeNoFiles, "no file", Person},
		{"payload wanted", func(w *World) { w.Payloads = append(w.Payloads, PayloadFact{Name: "perl", Size: 500_000}) }, Payload, CodeFetching, "1 of 2 files (1.6 MB of 2.1 MB)", Appliance},
		{"payload failed", func(w *World) { w.Payloads[0].State, w.Payloads[0].Error = patch.PayloadFailed, "404" }, Payload, CodeFetchFail, "could not get perl-base: 404", Appliance},
		{"an OS without an installer", func(w *World) {
			w.OS, w.PatchOS, w.Receipt.OS = "alpine-3.20-x86_64", "alpine-3.20-x86_64", "alpine-3.20-x86_64"
		}, Preflight, CodeNoInstall, "cannot install there yet", Owner},
		{"a line of the owner's that is none", func(w *World) { w.Machine.Policy = "no-reboot,unknown" }, Preflight, CodeOwner, "has a line that is not understood", Owner},
		{"a line of the owner's that is none, by its number", func(w *World) { w.Machine.Policy = `no-reboot,unknown in /etc/fettle-agent/policy line 3: "no-deplyo"` }, Preflight, CodeOwner,
			`nothing is deployed there (/etc/fettle-agent/policy line 3: "no-deplyo")`, Owner},
		{"an owner's file that cannot be read", func(w *World) { w.Machine.Policy = "unreadable" }, Preflight, CodeOwner, "cannot be read", Owner},
		{"owner", func(w *World) { w.Machine.Policy = "detect-only" }, Preflight, CodeOwner, "does not allow deploys (detect-only)", Owner},
		{"locked now", func(w *World) { w.Machine.Busy = "locked by apt-get (pid 81)" }, Preflight, CodeLocked, "locked by apt-get (pid 81)", Agent},
		{"locked lately", func(w *World) { a := failed(patch.FailLock, time.Minute); w.Blocked = &a }, Preflight, CodeLocked, "it said no", Time},
		{"disk lately", func(w *World) { a := failed(patch.FailDisk, time.Minute); w.Blocked = &a }, Preflight, CodeDisk, "it said no", Owner},
		{"power lately", func(w *World) { a := failed(patch.FailPower, time.Minute); w.Blocked = &a }, Preflight, CodePower, "it said no", Owner},
		{"clock lately", func(w *World) { a := failed(patch.FailClock, time.Minute); w.Blocked = &a }, Preflight, CodeClock, "it said no", Owner},
		{"hook lately", func(w *World) { a := failed(patch.FailHook, time.Minute); w.Blocked = &a }, Preflight, CodeHook, "it said no", Owner},
		{"network lately", func(w *World) { a := failed(patch.FailNetwork, time.Minute); w.Blocked = &a }, Preflight, CodeNetwork, "it said no", Time},
		{"blocker lately", func(w *World) { w.Attempts = []patch.Attempt{failed(patch.FailBlocker, time.Minute)} }, Attempts, CodeBlocker, "it said no", Owner},
		{"room lately", func(w *World) { w.Attempts = []patch.Attempt{failed(patch.FailRoom, time.Minute)} }, Attempts, CodeRoom, "it said no", Owner},
		{"owner lately", func(w *World) { w.Attempts = []patch.Attempt{failed(patch.FailPolicy, time.Minute)} }, Attempts, CodeOwner, "it said no", Owner},
		{"under way", func(w *World) { w.Attempts = []patch.Attempt{{ID: "a", State: patch.ExecWaiting}} }, Attempts, CodeUnderWay, "order waits", Agent},
		{"awaiting detect", func(w *World) { w.Attempts = []patch.Attempt{done(time.Minute, "", 0)} }, Attempts, CodeAwaiting, "detect after it has not come", Agent},
		{"installed and gone three times", func(w *World) {
			w.Attempts = []patch.Attempt{done(9*time.Hour, patch.EffectUndone, 4), done(7*time.Hour, patch.EffectNotEffective, 5), done(5*time.Hour, patch.EffectUndone, 6)}
			w.Changed = &Change{Note: "unattended-upgrades: downgrade of perl"}
		}, Hold, CodeSuspect, "definition suspect: it was installed 3 times and each time it was missing afterwards", Person},
		{"gone three times, and only a rule has approved it since", func(w *World) {
			d := approve("web")
			d.By, d.At = "rule canary v2", now.Add(-time.Minute)
			w.Policy = PolicyOf([]string{"web"}, []patch.Decision{d}, now)
			u := done(5*time.Hour, patch.EffectUndone, 6)
			w.Attempts = []patch.Attempt{u, u, u}
		}, Hold, CodeSuspect, "definition suspect", Person},
		{"out of attempts", func(w *World) {
			w.Attempts = []patch.Attempt{failed(patch.FailPatch, 5*time.Hour), failed(patch.FailPatch, 4*time.Hour), failed(patch.FailPatch, 3*time.Hour)}
		}, Attempts, CodeOutOf, "3 of 3 attempts", Person},
		{"scripts that never end use attempts up", func(w *World) {
			w.Attempts = []patch.Attempt{failed(patch.FailTimeout, 5*time.Hour), failed(patch.FailPatch, 4*time.Hour), failed(patch.FailTimeout, 3*time.Hour)}
		}, Attempts, CodeOutOf, "3 of 3 attempts", Person},
		{"not effective uses attempts up", func(w *World) {
			w.Attempts = []patch.Attempt{failed(patch.FailPatch, 5*time.Hour), done(4*time.Hour, patch.EffectNotEffective, 5), done(3*time.Hour, patch.EffectNotEffective, 6)}
		}, Attempts, CodeOutOf, "3 of 3 attempts", Person},
		{"owner lately, and only the order's own detect since", func(w *World) {
			a := failed(patch.FailPolicy, 3*time.Minute)
			a.Order = "o1"
			w.Attempts, w.Receipt.Order = []patch.Attempt{a}, "o1"
			w.Receipt.Started, w.Receipt.Ended, w.Receipt.Received = now.Add(-time.Minute), now.Add(-time.Minute), now.Add(-time.Minute)
		}, Attempts, CodeOwner, "it said no", Owner},
		{"dependency, and approved before", func(w *World) {
			w.Attempts, w.Approved = []patch.Attempt{failed(patch.FailDependency, time.Minute)}, now.Add(-time.Hour)
		}, Attempts, CodeDependency, "it said no", Person},
		{"dependency", func(w *World) { w.Attempts = []patch.Attempt{failed(patch.FailDependency, time.Minute)} }, Attempts, CodeDependency, "it said no", Person},
		{"untrusted", func(w *World) { w.Attempts = []patch.Attempt{failed(patch.FailUntrusted, time.Minute)} }, Attempts, CodeUntrusted, "it said no", Person},
		{"drift", func(w *World) { w.Attempts = []patch.Attempt{failed(patch.FailDrift, time.Minute)} }, Attempts, CodeDrift, "it said no", Agent},
	}
	seen := map[Name]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := good()
			c.break_(&w)
			a := Walk(w)
			if a.Closed == nil {
				t.Fatalf("deployable; want %s/%s", c.gate, c.code)
			}
			if a.Closed.Name != c.gate || a.Closed.Code != c.code || a.Closed.Actor != c.actor {
				t.Errorf("closed %s/%s actor %q, want %s/%s actor %q (%s)", a.Closed.Name, a.Closed.Code, a.Closed.Actor, c.gate, c.code, c.actor, a.Closed.Text)
			}
			if !strings.Contains(a.Sentence.String(), c.says) {
				t.Errorf("sentence %q does not say %q", a.Sentence, c.says)
			}
			if a.Deployable || a.Next == "" {
				t.Errorf("deployable %v, next %q", a.Deployable, a.Next)
			}
		})
		seen[c.gate] = true
	}
	w := good()
	for _, judge := range gates() {
		if n := judge(&w).Name; n.Decides() && !seen[n] {
			t.Errorf("no case closes gate %s", n)
		}
	}
}

func notApp(w *World, code, text string) {
	w.Verdict, w.Finding = patch.NotApplicable, patch.Finding{Verdict: patch.NotApplicable, Reason: patch.Reason{Code: code, Text: phrase.Verbatim(text)}}
}

// What used to close a gate and must not any more.
func TestGatesOpenAgain(t *testing.T) {
	for name, mend := range map[string]func(*World){
		"hold has ended": func(w *World) {
			w.Policy = PolicyOf([]string{"web"}, []patch.Decision{approve("all"), decide(patch.Hold, "web", now)}, now)
		},
		"planned inside the window": func(w *World) { w.Window.NotBefore = now.Add(time.Hour); w.Start = w.Window.NotBefore },
		"lock long ago":             func(w *World) { a := failed(patch.FailLock, 16*time.Minute); w.Blocked = &a },
		"disk long ago":             func(w *World) { a := failed(patch.FailDisk, 61*time.Minute); w.Blocked = &a },
		"busy with its own work":    func(w *World) { w.Machine.Busy = "detecting" },
		"own attempt":               func(w *World) { w.Attempts, w.Own = []patch.Attempt{{ID: "a", State: patch.ExecWaiting}}, "a" },
		"withdrawn attempts": func(w *World) {
			a := failed("", 0)
			a.State = patch.ExecWithdrawn
			w.Attempts = []patch.Attempt{a, a, a, a}
		},
		"machine's own failures": func(w *World) {
			for _, c := range []patch.FailCause{patch.FailLock, patch.FailNetwork, patch.FailDisk, patch.FailPower, patch.FailClock, patch.FailWindow, patch.FailInterrupted} {
				w.Attempts = append(w.Attempts, failed(c, 5*time.Hour))
			}
		},
		"owner allows the rest": func(w *World) { w.Machine.Policy = "no-reboot" },
		"owner keeps others":    func(w *World) { w.Machine.Policy = "no-takeover,not-while backup perl*,no-reboot" },
		"gone three times, and a person approved it since": func(w *World) {
			u := done(23*time.Hour, patch.EffectUndone, 6)
			w.Attempts = []patch.Attempt{u, u, u}
		},
		"gone twice": func(w *World) {
			u := done(5*time.Hour, patch.EffectUndone, 6)
			w.Attempts = []patch.Attempt{u, u, done(4*time.Hour, patch.EffectVerified, 7)}
		},
		"two failures":   func(w *World) { a := failed(patch.FailPatch, 5*time.Hour); w.Attempts = []patch.Attempt{a, a} },
		"approved again": func(w *World) { a := failed(patch.FailPatch, 23*time.Hour); w.Attempts = []patch.Attempt{a, a, a} },
		"worked in between": func(w *World) {
			a := failed(patch.FailPatch, 5*time.Hour)
			w.Attempts = []patch.Attempt{a, a, done(4*time.Hour, patch.EffectUndone, 6), a}
		},
		"what it needs is approved since": func(w *World) {
			w.Attempts, w.Approved = []patch.Attempt{failed(patch.FailDependency, time.Minute)}, now.Add(-time.Second)
		},
		"what it needs came by itself": func(w *World) {
			w.Attempts = []patch.Attempt{failed(patch.FailDependency, 3*time.Minute)}
			w.Receipt.Started, w.Receipt.Ended, w.Receipt.Received = now.Add(-time.Minute), now.Add(-time.Minute), now.Add(-time.Minute)
		},
		"hold on the machine is gone": func(w *World) {
			w.Attempts = []patch.Attempt{failed(patch.FailPolicy, 3*time.Minute)}
			w.Receipt.Started, w.Receipt.Ended, w.Receipt.Received = now.Add(-time.Minute), now.Add(-time.Minute), now.Add(-time.Minute)
		},
		"drift, and detected since": func(w *World) { w.Attempts = []patch.Attempt{failed(patch.FailDrift, 3*time.Hour)} },
		"detect failed before":      func(w *World) { w.Machine.DetectFailed, w.Machine.DetectFailedAt = "x", now.Add(-3*time.Hour) },
		"superseder not deployable": func(w *World) { w.Superseding = []Superseder{{Patch: "x"}} },
		"feed failing, last good":   func(w *World) { w.Feeds[1].Failing = "404" },
		"approved for all":          func(w *World) { w.Policy = PolicyOf(nil, []patch.Decision{approve(patch.LabelAll)}, now) },
		"decline cleared": func(w *World) {
			c := decide(patch.Clear, "web", time.Time{})
			c.At = now
			w.Policy = PolicyOf([]string{"web"}, []patch.Decision{approve("all"), decide(patch.Decline, "web", time.Time{}), c}, now)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := good()
			mend(&w)
			if a := Walk(w); !a.Deployable {
				t.Errorf("closed %s/%s: %s", a.Closed.Name, a.Closed.Code, a.Closed.Text)
			}
		})
	}
}

func TestOutcome(t *testing.T) {
	cases := []struct {
		name                                string
		make                                func(*World)
		installed, reboot, verified, undone State
		standing                            string
	}{
		{"nothing happened", func(*World) {}, Unreached, Unreached, Unreached, Unreached, "deployable"},
		{"verified", func(w *World) {
			w.Verdict, w.Attempts = patch.Patched, []patch.Attempt{done(3*time.Hour, patch.EffectVerified, 7)}
		}, Open, Open, Open, Open, "patched"},
		{"patched by others", func(w *World) { w.Verdict = patch.Patched }, Unreached, Unreached, Open, Open, "patched"},
		{"reboot owed", func(w *World) {
			w.Verdict, w.Attempts = patch.Patched, []patch.Attempt{done(3*time.Hour, patch.EffectNeedsReboot, 7)}
			w.Machine.RebootOwed = true
		}, Open, Closed, Open, Open, "patched, reboot owed"},
		{"rebooted", func(w *World) {
			w.Verdict, w.Attempts = patch.Patched, []patch.Attempt{done(3*time.Hour, patch.EffectNeedsReboot, 7)}
		}, Open, Open, Open, Open, "patched"},
		{"failed", func(w *World) { w.Attempts = []patch.Attempt{failed(patch.FailPatch, 3*time.Hour)} }, Closed, Unreached, Unreached, Unreached, "deployable"},
		{"not effective", func(w *World) { w.Attempts = []patch.Attempt{done(3*time.Hour, patch.EffectNotEffective, 7)} }, Open, Open, Closed, Unreached, "deployable"},
		{"undone", func(w *World) {
			w.Attempts, w.Changed = []patch.Attempt{done(9*time.Hour, patch.EffectUndone, 5)}, &Change{At: now.Add(-2 * time.Hour), Seq: 7, Note: "apt install"}
		}, Open, Open, Open, Closed, "deployable"},
		{"stale is not verified", func(w *World) { w.Verdict, w.Receipt.Ended = patch.Patched, now.Add(-100*time.Hour) }, Unreached, Unreached, Unreached, Open, "not known"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := good()
			c.make(&w)
			a := Walk(w)
			got := [4]State{a.Gate(Installed).State, a.Gate(Reboot).State, a.Gate(Verified).State, a.Gate(Undone).State}
			if got != [4]State{c.installed, c.reboot, c.verified, c.undone} || a.Standing.String() != c.standing {
				t.Errorf("got %v, standing %q", got, a.Standing)
			}
		})
	}
}

func TestSentencesOfTheGates(t *testing.T) {
	w := good()
	w.Receipt.Expected, w.Receipt.Evaluated = 34589, 34589
	w.Receipt.Started, w.Receipt.Ended = now.Add(-39*time.Millisecond), now
	w.Receipt.Received = now
	if g := Walk(w).Gate(Snapshot); g.Text.String() != "34,589 of 34,589 patches judged, today 08:40 in 39 ms" {
		t.Errorf("%s: %q", g.State, g.Text)
	}

	var clauses []patch.Clause
	for _, name := range []string{"nginx", "nginx-common", "nginx-core"} {
		clauses = append(clauses, patch.Clause{Subject: name, Expected: "installed", Seen: "not installed"})
	}
	notApp(&w, patch.ReasonNotInstalled, "None of its 3 packages is installed: nginx, nginx-common and nginx-core.")
	w.Finding.Reason.Clauses = clauses
	a := Walk(w)
	if want := "none of its 3 packages is installed"; a.Closed.Text.String() != want || a.Sentence.String() != `Approved for "web", but `+want+"." {
		t.Errorf("the names are said twice: %q, %q", a.Closed.Text, a.Sentence)
	}

	w = good()
	w.Verdict, w.Attempts = patch.Patched, []patch.Attempt{done(3*time.Hour, patch.EffectVerified, 7)}
	a = Walk(w)
	if !a.Closed.Settled() || a.Actor != Nobody || strings.Contains(a.Next.String(), "nothing") {
		t.Errorf("a patch that is there: settled %v, actor %q, next %q", a.Closed.Settled(), a.Actor, a.Next)
	}
	w.Verdict, w.Attempts = patch.NotPatched, nil
	w.Policy = PolicyOf(nil, nil, now)
	if a = Walk(w); a.Closed.Settled() {
		t.Error("an undecided patch is settled")
	}
}

func TestNumber(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1234: "-1,234", -123: "-123", 1234567: "1,234,567"} {
		if got := Number(n); got != want {
			t.Errorf("Number(%d) = %s, not %s", n, got, want)
		}
	}
	if got := Count(1, "patch", "patches") + Count(2, "patch", "patches"); got != "1 patch2 patches" {
		t.Error(got)
	}
}

func TestAllClosedGatesShow(t *testing.T) {
	w := good()
	notApp(&w, patch.ReasonNotInstalled, "none of its packages is installed")
	w.Policy = PolicyOf(nil, nil, now)
	w.Machine.SeenAt = now.Add(-48 * time.Hour)
	a := Walk(w)
	var names []Name
	for _, g := range a.AlsoClosed() {
		names = append(names, g.Name)
	}
	if a.Closed.Name != Prerequisites || len(names) != 2 || names[0] != Policy || names[1] != Machine {
		t.Errorf("first %s, also %v", a.Closed.Name, names)
	}
	if g := a.Gate(Window); g.State != Unreached {
		t.Errorf("an open gate after a closed one is %s", g.State)
	}
}

func TestTaken(t *testing.T) {
	r := patch.Receipt{Ended: now.Add(time.Hour), Received: now}
	if !r.Taken().Equal(now) {
		t.Error("a clock that is ahead makes a snapshot younger than its arrival")
	}
	r.Ended = now.Add(-time.Hour)
	if !r.Taken().Equal(r.Ended) {
		t.Error("a snapshot that arrived late is as old as its end")
	}
	r = patch.Receipt{Started: now.Add(time.Hour - 3*time.Second), Ended: now.Add(time.Hour), Received: now}
	if !r.Begun().Equal(now.Add(-3 * time.Second)) {
		t.Errorf("by a clock that is an hour ahead, a detect of three seconds began %s before it arrived", now.Sub(r.Begun()))
	}
}
