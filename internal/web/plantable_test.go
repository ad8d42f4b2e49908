package web

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// A plan for many machines is read from its answer down: the same numbers on every page of it, each machine once, and no more on a page than is
// read there.
func TestAPlanForManyMachinesIsRead(t *testing.T) {
	w := fleet()
	one := w.plan.Machines[0]
	w.plan.Machines = nil
	for i := range 3*planRows - 10 {
		m := one
		m.Machine, m.Name = patch.MachineID(fmt.Sprintf("m%03d", i)), fmt.Sprintf("host-%03d", i)
		m.Items = append([]patch.PlanItem(nil), one.Items...)
		m.Items[1].Text = phrase.Of("{1} comes first", []string{"canary", "broad"}[min(i, 1)])
		w.plan.Machines = append(w.plan.Machines, m)
	}
	h, seen := w.open(t), map[string]bool{}
	next := "/deployments/new?label=web&part=plan"
	for pages := 0; next != ""; pages++ {
		got := ask(h, http.MethodGet, next, nil).Body.String()
		for _, want := range []string{`<a href="#patches">65 installations</a> <a href="#machines">on 65 machines</a> now; <a href="#patches">65 more wait for their ring or turn</a>.`, "broad comes first", `name="hash"`} {
			if !strings.Contains(got, want) {
				t.Fatalf("%s does not say %s", next, want)
			}
		}
		if n := strings.Count(got, "<"); n > 2*2000 || strings.Contains(got, "canary comes first") || pages > 3 {
			t.Fatalf("%s: %d tags, or the reason of one machine", next, n)
		}
		for i := range 65 {
			name := fmt.Sprintf("host-%03d", i)
			if strings.Contains(got, ">"+name+"<") && strings.Contains(got, fmt.Sprintf(`href="/deployments/new?machine=m%03d"`, i)) {
				if seen[name] {
					t.Errorf("%s is there twice", name)
				}
				seen[name] = true
			}
		}
		_, after, more := strings.Cut(got, `rel="next"`)
		next = ""
		if before := strings.TrimSuffix(got, `rel="next"`+after); more {
			next = strings.ReplaceAll(strings.Split(before[strings.LastIndex(before, `href="`)+6:], `"`)[0], "&amp;", "&")
		}
	}
	if len(seen) != 65 {
		t.Errorf("%d of 65 machines are on the pages", len(seen))
	}
	if got := ask(h, http.MethodGet, "/deployments/new?label=web", nil, "HX-Request", "true").Body.String(); !strings.Contains(got, `<h1 id="answer" hx-swap-oob="true">`) {
		t.Error("a plan that is made anew does not change the answer above it")
	}
}

// A plan for many machines never keeps a page from being seen: also one that is opened by its own address comes as a frame that the plan fills in.
// Only who has no scripts is given all of it at once.
func TestAPlanForManyComesAfterItsPage(t *testing.T) {
	w := fleet()
	for i := range w.labels {
		if w.labels[i].Label.Name == "web" {
			w.labels[i].Members = make([]patch.MachineID, manyMachines+1)
		}
	}
	h := w.open(t)
	page := func(address string, headers ...string) string {
		return ask(h, http.MethodGet, "/deployments/new?label=web"+address, nil, headers...).Body.String()
	}
	for address, later := range map[string]string{"": "label=web&amp;part=plan", "&part=plan&page=2": "label=web&amp;page=2&amp;part=plan", "&part=plan&left=x1": "label=web&amp;left=x1&amp;part=plan"} {
		got := page(address)
		if strings.Contains(got, `name="hash"`) || !strings.Contains(got, `hx-get="/deployments/new?`+later+`" hx-trigger="load"`) || !strings.Contains(got, strings.Replace(later, "part=plan", "part=whole", 1)+`">`) {
			t.Errorf("%q waits for its plan, or does not fetch the part that was asked for", address)
		}
	}
	if got := page("&part=plan", "HX-Request", "true"); !strings.Contains(got, `name="hash"`) || strings.Contains(got, "<html") {
		t.Error("with scripts there is no plan")
	}
	if got := page("&part=whole"); !strings.Contains(got, `name="hash"`) || !strings.Contains(got, "<html") {
		t.Error("without scripts there is no plan")
	}
}

// Machines share the lists of what is left out: what is counted and shown is what it would be if each had its own.
func TestWhatIsLeftOutIsCountedForEachMachine(t *testing.T) {
	left := func(id patch.ID, text phrase.Phrase, o patch.Outcome) patch.LeftOut {
		return patch.LeftOut{Patch: id, Gate: "hold/held", Text: text, Outcome: o}
	}
	there, held := left("perl", "it is installed", patch.IsPatched), left("curl", "it is held", patch.IsBlocked)
	lists := [][]patch.LeftOut{{there, held}, {held}, nil, {there, left("bash", "it is installed", patch.IsPatched)}}
	var shared, own []patch.MachinePlan
	for i := range 21 {
		m := patch.MachinePlan{Machine: patch.MachineID(fmt.Sprint("m", i)), Name: fmt.Sprint("host-", i), Left: lists[i%len(lists)]}
		shared = append(shared, m)
		m.Left = slices.Clone(m.Left)
		own = append(own, m)
	}
	for _, which := range []string{"", reasonOf(held).Key(), "none"} {
		want, got := planTable{which: which}, planTable{which: which}
		want.leave(own)
		got.leave(shared)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", which, got, want)
		}
	}
	got := planTable{which: reasonOf(held).Key()}
	got.leave(shared)
	if got.Left != 27 || len(got.LeftBy) != 2 || got.LeftBy[0].Count != 16 || got.LeftBy[1].Count != 11 || len(got.Which.all) != 11 ||
		!slices.Equal(got.LeftBy[1].Some, []leftOut{{"m0", "host-0", "curl"}, {"m1", "host-1", "curl"}, {"m4", "host-4", "curl"}}) ||
		!slices.Equal(got.Outcomes, []outcomeCount{{patch.IsPatched, 16}, {patch.IsBlocked, 11}}) {
		t.Errorf("%+v", got)
	}
}
