package agent

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

func loopback() []net.IP { return []net.IP{net.IPv4(127, 0, 0, 1)} }

// nowhere is an appliance that is away.
const nowhere = "https://127.0.0.1:1"

func TestOrderIsRefused(t *testing.T) {
	d := newDeb("curl", "1.0-1", "1.0-2")
	other := newKeys(t)
	for name, c := range map[string]struct {
		change func(*wire.Order)
		seal   func(k *keys, o wire.Order) wire.Envelope
		want   string
	}{
		"another key":       {seal: func(_ *keys, o wire.Order) wire.Envelope { return other.seal(t, o) }, want: "does not verify"},
		"the catalog's key": {seal: func(k *keys, o wire.Order) wire.Envelope { e, _ := wire.Seal(k.catalog, wire.TypeOrder, o); return e }, want: "does not verify"},
		"a revision's signature": {seal: func(k *keys, o wire.Order) wire.Envelope {
			e, _ := wire.Seal(k.approver, wire.TypeRevision, o)
			e.Type = wire.TypeOrder
			return e
		}, want: "does not verify"},
		"another machine":    {change: func(o *wire.Order) { o.Machine = "m2" }, want: "not for this one"},
		"no end":             {change: func(o *wire.Order) { o.Expires = time.Time{} }, want: "no end"},
		"attempt as option":  {change: func(o *wire.Order) { o.Items[0].Attempt = "-oDPkg::Pre-Invoke::=id" }, want: "badly"},
		"attempt as path":    {change: func(o *wire.Order) { o.Items[0].Attempt = "../../etc" }, want: "badly"},
		"order as path":      {change: func(o *wire.Order) { o.ID = "../x" }, want: "not an order's name"},
		"hash as path":       {change: func(o *wire.Order) { o.Items[0].Packages[0].SHA256 = "../../../etc/shadow" }, want: "SHA-256"},
		"negative size":      {change: func(o *wire.Order) { o.Items[0].Packages[0].Size = -1 }, want: "bytes"},
		"attempt twice":      {change: func(o *wire.Order) { o.Items = append(o.Items, o.Items[0]) }, want: "twice"},
		"nothing to install": {change: func(o *wire.Order) { o.Items[0].Packages = nil }, want: "no packages"},
		"back to newer":      {change: func(o *wire.Order) { o.Items[0].Packages[0].Back = true }, want: "cannot go back"},
		"back from nothing": {change: func(o *wire.Order) {
			o.Items[0].Packages[0].Back, o.Items[0].Packages[0].From = true, ""
		}, want: "cannot go back"},
		"back in part": {change: func(o *wire.Order) {
			p := o.Items[0].Packages[0]
			p.Back, p.From, p.Version = true, "1.0-2", "1.0-1"
			o.Items[0].Packages = append(o.Items[0].Packages, p)
		}, want: "in part only"},
		"a restart beside a patch": {change: func(o *wire.Order) {
			o.Reboot, o.Items = &patch.RebootPolicy{Mode: patch.RebootForce}, append(o.Items, wire.OrderItem{Attempt: "A9-9", Patch: patch.Restart})
		}, want: "something else too"},
		"a restart with a file": {change: func(o *wire.Order) {
			o.Reboot, o.Items[0].Patch = &patch.RebootPolicy{Mode: patch.RebootForce}, patch.Restart
		}, want: "something else too"},
		"a restart with a hook": {change: func(o *wire.Order) {
			o.Reboot, o.Items = &patch.RebootPolicy{Mode: patch.RebootForce}, []wire.OrderItem{{Attempt: "A9-9", Patch: patch.Restart}}
			o.Manner = &patch.Manner{Before: []string{"drain"}}
		}, want: "something else too"},
		"a restart that says not how": {change: func(o *wire.Order) {
			o.Items = []wire.OrderItem{{Attempt: "A9-9", Patch: patch.Restart}}
		}, want: "how to restart"},
		"a restart that is never": {change: func(o *wire.Order) {
			o.Reboot, o.Items = &patch.RebootPolicy{Mode: patch.RebootNever}, []wire.OrderItem{{Attempt: "A9-9", Patch: patch.Restart}}
		}, want: "how to restart"},
		"hook as path":   {change: func(o *wire.Order) { o.Manner = &patch.Manner{Before: []string{"../../../bin/sh"}} }, want: "not the name of a hook"},
		"unit as option": {change: func(o *wire.Order) { o.Manner = &patch.Manner{Services: []string{"--force"}} }, want: "is not a service"},
		"suite as path":  {change: func(o *wire.Order) { o.Items[0].Packages[0].Origin.Suite = "../../x" }, want: "signed index"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeys(t)
			s := open(t, enrolled(t, k, newBox("curl"), nowhere))
			o := newOrder(1, d)
			if c.change != nil {
				c.change(&o)
			}
			e := k.seal(t, o)
			if c.seal != nil {
				e = c.seal(k, o)
			}
			err := s.acceptOrder(e)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("acceptOrder: %v, want %q", err, c.want)
			}
			if seq, number := s.journal.position(); seq != 0 || number != 0 {
				t.Fatalf("a refused order left traces: result %d, order %d", seq, number)
			}
		})
	}
}

