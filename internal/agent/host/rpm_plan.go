package host

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/capability"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/rpmdb"
	"github.com/fettle-project/fettle/internal/version"
)

// offered is a verified package with what its header says.
type offered struct {
	Staged
	about rpmdb.PackageFile
}

func offeredBy(files []Staged) ([]offered, error) {
	out := make([]offered, len(files))
	for i, f := range files {
		out[i].Staged = f
		if err := json.Unmarshal(f.Stanza, &out[i].about); err != nil {
			return nil, &Failure{Cause: patch.FailUntrusted, Text: fmt.Sprintf("cannot read what %s says of itself: %s", f.Name, err)}
		}
		out[i].Beside = f.Beside || besideOthers(&out[i].about)
	}
	return out, nil
}

// besideOthers tells whether versions of a package stay beside each other, by its name or by what it provides.
func besideOthers(p *rpmdb.PackageFile) bool {
	return version.InstallOnly(p.Name) || slices.ContainsFunc(p.Provides, func(r patch.Relation) bool {
		return strings.HasPrefix(r.Name, "installonlypkg(") || strings.HasPrefix(r.Name, "multiversion(")
	})
}

// Plan has rpm test the installation of want and gives the transaction, if all of it lies within allowed: no downgrade, no held package, no
// removal but of what the order names as replaced, nothing else. What want needs of allowed comes along. Otherwise a *Failure names what
// stands in the way. It changes nothing.
func (r *Rpm) Plan(ctx context.Context, attempt string, f patch.Facts, want, allowed []Staged) (Transaction, error) {
	t := Transaction{Attempt: attempt}
	all, err := offeredBy(allowed)
	if err != nil {
		return t, err
	}
	p := &rpmPuzzle{f: f}
	for _, w := range want {
		i := slices.IndexFunc(all, func(c offered) bool { return c.SHA256 == w.SHA256 })
		if i < 0 {
			return t, &Failure{Cause: patch.FailUntrusted, Text: fmt.Sprintf("%s %s has not been verified", w.Name, w.Version)}
		}
		p.chosen = append(p.chosen, all[i])
	}
	if err := r.Await(ctx, briefly(r.LockWait), nil); err != nil {
		return t, err
	}
	for range len(all) + 1 {
		if err := p.judge(); err != nil {
			return t, err
		}
		problems, err := r.test(ctx, p.coming())
		if err == nil && len(problems) == 0 {
			t = p.transaction(t, len(want))
			t.Doubt, err = rpmRoom(r.Root, p.coming())
			return t, err
		}
		if err != nil {
			return t, err
		}
		next, why := p.resolve(problems, all)
		if next == nil {
			return t, why
		}
		p.chosen = append(p.chosen, *next)
	}
	return t, &Failure{Cause: patch.FailDependency, Text: "rpm finds no way to install this with the packages of this order"}
}

// test asks rpm what stands in the way of installing files. Kernels and their like are tested as they will be installed: beside everything.
func (r *Rpm) test(ctx context.Context, files []offered) (problems []string, err error) {
	var updates, kernels, everything []string
	beside := map[string]bool{}
	for _, c := range files {
		everything = append(everything, r.path(c.PlanPackage))
		if c.Beside {
			beside[c.Name] = true
			kernels = append(kernels, r.path(c.PlanPackage))
		} else {
			updates = append(updates, r.path(c.PlanPackage))
		}
	}
	ask := func(verb string, paths []string, more ...string) error {
		if len(paths) == 0 {
			return nil
		}
		out := bounded{max: 1 << 20}
		err := run(rpm(ctx, rpmArgs(r.Root, verb, paths, append(more, "--test")...)...), &out, nil)
		if err == nil {
			return nil
		}
		found := readProblems(out.b)
		if len(found) == 0 {
			return classifyRPM(out.b, err)
		}
		problems = append(problems, found...)
		return nil
	}
	if len(beside) > 0 {
		err := ask("--install", everything, "--replacefiles")
		// Installed beside their older versions, updates have problems that they will not have: only those of the kernels count here.
		problems = slices.DeleteFunc(problems, func(line string) bool { return !beside[nameOf(ownerOf(line))] })
		if err != nil || len(problems) > 0 {
			return problems, err
		}
		if err := ask("--install", kernels, "--nodeps"); err != nil { // what is left to ask: conflicts of files
			return nil, err
		}
	}
	return problems, ask("--upgrade", updates, backArgs(plain(files))...)
}

func plain(files []offered) (out []patch.PlanPackage) {
	for _, c := range files {
		out = append(out, c.PlanPackage)
	}
	return out
}

