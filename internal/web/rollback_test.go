package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
)

// A rollback is looked at first, in numbers, and applied as it was looked at: with the reason, and the hold that was shown.
func TestRollbackIsLookedAtFirst(t *testing.T) {
	w := fleet()
	h := w.open(t)
	id := w.patches[0].Patch.ID
	page := ask(h, "GET", rollbackURL(id)+"&label=web", nil).Body.String()
	hash := regexp.MustCompile(`name="hash" value="([0-9a-f]{64})"`).FindStringSubmatch(page)
	until := w.now.Add(patch.HoldAfterRollback).Format(typedDay)
	if hash == nil || !strings.Contains(page, `name="until" value="`+until+`"`) || !strings.Contains(page, "held for all that carry the label web") {
		t.Fatalf("the page is %s", page)
	}
	form := func(more url.Values) url.Values {
		out := url.Values{"patch": {string(id)}, "label": {"web"}, "keep": {"yes"}, "until": {until}, "hash": {hash[1]}, "why": {"the shop is slow"}}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	for name, c := range map[string]struct {
		more   url.Values
		status int
		says   string
	}{
		"another plan":  {url.Values{"hash": {strings.Repeat("0", 64)}}, http.StatusConflict, "has changed since you looked"},
		"another hold":  {url.Values{"keep": {"no"}}, http.StatusConflict, "has changed since you looked"},
		"no reason":     {url.Values{"why": {" "}}, http.StatusBadRequest, "a reason is missing"},
		"no such date":  {url.Values{"until": {"soon"}}, http.StatusBadRequest, "it must be a date"},
		"held till now": {url.Values{"until": {"2001-01-01"}}, http.StatusBadRequest, "ends in the past"},
	} {
		if got := ask(h, "POST", "/rollback", form(c.more)); got.Code != c.status || !strings.Contains(got.Body.String(), c.says) {
			t.Errorf("%s: status %d", name, got.Code)
		}
	}
	if len(w.rolledBack) != 0 {
		t.Fatalf("%+v", w.rolledBack)
	}
	if got := ask(h, "POST", "/rollback", form(nil)); got.Code != http.StatusSeeOther || got.Header().Get("Location") != deploymentURL(w.progress[0].Deployment.ID) {
		t.Errorf("status %d: %s", got.Code, got.Body)
	}
	if r := w.rolledBack; len(r) != 1 || r[0].Why != "the shop is slow" || r[0].HoldUntil.Format(typedDay) != until {
		t.Errorf("%+v", r)
	}
}

// What has a patch offers to take it back: its own page, the deployment's, and that of rings where it is halted.
func TestRollbackIsOffered(t *testing.T) {
	w := fleet()
	h := w.open(t)
	for address, want := range map[string]string{
		patchURL(w.patches[0].Patch.ID):            "/rollback?patch=",
		deploymentURL(w.progress[0].Deployment.ID): "/rollback?deployment=" + w.progress[0].Deployment.ID,
		"/rings": "/rollback?patch=",
	} {
		if got := ask(h, "GET", address, nil).Body.String(); !strings.Contains(got, want) {
			t.Errorf("%s does not offer it", address)
		}
	}
}

// A deployment is narrowed to the installs that stand alike, and what moves on it is asked for again as it is looked at.
func TestDeploymentIsNarrowed(t *testing.T) {
	w := fleet()
	h := w.open(t)
	d := w.progress[0]
	failed := keep(d.Machines, func(m deploy.MachineProgress) bool {
		return slices.ContainsFunc(m.Items, func(i deploy.ItemProgress) bool { return i.Attempt.State == patch.ExecFailed })
	})
	if len(failed) == 0 || len(failed) == len(d.Machines) {
		t.Fatal("the sample has nothing to tell apart")
	}
	page := ask(h, "GET", deploymentURL(d.Deployment.ID)+"?state=failed", nil).Body.String()
	for _, m := range d.Machines {
		with := slices.ContainsFunc(failed, func(f deploy.MachineProgress) bool { return f.Machine == m.Machine })
		if strings.Contains(page, `<a class="title" href="`+machineURL(m.Machine)+`"`) != with {
			t.Errorf("%s: %t", m.Name, !with)
		}
	}
	if !strings.Contains(page, `hx-get="`+deploymentURL(d.Deployment.ID)+`?state=failed" hx-trigger="live"`) {
		t.Error("what moves is asked for without the state")
	}
}

// A page about a large deployment is there at once; what has to look at each machine comes after it.
func TestRollbackOfManyComesLater(t *testing.T) {
	w := fleet()
	w.progress[0].Counts.Total = manyMachines + 1
	h, address := w.open(t), "/rollback?deployment="+w.progress[0].Deployment.ID
	page := ask(h, "GET", address, nil).Body.String()
	if strings.Contains(page, `name="hash"`) || !strings.Contains(page, `hx-trigger="load"`) {
		t.Error("the page waits for its plan")
	}
	if page = ask(h, "GET", address+"&part=plan", nil).Body.String(); !strings.Contains(page, `name="hash"`) || !strings.Contains(page, "<html") {
		t.Error("without scripts there is no plan")
	}
	if page = ask(h, "GET", address+"&part=plan", nil, "HX-Request", "true").Body.String(); !strings.Contains(page, `name="hash"`) || strings.Contains(page, "<html") {
		t.Error("with scripts there is no plan")
	}
}
