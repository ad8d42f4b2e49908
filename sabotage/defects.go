package main

var defects = []Defect{
	{
		Name: "a partial snapshot is taken for complete",
		File: "internal/patch/machine.go",
		Old:  "case s.Expected != s.Evaluated:",
		New:  "case false:",
		Test: "TestSnapshotCheck", In: "./internal/patch",
	},
	{
		Name: "a signature over one type passes as another",
		File: "internal/wire/envelope.go",
		Old:  "if e.Type != typ {",
		New:  "if typ = e.Type; false {",
		Test: "TestEnvelope", In: "./internal/wire",
	},
	{
		Name: "an unsigned order opens",
		File: "internal/wire/envelope.go",
		Old:  "!ed25519.Verify(key, preAuth(typ, e.Payload), e.Signature)",
		New:  "e.Signature == nil",
		Test: "TestEnvelope", In: "./internal/wire",
	},
	{
		Name: "facts that are sent again become the machine's newest",
		File: "internal/store/blobs.go",
		Old:  " AND said_`+column+` IN ('', $2)",
		New:  "",
		Test: "TestLateReportsChangeNothing", In: "./internal/store",
	},
	{
		Name: "a late report of a failed detect overrides a complete one",
		File: "internal/store/machines.go",
		Old:  "!at.After(r.Ended)",
		New:  "r.Ended.IsZero()",
		Test: "TestLateReportsChangeNothing", In: "./internal/store",
	},
}
