package main

// careDefects remove controls over what a machine does around an installation.
var careDefects = []Defect{
	{Name: "a hook that others than root can write is run", File: "internal/agent/host/hook_linux.go",
		Old: "case st.Mode&0o022 != 0:", New: "case false:", Test: "TestHooksAreRootsAlone", In: "./internal/agent/host"},
	{Name: "a hook of another user is run as root", File: "internal/agent/host/hook_linux.go",
		Old: "case st.Uid != 0:", New: "case false:", Test: "TestHooksAreRootsAlone", In: "./internal/agent/host"},
	{Name: "a hook may be a link to anywhere", File: "internal/agent/host/hook_linux.go",
		Old: "flags := syscall.O_RDONLY | syscall.O_NOFOLLOW | ", New: "flags := syscall.O_RDONLY | ", Test: "TestHooksAreRootsAlone", In: "./internal/agent/host"},
	{Name: "folders above a hook are not looked at", File: "internal/agent/host/hook_linux.go",
		Old: "		if err := onlyRoots(dir, seen); err != nil {\n			syscall.Close(dir)", New: "		if err := onlyRoots(dir, seen); false {\n			syscall.Close(dir)",
		Test: "TestHooksAreRootsAlone", In: "./internal/agent/host"},
	{Name: "a hook's name may be a path", File: "internal/agent/host/hook_linux.go",
		Old: "if !patch.ValidHook(name) {", New: "if false {", Test: "TestHookNames", In: "./internal/agent/host"},
	{Name: "a hook that hangs leaves its children behind", File: "internal/agent/host/hook_linux.go",
		Old: "		endAll(procsIn(c.Process.Pid))\n		return nil", New: "		endAll([]int{c.Process.Pid})\n		return nil", Test: "TestHookIsEnded", In: "./internal/agent/host"},
	{Name: "a hook that fails does not stop the order", File: "internal/agent/hooks.go",
		Old: "			for _, item := range r.open() {\n				if err := r.fail(item, f); err != nil {", New: "			for _, item := range r.open()[:0] {\n				if err := r.fail(item, f); err != nil {",
		Test: "TestHookStopsAnOrder", In: "./internal/agent"},
	{Name: "a missing hook is found out in the middle", File: "internal/agent/prepare.go",
		Old: "if err := r.hooksAreThere(); err != nil {", New: "if err := r.hooksAreThere(); false {", Test: "TestHooksThatAreNotRun", In: "./internal/agent"},
	{Name: "a hook that ended is run again after a kill", File: "internal/agent/hooks.go",
		Old: "	if !h.Ended {\n		if err", New: "	if true {\n		if err", Test: "TestHooksSurviveKills", In: "./internal/agent"},
	{Name: "a failed hook uses an attempt up", File: "internal/patch/deploy.go",
		Old: "return c == FailPatch || c == FailTimeout }", New: "return c == FailPatch || c == FailTimeout || c == FailHook }", Test: "TestHookStopsAnOrder", In: "./internal/agent"},
}