func TestReplayedOrderIsRefused(t *testing.T) {
	k, b := newKeys(t), newBox("curl")
	d := newDeb("curl", "1.0-1", "1.0-2")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, d)
	s := open(t, cfg)
	e := k.seal(t, newOrder(7, d))
	must(t, s.acceptOrder(e))
	s.carryOut(context.Background())
	for _, o := range []wire.Order{newOrder(7, d), newOrder(6, d), newOrder(1, d)} {
		if err := s.acceptOrder(k.seal(t, o)); patch.KindOf(err) != patch.Conflict {
			t.Fatalf("order %d after 7: %v", o.Number, err)
		}
	}
	if b.runs["A7-0"] != 1 {
		t.Fatalf("executed %d times", b.runs["A7-0"])
	}
}

// An appliance that has the detect after an order, and not its results, may order once more what was done: that is not taken before it has heard of it.
func TestAnOrderWaitsForTheResultsOfTheOneBefore(t *testing.T) {
	k, b := newKeys(t), newBox("curl")
	d := newDeb("curl", "1.0-1", "1.0-2")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, d)
	s := open(t, cfg)
	must(t, s.acceptOrder(k.seal(t, newOrder(7, d))))
	s.carryOut(context.Background())
	again := newOrder(8, d)
	again.Items[0].Attempt = "A7-0"
	if err := s.acceptOrder(k.seal(t, again)); !errors.Is(err, errUntold) {
		t.Fatalf("an attempt of which the appliance knows nothing yet: %v", err)
	}
	seq, number := s.journal.position()
	if number != 7 {
		t.Fatalf("order %d was taken", number)
	}
	must(t, s.journal.acknowledge(seq))
	must(t, s.acceptOrder(k.seal(t, again)))
}

// carry takes and carries out an order on a stocked machine and gives the outcomes by attempt.
func carry(t *testing.T, k *keys, cfg Config, o wire.Order) map[string]wire.Result {
	t.Helper()
	s := open(t, cfg)
	must(t, s.acceptOrder(k.seal(t, o)))
	s.carryOut(context.Background())
	c := s.journal.newest()
	if !c.Closed {
		t.Fatal("the order stayed open: " + s.get().LastError)
	}
	return c.Last
}

func TestItemsFailByCause(t *testing.T) {
	d := newDeb("curl", "1.0-1", "1.0-2")
	now := time.Now()
	for name, c := range map[string]struct {
		box    func(*box)
		cfg    func(*Config)
		order  func(*wire.Order)
		cause  patch.FailCause
		text   string
		policy string
	}{
		"drift": {box: func(b *box) { b.put("curl", func(p *patch.Package) { p.Version = "1.0-1+x" }) }, cause: patch.FailDrift, text: "is at 1.0-1+x, and the order assumed 1.0-1"},
		"gone":  {box: func(b *box) { delete(b.packages, "curl") }, cause: patch.FailDrift, text: "not installed"},
		"held":  {box: func(b *box) { b.put("curl", func(p *patch.Package) { p.Held = true }) }, cause: patch.FailPolicy, text: "held on this machine"},
		"half-way": {box: func(b *box) { b.put("curl", func(p *patch.Package) { p.State, p.Version = patch.Broken, "1.0-1+x" }) }, cause: patch.FailDrift,
			text: "is at 1.0-1+x, and the order assumed 1.0-1"},
		"other OS":       {order: func(o *wire.Order) { o.OS = "debian-13-amd64" }, cause: patch.FailDrift, text: "debian-13-amd64"},
		"expired":        {order: func(o *wire.Order) { o.Expires = now.Add(-time.Minute) }, cause: patch.FailWindow, text: "expired"},
		"window over":    {order: func(o *wire.Order) { o.Window.NotAfter = now.Add(-time.Minute) }, cause: patch.FailWindow, text: "ended"},
		"window not yet": {order: func(o *wire.Order) { o.Window.NotBefore = now.Add(time.Minute) }, cause: patch.FailWindow, text: "begins"},
		"detect-only":    {policy: "# mine\ndetect-only\n", cause: patch.FailPolicy, text: "detect-only"},
		"no-deploy":      {policy: "no-deploy", cause: patch.FailPolicy, text: "owner"},
		"unknown policy": {policy: "# mine\nno-reboot\nno-deplyo\n", cause: patch.FailPolicy, text: `policy line 3: "no-deplyo")`},
		"installer fails": {box: func(b *box) {
			b.fail["curl"] = &host.Failure{Cause: patch.FailPatch, Text: "postinst failed", Log: "tail"}
		}, cause: patch.FailPatch, text: "postinst failed"},
		"locked": {box: func(b *box) { b.fail["curl"] = &host.Failure{Cause: patch.FailLock, Text: "busy: apt (pid 1)"} }, cause: patch.FailLock, text: "busy: apt (pid 1)"},
	} {
		t.Run(name, func(t *testing.T) {
			k, b := newKeys(t), newBox("curl")
			cfg := enrolled(t, k, b, nowhere)
			stock(t, cfg, d)
			if c.box != nil {
				c.box(b)
			}
			if c.cfg != nil {
				c.cfg(&cfg)
			}
			must(t, os.WriteFile(cfg.PolicyFile, []byte(c.policy), 0o644))
			o := newOrder(1, d)
			if c.order != nil {
				c.order(&o)
			}
			before := b.packages["curl"]
			r := carry(t, k, cfg, o)["A1-0"]
			if r.State != patch.ExecFailed || r.Cause != c.cause || !strings.Contains(r.Text, c.text) {
				t.Fatalf("got %s %s %q", r.State, r.Cause, r.Text)
			}
			if after := b.packages["curl"]; after != before {
				t.Fatalf("the machine was changed: %+v", after)
			}
		})
	}
}

