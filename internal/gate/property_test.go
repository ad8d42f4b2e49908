package gate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

// anyWorld draws worlds around the good one, so that deployable ones are not rare.
func anyWorld(t *rapid.T) World {
	w := good()
	odd := func(name string) bool {
		return rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}).Draw(t, name) == 1
	}
	ago := func(name string) time.Time {
		hours := rapid.SampledFrom([]int{0, 1, 2, 3, 5, 23, 24, 25, 72, 73}).Draw(t, name)
		return now.Add(-time.Duration(hours) * time.Hour)
	}
	w.Machine.State = rapid.SampledFrom([]patch.MachineState{patch.Admitted, patch.Admitted, patch.Admitted, patch.Admitted, patch.Admitted, patch.Pending, patch.Revoked, "odd"}).Draw(t, "state")
	w.Machine.SeenAt = ago("seen")
	w.Verdict = rapid.SampledFrom([]patch.Verdict{patch.NotPatched, patch.NotPatched, patch.NotPatched, patch.NotPatched, patch.NotPatched, patch.Patched, patch.NotApplicable, patch.Faulty, patch.Unknown, 9}).Draw(t, "verdict")
	w.Finding.Verdict, w.Finding.Reason = w.Verdict, patch.Reason{}
	w.Receipt.Ended = ago("ended")
	w.Receipt.Started = w.Receipt.Ended.Add(-time.Second)
	w.Receipt.Received = w.Receipt.Ended
	if odd("revision") {
		w.Receipt.Revision = "r1"
	}
	if odd("partial") {
		w.Receipt.Evaluated--
	}
	if odd("os") {
		w.Receipt.OS = "debian-11-amd64"
	}
	if odd("none") {
		w.Receipt = nil
	}
	if odd("failed detect") {
		w.Machine.DetectFailed, w.Machine.DetectFailedAt = "garbled", ago("failed at")
	}
	if odd("feeds") {
		w.Feeds = nil
	}
	if odd("unlisted") {
		w.Listed = false
	}
	if odd("uncatalogued") {
		w.Revision, w.Listed = nil, false
	}
	w.Policy = PolicyOf(anyLabels(t), anyDecisions(t), now)
	if odd("superseded") {
		w.Superseding = []Superseder{{Patch: "y", Deployable: rapid.Bool().Draw(t, "deployable")}}
	}
	if odd("window") {
		w.Window.NotBefore = now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "from")) * time.Hour)
		w.Window.NotAfter = w.Window.NotBefore.Add(time.Hour)
	}
	if odd("freeze") {
		from := now.Add(time.Duration(rapid.IntRange(-3, 3).Draw(t, "frozen from")) * time.Hour)
		w.Freezes = []patch.Blackout{{Name: "year-end", From: from, Until: from.Add(time.Duration(rapid.IntRange(1, 3).Draw(t, "frozen for")) * time.Hour)}}
	}
	if odd("rings") {
		w.Rings = ringsBefore(rapid.Bool().Draw(t, "passed"), rapid.IntRange(0, 9).Draw(t, "unproven"))
	}
	if odd("quarantine") {
		w.Rings, w.Quarantine = ringsBefore(true, 0), &patch.RingProgress{Ring: "canary", Failed: 3, HaltedAt: now}
	}
	if odd("turn") {
		w.Turn = now.Add(time.Minute)
	}
	if odd("facts") {
		w.PayloadsKnown = false
	}
	w.Payloads[0].State = rapid.SampledFrom([]patch.PayloadState{patch.PayloadReady, patch.PayloadReady, patch.PayloadReady, patch.PayloadReady, patch.PayloadWanted, patch.PayloadFailed, ""}).Draw(t, "payload")
	w.Attempts = anyAttempts(t)
	return w
}

func anyLabels(t *rapid.T) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"web", "db", "canary"}), 0, 3, rapid.ID[string]).Draw(t, "labels")
}

func anyDecisions(t *rapid.T) []patch.Decision {
	n := rapid.IntRange(0, 5).Draw(t, "decisions")
	var out []patch.Decision
	for i := range n {
		d := decide(rapid.SampledFrom([]patch.Verb{patch.Approve, patch.Approve, patch.Approve, patch.Decline, patch.Hold, patch.Clear}).Draw(t, "verb"),
			rapid.SampledFrom([]string{"all", "web", "db"}).Draw(t, "label"), now.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "until"))*time.Hour))
		d.By = rapid.SampledFrom([]string{"m.keller", "m.keller", "rule canary v2"}).Draw(t, "by")
		d.ID, d.At = fmt.Sprint("d", i), now.Add(-time.Duration(rapid.IntRange(0, 100).Draw(t, "at"))*time.Hour)
		out = append(out, d)
	}
	return out
}

