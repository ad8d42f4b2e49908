package deploy

import (
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// Between two installs all that is left is in the state "downloading", with all its bytes: that must not look like going back.
func TestAMachineThatInstallsDoesNotSeemToFetchAgain(t *testing.T) {
	const way = patch.Execution("on its way")
	of := func(states ...patch.Execution) string {
		var mp MachineProgress
		for _, s := range states {
			a := patch.Attempt{State: s, Bytes: 10, TotalBytes: 10}
			if s == way {
				a.State, a.Bytes = patch.ExecDownloading, 4
			}
			mp.Counts.Add(a)
			mp.Items = append(mp.Items, ItemProgress{Attempt: a, Text: saying(a)})
		}
		mp.State, mp.Text = lead(mp.Items)
		mp.installing()
		return string(mp.State) + ": " + mp.Text.String()
	}
	const waits, fetched, installs, done, failed = patch.ExecWaiting, patch.ExecDownloading, patch.ExecInstalling, patch.ExecDone, patch.ExecFailed
	for _, c := range []struct {
		want   string
		states []patch.Execution
	}{
		{"downloading: fetches the files", []patch.Execution{fetched, way, way}},
		{"downloading: fetches the files", []patch.Execution{failed, fetched, way}},
		{"downloading: fetches the files", []patch.Execution{fetched, fetched, waits}}, // files are asked for patch by patch
		{"installing: installs, 0 of 3 done", []patch.Execution{fetched, fetched, fetched}},
		{"installing: installs, 0 of 3 done", []patch.Execution{installs, fetched, fetched}},
		{"installing: installs, 1 of 3 done", []patch.Execution{done, fetched, fetched}},
		{"installing: installs, 1 of 3 done", []patch.Execution{done, installs, fetched}},
		{"installing: installs, 1 of 3 done, 1 failed", []patch.Execution{done, failed, fetched}},
		{"failed: failed ()", []patch.Execution{done, failed, done}},
		{"done: installed; the detect after it has not come yet", []patch.Execution{done, done, done}},
	} {
		if got := of(c.states...); got != c.want {
			t.Errorf("%v: %q, not %q", c.states, got, c.want)
		}
	}
	mp := MachineProgress{State: installs, Items: []ItemProgress{{Attempt: patch.Attempt{Patch: "s/perl/1", State: done}}, {Attempt: patch.Attempt{Patch: "s/curl/1", State: installs}}}}
	if mp.installing(); mp.Text.String() != "installs, 0 of 0 done: s/curl/1" {
		t.Errorf("it says %q", mp.Text)
	}
	mp.Items[0].Attempt.State = fetched
	if mp.installing(); mp.Items[0].Text != "its files are on the machine, and its turn comes" {
		t.Errorf("what is fetched is said to be on its way: %q", mp.Items[0].Text)
	}
	mp.Items[0].Attempt.Back, mp.Counts = []patch.Step{{Name: "perl"}}, Counts{Total: 2, Done: 1, Failed: 1}
	if mp.installing(); mp.Text.String() != "goes back, 1 of 2 done, 1 failed: s/curl/1" {
		t.Errorf("of a rollback it says %q", mp.Text)
	}
}
