package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/ring"
)

// Rings over the API, as the commands use it: created, shown, a patch halted and resumed with a reason, and an order that waits meanwhile.
func TestRingsOverTheAPI(t *testing.T) {
	h := open(t)
	h.publish(archive(t, bellFile), bellFile)
	r := h.newRobot().enrol(h.enrolToken(true, 1), "web-14")
	r.checkin("", 0)
	r.detect(1, "")
	made := tellAdmin[patch.Ring](h, http.MethodPut, api.Path("rings", "first"), patch.Ring{Label: "all", Position: 1, Soak: patch.Span(90 * time.Minute), Probes: []patch.Probe{"port:443"}})
	if made.First != 5 || made.Soak.String() != "1h30m" || made.CreatedBy != "admin" {
		t.Errorf("%+v", made)
	}
	for name, bad := range map[string]patch.Ring{
		"no such label":      {Label: "nobody", Position: 1},
		"a probe of a shell": {Label: "all", Position: 1, Probes: []patch.Probe{"command:rm -rf /"}},
		"a share of 200 %":   {Label: "all", Position: 1, Share: 200},
	} {
		if _, err := api.Do[patch.Ring](t.Context(), h.admin, http.MethodPut, api.Path("rings", "bad"), nil, bad); err == nil {
			t.Errorf("a ring with %s was taken", name)
		}
	}
	rollout := func(verb, why string) ([]ring.Standing, error) {
		l, err := api.Do[api.List[ring.Standing]](t.Context(), h.admin, http.MethodPost, api.Path("rollouts", verb), nil, api.RolloutRequest{Patch: "bell", Ring: "first", Why: why})
		return l.Items, err
	}
	if _, err := rollout("halt", ""); patch.KindOf(err) != patch.Invalid {
		t.Errorf("halted without a reason: %v", err)
	}
	l, err := rollout("halt", "the bells ring")
	if err != nil || len(l) != 1 || l[0].Machines != 1 || l[0].Patches[0].HaltedAt.IsZero() || l[0].Patches[0].By != "admin" {
		t.Fatalf("%+v, %v", l, err)
	}
	if _, err := rollout("pass", "never mind"); patch.KindOf(err) != patch.Conflict {
		t.Errorf("a halted patch passed: %v", err)
	}
	if _, err := rollout("resume", "the bells are quiet"); err != nil {
		t.Error(err)
	}
	o := h.ordered(r)
	attempts, err := api.Do[api.List[patch.Attempt]](t.Context(), h.admin, http.MethodGet, api.Path("rings", "first", "attempts")+"?patch=bell", nil, nil)
	if err != nil || len(attempts.Items) != 1 || attempts.Items[0].ID != o.Items[0].Attempt {
		t.Errorf("%+v, %v", attempts, err)
	}
}