func anyAttempts(t *rapid.T) []patch.Attempt {
	n := rapid.SampledFrom([]int{0, 0, 0, 0, 1, 2, 4, 6}).Draw(t, "attempts")
	out := make([]patch.Attempt, n)
	for i := range out {
		ago := time.Duration(rapid.SampledFrom([]int{10, 30, 70, 130, 600, 1500, 6000}).Draw(t, "minutes ago")) * time.Minute
		a := failed(rapid.SampledFrom([]patch.FailCause{patch.FailPatch, patch.FailLock, patch.FailDrift, patch.FailDependency, patch.FailUntrusted, patch.FailPolicy, patch.FailBlocker, patch.FailRoom}).Draw(t, "cause"), ago)
		a.State = rapid.SampledFrom([]patch.Execution{patch.ExecFailed, patch.ExecFailed, patch.ExecDone, patch.ExecDone, patch.ExecDone, patch.ExecWithdrawn, patch.ExecInstalling}).Draw(t, "exec")
		if a.State == patch.ExecDone {
			a.Cause = ""
			a.Effect = rapid.SampledFrom([]patch.Effect{patch.EffectNone, patch.EffectVerified, patch.EffectUndone, patch.EffectUndone, patch.EffectNotEffective}).Draw(t, "effect")
		}
		out[i] = a
	}
	slices.SortStableFunc(out, func(a, b patch.Attempt) int { return a.EndedAt.Compare(b.EndedAt) })
	for i := range out {
		out[i].ID, out[i].Number = fmt.Sprint("a", i), i+1
	}
	return out
}

// approvedAt is when the newest approval that covers the machine was given, and when a person gave the newest one.
func approvedAt(w World) (newest, byPerson time.Time) {
	for _, d := range w.Policy.Decisions {
		if d.Verb == patch.Approve && d.At.After(newest) {
			newest = d.At
		}
		if d.Verb == patch.Approve && d.By == "m.keller" && d.At.After(byPerson) {
			byPerson = d.At
		}
	}
	return newest, byPerson
}

// tryLeft is the oracle of attempts and of suspects, by the plainest reading of what was tried.
func tryLeft(w World) bool {
	newest, byPerson := approvedAt(w)
	failures, gone := 0, 0
	var last *patch.Attempt
	for i, a := range w.Attempts {
		bad := a.State == patch.ExecFailed && a.Cause == patch.FailPatch || a.State == patch.ExecDone && a.Effect == patch.EffectNotEffective
		worked := a.State == patch.ExecDone && (a.Effect == patch.EffectVerified || a.Effect == patch.EffectUndone)
		if !a.CreatedAt.Before(newest) && worked {
			failures = 0
		} else if !a.CreatedAt.Before(newest) && bad {
			failures++
		}
		if a.State == patch.ExecDone && (a.Effect == patch.EffectUndone || a.Effect == patch.EffectNotEffective) && !a.CreatedAt.Before(byPerson) {
			gone++
		}
		if a.State == patch.ExecDone || a.State == patch.ExecFailed {
			last = &w.Attempts[i]
		}
	}
	if failures >= 3 || gone >= 3 {
		return false
	}
	if last == nil {
		return true
	}
	judged := w.Receipt != nil && !w.Receipt.Begun().Before(last.EndedAt)
	recent := now.Sub(last.EndedAt) < time.Hour
	switch {
	case last.State == patch.ExecDone, last.Cause == patch.FailDrift:
		return judged
	case last.Cause == patch.FailDependency:
		return !recent || newest.After(last.EndedAt) || judged
	case last.Cause == patch.FailPolicy:
		return !recent || judged
	case last.Cause == patch.FailUntrusted:
		return !recent
	case last.Cause == patch.FailRoom && last.CreatedAt.Before(newest):
	case last.Cause == patch.FailBlocker, last.Cause == patch.FailRoom:
		return now.Sub(last.EndedAt) >= 15*time.Minute
	}
	return true
}

// oracle says the same as Walk in the plainest way: what must all hold.
func oracle(w World) bool {
	approved, refused := false, false
	for _, d := range w.Policy.Decisions {
		approved = approved || d.Verb == patch.Approve
		refused = refused || d.Verb != patch.Approve
	}
	ready := w.PayloadsKnown
	for _, p := range w.Payloads {
		ready = ready && p.State == patch.PayloadReady
	}
	for _, s := range w.Superseding {
		ready = ready && !s.Deployable
	}
	for _, a := range w.Attempts {
		ready = ready && a.State.Ended()
	}
	ready = ready && tryLeft(w)
	ready = ready && w.Quarantine == nil && !w.Turn.After(now)
	for _, r := range w.Rings {
		ready = ready && (r.Own && r.Load.Unproven < 5 || !r.Own && !r.Progress.PassedAt.IsZero())
	}
	for _, b := range w.Freezes {
		ready = ready && (now.Before(b.From) || !now.Before(b.Until))
	}
	r := w.Receipt
	return ready && approved && !refused && w.Policy.Stand == patch.Approved &&
		len(w.Feeds) > 0 && w.Listed && r != nil && r.Expected == r.Evaluated && r.OS == w.OS && r.Revision == w.Revision.ID &&
		now.Sub(r.Ended) <= 72*time.Hour && (w.Machine.DetectFailed == "" || !w.Machine.DetectFailedAt.After(r.Ended)) &&
		w.Verdict == patch.NotPatched && w.Machine.State == patch.Admitted && now.Sub(w.Machine.SeenAt) <= 24*time.Hour &&
		!now.Before(w.Window.NotBefore) && (w.Window.NotAfter.IsZero() || now.Before(w.Window.NotAfter))
}

