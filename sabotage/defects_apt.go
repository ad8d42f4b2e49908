package main

var aptDefects = []Defect{
	{
		Name: "a version that the machine's apt preferences rule out is offered",
		File: "internal/candidate/choice.go",
		Old:  "case k.priority <= 0, c.chosen == nil, version.DpkgCompare(k.version, c.chosen.version) > 0:",
		New:  "case false:",
		Test: "TestRulings", In: "./internal/candidate",
	},
	{
		Name: "a phased update comes to a machine before its turn",
		File: "internal/candidate/choice.go",
		Old:  "case c.phased != nil:", New: "case false:",
		Test: "TestRulings", In: "./internal/candidate",
	},
	{
		Name: "the draw of lots for phased updates is not apt's",
		File: "internal/candidate/phase.go",
		Old:  "const modulus, width = 1<<31 - 1, 101", New: "const modulus, width = 1<<31 - 1, 100",
		Test: "TestTurn", In: "./internal/candidate",
	},
	{
		Name: "backports and subscribers' archives are for every machine",
		File: "internal/candidate/choice.go",
		Old:  "if o.Archive < len(p.enabled) && !p.enabled[o.Archive] {", New: "if false {",
		Test: "TestRulings", In: "./internal/candidate",
	},
	{
		Name: "a third party's suite of the same name enables the vendor's",
		File: "internal/candidate/policy.go",
		Old:  `s.Origin != "" && a.Release.Origin != "" && s.Origin != a.Release.Origin`, New: "false",
		Test: "TestWhichArchiveASourceIs", In: "./internal/candidate",
	},
	{
		Name: "preferences that apt refuses are taken for none",
		File: "internal/agent/host/facts_apt.go",
		Old:  "p.Fault = tidy(err.Error(), 300)", New: `p.Fault = ""`,
		Test: "TestAptPolicy", In: "./internal/agent/host",
	},
	{
		Name: "the machine's policy is asked for but not followed",
		File: "internal/detect/set.go",
		Old:  `!h.held && h.ruling.Code == ""`, New: "!h.held",
		Test: "TestPolicyDecides", In: "./internal/detect",
	},
	{
		Name: "a plan takes a package that the machine's policy keeps from the patch",
		File: "internal/world/needed.go",
		Old:  "return allowed == nil ||", New: "return true ||",
		Test: "TestNeeded", In: "./internal/world",
	},
	{
		Name: "any package that is half-way gets the blame for the one that apt stumbles over",
		File: "internal/agent/host/apt.go",
		Old:  "		case reinstall:\n", New: "		case false && reinstall:\n",
		Test: "TestTheFixHealsWhatWasLeftHalfWay", In: "./e2e",
	},
	{
		Name: "apt is asked before dpkg's notes are merged",
		File: "internal/agent/host/apt.go",
		Old:  "len(notes) == 0 {", New: "len(notes) >= 0 {",
		Test: "TestTheFixHealsWhatWasLeftHalfWay", In: "./e2e",
	},
	{
		Name: "the fix of what was left half-way is not fetched",
		File: "internal/world/needed.go",
		Old:  `p.State != patch.Removed && carried[s].Name != ""`, New: `p.State == patch.Installed && carried[s].Name != ""`,
		Test: "TestNeeded", In: "./internal/world",
	},
	{
		Name: "a file that only comes along is reason enough to install it",
		File: "internal/world/needed.go",
		Old:  "!file.Along && may(p)", New: "may(p)",
		Test: "TestNeeded", In: "./internal/world",
	},
	{
		Name: "the new kernel is not part of its meta package's patch",
		File: "internal/catalog/build.go",
		Old:  "\tbring(groups)\n", New: "",
		Test: "TestKernelsComeWithTheirMetaPackage", In: "./internal/catalog",
	},
	{
		Name: "packages of no suite pass for covered",
		File: "internal/detect/unmanaged.go",
		Old:  "!known[p] && p.State", New: "false && p.State",
		Test: "TestUnmanaged", In: "./internal/detect",
	},
	{
		Name: "an advisory of another release enriches a patch",
		File: "internal/catalog/notes.go",
		Old:  "if n.Release == e.release[p.Suite] ||", New: "if true || n.Release == e.release[p.Suite] ||",
		Test: "TestAdvisoriesEnrichPatches", In: "./internal/catalog",
	},
	{
		Name: "a machine's default release stops every deploy",
		File: "internal/agent/host/argv.go",
		Old:  `"-o", "APT::Default-Release=",`, New: "",
		Test: "TestDefaultReleaseDoesNotStopApt", In: "./internal/agent/host",
	},
}
