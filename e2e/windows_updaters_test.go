package e2e

import (
	"strings"
	"testing"
)

const autoPolicy = `HKLM\SOFTWARE\Policies\Microsoft\Windows\WindowsUpdate\AU`

func (w *windows) put(key, name, kind, value string) {
	w.t.Helper()
	if err := w.Put(w.t.Context(), key, name, kind, value); err != nil {
		w.t.Fatal(err)
	}
}

// has gives a registry value as the machine prints it; empty where it is not there.
func (w *windows) has(key, name string) string {
	w.t.Helper()
	out, _ := w.Exec(w.t.Context(), "reg", "query", key, "/v", name) // an error says that it is not there
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name {
			return f[2]
		}
	}
	return ""
}

// Windows Update of a server of one's own is named, taken over by a policy, turned on again by somebody, which is told and not fought, and
// given back as it was.
func TestOtherUpdatersOnWindows(t *testing.T) {
	needRoot(t)
	w, s := newWindows(t), newShed(t)
	w.put(strings.TrimSuffix(autoPolicy, `\AU`), "WUServer", "REG_SZ", "http://wsus.example:8530")
	w.put(autoPolicy, "UseWUServer", "REG_DWORD", "1")
	w.put(autoPolicy, "AUOptions", "REG_DWORD", "4")
	w.put(`HKLM\SYSTEM\CurrentControlSet\Services\CcmExec`, "Start", "REG_DWORD", "2")
	s.kettles()
	name := w.joins(s)
	shown := func() string { return s.cli("updaters", "show", name) }
	says(t, shown(), "wsus  on: ", "AUOptions 4: it installs by itself", "http://wsus.example:8530", "configmgr  on: ")

	s.cli("updaters", "take-over", "wsus", "--label", "all")
	until(t, "it is turned off", func() bool { return strings.Contains(shown(), "wsus  off: ") })
	says(t, shown(), "NoAutoUpdate 1", "configmgr  on: ")
	if got := w.has(autoPolicy, "NoAutoUpdate"); got != "0x1" {
		t.Errorf("NoAutoUpdate is %q", got)
	}
	w.put(autoPolicy, "NoAutoUpdate", "REG_DWORD", "0")
	until(t, "it is seen to be on again", func() bool { return strings.Contains(shown(), "undone") })
	says(t, s.cli("status"), " was turned off by Fettle on "+name+": it is on again", `WindowsUpdate\AU\NoAutoUpdate is gone`)
	if got := w.has(autoPolicy, "NoAutoUpdate"); got != "0x0" {
		t.Errorf("somebody's choice is fought: %q", got)
	}
	s.cli("updaters", "take-over", "wsus", "--label", "all")
	until(t, "it is turned off once more", func() bool { return w.has(autoPolicy, "NoAutoUpdate") == "0x1" })
	s.cli("updaters", "release", "wsus", "--label", "all")
	until(t, "it is given back as it was", func() bool { return w.has(autoPolicy, "NoAutoUpdate") == "0x0" })

	// Wine has the beginning of a Windows Update: the child that speaks with it comes as far as that, and says so in words.
	out, err := w.Exec(t.Context(), windowsAgent, "offers", "--source", "online", "--json")
	if err == nil {
		t.Error("a Windows Update that answers nothing counts as an answer")
	}
	says(t, string(out), `"step":"CreateUpdateSearcher"`, "0x80004001: it is not there on this system", `"updates":[]`)
}
