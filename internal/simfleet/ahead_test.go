package simfleet_test

import (
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// An appliance's clock is two months ahead for some days: machines get certificates of then, and lists that were made then. When it is right again, machines whose own
// clocks are right are patched as before, without anybody's help.
func TestAnApplianceWhoseClockWasAhead(t *testing.T) {
	dir := ram(t)
	begin, err := newMoulds(dir)
	if err != nil {
		t.Fatal(err)
	}
	warm(t)
	k := kind{machines: 2, every: []time.Duration{time.Hour}, life: week}
	from := begin.of(t, k)
	synctest.Test(t, func(t *testing.T) {
		w := newSim(t, 1, filepath.Join(dir, "ahead"), from, k)
		w.faults.Store(false)
		pass := func(d time.Duration) {
			for until := time.Now().Add(d); time.Now().Before(until) && w.broken() == nil; time.Sleep(47*time.Minute + 13*time.Millisecond) {
				w.server.tick()
			}
		}
		pass(day)
		w.server.ahead.Store(int64(60 * day))
		w.release(w.random("ahead"), 2)
		pass(6 * day)
		if w.renewals.Load() == 0 {
			t.Error("no certificate was renewed while the appliance's clock was ahead")
		}
		w.server.ahead.Store(0)
		w.release(w.random("right"), 2)
		pass(day)
		a := w.server.alive()
		var newest []patch.ID
		for name, v := range w.offered {
			if v != "1.0-1" {
				newest = append(newest, patch.ID("bookworm-security/"+name+"/"+v))
			}
		}
		w.submit(w.random("people"), approval.Request{Patches: newest, Label: "all", Verb: patch.Approve, Why: "test"})
		pass(3 * time.Hour)
		p, err := a.Planner.Make(a.ctx, w.server.admin, plan.Request{Label: "all"})
		w.must(err)
		_, err = a.Deploy.Apply(a.ctx, w.server.admin, p)
		w.must(err)
		pass(day)
		for _, b := range w.boxes {
			for _, n := range names {
				if p := b.get(n); p.Name != "" && p.Version != w.offered[n] {
					t.Errorf("%s has %s %s and not %s: the appliance's clock is right again", b.name, n, p.Version, w.offered[n])
				}
			}
		}
		w.end()
		if err := w.broken(); err != nil {
			t.Error(err)
		}
	})
}
