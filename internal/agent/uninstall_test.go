package agent

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"
)

// What Fettle turned off is on again when the agent goes: no machine is left without updates.
func TestUninstallGivesTheMachineBack(t *testing.T) {
	s, made, b, _ := busy(t)
	must(t, s.charged(stewardship(time.Now().UTC(), "unattended-upgrades", "cron-apt"), "m1"))
	for range 2 {
		s.hands(t, b, true)
	}
	if got := s.hands(t, b, false); got != "cron-apt false off, unattended-upgrades false off" {
		t.Fatal(got)
	}
	out, err := Uninstall(t.Context(), s.cfg, true)
	must(t, err)
	if _, err := os.Stat(s.cfg.StateDir); err != nil || out.State != "" {
		t.Errorf("the state was to be kept: %v, %+v", err, out)
	}
	if again, err := Uninstall(t.Context(), s.cfg, true); err != nil || again.GivenBack != nil {
		t.Errorf("what was given back is given back again: %v, %+v", err, again)
	}
	last, err := Uninstall(t.Context(), s.cfg, false)
	must(t, err)
	if !slices.Equal(out.GivenBack, []string{"cron-apt", "unattended-upgrades"}) || len(made.deeds()) != 4 {
		t.Errorf("given back: %v, deeds %v", out.GivenBack, made.deeds())
	}
	f, err := b.Facts(t.Context())
	must(t, err)
	for _, u := range made.Updaters(f.Packages) {
		if !u.Enabled && (u.Name == "cron-apt" || u.Name == "unattended-upgrades") {
			t.Errorf("%s stays off", u.Name)
		}
	}
	if _, err := os.Stat(s.cfg.StateDir); !errors.Is(err, os.ErrNotExist) || last.State != s.cfg.StateDir {
		t.Errorf("the state is still there: %v, %+v", err, out)
	}
	if _, err := Uninstall(t.Context(), s.cfg, false); err != nil {
		t.Errorf("again: %v", err)
	}
}
