package main

// unmetDefects are about dependencies that plans foretell.
var unmetDefects = []Defect{
	{Name: "nothing is foretold", File: "internal/gate/ready.go", Old: "case w.Unmet != nil:", New: "case false:", Test: "TestADependencyIsForetold", In: "./internal/story"},
	{Name: "what nobody has decided about counts as approved", File: "internal/world/unmet.go", Old: "return p.Stand == patch.Approved, p, err", New: "return true, p, err", Test: "TestADependencyIsForetold", In: "./internal/story"},
	{Name: "a plan leaves out what its patches need", File: "internal/world/unmet.go", Old: "slices.Contains(plan, other)", New: "true", Test: "TestADependencyIsForetold", In: "./internal/story"},
	{Name: "what installed packages provide does not count", File: "internal/world/lacks.go", Old: "debian.Provides(p.Provides, r)", New: "false", Test: "TestAptRefusesWhatIsForetold", In: "./internal/world"},
	{Name: "facts that do not tell what packages provide are believed", File: "internal/world/lacks.go", Old: "if !f.OS.Provides {", New: "if false {", Test: "TestWhatIsNotForetold", In: "./internal/story"},
	{Name: "only the first alternative counts", File: "internal/world/lacks.go", Old: "!slices.ContainsFunc(c, func", New: "!slices.ContainsFunc(c[:1], func", Test: "TestAptRefusesWhatIsForetold", In: "./internal/world"},
	{Name: "an order goes out although a dependency is foretold", File: "internal/deploy/check.go", Old: " && !g.Foretold", New: "", Test: "TestAnOrderIsWithdrawnForADependency", In: "./internal/story"},
	{Name: "machines that lack something are judged together", File: "internal/world/cohort.go", Old: "return len(l) > 0, nil", New: "return l == nil && !known, nil", Test: "TestForetoldTogether", In: "./internal/story"},
	{Name: ">> is read as >=", File: "internal/debian/relation.go", Old: "return c > 0", New: "return c >= 0", Test: "FuzzHolds", In: "./internal/debian"},
	{Name: "what installed packages provide does not count for rpm", File: "internal/world/lacks_rpm.go", Old: "Provides: p.Provides, Leaves: leaves", New: "Leaves: leaves", Test: "TestWhatAnRPMDoesNotLack", In: "./internal/world"},
	{Name: "what an rpm of the patch provides does not count", File: "internal/world/lacks_rpm.go", Old: "Version: a.Version, Provides: a.Provides", New: "Version: a.Version", Test: "TestWhatAnRPMDoesNotLack", In: "./internal/world"},
	{Name: "what is replaced still makes a condition hold", File: "internal/capability/judge.go", Old: "a == Yes && all[i].Leaves", New: "false", Test: "TestJudge", In: "./internal/capability"},
	{Name: "a file that nobody keeps is said to be missing", File: "internal/capability/judge.go", Old: "return !ok", New: "return !ok && false", Test: "TestWhatAnRPMDoesNotLack", In: "./internal/world"},
	{Name: "a package of which nobody tells provides nothing", File: "internal/catalog/offer.go", Old: "if untold {", New: "if false {", Test: "TestOffersOfRPM", In: "./internal/catalog"},
	{Name: "rpms of which the repository does not tell ask for nothing", File: "internal/catalog/asks.go", Old: "out[k].Untold = len(provides) == 0", New: "out[k].Untold = false", Test: "TestOffersOfRPM", In: "./internal/catalog"},
	{Name: "a preview does not say what a patch needs", File: "internal/approval/needs.go", Old: "if u == nil || !a.Gate(gate.Attempts).Foretold", New: "if true || !a.Gate(gate.Attempts).Foretold", Test: "TestAPreviewNamesWhatIsNeeded", In: "./internal/story"},
	{Name: "a preview adds what was declined", File: "internal/approval/needs.go", Old: "return n.Stand == patch.Undecided", New: "return true", Test: "TestAPreviewNamesWhatIsNeeded", In: "./internal/story"},
	{Name: "what is to be added to a decision is left out of it", File: "internal/web/decide.go", Old: ", strings.Fields(v.get(\"add\"))", New: "", Test: "TestWhatAPatchNeedsIsAdded", In: "./internal/web"},
}
