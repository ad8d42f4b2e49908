package main

var ovalDefects = []Defect{
	{
		Name: "an OVAL document may define entities",
		File: "internal/feed/oval/reader.go",
		Old:  `return nil, errors.New("it has a document type declaration, which could define entities")`, New: "continue",
		Test: "TestReadRefuses", In: "./internal/feed/oval",
	},
	{
		Name: "one tag of an OVAL document may be of any length",
		File: "internal/feed/oval/reader.go",
		Old:  "m.token > maxToken ||", New: "",
		Test: "TestReadRefuses", In: "./internal/feed/oval",
	},
	{
		Name: "a definition that is too large is judged by its beginning",
		File: "internal/feed/oval/document.go",
		Old:  "if e.cut() {", New: "if false {",
		Test: "TestTooLargeSpoilsNoOther", In: "./internal/feed/oval",
	},
	{
		Name: "definitions that extend each other twice double without end",
		File: "internal/feed/oval/link.go",
		Old:  "if d.size > maxSize && d.Fault == \"\" {", New: "if false {",
		Test: "TestExtensionsAreBounded", In: "./internal/feed/oval",
	},
	{
		Name: "a test that the document does not have is no fault",
		File: "internal/feed/oval/declared.go",
		Old:  "case !d.read:", New: "case false:",
		Test: "TestReadSmall", In: "./internal/feed/oval",
	},
	{
		Name: "variables may need themselves",
		File: "internal/feed/oval/declared.go",
		Old:  "return d.what + \" \" + d.id + \" depends on itself\"", New: "return \"\"",
		Test: "TestVariablesThatNeedThemselves", In: "./internal/feed/oval",
	},
	{
		Name: "an external variable takes values that the document does not allow",
		File: "internal/feed/oval/external.go",
		Old:  "return !limited", New: "return limited || true",
		Test: "TestExternalVariables", In: "./internal/feed/oval",
	},
	{
		Name: "a patch that is installed has a prerequisite that does not hold",
		File: "internal/feed/oval/relax.go",
		Old:  "!negated && !r.relaxes(t):", New: "!negated:",
		Test: "TestPrerequisites", In: "./internal/feed/oval",
	},
	{
		Name: "an item that the system characteristics lack is one that does not exist",
		File: "internal/feed/oval/syschar.go",
		Old:  "patch.Item{Status: patch.StatusError})", New: "patch.Item{Status: patch.StatusNotExist})",
		Test: "TestReadCharacteristics", In: "./internal/feed/oval",
	},
	{
		Name: "an object that was not collected is one that does not exist",
		File: "internal/feed/oval/syschar.go",
		Old:  "Flag: patch.FlagNotCollected,", New: "Flag: patch.FlagNotExist,",
		Test: "TestReadCharacteristics", In: "./internal/feed/oval",
	},
	{
		Name: "criteria of the operator ONE are criteria of OR",
		File: "internal/feed/oval/expression.go",
		Old:  "e.Op, fixed = detect.OpOne, true", New: "e.Op, fixed = detect.OpOr, true",
		Test: "TestPrerequisites", In: "./internal/feed/oval",
	},
}
