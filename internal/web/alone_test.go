package web

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestAnExplanationOffersWhatOpensItsGate(t *testing.T) {
	for name, c := range map[string]struct {
		closed gate.Gate
		role   patch.Role
		want   []string
		never  string
	}{
		"a label by hand":   {gate.Gate{Name: gate.Label, Code: gate.CodeNotInLabel}, patch.Admin, []string{"Add web-01 to db", "Approve …", "Approve for web-01 only …"}, "Detect now"},
		"a stale detect":    {gate.Gate{Name: gate.Snapshot, Code: gate.CodeStale}, patch.Admin, []string{"Detect now"}, "Add web-01"},
		"a pending machine": {gate.Gate{Name: gate.Machine, Code: gate.CodePending}, patch.Admin, []string{"Admit web-01"}, "Detect now"},
		"a reader":          {gate.Gate{Name: gate.Label, Code: gate.CodeNotInLabel}, patch.Auditor, nil, "Approve …"},
	} {
		t.Run(name, func(t *testing.T) {
			w := fleet()
			w.role = c.role
			w.explained.Answer.Closed, w.explained.Answer.Actor = &c.closed, gate.Person
			w.explained.Decisions = []patch.Decision{{Patch: w.patches[1].Patch.ID, Label: "db", Verb: patch.Approve}}
			got := html.UnescapeString(ask(w.open(t), http.MethodGet, explainURL(w.machines[0].ID, w.patches[1].Patch.ID), nil).Body.String())
			for _, word := range c.want {
				if !strings.Contains(got, ">"+word+"<") {
					t.Errorf("it does not offer %q", word)
				}
			}
			if strings.Contains(got, c.never) {
				t.Errorf("it offers %q", c.never)
			}
		})
	}
}

func TestAMachineIsPutIntoALabelByHandOnly(t *testing.T) {
	w := fleet()
	h := w.open(t)
	form := url.Values{"machine": {string(w.machines[0].ID)}}
	if got := ask(h, http.MethodPost, "/labels/db/add", form); got.Code != http.StatusSeeOther || len(w.labels[2].Label.Members) != 5 {
		t.Errorf("status %d, members %v", got.Code, w.labels[2].Label.Members)
	}
	for _, label := range []string{"web", "all", "urgent"} {
		if got := ask(h, http.MethodPost, "/labels/"+label+"/add", form); got.Code != http.StatusBadRequest {
			t.Errorf("%s: status %d", label, got.Code)
		}
	}
}

func TestDecidingForOneMachineMakesItsLabelOnce(t *testing.T) {
	w := fleet()
	h := w.open(t)
	for range 2 {
		got := ask(h, http.MethodPost, machineURL(w.machines[0].ID)+"/alone", url.Values{"patch": {"a/b/1"}})
		if got.Code != http.StatusSeeOther || got.Header().Get("Location") != "/decide?label=only-web-01&patch=a%2Fb%2F1&verb=approve" {
			t.Fatalf("status %d to %s", got.Code, got.Header().Get("Location"))
		}
	}
	if n := len(w.labels); n != 6 || w.labels[5].Label.Members[0] != w.machines[0].ID {
		t.Errorf("%d labels", n)
	}
	w.labels[5].Label.Members = append(w.labels[5].Label.Members, w.machines[1].ID)
	if got := ask(h, http.MethodPost, machineURL(w.machines[0].ID)+"/alone", url.Values{"patch": {"a/b/1"}}); got.Code != http.StatusConflict {
		t.Errorf("a label that has become of two machines: status %d", got.Code)
	}
}