// readProblems gives the lines under "Failed dependencies".
func readProblems(out []byte) (problems []string) {
	for raw := range strings.Lines(string(out)) {
		line := strings.TrimSpace(raw)
		if strings.HasPrefix(raw, "\t") && !strings.Contains(line, fileConflict) && (strings.Contains(line, neededBy) || strings.Contains(line, conflictsWith) || strings.Contains(line, " is obsoleted by ")) {
			problems = append(problems, line)
		}
	}
	return problems
}

const (
	neededBy      = " is needed by "
	conflictsWith = " conflicts with "
	fileConflict  = " conflicts with file from package "
	installedWord = "(installed) "
)

// ownerOf gives the package that has a problem.
func ownerOf(line string) string {
	if _, who, ok := cutLast(line, neededBy); ok {
		return who
	}
	_, who, _ := cutLast(line, conflictsWith)
	return who
}

// rpmPuzzle is the machine with the chosen packages.
type rpmPuzzle struct {
	f      patch.Facts
	chosen []offered
}

// installed lists the versions of a package that the machine has, oldest first.
func (p *rpmPuzzle) installed(c *offered) []patch.Package { return VersionsOf(p.f, c.Name, c.Arch) }

// VersionsOf lists the installed versions of a package, oldest first. A package may change between an architecture and none.
func VersionsOf(f patch.Facts, name, arch string) (out []patch.Package) {
	slot := func(a string) string {
		if a == "noarch" || a == "all" {
			return f.OS.Arch
		}
		return a
	}
	for _, p := range f.Packages {
		if p.Name == name && slot(p.Arch) == slot(arch) && p.State != patch.Removed {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b patch.Package) int { return rpmOrder(a.Version, b.Version) })
	return out
}

func rpmOrder(a, b string) int {
	n, err := version.Compare(version.RPM, a, b)
	if err != nil {
		return strings.Compare(a, b)
	}
	return n
}

// coming lists the chosen packages that are not there yet.
func (p *rpmPuzzle) coming() (out []offered) {
	for _, c := range p.chosen {
		if !slices.ContainsFunc(p.installed(&c), func(q patch.Package) bool { return q.Version == c.Version }) {
			out = append(out, c)
		}
	}
	return out
}

// judge holds what the chosen packages would do against what an order may do.
func (p *rpmPuzzle) judge() error {
	for _, c := range p.coming() {
		if err := p.judgeOne(&c); err != nil {
			return err
		}
	}
	return nil
}

func (p *rpmPuzzle) judgeOne(c *offered) error {
	old := p.installed(c)
	for _, q := range old {
		if q.Held {
			return &Failure{Cause: patch.FailPolicy, Text: fmt.Sprintf("%s is held on this machine (exclude or versionlock) at %s", q.Name, q.Version)}
		}
		if order := rpmOrder(q.Version, c.Version); order == 0 || order > 0 && !c.Back {
			return &Failure{Cause: patch.FailDrift, Text: fmt.Sprintf("%s is at %s, and %s is not newer; nothing is ever downgraded by a deploy", c.Name, q.Version, c.Version)}
		}
	}
	if len(old) > 1 && !c.Beside {
		return &Failure{Cause: patch.FailDrift, Text: fmt.Sprintf("%s is there in two versions, %s and %s, as an interrupted update leaves them; look at `dnf remove --duplicates`", c.Name, old[0].Version, old[1].Version)}
	}
	if why := p.otherModule(c); why != "" {
		return &Failure{Cause: patch.FailPolicy, Text: why}
	}
	return p.judgeReplaced(c)
}

// otherModule says why a module's build does not belong on this machine; empty where it does.
func (p *rpmPuzzle) otherModule(c *offered) string {
	name, stream, ok := strings.Cut(c.about.Module, ":")
	if !ok || name == "*" {
		return ""
	}
	for _, m := range p.f.Modules {
		switch {
		case m.Name != name:
		case m.State == "disabled":
			return fmt.Sprintf("%s is a build of the module %s, which this machine has disabled", c.Name, name)
		case m.Stream != "" && m.Stream != stream:
			return fmt.Sprintf("%s is a build of the stream %s, and this machine has enabled %s:%s", c.Name, c.about.Module, name, m.Stream)
		}
	}
	return ""
}

// judgeReplaced refuses a package that removes another one, unless the order named exactly that.
func (p *rpmPuzzle) judgeReplaced(c *offered) error {
	for _, o := range c.about.Obsoletes {
		for _, q := range p.f.Packages {
			if q.Name != o.Name || q.Name == c.Name || !version.RPMOverlap("=", q.Version, o.Op, o.Version) {
				continue
			}
			if q.Held {
				return &Failure{Cause: patch.FailPolicy, Text: fmt.Sprintf("%s would replace %s, which is held on this machine (exclude or versionlock)", c.Name, q.Name)}
			}
			if !slices.Contains(c.Replaces, patch.InstalledPackage{Name: q.Name, Arch: q.Arch, Version: q.Version}) {
				return &Failure{Cause: patch.FailDependency, Text: fmt.Sprintf("%s %s would replace %s %s, which the plan does not name; nothing else is ever removed by a deploy",
					c.Name, c.Version, q.Name, q.Version)}
			}
		}
	}
	return nil
}

