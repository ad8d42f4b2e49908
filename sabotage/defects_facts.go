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
		Old:  "if err == nil && len(out) == 0 {", New: "if false {",
		Test: "TestNoDatabase", In: "./internal/rpmdb",
	},
	{
		Name: "another tool's package database stands for the machine's own",
		File: "internal/agent/host/facts_os.go",
		Old:  "slices.Contains(m.systems, name) });", New: "slices.Contains(m.systems, name) && m.there(root) });",
		Test: "TestNoPartialFactsOfRPMMachine", In: "./internal/agent/host",
	},
}
