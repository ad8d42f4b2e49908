package main

// setupDefects remove controls of installers for Windows.
var setupDefects = []Defect{
	{Name: "an installer gets whatever switches a definition names", File: "internal/patch/setup.go",
		Old: "if !shape.MatchString(w) {", New: "if false {", Test: "TestSetupTakesNoCommands", In: "./internal/patch"},
	{Name: "an installer of a kind that nobody knows is run", File: "internal/patch/setup.go",
		Old: "case !slices.Contains(kinds, s.Kind):", New: "case false:", Test: "TestSetupTakesNoCommands", In: "./internal/patch"},
	{Name: "an installer that is not the order's is run", File: "internal/agent/host/setup.go",
		Old: "if n != p.Size || sum != p.SHA256 {", New: "if n != p.Size {", Test: "TestAnInstallerThatIsNotTheOrdersIsRefused", In: "./internal/agent/host"},
	{Name: "a failed installer counts as done", File: "internal/patch/setup.go",
		Old: "	return SetupFailed\n", New: "	return SetupDone\n", Test: "TestExitCodesMeanWhatTheDefinitionSaysFirst", In: "./internal/patch"},
	{Name: "a setup that no agent would carry out is published", File: "internal/catalog/entries.go",
		Old: "f.Setup != nil && f.Setup.Check() != nil", New: "false", Test: "TestSetupsGoWithTheirFiles", In: "./internal/catalog"},
	{Name: "a service pack is no host OS of its own", File: "internal/patch/hostos.go",
		Old: "name += \"-sp\" + pack", New: "name += \"\"", Test: "TestWindowsIsNamedAsItIsPatched", In: "./internal/agent/host"},
	{Name: "a take-over counts what an administrator had set as its own", File: "internal/agent/host/winupdater.go",
		Old: "case was != v.number:", New: "default:", Test: "TestTakeOverOnWindowsAndGiveBack", In: "./internal/agent/host"},
	{Name: "giving back undoes what somebody has set since", File: "internal/agent/host/winupdater.go",
		Old: "!ours || !there || n != v.number {", New: "!ours || !there && n != v.number {", Test: "TestTakeOverOnWindowsAndGiveBack", In: "./internal/agent/host"},
	{Name: "Windows Update that policy turns off counts as on", File: "internal/agent/host/winupdater.go",
		Old: `s.number(autoPolicy, "NoAutoUpdate"); n == 1 {`, New: `s.number(autoPolicy, "NoAutoUpdate"); n == 7 {`, Test: "TestPatchServicesOfWindowsAreNamed", In: "./internal/agent/host"},
	{Name: "who updated Windows is not told by its article", File: "internal/ledger/transitions.go",
		Old: `return number == strings.TrimPrefix(p.Advisory, "KB")`, New: "return false", Test: "TestWhoUpdatedWindows", In: "./internal/story"},
	{Name: "a file that Windows finds by another spelling counts as absent", File: "internal/probe/folder_windows.go",
		Old: `!strings.HasSuffix(name, ".") && `, New: "", Test: "TestFilesOfOneFolderOnWindows", In: "./e2e"},
	{Name: "files that only wait to be deleted owe a restart", File: "internal/agent/host/windows.go",
		Old: "if pairs[i+1] != \"\" {", New: "if true {", Test: "TestARestartIsOwedForWhatWillBeReplaced", In: "./internal/agent/host"},
}
