package main

// rpmDeployDefects break what makes installing through rpm safe.
var rpmDeployDefects = []Defect{
	{Name: "rpm may install packages that nobody signed", File: "internal/agent/host/rpm_argv.go", Old: `args := append([]string{"--root", root, "--define", "_pkgverify_level all"`, New: `args := append([]string{"--root", root, "--define", "_pkgverify_level none"`,
		Test: "TestRpmChain", In: "./internal/agent/host"},
	{Name: "an rpm's own signature is not checked", File: "internal/agent/host/rpm_argv.go", Old: `return []string{"--root", root, "--define", "_pkgverify_level all"`, New: `return []string{"--root", root, "--nosignature", "--define", "_pkgverify_level none"`,
		Test: "TestRpmChain", In: "./internal/agent/host"},
	{Name: "an order may call a package by another one's name", File: "internal/agent/host/rpm_chain.go", Old: "if about.Name != p.Name ||", New: "if p.Name == \"\" ||",
		Test: "TestRpmChain", In: "./internal/agent/host"},
	{Name: "rpm may remove what the plan does not name", File: "internal/agent/host/rpm_plan.go", Old: "if !slices.Contains(c.Replaces, patch.InstalledPackage{", New: "if false && !slices.Contains(c.Replaces, patch.InstalledPackage{",
		Test: "TestRpmPlans", In: "./internal/agent/host"},
	{Name: "rpm may downgrade", File: "internal/agent/host/rpm_plan.go", Old: "if rpmOrder(q.Version, c.Version) >= 0 {", New: "if q.Version == c.Version {",
		Test: "TestRpmPlans", In: "./internal/agent/host"},
	{Name: "a package that dnf is told to leave is changed", File: "internal/agent/host/rpm_plan.go", Old: "		if q.Held {\n			return &Failure{Cause: patch.FailPolicy, Text: fmt.Sprintf(\"%s is held", New: "		if false {\n			return &Failure{Cause: patch.FailPolicy, Text: fmt.Sprintf(\"%s is held",
		Test: "TestRpmPlans", In: "./internal/agent/host"},
	{Name: "a new kernel removes the old ones", File: "internal/agent/host/rpm_plan.go", Old: "out[i].Beside = f.Beside || besideOthers(&out[i].about)", New: "out[i].Beside = false",
		Test: "TestRpmRuns", In: "./internal/agent/host"},
	{Name: "builds of another module stream are installed", File: "internal/agent/host/rpm_plan.go", Old: "case m.Stream != \"\" && m.Stream != stream:", New: "case stream == \"\":",
		Test: "TestRpmPlans", In: "./internal/agent/host"},
	{Name: "rpm's lock is not asked about", File: "internal/agent/host/rpm.go", Old: "for _, dir := range rpmDirs {", New: "for _, dir := range rpmDirs[:0] {",
		Test: "TestRpmBusy", In: "./internal/agent/host"},
	{Name: "a hostile name of an rpm passes", File: "internal/agent/host/rpm_argv.go", Old: "case !rpmName.MatchString(p.Name):", New: "case false:",
		Test: "TestHostileRPMNames", In: "./internal/agent/host"},
	{Name: "a plan takes every stream's build", File: "internal/world/needed_rpm.go", Old: "return found == nil || slices", New: "return true || slices",
		Test: "TestNeededRPM", In: "./internal/world"},
	{Name: "a plan replaces what its machine's administrator holds", File: "internal/world/needed_rpm.go", Old: "p.Name == r.Name && !p.Held &&", New: "p.Name == r.Name &&",
		Test: "TestNeededRPM", In: "./internal/world"},
}
