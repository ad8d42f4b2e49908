package e2e

import (
	"strings"
	"testing"
	"time"
)

// state is how a service stands, as the machine's own service manager says.
// Wine's service manager now and then answers nobody for a moment, so only a service that is not found again and again is absent.
func (w *windows) state(name string) string {
	w.t.Helper()
	for range 6 {
		out, err := w.Exec(w.t.Context(), "sc", "query", name)
		for line := range strings.Lines(string(out)) {
			if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "STATE" {
				return strings.Fields(value)[1]
			}
		}
		if err == nil {
			w.t.Fatalf("sc query %s: %s", name, out)
		}
		time.Sleep(500 * time.Millisecond)
	}
	return "absent"
}

// The agent as a service: it is made, started, takes part, comes back with Windows by itself, is stopped and taken away; each twice, as
// people do.
func TestServiceOnWindows(t *testing.T) {
	needRoot(t)
	const name = "FettleAgent"
	w, s := newWindows(t), newShed(t)
	service := func(verb, want string) {
		t.Helper()
		for range 2 {
			w.run(windowsAgent, "service", verb)
			if got := w.state(name); got != want {
				t.Fatalf("after service %s it is %s, want %s", verb, got, want)
			}
		}
	}
	if out, err := w.Exec(t.Context(), windowsAgent, "service", "start"); err == nil || !strings.Contains(err.Error(), "there is no service") {
		t.Errorf("a service that nobody made starts: %v: %s", err, out)
	}
	s.kettles()
	w.enrol(s)
	service("install", "STOPPED")
	service("start", "RUNNING")
	machine := w.admitted(s)
	says(t, s.cli("machines", "show", machine), "4 of 4 patches judged")

	// Windows starts it later than others, two minutes unless it is told otherwise.
	if err := w.Put(t.Context(), `HKLM\SYSTEM\CurrentControlSet\Control`, "AutoStartDelay", "REG_DWORD", "1000"); err != nil {
		t.Fatal(err)
	}
	before := s.seen(t, machine)
	if err := w.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "the service has come back with Windows", func() bool { return w.state(name) == "RUNNING" })
	until(t, "it has checked in again", func() bool { return s.seen(t, machine) != before })
	service("stop", "STOPPED")
	says(t, string(read(t, w.Path(`C:\ProgramData\Fettle\agent\agent.log`))), "level=INFO")
	w.run(windowsAgent, "service", "start")
	w.run(windowsAgent, "service", "remove") // a running one is stopped first
	if got := w.state(name); got != "absent" {
		t.Errorf("after service remove it is %s", got)
	}
}

// seen is when the appliance heard of a machine last.
func (s *site) seen(t *testing.T, machine string) string {
	t.Helper()
	var m struct {
		Machine struct {
			Seen string `json:"seen_at"`
		}
	}
	s.json(&m, "machines", "show", machine)
	return m.Machine.Seen
}
