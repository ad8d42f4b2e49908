package deploy

import (
	"slices"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// All that a person saw in a plan and that would come otherwise now is named, before anything happens.
func TestDrifted(t *testing.T) {
	old := func() patch.Plan {
		return patch.Plan{Machines: []patch.MachinePlan{{Machine: "m", Name: "web-1", Items: []patch.PlanItem{{Patch: "p", Outcome: patch.WillInstall, Packages: []patch.PlanPackage{
			{Name: "curl", Arch: "amd64", From: "1", Version: "2", SHA256: "aa", Replaces: []patch.InstalledPackage{{Name: "wget", Version: "1"}}},
			{Name: "libcurl4", Arch: "amd64", Version: "2", SHA256: "bb"},
		}}}}}}
	}
	type m = patch.MachinePlan
	for name, c := range map[string]struct {
		now  func(*m)
		says string
	}{
		"nothing":                {func(*m) {}, ""},
		"a package less":         {func(m *m) { m.Items[0].Packages = m.Items[0].Packages[:1] }, "p on web-1: libcurl4 need not be installed any more"},
		"another architecture":   {func(m *m) { m.Items[0].Packages[1].Arch = "i386" }, "p on web-1: libcurl4 need not be installed any more"},
		"another version":        {func(m *m) { m.Items[0].Packages[0].Version = "3" }, "p on web-1: the file of curl 2 is another one now"},
		"another file":           {func(m *m) { m.Items[0].Packages[0].SHA256 = "cc" }, "p on web-1: the file of curl 2 is another one now"},
		"changed meanwhile":      {func(m *m) { m.Items[0].Packages[0].From = "1.5" }, "p on web-1: curl is at 1.5, and the plan was made for 1"},
		"installed meanwhile":    {func(m *m) { m.Items[0].Packages[1].From = "1" }, "p on web-1: libcurl4 is at 1, and the plan was made for no version"},
		"another one goes":       {func(m *m) { m.Items[0].Packages[0].Replaces[0].Name = "perl" }, "p on web-1: curl would replace other packages than the plan names"},
		"another way to install": {func(m *m) { m.Items[0].Packages[1].Setup = &patch.Setup{Kind: patch.SetupMSI} }, "p on web-1: libcurl4 would be installed in another way than the plan says"},
		"beside the old one":     {func(m *m) { m.Items[0].Packages[1].Beside = true }, "p on web-1: libcurl4 would be installed in another way than the plan says"},
		"an older one":           {func(m *m) { m.Items[0].Packages[1].Back = true }, "p on web-1: libcurl4 would be installed in another way than the plan says"},
		"a package more": {func(m *m) {
			m.Items[0].Packages = append(m.Items[0].Packages, patch.PlanPackage{Name: "zlib1g", Arch: "amd64"})
		},
			"p on web-1: zlib1g has to be installed too"},
		"a restart":           {func(m *m) { m.Expected = patch.Expected{Restart: true, Why: "libc6 needs it"} }, "web-1 would restart now: libc6 needs it"},
		"too little time":     {func(m *m) { m.Items[0].Outcome, m.Items[0].Text = patch.WillNotFit, "it takes an hour" }, "p on web-1 does not fit any more: it takes an hour"},
		"left out":            {func(m *m) { m.Items, m.Left = nil, []patch.LeftOut{{Patch: "p", Text: "it is held"}} }, "p on web-1: it is held"},
		"approved no more":    {func(m *m) { m.Items = nil }, "p on web-1: it is not approved for this machine any more"},
		"the machine is gone": {func(m *m) { *m = patch.MachinePlan{} }, "p on web-1: the machine is not among those that the plan is for any more"},
	} {
		t.Run(name, func(t *testing.T) {
			fresh := old()
			c.now(&fresh.Machines[0])
			var got []string
			for _, p := range drifted(old(), fresh) {
				got = append(got, p.String())
			}
			if want := slices.DeleteFunc([]string{c.says}, func(s string) bool { return s == "" }); !slices.Equal(got, want) {
				t.Errorf("%q, not %q", got, want)
			}
		})
	}
	// What the person saw already is no drift.
	seen := old()
	seen.Machines[0].Expected.Restart, seen.Machines[0].Items[0].Outcome = true, patch.WillNotFit
	if d := drifted(seen, seen); len(d) > 0 {
		t.Errorf("%q", d)
	}
	// Nor is what a plan that was read back has in another shape.
	read, fresh := old(), old()
	read.Machines[0].Items[0].Packages[0].Setup = &patch.Setup{Kind: patch.SetupMSI}
	fresh.Machines[0].Items[0].Packages[0].Setup = &patch.Setup{Kind: patch.SetupMSI, Switches: []string{}, Codes: map[int]patch.SetupOutcome{}}
	if d := drifted(read, fresh); len(d) > 0 {
		t.Errorf("%q", d)
	}
}