// resolve finds the package of the order that solves the first problem for which there is one, or says what is missing.
func (p *rpmPuzzle) resolve(problems []string, all []offered) (*offered, error) {
	for _, line := range problems {
		for i := range all {
			c := &all[i]
			here := slices.ContainsFunc(p.chosen, func(o offered) bool { return o.SHA256 == c.SHA256 })
			if !here && solves(c, line) {
				return c, nil
			}
		}
	}
	return nil, &Failure{Cause: patch.FailDependency, Text: sentenceOf(problems[0]), Log: strings.Join(problems, "\n")}
}

// solves tells whether a package may be the answer to a problem; rpm itself says afterwards whether it is.
func solves(c *offered, line string) bool {
	if need, who, ok := cutLast(line, neededBy); ok {
		owner, installed := strings.CutPrefix(who, installedWord)
		return installed && c.Name == nameOf(owner) || meets(c, need, true)
	}
	who, with, _ := strings.Cut(line, conflictsWith)
	with = strings.TrimPrefix(with, installedWord)
	return c.Name == nameOf(with) || c.Name == relationOf(who).Name || strings.HasPrefix(who, "(") && meets(c, who, false)
}

// meets tells whether a package may bring about what is needed, "lib >= 2" or a need with conditions (rpm's rich dependencies): one of the capabilities
// whose coming may satisfy it, or a version of its own that has lost one whose going may.
// Where it is a conflict, and so not to be, all is the other way round.
func meets(c *offered, need string, toBe bool) bool {
	if !strings.HasPrefix(need, "(") {
		return offers(c, relationOf(need))
	}
	rich, ok := capability.Parse(need)
	met := false
	rich.All(func(r patch.Relation, wanted bool) {
		if has := offers(c, r); wanted == toBe {
			met = met || has
		} else {
			met = met || !has && c.Name == r.Name
		}
	})
	return ok && met
}

func offers(c *offered, need patch.Relation) bool {
	return slices.Contains(c.about.Files, need.Name) || slices.ContainsFunc(c.about.Provides, func(r patch.Relation) bool {
		return r.Name == need.Name && version.RPMOverlap(r.Op, r.Version, need.Op, need.Version)
	})
}

// sentenceOf says a problem as every package manager of ours does.
func sentenceOf(line string) string {
	need, who, ok := cutLast(line, neededBy)
	if !ok {
		return line
	}
	if owner, installed := strings.CutPrefix(who, installedWord); installed {
		return fmt.Sprintf("%s, which is installed, needs %s, and an update of %s is not in this order", readable(owner), need, nameOf(owner))
	}
	return fmt.Sprintf("%s needs %s, which is not in this order", readable(who), need)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// relationOf reads "libfoo >= 2".
func relationOf(s string) patch.Relation {
	if f := strings.Fields(s); len(f) == 3 {
		return patch.Relation{Name: f[0], Op: f[1], Version: f[2]}
	}
	return patch.Relation{Name: s}
}

// nameOf gives the name of "name-version-release.arch", readable also its version.
func nameOf(nevra string) string {
	name, _ := splitNEVRA(nevra)
	return name
}
func readable(nevra string) string {
	name, evr := splitNEVRA(nevra)
	return strings.TrimSpace(name + " " + evr)
}

func splitNEVRA(s string) (name, evr string) {
	if dot := strings.LastIndexByte(s, '.'); dot > 0 {
		s = s[:dot]
	}
	release := strings.LastIndexByte(s, '-')
	if release <= 0 {
		return s, ""
	}
	at := strings.LastIndexByte(s[:release], '-')
	if at <= 0 {
		return s, ""
	}
	return s[:at], s[at+1:]
}

// transaction is what the chosen packages come to; the first n are those that were wanted.
func (p *rpmPuzzle) transaction(t Transaction, n int) Transaction {
	for i, c := range p.chosen {
		if i < n {
			t.Want = append(t.Want, c.PlanPackage)
		} else {
			t.Along = append(t.Along, c.PlanPackage)
		}
	}
	for _, c := range p.coming() {
		from := ""
		if old := p.installed(&c); len(old) > 0 {
			from = old[len(old)-1].Version
		}
		t.Changes = append(t.Changes, Change{Name: c.Name, Arch: c.Arch, From: from, To: c.Version})
	}
	slices.SortFunc(t.Changes, func(a, b Change) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch)) })
	return t
}
