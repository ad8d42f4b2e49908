package agent

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// aged are those of a box: they run old code once perl was updated.
type aged struct {
	b         *box
	old       map[string]bool
	stubborn  string
	refuses   string
	restarted []string
}

func (s *aged) Old() (out []patch.OldCode) {
	for unit := range s.old {
		if s.b.version("perl") == "1.0-2" {
			out = append(out, patch.OldCode{Unit: unit, Program: "p", PID: 7, Files: []string{"/usr/lib/libperl.so"}})
		}
	}
	return out
}

func (s *aged) Restart(_ context.Context, unit string) error {
	s.restarted = append(s.restarted, unit)
	if unit == s.refuses {
		return errors.New("unit is masked")
	}
	if unit != s.stubborn {
		delete(s.old, unit)
	}
	return nil
}

// Only services that the order names and that run old code are restarted, once, after the installation and before the hooks after it; what is
// seen then is told.
func TestServicesAreRestarted(t *testing.T) {
	s := &aged{refuses: "masked.service", old: map[string]bool{"web.service": true, "db.service": true, "masked.service": true}}
	k, b := newKeys(t), newBox("perl", "xz")
	s.b = b
	cfg := enrolled(t, k, b, nowhere)
	h := &hooks{b: b}
	cfg.Services, cfg.Hooks = s, h
	perl, xz := newDeb("perl", "1.0-1", "1.0-2"), newDeb("xz", "1.0-1", "1.0-2")
	stock(t, cfg, perl, xz)
	o := newOrder(1, perl, xz)
	o.Manner = &patch.Manner{Services: []string{"web.service", "idle.service", "masked.service"}, After: []string{"fill"}}
	ses := open(t, cfg)
	must(t, ses.acceptOrder(k.seal(t, o)))
	ses.carryOut(t.Context())
	if d := cmp.Diff([]string{"web.service", "masked.service"}, s.restarted); d != "" {
		t.Error(d)
	}
	last, adds := lastOf(ses.journal.unsent(100), "A1-0")
	if last.State != patch.ExecDone || len(adds) != 1 {
		t.Fatalf("%+v %+v", last, adds)
	}
	if want := "web.service ran old code and was restarted; masked.service runs old code and could not be restarted: unit is masked; the hook fill ran after it"; !strings.HasPrefix(adds[0].Text, want) {
		t.Errorf("%q", adds[0].Text)
	}
}

func TestServicesThatAreNotRestarted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*wire.Order, *box)
		taken  bool
	}{
		"nothing was installed": {func(_ *wire.Order, b *box) { b.put("perl", func(p *patch.Package) { p.Version = "1.0-2" }) }, true},
		"sessions hang on it":   {func(o *wire.Order, _ *box) { o.Manner.Services = []string{"systemd-logind.service"} }, false},
		"it is not a unit":      {func(o *wire.Order, _ *box) { o.Manner.Services = []string{"--all"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			k, b := newKeys(t), newBox("perl")
			s := &aged{b: b, old: map[string]bool{"web.service": true, "systemd-logind.service": true, "--all": true}}
			cfg := enrolled(t, k, b, nowhere)
			cfg.Services = s
			perl := newDeb("perl", "1.0-1", "1.0-2")
			stock(t, cfg, perl)
			o := newOrder(1, perl)
			o.Manner = &patch.Manner{Services: []string{"web.service"}}
			c.change(&o, b)
			ses := open(t, cfg)
			if err := ses.acceptOrder(k.seal(t, o)); (err == nil) != c.taken {
				t.Fatal(err)
			}
			if c.taken {
				ses.carryOut(t.Context())
			}
			if len(s.restarted) > 0 {
				t.Error(s.restarted)
			}
		})
	}
}

// Killed at any step of an order, between its installation and a restart, between two of them, and before a restart is noted: afterwards each service has been restarted,
// none once more after the journal had said that it was, and the result tells of each.
func TestRestartsSurviveKills(t *testing.T) {
	units := []string{"web.service", "db.service"}
	play := func(killAt int) (s *aged, w *world, steps int) {
		w = newWorld(t, "perl", "xz")
		s = &aged{b: w.box, old: map[string]bool{}}
		for _, u := range units {
			s.old[u] = true
		}
		w.cfg.Services, w.manner = s, &patch.Manner{Services: units}
		_, steps = w.live(t, killAt, []byte("deadbeef 99 {\"at\":"))
		return s, w, steps
	}
	_, _, steps := play(0)
	again := 0
	for at := 1; at <= steps; at++ {
		s, w, _ := play(at)
		if closed, _ := w.live(t, 0, nil); !closed {
			t.Fatalf("killed at step %d, the order stayed open", at)
		}
		w.check(t)
		count := map[string]int{}
		for _, u := range s.restarted {
			count[u]++
		}
		var told string
		for _, r := range w.results {
			if r.Adds {
				told += r.Text
			}
		}
		if w.box.version("perl") != "1.0-2" { // it was killed before anything of it was installed
			if len(s.restarted)+len(told) > 0 {
				t.Errorf("killed at step %d, restarted are %v, and told is %q", at, s.restarted, told)
			}
			continue
		}
		for _, u := range units {
			if count[u] != 1 || !strings.Contains(told, u+" ran old code and ") || strings.Count(told, u) != 1 {
				t.Errorf("killed at step %d, %s was restarted %d times, and told is %q", at, u, count[u], told)
			}
		}
		if strings.Contains(told, "the agent was stopped while it was restarted") {
			again++
		}
	}
	if again != len(units) {
		t.Errorf("%d restarts were cut off before they were noted", again)
	}
}
