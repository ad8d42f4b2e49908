package web

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// ready is a world in which a patch can be deployed.
func ready(now time.Time) gate.World {
	const os patch.HostOS = "debian-12-amd64"
	d := patch.Decision{ID: "d1", Label: "web", Verb: patch.Approve, By: "m.keller", At: now.Add(-22 * time.Hour)}
	return gate.World{
		Now: now, Limits: gate.DefaultLimits(), OS: os, PatchOS: os, Listed: true, Verdict: patch.NotPatched, PayloadsKnown: true,
		Machine:  patch.Machine{ID: "m1", Name: "web-14", State: patch.Admitted, OS: os, SeenAt: now.Add(-5 * time.Minute)},
		Patch:    patch.Patch{ID: "bookworm-security/perl/5.36", Title: "perl 5.36", Suite: "bookworm-security"},
		Feeds:    []gate.FeedFact{{Name: "debian-security", Suite: "bookworm-security", LastGood: now.Add(-time.Hour)}},
		Revision: &patch.RevisionMeta{ID: "r2", OS: os, Patches: 10, Built: now.Add(-3 * time.Hour)},
		Receipt: &patch.Receipt{Machine: "m1", Seq: 7, OS: os, Revision: "r2", Started: now.Add(-2*time.Hour - time.Second), Ended: now.Add(-2 * time.Hour),
			Received: now.Add(-2 * time.Hour), Expected: 10, Evaluated: 10},
		Policy:   gate.PolicyOf([]string{"web"}, []patch.Decision{d}, now),
		Payloads: []gate.PayloadFact{{Name: "perl-base", Size: 1_600_000, State: patch.PayloadReady}},
	}
}

// What the gates themselves say of the situations that people meet most is German on a German page: titles, texts, evidence, what comes next.
func TestGatesAreExplainedInGerman(t *testing.T) {
	for name, change := range map[string]func(*gate.World){
		"ready":          func(*gate.World) {},
		"patched":        func(w *gate.World) { w.Verdict = patch.Patched },
		"not applicable": func(w *gate.World) { w.Verdict = patch.NotApplicable },
		"undecided":      func(w *gate.World) { w.Policy = gate.PolicyOf(nil, nil, w.Now) },
		"declined": func(w *gate.World) {
			d := w.Policy.Decisions[0]
			d.ID, d.Verb, d.At = "d2", patch.Decline, w.Now.AddDate(0, -1, 0)
			w.Policy = gate.PolicyOf([]string{"web"}, []patch.Decision{d}, w.Now)
		},
		"held": func(w *gate.World) {
			d := w.Policy.Decisions[0]
			d.ID, d.Verb, d.Until = "d2", patch.Hold, w.Now.AddDate(0, 0, 3)
			w.Policy = gate.PolicyOf([]string{"web"}, []patch.Decision{d}, w.Now)
		},
		"outside the label": func(w *gate.World) { w.Policy = gate.PolicyOf(nil, w.Policy.Decisions, w.Now) },
		"stale":             func(w *gate.World) { w.Receipt.Ended = w.Now.Add(-100 * time.Hour) },
		"never detected":    func(w *gate.World) { w.Receipt, w.Verdict = nil, patch.Unknown },
		"old list":          func(w *gate.World) { w.Receipt.Revision = "r1" },
		"silent":            func(w *gate.World) { w.Machine.SeenAt = w.Now.Add(-49 * time.Hour) },
		"pending":           func(w *gate.World) { w.Machine.State = patch.Pending },
		"window to come":    func(w *gate.World) { w.Window.NotBefore = w.Now.Add(13 * time.Hour) },
		"blackout": func(w *gate.World) {
			w.Freezes = []patch.Blackout{{Name: "x", From: w.Now.Add(-time.Hour), Until: w.Now.Add(time.Hour)}}
		},
		"files on their way": func(w *gate.World) {
			w.Payloads = append(w.Payloads, gate.PayloadFact{Name: "perl", Size: 500_000})
		},
		"under way": func(w *gate.World) { w.Attempts = []patch.Attempt{{ID: "a", State: patch.ExecWaiting}} },
		"owner":     func(w *gate.World) { w.Machine.Policy = "detect-only" },
	} {
		t.Run(name, func(t *testing.T) { explainedInGerman(t, change) })
	}
}

func explainedInGerman(t *testing.T, change func(*gate.World)) {
	w := fleet()
	of := ready(w.now)
	change(&of)
	a := gate.Walk(of)
	w.explained = ledger.Explanation{At: w.now, Machine: of.Machine, Row: w.explained.Row, Answer: a, Proof: ledger.Proof{Outcome: ledger.Unproven, Text: "no complete detect has judged it"}}
	w.explained.Row.Patch = of.Patch
	got := ask(w.open(t), http.MethodGet, explainURL(w.machines[0].ID, w.patches[0].Patch.ID), nil, "Accept-Language", "de")
	body := html.UnescapeString(got.Body.String())
	if got.Code != http.StatusOK || !strings.Contains(body, `<html lang="de"`) {
		t.Fatalf("status %d", got.Code)
	}
	said := []phrase.Phrase{a.Standing, a.Sentence, a.Next, w.explained.Proof.Text}
	for _, g := range a.Gates {
		said = append(said, g.Title, g.Text, g.Next, g.Evidence)
	}
	for _, p := range said {
		if en := p.String(); len(strings.Fields(en)) > 2 && strings.Contains(body, en) {
			t.Errorf("the German page says %q", en)
		}
	}
}
