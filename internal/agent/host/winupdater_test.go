package host

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// keptValues is a registry in memory: numbers and texts by KEY\NAME.
type keptValues map[string]any

func (r keptValues) text(key, name string) string {
	s, _ := r[key+`\`+name].(string)
	return s
}

func (r keptValues) number(key, name string) (uint32, bool) {
	n, ok := r[key+`\`+name].(int)
	return uint32(n), ok
}

func (r keptValues) keys(key string) (out []string) {
	for place := range r {
		if rest, ok := strings.CutPrefix(place, key+`\`); ok && strings.Contains(rest, `\`) {
			name, _, _ := strings.Cut(rest, `\`)
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (r keptValues) set(key, name string, n uint32) error { r[key+`\`+name] = int(n); return nil }
func (r keptValues) remove(key, name string) error        { delete(r, key+`\`+name); return nil }

// with is a Windows 10 that keeps itself, and what is set on it besides.
func with(more keptValues) keptValues {
	r := keptValues{updateService + `\Start`: 3, currentVersion + `\CurrentMajorVersionNumber`: 10}
	maps.Copy(r, more)
	return r
}

func TestPatchServicesOfWindowsAreNamed(t *testing.T) {
	served := keptValues{updatePolicy + `\WUServer`: "http://wsus:8530", autoPolicy + `\UseWUServer`: 1}
	for _, c := range []struct {
		about, name string
		set         keptValues
		on          bool
		says        string
	}{
		{"a new machine", patch.WindowsUpdate, nil, true, "has no NoAutoUpdate"},
		{"turned off by policy", patch.WindowsUpdate, keptValues{autoPolicy + `\NoAutoUpdate`: 1}, false, "NoAutoUpdate 1"},
		{"turned on by policy", patch.WindowsUpdate, keptValues{autoPolicy + `\NoAutoUpdate`: 0, autoPolicy + `\AUOptions`: 4}, true, "AUOptions 4: it installs by itself"},
		{"only tells", patch.WindowsUpdate, keptValues{autoPolicy + `\AUOptions`: 2}, false, "waits for them"},
		{"downloads", patch.WindowsUpdate, keptValues{autoPolicy + `\AUOptions`: 3}, true, "downloads by itself"},
		{"a choice of people counts no more", patch.WindowsUpdate, keptValues{autoChoice + `\AUOptions`: 1}, true, "no policy"},
		{"a choice of people before Windows 10", patch.WindowsUpdate, keptValues{currentVersion + `\CurrentMajorVersionNumber`: 6, autoChoice + `\AUOptions`: 1}, false, "never looks"},
		{"its service is off", patch.WindowsUpdate, keptValues{updateService + `\Start`: 4}, false, "wuauserv is disabled"},
		{"a server of one's own", patch.WSUS, served, true, "names the server http://wsus:8530"},
		{"a server that is not used", patch.WindowsUpdate, keptValues{updatePolicy + `\WUServer`: "http://wsus:8530"}, true, ""},
		{"deferred, held and hidden", patch.WindowsUpdate, keptValues{updatePolicy + `\DeferQualityUpdates`: 1, updatePolicy + `\DeferQualityUpdatesPeriodInDays`: 7,
			updatePolicy + `\TargetReleaseVersion`: 1, updatePolicy + `\TargetReleaseVersionInfo`: "22H2", updatePolicy + `\DisableWindowsUpdateAccess`: 1,
			updatePolicy + `\PauseFeatureUpdatesStartTime`: "2026-11-01"}, true,
			"; quality updates are deferred by 7 days; feature updates are paused since 2026-11-01; held at the release 22H2; nobody may open Windows Update (DisableWindowsUpdateAccess)"},
		{"Configuration Manager", patch.ConfigMgr, keptValues{ccmService + `\Start`: 2, ccmClient + `\AssignedSiteCode`: "P01"}, true, "its site is P01"},
		{"Configuration Manager, off", patch.ConfigMgr, keptValues{ccmService + `\Start`: 4}, false, "disabled"},
		{"Intune", patch.Intune, keptValues{enrollments + `\{1}\ProviderID`: "MS DM Server", enrollments + `\{1}\EnrollmentState`: 1, mdmUpdate + `\AllowAutoUpdate`: 1}, true, "AllowAutoUpdate 1"},
		{"left Intune", patch.Intune, keptValues{enrollments + `\{1}\ProviderID`: "MS DM Server", enrollments + `\{1}\EnrollmentState`: 0}, false, "EnrollmentState 0"},
	} {
		all := winUpdaterStates(with(c.set))
		i := slices.IndexFunc(all, func(s patch.UpdaterState) bool { return s.Name == c.name })
		if i < 0 || all[i].Enabled != c.on || !strings.Contains(all[i].Evidence, c.says) {
			t.Errorf("%s: %+v", c.about, all)
		}
	}
	if all := winUpdaterStates(keptValues{enrollments + `\{2}\ProviderID`: "Somebody"}); len(all) > 0 {
		t.Errorf("of nothing: %+v", all)
	}
	if all := winUpdaterStates(with(served)); len(all) != 1 {
		t.Errorf("one that serves a server is there twice: %+v", all)
	}
}

// A take-over sets what its table says and nothing else; giving back leaves the registry as it was, and what somebody made theirs alone.
func TestTakeOverOnWindowsAndGiveBack(t *testing.T) {
	for _, before := range []keptValues{with(nil), with(keptValues{autoPolicy + `\NoAutoUpdate`: 0, autoPolicy + `\AUOptions`: 4})} {
		r := maps.Clone(before)
		plan, err := planValues(r, patch.WindowsUpdate)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // a kill after it was carried out repeats it
			if err := takeValues(r, patch.WindowsUpdate, plan); err != nil {
				t.Fatal(err)
			}
		}
		if s := winUpdaterStates(r); s[0].Enabled || len(missingValues(r, patch.WindowsUpdate, plan)) > 0 {
			t.Errorf("it is not off: %+v", s)
		}
		theirs := maps.Clone(r)
		theirs[autoPolicy+`\NoAutoUpdate`] = 0
		if m := missingValues(theirs, patch.WindowsUpdate, plan); len(m) != 1 || !strings.Contains(m[0], "NoAutoUpdate") {
			t.Errorf("somebody turned it on: %q", m)
		}
		kept := maps.Clone(theirs)
		if err := giveValues(theirs, patch.WindowsUpdate, plan); err != nil || !maps.Equal(theirs, kept) {
			t.Errorf("what somebody set was put back: %v %v", err, theirs)
		}
		if err := giveValues(r, patch.WindowsUpdate, plan); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, r); diff != "" {
			t.Error(diff)
		}
	}
	off := with(keptValues{autoPolicy + `\NoAutoUpdate`: 1})
	plan, err := planValues(off, patch.WindowsUpdate)
	if err != nil || len(plan.Values) > 0 {
		t.Errorf("what an administrator set is ours: %+v %v", plan, err)
	}
	for _, name := range []string{patch.ConfigMgr, patch.Intune, patch.UnattendedUpgrades, "", `..\Run`} {
		if _, err := planValues(off, name); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestWhoInstalledWhatOnWindows(t *testing.T) {
	for source, want := range map[string]string{
		`C:\Windows\ccmcache\1a\`: "configmgr service", `C:\WINDOWS\SoftwareDistribution\Download\Install\`: "windows-update service",
		`C:\Program Files (x86)\Microsoft Intune Management Extension\Content\Staging`: "intune service", `C:\Windows\IMECache\x`: "intune service",
		`C:\ProgramData\Fettle\agent\setups`: "fettle fettle", `C:\Users\eve\Downloads\`: " ", "": " ",
	} {
		if by, who, _ := programHand(source); by+" "+string(who) != want {
			t.Errorf("%s: %s %s, want %s", source, by, who, want)
		}
	}
	for client, want := range map[string]string{"WindowsUpdateAgent": "wsus service", "UpdateAgentLCU": "wsus service", "DISM Package Manager Provider": "DISM Package Manager Provider ", "": " "} {
		if by, who, _ := hotfixHand(client, true); by+" "+string(who) != want {
			t.Errorf("%s: %s %s, want %s", client, by, who, want)
		}
	}
	if by, _, _ := hotfixHand("WindowsUpdateAgent", false); by != patch.WindowsUpdate {
		t.Errorf("without a server of one's own: %s", by)
	}
	noon := time.Date(2026, 11, 26, 12, 0, 0, 5, time.UTC)
	for day, want := range map[string]time.Time{"20261126": noon.Truncate(time.Second), "20261001": noon.Truncate(time.Second), "": noon.Truncate(time.Second),
		"20261127": time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)} {
		if got := written(noon, day); !got.Equal(want) {
			t.Errorf("%s: %s", day, got)
		}
	}
}
