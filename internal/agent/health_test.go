package agent

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// prober answers as the test says, and notes what the machine had when it was asked.
type prober struct {
	ask func(patch.Probe) bool
}

func (p prober) Probe(_ context.Context, probe patch.Probe, _ time.Duration) patch.ProbeAnswer {
	return patch.ProbeAnswer{Probe: probe, OK: p.ask(probe), Seen: "as it is"}
}

// An order's probes are asked before it begins: what is not well by then is told as that until it has been well, over orders and runs; what an order has broken is not, and what was
// begun before a kill is not taken for the time before.
func TestProbesAreAskedBeforeAnOrder(t *testing.T) {
	const dead, broken = patch.Probe("service:dead"), patch.Probe("service:nginx")
	k, b := newKeys(t), newBox("perl", "xz", "curl")
	cfg := enrolled(t, k, b, nowhere)
	well := map[patch.Probe]bool{dead: false}
	cfg.Prober = prober{func(p patch.Probe) bool { return p == broken && b.version("perl") == "1.0-1" || well[p] }}
	perl, xz, curl := newDeb("perl", "1.0-1", "1.0-2"), newDeb("xz", "1.0-1", "1.0-2"), newDeb("curl", "1.0-1", "1.0-2")

	stock(t, cfg, perl, xz, curl)
	s := open(t, cfg)
	says := func(when string, p patch.Probe, ok bool, before time.Time) time.Time {
		t.Helper()
		h := s.health(t.Context())
		for _, a := range h.Probes {
			if a.Probe != p {
				continue
			}
			if a.OK != ok || a.Ill.IsZero() != before.IsZero() || a.Ill.After(before) {
				t.Errorf("%s: %+v; before %s", when, a, before)
			}
			return a.Ill
		}
		t.Fatalf("%s: nobody asked %s", when, p)
		return time.Time{}
	}
	work := func(number uint64, d deb) time.Time {
		must(t, os.WriteFile(filepath.Join(s.files.payloads(), string(d.SHA256)), d.bytes, 0o600)) // the order before it has removed all
		must(t, os.WriteFile(filepath.Join(s.files.origins(), string(hashOf([]byte("InRelease")))), []byte("InRelease"), 0o600))
		o := newOrder(number, d)
		o.Probes = []patch.Probe{dead, broken}
		must(t, s.acceptOrder(k.seal(t, o)))
		s.carryOut(t.Context())
		if c := s.journal.newest(); !c.Closed || c.Last[o.Items[0].Attempt].State != patch.ExecDone {
			t.Fatalf("%+v", c)
		}
		return s.journal.newest().Last[o.Items[0].Attempt].At
	}
	first := work(1, perl)
	since := says("it was dead before", dead, false, first)
	says("the order broke it", broken, false, time.Time{})
	second := work(2, xz)
	if at := says("it was dead before both", dead, false, first); !at.Equal(since) {
		t.Errorf("it is dead since %s, not %s", at, since)
	}
	if at := says("the order before broke it", broken, false, second); !at.After(first) {
		t.Errorf("what the first order broke is said to have been so before it: %s", at)
	}
	well[dead] = true
	says("it is well", dead, true, time.Time{})
	well[dead] = false
	says("it was well meanwhile", dead, false, time.Time{})

	r := &run{session: s, order: newOrder(3, curl)}
	r.order.Probes = []patch.Probe{dead}
	must(t, s.acceptOrder(k.seal(t, r.order)))
	must(t, r.result(r.order.Items[0], patch.ExecInstalling, nil))
	must(t, r.lookBefore(t.Context()))
	if at := s.get().Ill[dead]; !at.IsZero() {
		t.Errorf("what was begun may have done it, and it is said to be so since %s, before it", at)
	}
}