// What was left half-way at the version that the order assumed is installed over.
func TestAnOrderHealsWhatWasLeftHalfWay(t *testing.T) {
	d := newDeb("curl", "1.0-1", "1.0-2")
	k, b := newKeys(t), newBox("curl")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, d)
	b.put("curl", func(p *patch.Package) { p.State = patch.Broken })
	r := carry(t, k, cfg, newOrder(1, d))["A1-0"]
	if p := b.packages["curl"]; r.State != patch.ExecDone || b.runs["A1-0"] != 1 || p.State != patch.Installed || p.Version != "1.0-2" {
		t.Errorf("%+v, %d runs, and it is %+v", r, b.runs["A1-0"], p)
	}
}

// What could not be looked at before a transaction is told with its outcome, whichever that is, and holds nothing up.
func TestDoubtsAreTold(t *testing.T) {
	k, b := newKeys(t), newBox("curl", "perl")
	cfg := enrolled(t, k, b, nowhere)
	curl, perl := newDeb("curl", "1.0-1", "1.0-2"), newDeb("perl", "1.0-1", "1.0-2")
	stock(t, cfg, curl, perl)
	b.doubt = "whether there is room at /boot could not be told"
	b.fail["perl"] = &host.Failure{Cause: patch.FailDisk, Text: "no room: dpkg"}
	ses := open(t, cfg)
	must(t, ses.acceptOrder(k.seal(t, newOrder(1, curl, perl))))
	ses.carryOut(t.Context())
	last := ses.journal.newest().Last
	if r := last["A1-0"]; r.State != patch.ExecDone || r.Text != b.doubt {
		t.Errorf("%s %s %q", r.State, r.Cause, r.Text)
	}
	if r := last["A1-1"]; r.State != patch.ExecFailed || r.Cause != patch.FailDisk || r.Text != "no room: dpkg; "+b.doubt {
		t.Errorf("%s %s %q", r.State, r.Cause, r.Text)
	}
}

