package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/ring"
)

// course of patches through rings in a world.
type hoops struct{ *world }

func (h hoops) List(_ context.Context, id patch.ID) ([]ring.Standing, error) {
	out := make([]ring.Standing, 0, len(h.hoops))
	for _, s := range h.hoops {
		if id != "" {
			s.Patches = keep(s.Patches, func(p patch.RingProgress) bool { return p.Patch == id })
		}
		out = append(out, s)
	}
	return out, nil
}

// ListRings gives those that people made: what is left behind the last is none of them.
func (w *world) ListRings(context.Context) (out []patch.Ring, err error) {
	for _, s := range w.hoops {
		if s.Name != patch.RestRing {
			out = append(out, s.Ring)
		}
	}
	return out, nil
}

func (h hoops) decide(verb string, id patch.ID, why string) error {
	if strings.TrimSpace(why) == "" {
		return &patch.Error{Kind: patch.Invalid, What: "this decision needs a reason"}
	}
	h.rolled = append(h.rolled, verb+" "+string(id)+": "+why)
	return nil
}

func (h hoops) Halt(_ context.Context, _ patch.Caller, id patch.ID, why string) error {
	return h.decide("halt", id, why)
}
func (h hoops) Resume(_ context.Context, _ patch.Caller, id patch.ID, why string) error {
	return h.decide("resume", id, why)
}
func (h hoops) Pass(_ context.Context, _ patch.Caller, id patch.ID, r, why string) error {
	return h.decide("pass "+r, id, why)
}

// rollouts are rings with a patch in every state.
func rollouts(now time.Time, ids ...patch.ID) []ring.Standing {
	at := func(i int) patch.ID { return ids[i%len(ids)] }
	canary := ring.Standing{Ring: patch.Ring{Name: "canary", Label: "canary", Position: 1}.WithDefaults(), Machines: 11, Patches: []patch.RingProgress{
		{Patch: at(0), Ring: "canary", Proven: 2, Failed: 3, Silent: 1, Waiting: 6, Need: 10, HaltedAt: now.Add(-2 * time.Hour), Text: "3 of 5 failed; the last one: silent since 2026-11-23 04:10 UTC"},
		{Patch: at(1), Ring: "canary", Proven: 10, Failed: 1, Need: 10, EnoughAt: now.Add(-20 * time.Hour), Margin: 3},
		{Patch: at(2), Ring: "canary", Proven: 3, Pending: 2, Waiting: 5, Away: 1, Need: 10, Margin: 4},
	}}
	early := ring.Standing{Ring: patch.Ring{Name: "early", Label: "web", Position: 2}.WithDefaults(), Machines: 4, Patches: []patch.RingProgress{
		{Patch: at(3), Ring: "early", Proven: 4, Need: 4, PassedAt: now.Add(-time.Hour)}, {Patch: at(4), Ring: "early", Need: 1}}}
	return []ring.Standing{canary, early, {Ring: patch.Ring{Name: patch.RestRing, Label: patch.LabelAll, Position: 3}.WithDefaults(), Machines: 7}}
}

func TestRingsTellInWords(t *testing.T) {
	body := ask(fleet().open(t), http.MethodGet, "/rings", nil).Body.String()
	for _, want := range []string{"1 patch is halted and waits for you", "3 of 5 failed; the last one", "soaks for 4 h 0 min more; 1 of 11 failed, 3 more in a row halt it", "3 of 10 proofs", `data-topic="rings"`, "verb=resume", "No patch has come to it yet"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
	part := ask(fleet().open(t), http.MethodGet, "/rings", nil, "HX-Request", "true").Body.String()
	if strings.Contains(part, "<html") || !strings.Contains(part, `id="live"`) {
		t.Error("the live part is not alone")
	}
}

func TestARolloutIsDecidedInNumbersWithAReason(t *testing.T) {
	w := fleet()
	h := w.open(t)
	id := string(w.hoops[0].Patches[0].Patch)
	page := ask(h, http.MethodGet, "/rings/decide?verb=resume&patch="+url.QueryEscape(id), nil)
	if page.Code != http.StatusOK || !strings.Contains(page.Body.String(), "3 failures are forgiven, and 6 waiting machines go on") {
		t.Errorf("%d %s", page.Code, page.Body)
	}
	form := url.Values{"verb": {"resume"}, "patch": {id}, "why": {" "}}
	if bad := ask(h, http.MethodPost, "/rings/decide", form); bad.Code != http.StatusBadRequest || len(w.rolled) != 0 || !strings.Contains(bad.Body.String(), "needs a reason") {
		t.Errorf("without a reason: %d", bad.Code)
	}
	form.Set("why", "a broken disk")
	if good := ask(h, http.MethodPost, "/rings/decide", form); good.Code != http.StatusSeeOther || len(w.rolled) != 1 || !strings.HasPrefix(w.rolled[0], "resume ") {
		t.Errorf("%d %v", good.Code, w.rolled)
	}
	for _, bad := range []string{"?verb=remove&patch=" + url.QueryEscape(id), "?verb=halt&patch=none"} {
		if got := ask(h, http.MethodGet, "/rings/decide"+bad, nil); got.Code != http.StatusBadRequest && got.Code != http.StatusNotFound {
			t.Errorf("%s: %d", bad, got.Code)
		}
	}
}

// A rule may wait for the last ring too, whether or not a machine is behind it.
func TestARuleMayWaitForAnyRing(t *testing.T) {
	w := fleet()
	w.hoops = w.hoops[:2]
	body := ask(w.open(t), http.MethodGet, "/rules", nil).Body.String()
	for _, want := range []string{"<option>canary</option>", "<option>early</option>"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
}
