package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// supervised has the agent started again whenever it ends, as a service manager does.
const supervised = "until /opt/lab/fettle-agent run; do sleep 0.2; done; exit 0"

// An agent that is killed in the midst of an installation, while its appliance is gone, finishes what it holds inside the window, alone: once each. What came of it is told
// when the appliance is back, all of it and in its order.
func TestAloneInItsWindow(t *testing.T) {
	needRoot(t)
	names := []string{"shop-core", "shop-door", "shop-slow", "shop-till"}
	var old, fresh []debtest.Package
	for _, n := range names {
		old = append(old, ware(n, "1.0-1", ""))
		w := ware(n, "1.0-2", "")
		if n == "shop-slow" {
			w = waits(n, "")
		}
		fresh = append(fresh, w)
	}
	a := newShop(t, fresh)
	s := newYard(t, a)
	b := s.stocked(a, "web-1", old, "true", supervised)
	var ids []string
	for _, n := range names {
		ids = append(ids, wareID(n))
	}
	s.approve(ids...)
	plan, _ := s.planFor("--machine", "web-1", "--not-after", "30m")
	d := s.apply(plan)
	until(t, "the slow one is being installed", func() bool {
		return b.sh("grep -las '[^ -~]/var/lib/dpkg/info/shop-slow.postinst' /proc/[0-9]*/cmdline || true") != ""
	})
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	agent := strings.TrimSpace(b.sh("pidof fettle-agent"))
	b.sh("kill -9 %s", agent)
	until(t, "another agent runs", func() bool {
		now := strings.TrimSpace(b.sh("pidof fettle-agent || true"))
		return now != "" && now != agent
	})
	time.Sleep(2 * time.Second)
	b.sh("touch /run/shop-slow")
	until(t, "all is installed without the appliance", func() bool { return len(b.journal().ended) == len(names) })
	var st struct {
		Unsent int
		Order  struct {
			Items []struct{ Patch, State, Text string }
		}
	}
	if err := json.Unmarshal([]byte(b.sh("%s status --json", b.spec.Program())), &st); err != nil {
		t.Fatal(err)
	}
	if st.Unsent == 0 {
		t.Error("everything was told to an appliance that is gone")
	}
	says(t, b.sh("%s status", b.spec.Program()), "unsent", "cannot reach the appliance", "finished after an interruption")
	if err := s.Serve(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := s.ended(d)
	p.verified(t)
	b.onceEach(p)
	var shown struct {
		Machines []struct {
			Items []struct {
				Attempt struct {
					Patch   string
					EndedAt time.Time `json:"ended_at"`
				}
			}
		}
	}
	s.json(&shown, "deploy", "show", d)
	ended := map[string]time.Time{}
	for _, i := range shown.Machines[0].Items {
		ended[i.Attempt.Patch] = i.Attempt.EndedAt
	}
	for i, item := range st.Order.Items {
		if i > 0 && !ended[item.Patch].After(ended[st.Order.Items[i-1].Patch]) {
			t.Errorf("%s ended at %s, and what came before it at %s", item.Patch, ended[item.Patch], ended[st.Order.Items[i-1].Patch])
		}
	}
	if audit := b.sh("dpkg --audit"); audit != "" {
		t.Errorf("left half-installed: %s", audit)
	}
}
