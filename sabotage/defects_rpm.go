package main

// rpmDefects break what keeps advisories and repositories of rpm distributions right.
var rpmDefects = []Defect{
	{Name: "a file of an rpm repository need not be what repomd.xml says", File: "internal/feed/rpm/fetch.go", Old: "content.Want{SHA256: d.SHA256, Size: d.Size, Limit: maxCompressed}", New: "content.Want{Limit: maxCompressed}", Test: "TestFetchRefuses", In: "./internal/feed/rpm"},
	{Name: "the decompressed bytes of a repository's file may be others", File: "internal/feed/rpm/fetch.go", Old: "got != string(d.OpenSHA256) || d.OpenSize > 0 && n != d.OpenSize {", New: "got == \"\" || n < 0 {", Test: "TestFetchRefuses", In: "./internal/feed/rpm"},
	{Name: "repomd.xml's signature is not checked", File: "internal/feed/rpm/fetch.go", Old: "return text, tags, debian.VerifyDetachedAt(repomdPath, text, signature, keyring, g.now)", New: "_, _ = signature, keyring\n	return text, tags, nil", Test: "TestFetchRefuses", In: "./internal/feed/rpm"},
	{Name: "an unsigned repository may come over plain http", File: "internal/feed/address.go", Old: "case f.Keyring == \"\" && !here(u.Hostname()):", New: "case false:", Test: "TestAddresses", In: "./internal/feed/rpm"},
	{Name: "an unsigned file with a keyring may come over plain http", File: "internal/feed/address.go", Old: "f.Keyring = \"\"", New: "_ = f.Keyring", Test: "TestUpdateinfoFile", In: "./internal/feed/rpm"},
	{Name: "a repository's file may lie outside of it", File: "internal/feed/rpm/repomd.go", Old: "case !cleanPath(d.Location):", New: "case false:", Test: "TestRepomdRefuses", In: "./internal/feed/rpm"},
	{Name: "a vendor's file may take any memory", File: "internal/feed/rpm/xml.go", Old: "if r.left <= 0 {", New: "if false {", Test: "TestMemoryIsBounded", In: "./internal/feed/rpm"},
	{Name: "updateinfo's modules are forgotten", File: "internal/feed/rpm/updateinfo.go", Old: "r := Row{Module: a.module, Source:", New: "r := Row{Source:", Test: "TestAdvisories", In: "./internal/feed/rpm"},
	{Name: "modules.yaml's streams are forgotten", File: "internal/feed/rpm/entries.go", Old: "b.modules[a.String()] = m.NameStream()", New: "_ = m", Test: "TestModulesTellTheStream", In: "./internal/feed/rpm"},
	{Name: "OSV's fixes for modules are for packages of none", File: "internal/feed/osv/entries.go", Old: "if advisory.ModularRelease(r.fixed) {", New: "if false {", Test: "TestWindows", In: "./internal/feed/osv"},
	{Name: "a fault is in versions from before it came", File: "internal/feed/osv/entries.go", Old: "if !slices.ContainsFunc(rows, func(r row) bool { return r.introduced != \"\" }) {", New: "if len(rows) > 0 {", Test: "TestWindows", In: "./internal/feed/osv"},
	{Name: "a withdrawn advisory is a patch", File: "internal/feed/osv/feed.go", Old: "ok && a.Withdrawn == nil {", New: "ok {", Test: "TestEntries", In: "./internal/feed/osv"},
	{Name: "a retracted advisory is a patch", File: "internal/feed/rpm/entries.go", Old: "if a.Status == statusRetracted || ", New: "if ", Test: "TestUpdatesWithoutAnAdvisory", In: "./internal/feed/rpm"},
	{Name: "an unreadable advisory disappears", File: "internal/feed/osv/feed.go", Old: "if places[path.Dir(name)] {", New: "if false {", Test: "TestEntries", In: "./internal/feed/osv"},
	{Name: "every build that an advisory passed by is a patch", File: "internal/feed/rpm/entries.go", Old: "return ok && !newer(p.EVR, v)", New: "return ok && newer(v, v)", Test: "TestUpdatesWithoutAnAdvisory", In: "./internal/feed/rpm"},
	{Name: "obsoleting packages obsolete every version", File: "internal/feed/rpm/patches.go", Old: "return detect.And(there, detect.Not(from)), true", New: "return there, true", Test: "TestObsoletes", In: "./internal/feed/rpm"},
	{Name: "an old build's obsoletes count", File: "internal/feed/rpm/entries.go", Old: "	delete(b.replacing, s)\n	if len(p.Obsoletes) > 0 {", New: "	if old := b.replacing[s]; len(p.Obsoletes) > 0 {\n		p.Obsoletes = append(p.Obsoletes, old.Obsoletes...)", Test: "TestObsoletes", In: "./internal/feed/rpm"},
	{Name: "half of an advisory in two repositories is lost", File: "internal/catalog/meet.go", Old: "if !slices.Contains(m.rule.Packages, r) {", New: "if false {", Test: "TestAdvisoryInTwoRepositories", In: "./internal/catalog"},
	{Name: "half of an advisory that updateinfo lists in parts is lost", File: "internal/feed/rpm/patches.go", Old: "first.Definition.Packages = append(first.Definition.Packages, e.Definition.Packages...)", New: "_ = first", Test: "TestUnclearAdvisories", In: "./internal/feed/rpm"},
	{Name: "packages of a disabled module count as eligible", File: "internal/detect/index.go", Old: "return p.Held || p.Module != \"\" && x.disabled(p.Module)", New: "return p.Held", Test: "TestCases", In: "./internal/detect"},
	{Name: "a held package is to be replaced", File: "internal/feed/rpm/patches.go", Old: "detect.And(x, free(o.Name))", New: "x", Test: "TestObsoletes", In: "./internal/feed/rpm"},
}
