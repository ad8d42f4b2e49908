package main

// detectDefects break what the detection engine must hold.
var detectDefects = []Defect{
	{Name: "a damaged signature file is judged with", File: "internal/detect/format.go", Old: "if checksum(body) != sum {", New: "if checksum(body) != sum && false {", Test: "TestEveryDamageIsFound", In: "./internal/detect"},
	{Name: "a broken package counts as judged", File: "internal/detect/set.go", Old: "case count[broken] > 0:", New: "case false:", Test: "TestCases", In: "./internal/detect"},
	{Name: "what was left half-way waits for a person although there is a fix", File: "internal/detect/set.go", Old: "case h.pkg.State == patch.Broken && c == older:", New: "case false:", Test: "TestCases", In: "./internal/detect"},
	{Name: "what was left half-way and is held is only held", File: "internal/detect/set.go", Old: "if h.compared == older && !moves && h.pkg.State == patch.Broken {", New: "if false {", Test: "TestCases", In: "./internal/detect"},
	{Name: "facts of another host OS are judged", File: "internal/detect/index.go", Old: "if f.OS.Key != os && os != patch.AnyOS {", New: "if false {", Test: "TestFactsThatDoNotFit", In: "./internal/detect"},
	{Name: "facts that name a package twice are judged", File: "internal/detect/index.go", Old: "if i > 0 && byName(*p, packages[i-1]) == 0 {", New: "if false {", Test: "TestFactsThatDoNotFit", In: "./internal/detect"},
	{Name: "an error in a tree is taken for an answer", File: "internal/detect/value.go", Old: "case prerequisite != item.True:", New: "case prerequisite == item.Unknown:", Test: "TestVerdictTable", In: "./internal/detect"},
	{Name: "a fix is for packages of any module stream", File: "internal/detect/index.go", Old: "if wanted == anyPackage || has == wanted {", New: "if wanted == anyPackage || has != \"\\x00\" {", Test: "TestCases", In: "./internal/detect"},
	{Name: "a rule for one architecture is about all", File: "internal/detect/index.go", Old: "(arch == archAny || u.pkg.Arch == arch)", New: "(arch != \"\")", Test: "TestCases", In: "./internal/detect"},
	{Name: "an rpm rule of no architecture is about the native one only", File: "internal/detect/scheme.go", Old: "if s == schemeRPM {\n			return archAny", New: "if s == 0 {\n			return archAny", Test: "TestCases", In: "./internal/detect"},
	{Name: "an older instance of a package counts", File: "internal/detect/index.go", Old: "return x.scheme.compare(p.Version, q.Version) == current", New: "return false", Test: "TestCases", In: "./internal/detect"},
	{Name: "an applicability check is no more than its operand", File: "internal/detect/value.go", Old: "if v == item.False {", New: "if v == item.False && false {", Test: "TestCases", In: "./internal/detect"},
	{Name: "the short form of a test forgets the architecture", File: "internal/detect/infotest.go", Old: "	if s.arch > 0 {\n		key", New: "	if s.arch > 99 {\n		key", Test: "TestShortFormMeansTheWholeTest", In: "./internal/detect"},
	{Name: "removed packages count as items", File: "internal/detect/packageitems.go", Old: "p.State == patch.Removed || !mayBe(&r, p)", New: "!mayBe(&r, p)", Test: "TestPackageItems", In: "./internal/detect"},
	{Name: "a package of another manager is an item", File: "internal/detect/packageitems.go", Old: "a.manager != \"\" && a.manager != manager", New: "a.manager != \"\" && a.manager != manager && false", Test: "TestShortFormMeansTheWholeTest", In: "./internal/detect"},
	{Name: "evidence leaves out what decided", File: "internal/detect/outcome.go", Old: "	default:\n		return refs\n	}\n	best := -1", New: "	default:\n		return refs[:min(1, len(refs))]\n	}\n	best := -1", Test: "TestOnlyNamedEvidenceFlipsAVerdict", In: "./internal/detect"},
	{Name: "a small signature file asks for hours of work", File: "internal/detect/trees.go", Old: "r.bad = r.bad || work > maxWork ||", New: "r.bad = r.bad || work > 1<<60 ||", Test: "TestSmallFilesAskForLittleWork", In: "./internal/detect"},
	{Name: "verdicts are named by another list", File: "internal/standalone/report.go", Old: "if list.Len() != j.signatures.Len() || !j.signatures.Agrees(", New: "if list.Len() != j.signatures.Len() || j.signatures == nil && !j.signatures.Agrees(", Test: "TestListsOfOtherPatchesAreRefused", In: "./internal/standalone"},
	{Name: "a signature file may refer to item tests that it does not have", File: "internal/detect/trees.go", Old: "int(t.tests[i].object) < t.items.Tests())", New: "true)", Test: "TestSectionsThatDoNotFit", In: "./internal/detect"},
	{Name: "a signature file may refer to tests that it does not have", File: "internal/detect/trees.go", Old: "r.bad = r.bad || !t.fits(row)", New: "_ = t.fits", Test: "TestSectionsThatDoNotFit", In: "./internal/detect"},
}
