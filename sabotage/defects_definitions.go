package main

// windowsDefects break what reading definitions for Windows and macOS, and judging them, must hold.
var windowsDefects = []Defect{
	{Name: "of classes that are not complete an absence counts as proof", File: "internal/item/judge.go", Old: "!Ours(t.Class) || c != AtLeastOne", New: "true || c != AtLeastOne", Test: "TestWholeClassesAreAskedOnce", In: "./internal/item"},
	{Name: "items that cannot be compared are left out", File: "internal/item/whole.go", Old: "c.Flag, c.Message = patch.FlagIncomplete, \"some items cannot be compared\"", New: "c.Message = \"\"", Test: "TestWhatCannotBeComparedIsUnknown", In: "./internal/item"},
	{Name: "the index of a class forgets what is not ASCII", File: "internal/item/whole.go", Old: "if rest := by[other]; len(rest) > 0 {", New: "if rest := by[other]; len(rest) > 1<<30 {", Test: "TestWholeIndexMissesNothing", In: "./internal/item"},
	{Name: "what was collected overrules what the facts say of the OS", File: "internal/detect/osfacts.go", Old: "if !known[f.Name] {", New: "if true {", Test: "TestWhatFollowsFromTheOS", In: "./internal/detect"},
	{Name: "a service pack does not make another host OS", File: "internal/patch/hostos.go", Old: "case pack != \"\":", New: "case false:", Test: "TestSystemsAreNamedAsTheyArePatched", In: "./internal/patch"},
	{Name: "a rule that is not known is false", File: "internal/feed/sdp/rules.go", Old: "return c.unclear(\"there is no rule called \" + quote(e.name))", New: "return detect.Or()", Test: "TestLogicalRules", In: "./internal/feed/sdp"},
	{Name: "a prerequisite that the catalog does not have holds", File: "internal/feed/sdp/set.go", Old: "one.Of = append(one.Of, detect.Expr{Op: detect.OpUnclear, Text: \"it needs", New: "one.Of = append(one.Of, detect.And(), detect.Expr{Op: detect.OpUnclear, Text: \"it needs", Test: "TestPackagesAreTheirParts", In: "./internal/feed/sdp"},
	{Name: "references that multiply are followed without end", File: "internal/feed/sdp/set.go", Old: "if s.size += maxSize - left; left <= 0 || s.size > maxSizes {", New: "if s.size += maxSize - left; false {", Test: "TestReferencesThatMultiply", In: "./internal/feed/sdp"},
	{Name: "a loop over no keys says that all are installed", File: "internal/feed/sdp/loop.go", Old: "		t.Check = item.All\n", New: "		t.Check, t.Existence = item.All, item.AnyExist\n", Test: "TestRegKeyLoop", In: "./internal/feed/sdp"},
	{Name: "a damaged block of a cabinet is read", File: "internal/feed/sdp/cab.go", Old: "sum != 0 && sum != cabSum(", New: "sum != 0 && sum == 1 && sum != cabSum(", Test: "TestCabinets", In: "./internal/feed/sdp"},
	{Name: "a packed catalog shows what another one left in memory", File: "internal/feed/sdp/lzx.go", Old: " || int(offset) > d.total+at-start {", New: " {", Test: "TestLZXMatches", In: "./internal/feed/sdp"},
	{Name: "an LZX match goes on behind its block", File: "internal/feed/sdp/lzx.go", Old: "if n > end-at {", New: "if n > end-at+99 {", Test: "TestLZXMatches", In: "./internal/feed/sdp"},
	{Name: "a code of LZX need not be complete", File: "internal/feed/sdp/lzx_bits.go", Old: "if code != 1<<lzxCodeBits {", New: "if code > 1<<lzxCodeBits {", Test: "TestLZXDamage", In: "./internal/feed/sdp"},
	{Name: "a cabinet may ask for any window", File: "internal/feed/sdp/lzx.go", Old: "if bits < lzxMinWindow || bits > lzxMaxWindow {", New: "if bits < lzxMinWindow {", Test: "TestCabinets", In: "./internal/feed/sdp"},
	{Name: "a catalog may take any memory", File: "internal/feed/sdp/set.go", Old: "s.kept > maxKept {", New: "s.kept < 0 {", Test: "TestMemoryIsBounded", In: "./internal/feed/sdp"},
	{Name: "a file is deployed by its SHA-1", File: "internal/feed/sdp/entries.go", Old: "case f.SHA256 == \"\" || f.URL == \"\"", New: "case f.URL == \"\"", Test: "TestFilesNeedSHA256", In: "./internal/feed/sdp"},
	{Name: "a program that does not say its version is current", File: "internal/feed/apps/entries.go", Old: "detect.And(newer, detect.Not(silent)), detect.And(silent, detect.Expr{Op: detect.OpUnclear,", New: "detect.Or(newer, silent), detect.And(silent, detect.Expr{Op: detect.OpUnclear,", Test: "TestVerdictsOfApps", In: "./internal/feed/apps"},
	{Name: "the publisher of a program does not matter", File: "internal/feed/apps/entries.go", Old: "	add(\"publisher_key\", item.Equals, program.Key(program.Publisher(m.Publisher)))\n", New: "", Test: "TestVerdictsOfApps", In: "./internal/feed/apps"},
	{Name: "a list of hotfixes proves an update of Windows 10", File: "internal/feed/msrc/entries.go", Old: "if old || u.revision < 0 {", New: "if old || true {", Test: "TestVerdictsByBuild", In: "./internal/feed/msrc"},
	{Name: "supersedence is followed one step", File: "internal/feed/msrc/set.go", Old: "queue, out = append(queue, p), append(out, p)", New: "out = append(out, p)", Test: "TestVerdictsByBuild", In: "./internal/feed/msrc"},
	{Name: "a seed of macOS is taken for the release", File: "internal/feed/sofa/feed.go", Old: "if len(r.Builds) > 0 {\n		installed", New: "if len(r.Builds) > 99 {\n		installed", Test: "TestVerdictsByVersionBuildAndModel", In: "./internal/feed/sofa"},
	{Name: "what is seen on a machine moves the terminal's cursor", File: "internal/standalone/report.go", Old: "if !unicode.IsPrint(r) {", New: "if !unicode.IsPrint(r) && false {", Test: "TestReasonsArePrintable", In: "./internal/standalone"},
}