func TestWalkHoldsInAnyWorld(t *testing.T) {
	deployable := 0
	thousands(t, func(t *rapid.T) {
		w := anyWorld(t)
		a := Walk(w)
		if a.Deployable {
			deployable++
		}
		checkShape(t, a)
		sketched(t, w, a)
		if a.Deployable && !oracle(w) {
			t.Fatalf("deployable against the rules: %+v", w)
		}
		if !a.Deployable && oracle(w) {
			t.Fatalf("closed at %s/%s, and nothing is in the way", a.Closed.Name, a.Closed.Code)
		}
		if w.Verdict >= patch.Unknown || w.Receipt == nil {
			if a.Deployable || a.Standing == "patched" || a.Gate(Verified).State == Open && w.Verdict >= patch.Unknown && len(w.Attempts) == 0 {
				t.Fatalf("unknown counts as good: %+v", a)
			}
		}
	})
	t.Logf("%d worlds were deployable", deployable)
}

// sketched holds a world's outline to the whole answer.
func sketched(t *rapid.T, w World, a Answer) {
	if diff := cmp.Diff(a.Outline(), Sketch(&w)); diff != "" {
		t.Fatalf("the outline is another than the answer's (-answer +outline):\n%s", diff)
	}
}

// thousands has a property hold in as many worlds, whatever rapid's own number is.
func thousands(t *testing.T, holds func(*rapid.T)) {
	for range 40 {
		rapid.Check(t, holds)
	}
}

func checkShape(t *rapid.T, a Answer) {
	var firstClosed *Gate
	all := true
	for i := range a.Gates {
		g := &a.Gates[i]
		if g.Name.Decides() {
			all = all && g.State == Open
			if g.State != Open && firstClosed == nil {
				firstClosed = g
			}
			if firstClosed != nil && g.State == Open {
				t.Fatalf("gate %s is open after %s is closed", g.Name, firstClosed.Name)
			}
		}
		if g.Text == "" || g.Code == "" || g.Title == "" {
			t.Fatalf("gate %s says nothing: %+v", g.Name, g)
		}
		if g.State == Closed && g.Name.Decides() && g.Next == "" && g.Code != "unreached" && g.Code != CodeIncomplete {
			t.Fatalf("closed gate %s/%s does not say what comes next", g.Name, g.Code)
		}
	}
	if all != a.Deployable || a.Deployable != (a.Closed == nil) {
		t.Fatalf("deployable %v, all gates open %v, closed %v", a.Deployable, all, a.Closed)
	}
	if a.Closed != nil && (a.Closed.Name != firstClosed.Name || firstClosed.State != Closed) {
		t.Fatalf("closed is %s, the first one is %s (%s)", a.Closed.Name, firstClosed.Name, firstClosed.State)
	}
	if a.Sentence == "" || a.Next == "" || a.Standing == "" || len(a.Gates) != len(gates()) {
		t.Fatalf("an answer without words: %+v", a)
	}
}

func TestDeclinedBeatsApproved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels, decisions := anyLabels(t), anyDecisions(t)
		p := PolicyOf(labels, decisions, now)
		newestOf := map[string]patch.Decision{}
		for _, d := range decisions {
			if old, ok := newestOf[d.Label]; !ok || later(d, old) {
				newestOf[d.Label] = d
			}
		}
		declined, held, approved := false, false, false
		for l, d := range newestOf {
			mine := l == patch.LabelAll
			for _, x := range labels {
				mine = mine || x == l
			}
			declined = declined || mine && d.Verb == patch.Decline
			held = held || mine && d.Verb == patch.Hold && d.Until.After(now)
			approved = approved || mine && d.Verb == patch.Approve
		}
		want := patch.Undecided
		switch {
		case declined:
			want = patch.Declined
		case held:
			want = patch.HeldBack
		case approved:
			want = patch.Approved
		}
		if p.Stand != want {
			t.Fatalf("stand %s, want %s: %v %v", p.Stand, want, labels, decisions)
		}
		if p.Stand != patch.Undecided && len(p.Decisions) == 0 {
			t.Fatalf("stand %s without a decision", p.Stand)
		}
	})
}