// An order that has not begun waits for room: it says how much it lacks, uses up nothing, and goes on by itself when there is some. Where none came
// until its time was over, the disk is what it failed by, and the machine is as it was.
func TestAnOrderWaitsForRoom(t *testing.T) {
	d := newDeb("curl", "1.0-1", "1.0-2")
	for _, comes := range []bool{true, false} {
		k, b := newKeys(t), newBox("curl")
		cfg := enrolled(t, k, b, nowhere)
		stock(t, cfg, d)
		now, need := time.Now(), int64(1<<50)
		cfg.Now = func() time.Time { return now }
		cfg.Room = func(int64, ...string) error { return host.CheckRoom(need, "/") }
		s := open(t, cfg)
		o := newOrder(1, d)
		must(t, s.acceptOrder(k.seal(t, o)))
		before := b.packages["curl"]
		for range 3 {
			if !s.carryOut(context.Background()) || s.journal.newest().Closed || len(s.journal.newest().Last) > 0 || b.packages["curl"] != before {
				t.Fatalf("it did not wait: %+v", s.journal.newest())
			}
			if got := s.waitsForRoom(); !strings.Contains(got, "waits: no room at /: ") || !strings.Contains(got, " MB are free and ") || !strings.Contains(got, " MB are needed") {
				t.Fatalf("it says %q", got)
			}
			now = now.Add(time.Minute)
		}
		if comes {
			need = 0
			s.carryOut(context.Background())
			if r := s.journal.newest().Last["A1-0"]; r.State != patch.ExecDone || b.runs["A1-0"] != 1 || s.waitsForRoom() != "" {
				t.Errorf("with room: %+v, %d runs; it says %q", r, b.runs["A1-0"], s.waitsForRoom())
			}
			continue
		}
		now = o.Expires.Add(time.Minute)
		s.carryOut(context.Background())
		if r := s.journal.newest().Last["A1-0"]; r.Cause != patch.FailDisk || !strings.Contains(r.Text, "no room at /") || !strings.Contains(r.Text, "expired") || b.packages["curl"] != before {
			t.Errorf("without room until the end: %+v", r)
		}
	}
}

// A window that ends between two items stops the second one.
func TestWindowIsCheckedBeforeEveryItem(t *testing.T) {
	k, b := newKeys(t), newBox("curl", "perl")
	curl, perl := newDeb("curl", "1.0-1", "1.0-2"), newDeb("perl", "1.0-1", "1.0-2")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, curl, perl)
	now := time.Now()
	cfg.Now = func() time.Time { return now }
	b.trouble = func(step string) error {
		if step == "ran" {
			now = now.Add(10 * time.Minute)
		}
		return nil
	}
	o := newOrder(1, curl, perl)
	o.Window.NotAfter = now.Add(5 * time.Minute)
	got := carry(t, k, cfg, o)
	if got["A1-0"].State != patch.ExecDone || got["A1-1"].State != patch.ExecFailed || got["A1-1"].Cause != patch.FailWindow || b.runs["A1-1"] != 0 {
		t.Fatalf("%+v", got)
	}
}

// The owner's word counts from the moment at which it is said: what is being installed is finished, and nothing more is begun.
func TestTheOwnerForbidsInTheMiddle(t *testing.T) {
	k, b := newKeys(t), newBox("curl", "perl")
	curl, perl := newDeb("curl", "1.0-1", "1.0-2"), newDeb("perl", "1.0-1", "1.0-2")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, curl, perl)
	b.trouble = func(step string) error {
		if step == "ran" {
			return os.WriteFile(cfg.PolicyFile, []byte("no-deploy\n"), 0o600)
		}
		return nil
	}
	got := carry(t, k, cfg, newOrder(1, curl, perl))
	if got["A1-0"].State != patch.ExecDone || got["A1-1"].Cause != patch.FailPolicy || b.runs["A1-1"] != 0 {
		t.Fatalf("%+v", got)
	}
}

// A clock that was set back does not make an expired order young again.
func TestExpiryOutlivesTheClock(t *testing.T) {
	k, b := newKeys(t), newBox("curl")
	d := newDeb("curl", "1.0-1", "1.0-2")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, d)
	s := open(t, cfg)
	o := newOrder(1, d)
	must(t, s.set(func(st *state) { st.Trusted = o.Expires.Add(time.Second) }))
	must(t, s.acceptOrder(k.seal(t, o)))
	s.carryOut(context.Background())
	if r := s.journal.newest().Last["A1-0"]; r.Cause != patch.FailWindow {
		t.Fatalf("%+v", r)
	}
}

// One bad patch does not stop the others, and the closing snapshot names the order.
func TestOneBadPatchLeavesTheOthers(t *testing.T) {
	k, b := newKeys(t), newBox("curl", "perl", "zlib1g")
	debs := []deb{newDeb("curl", "1.0-1", "1.0-2"), newDeb("perl", "1.0-1", "1.0-2"), newDeb("zlib1g", "1.0-1", "1.0-2")}
	b.fail["perl"] = &host.Failure{Cause: patch.FailPatch, Text: "no"}
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, debs...)
	got := carry(t, k, cfg, newOrder(1, debs...))
	for a, want := range map[string]patch.Execution{"A1-0": patch.ExecDone, "A1-1": patch.ExecFailed, "A1-2": patch.ExecDone} {
		if got[a].State != want {
			t.Errorf("%s: %+v", a, got[a])
		}
	}
	snap, _, found := readSnapshot(layout{dir: cfg.StateDir})
	if !found || snap.Order != "O1" || snap.Verdicts.Counts()[patch.Patched] != 2 {
		t.Fatalf("snapshot %+v", snap.Receipt)
	}
}
