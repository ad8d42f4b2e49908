package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// An order whose window is still to come waits for it, detecting as ever, and is carried out when it opens.
func TestWindowToComeIsWaitedFor(t *testing.T) {
	d := newDeb("curl", "1.0-1", "1.0-2")
	a, b := newAppliance(t), newBox("curl")
	a.publish(t, time.Now(), d)
	cfg := a.joined(t, b)
	running(t, cfg)
	a.until(t, "a first snapshot", func() bool { return len(a.snapshots) == 1 })
	o := newOrder(1, d)
	o.Window.NotBefore = time.Now().Add(2 * time.Second)
	e := a.seal(t, o)
	a.mu.Lock()
	a.order, a.wake = &e, true
	a.mu.Unlock()
	a.until(t, "the installation", func() bool { return b.version("curl") == "1.0-2" })
	if early := time.Until(o.Window.NotBefore); early > 0 {
		t.Errorf("it began %s before its window", early)
	}
	a.until(t, "the closing snapshot", func() bool { return a.snapshots[len(a.snapshots)-1].Order == "O1" })
	for _, r := range a.results {
		if r.State == patch.ExecFailed || r.At.Before(o.Window.NotBefore) {
			t.Errorf("%+v", r)
		}
	}
}

// What would not be over when the window ends is not started, and stays pending.
func TestTooLittleTimeIsLeft(t *testing.T) {
	for _, c := range []struct {
		name  string
		speed float64
		left  time.Duration
		want  patch.Execution
	}{
		{"unknown machine, too little", 0, 70 * time.Second, patch.ExecWithdrawn},
		{"unknown machine, enough", 0, 80 * time.Second, patch.ExecDone},
		{"a fast machine", 0.1, 70 * time.Second, patch.ExecDone},
		{"a slow machine", 4, 80 * time.Second, patch.ExecWithdrawn},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, b := newKeys(t), newBox("curl")
			d := newDeb("curl", "1.0-1", "1.0-2")
			cfg := enrolled(t, k, b, nowhere)
			stock(t, cfg, d)
			now := time.Now()
			cfg.Now = func() time.Time { return now }
			var st state
			if _, err := readJSON(layout{dir: cfg.StateDir}.state(), &st); err != nil {
				t.Fatal(err)
			}
			st.Speed = c.speed
			must(t, writeJSON(layout{dir: cfg.StateDir}.state(), st))
			o := newOrder(1, d)
			o.Window.NotAfter = now.Add(c.left)
			got := carry(t, k, cfg, o)["A1-0"]
			if got.State != c.want || (b.runs["A1-0"] == 1) != (c.want == patch.ExecDone) {
				t.Fatalf("%+v", got)
			}
			if c.want == patch.ExecWithdrawn && (got.Cause != patch.FailWindow || !strings.Contains(got.Text, "window exceeded") || !strings.Contains(got.Text, "stays pending")) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// How long installations take is learnt from those before.
func TestSpeedIsLearnt(t *testing.T) {
	k, b := newKeys(t), newBox("curl")
	d := newDeb("curl", "1.0-1", "1.0-2")
	cfg := enrolled(t, k, b, nowhere)
	stock(t, cfg, d)
	now := time.Now()
	cfg.Now = func() time.Time { return now }
	b.trouble = func(step string) error {
		if step == "ran" {
			now = now.Add(2 * guess(newOrder(1, d).Items[0]))
		}
		return nil
	}
	carry(t, k, cfg, newOrder(1, d))
	var st state
	if _, err := readJSON(layout{dir: cfg.StateDir}.state(), &st); err != nil || st.Speed < 1.9 || st.Speed > 2.1 {
		t.Errorf("the speed is %v (%v)", st.Speed, err)
	}
}

// By a clock that is wrong, or on a battery that may not last, nothing is begun, and no attempt is used up.
func TestPreflight(t *testing.T) {
	for _, c := range []struct {
		name  string
		skew  int
		power error
		want  patch.FailCause
		says  string
	}{
		{"a clock behind", 3600, nil, patch.FailClock, "1h0m0s behind the appliance's"},
		{"a clock ahead", -3600, nil, patch.FailClock, "1h0m0s ahead of the appliance's"},
		{"a clock that is nearly right", 300, nil, "", ""},
		{"little battery", 0, &host.Failure{Cause: patch.FailPower, Text: "the machine runs on battery"}, patch.FailPower, "on battery"},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, b := newKeys(t), newBox("curl")
			d := newDeb("curl", "1.0-1", "1.0-2")
			cfg := enrolled(t, k, b, nowhere)
			stock(t, cfg, d)
			cfg.Power = func() error { return c.power }
			var st state
			if _, err := readJSON(layout{dir: cfg.StateDir}.state(), &st); err != nil {
				t.Fatal(err)
			}
			st.Skew = c.skew
			must(t, writeJSON(layout{dir: cfg.StateDir}.state(), st))
			got := carry(t, k, cfg, newOrder(1, d))["A1-0"]
			if got.Cause != c.want || !strings.Contains(got.Text, c.says) || c.want.UsesUp() || (b.runs["A1-0"] == 0) != (c.want != "") {
				t.Errorf("%+v", got)
			}
		})
	}
}
