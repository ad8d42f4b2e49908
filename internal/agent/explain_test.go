package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// With the appliance away, the machine gives the answer that the appliance would give, as far as it is the machine's to give.
func TestExplainOffLine(t *testing.T) {
	b := newBox("curl", "perl")
	cfg := enrolled(t, newKeys(t), b, "https://127.0.0.1:1")
	curl, nginx := newDeb("curl", "1.0-1", "1.0-2"), newDeb("nginx", "", "1.0-2")
	stock(t, cfg, curl, nginx)
	cfg.ReadList = func([]byte) ([]patch.Patch, error) {
		return []patch.Patch{{ID: "bookworm/curl/1.0-2", Title: "curl"}, {ID: "bookworm/nginx/1.0-2", Title: "nginx"}}, nil
	}
	s := open(t, cfg)
	_, err := s.judgeMachine(t.Context(), "")
	must(t, err)
	must(t, s.set(func(st *state) { st.State, st.CheckedIn = patch.Admitted, time.Now() }))
	for what, want := range map[string]struct {
		name gate.Name
		code string
	}{"curl": {gate.InstalledTest, "open"}, "nginx": {gate.Prerequisites, patch.ReasonNotInstalled}} {
		e, err := Explain(cfg, what)
		if err != nil || len(e.Patches) != 1 || len(e.Patches[0].Gates) != 6 || e.Patches[0].Disagrees != "" {
			t.Fatalf("%s: %+v %v", what, e, err)
		}
		for _, g := range e.Patches[0].Gates {
			if g.Name == want.name && g.Code != want.code {
				t.Errorf("%s: %+v", what, g)
			}
			if g.Name == gate.Snapshot && (g.State != gate.Open || !strings.Contains(g.Text.String(), "2 of 2 patches judged")) {
				t.Errorf("%s: %+v", what, g)
			}
		}
	}
	snap, _, _ := readSnapshot(s.files)
	if snap.FactsAt.IsZero() || snap.Lists.IsZero() || snap.Dated.IsZero() && !s.get().Newest.MetadataDate().IsZero() {
		t.Errorf("the receipt does not say how old what was judged was: %+v", snap.Receipt)
	}
}
