package main

var factDefects = []Defect{
	{
		Name: "packages that are still in rpm's write-ahead log are missed",
		File: "internal/rpmdb/wal.go",
		Old:  "if commit != 0 {", New: "if false {",
		Test: "TestAgreesWithRPMThatWasKilled|TestAgreesWithSQLite", In: "./internal/rpmdb",
	},
	{
		Name: "what rpm had not committed counts as installed",
		File: "internal/rpmdb/wal.go",
		Old:  "if commit != 0 {", New: "if true {",
		Test: "TestUncommittedRowsAreNone", In: "./internal/rpmdb",
	},
	{
		Name: "an rpm database without packages is a machine without packages",
		File: "internal/rpmdb/rpmdb.go",
		Old:  "if err == nil && count == 0 {", New: "if false {",
		Test: "TestNoDatabase", In: "./internal/rpmdb",
	},
	{
		Name: "another tool's package database stands for the machine's own",
		File: "internal/agent/host/facts_os.go",
		Old:  "slices.Contains(m.systems, name) });", New: "slices.Contains(m.systems, name) && m.there(root) });",
		Test: "TestNoPartialFactsOfRPMMachine", In: "./internal/agent/host",
	},
	{
		Name: "a link in a directory with a machine leads out of it",
		File: "internal/probe/tree_linux.go",
		Old:  "unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS", New: "0",
		Test: "TestLinksStayInside", In: "./internal/probe",
	},
	{
		Name: "a machine that changes while it is asked is judged by what its facts do not hold",
		File: "internal/item/object.go",
		Old:  "r, plain, j.twice = both, nil, true", New: "r, plain = both, nil",
		Test: "TestEvaluateAsked", In: "./internal/detect",
	},
	{
		Name: "what both sides of a machine were asked stands in its facts twice",
		File: "internal/detect/evaluate.go",
		Old:  "if second != nil && !j.Steady() {", New: "if false {",
		Test: "TestAskFromTwoSides", In: "./internal/detect",
	},
	{
		Name: "what two objects of a pass ask alike stands in the facts twice",
		File: "internal/item/pass.go",
		Old:  "if byKey(all[i-1], all[i]) == 0 {", New: "if false {",
		Test: "TestPassIsCollectAndJudge", In: "./internal/item",
	},
	{
		Name: "a directory is taken for the file that a definition names",
		File: "internal/probe/file_linux.go",
		Old:  "m.answer.hasFile(dir, name) {", New: "name != \"\" {",
		Test: "TestSnapshotNamesTheFacts", In: "./internal/standalone",
	},
	{
		Name: "a snapshot names facts without what was asked about files",
		File: "internal/standalone/load.go",
		Old:  "hashed.Sum(j.facts, j.asked.Texts())", New: "hashed.Sum(j.facts, nil)",
		Test: "TestSnapshotNamesTheFacts", In: "./internal/standalone",
	},
	{
		Name: "what definitions ask about files is not collected",
		File: "internal/standalone/load.go",
		Old:  "return s.Ask(ctx, f, m, second)", New: "return detect.Asked{}, nil",
		Test: "TestDefinitionsAboutFiles", In: "./internal/standalone",
	},
	{
		Name: "what dnf is told to leave alone is called missing",
		File: "internal/agent/host/facts_dnf.go",
		Old:  "p.Held = slices.ContainsFunc(", New: "p.Held = false && slices.ContainsFunc(",
		Test: "TestPolicyOfRPMMachine", In: "./internal/agent/host",
	},
	{
		Name: "a machine in a directory is asked what runs here",
		File: "internal/probe/machine_linux.go",
		Old:  "g.absent = !g.m.tree.live\n\treturn g.m.tree.live", New: "return true",
		Test: "TestDirectoriesDoNotRun", In: "./internal/probe",
	},
	{
		Name: "a small XML file may become a tree without bounds",
		File: "internal/probe/xmltree_linux.go",
		Old:  "count+len(t.nodes) > maxXMLNodes || depth > maxXMLDepth", New: "count < 0",
		Test: "TestLargeXMLIsRefused", In: "./internal/probe",
	},
	{
		Name: "a packaged link that leads elsewhere now is not noticed",
		File: "internal/probe/rpmverify_linux.go",
		Old:  "todo&verifyLink != 0 && ", New: "false && ",
		Test: "TestVerifiedFilesAgainstOpenSCAP", In: "./internal/probe",
	},
}
