package detect

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Small alphabets, so that worlds collide.
var (
	someNames    = []string{"foo", "foo-doc", "libfoo1", "bar", "libbar-perl", "bar.2", "a+", "quite-a-long-name-of-a-package-that-is-real"}
	someVersions = []string{"1.0-1", "1.0-1+b1", "1.0-1~rc1", "1:0.9", "2", "2+deb12u1", "1.0-10", "garbage version", "(1)", "0"}
	someArches   = []string{"amd64", "amd64", "all", "i386"}
	someFiles    = []string{"/a", "/b", "/c"}
	packageTests = []TestKind{TestInstalled, TestVersion, TestHeld, TestState, TestMovable}
	someStates   = []patch.PackageState{patch.Installed, patch.Installed, patch.Installed, patch.Removed, patch.Broken, "strange"}
)

func drawFacts(t *rapid.T) patch.Facts {
	f := patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}}
	for _, path := range someFiles {
		if rapid.Bool().Draw(t, "collected") {
			f.Objects = append(f.Objects, drawFile(t, path))
		}
	}
	for _, name := range someNames {
		for _, arch := range slices.Compact(slices.Clone(someArches)) {
			if rapid.IntRange(0, 2).Draw(t, "there") == 0 {
				f.Packages = append(f.Packages, drawPackage(t, name, arch))
			}
		}
	}
	return f
}

// drawFile is what was collected of a file.
func drawFile(t *rapid.T, path string) patch.Collected {
	c := patch.Collected{Class: "file", Key: (&item.Request{Class: "file", Entities: []item.Wanted{{Name: "filepath", Values: []string{path}}}}).Key(), Flag: patch.FlagNotExist}
	switch rapid.IntRange(0, 3).Draw(t, "flag") {
	case 0:
		c.Flag = patch.FlagError
	case 1, 2:
		c.Flag = patch.FlagComplete
		c.Items = []patch.Item{{Fields: []patch.Field{{Name: "filepath", Value: path}, {Name: "size", Type: "int", Value: rapid.SampledFrom([]string{"5", "50", "500"}).Draw(t, "size")}}}}
	}
	return c
}

func drawPackage(t *rapid.T, name, arch string) patch.Package {
	return patch.Package{Name: name, Arch: arch, Version: rapid.SampledFrom(someVersions).Draw(t, "version"),
		State: rapid.SampledFrom(someStates).Draw(t, "state"), Held: rapid.IntRange(0, 3).Draw(t, "held") == 0}
}

func drawRules(t *rapid.T) []PackageRule {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) PackageRule {
		return PackageRule{Name: rapid.SampledFrom(someNames).Draw(t, "name"), Arch: rapid.SampledFrom(append(someArches, "")).Draw(t, "arch"),
			Version: rapid.SampledFrom(someVersions).Draw(t, "version")}
	}), 1, 5).Draw(t, "rules")
}

func drawExpr(t *rapid.T, depth int) Expr {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
		if rapid.IntRange(0, 9).Draw(t, "unclear") == 0 {
			return Expr{Op: OpUnclear, Text: "no idea"}
		}
		switch rapid.IntRange(0, 5).Draw(t, "about") {
		case 0:
			return Is(Test{Kind: TestItems, Items: drawInfoTest(t)})
		case 1:
			return smaller(rapid.SampledFrom(someFiles).Draw(t, "file"), rapid.SampledFrom([]int{0, 10, 100}).Draw(t, "limit"))
		}
		return Is(Test{Kind: rapid.SampledFrom(packageTests).Draw(t, "kind"), Name: rapid.SampledFrom(someNames).Draw(t, "name"),
			Arch: rapid.SampledFrom(append(someArches, "")).Draw(t, "arch"), Operand: rapid.SampledFrom(someVersions).Draw(t, "operand")})
	}
	n := rapid.IntRange(0, 3).Draw(t, "operands")
	e := Expr{Op: rapid.SampledFrom([]Op{OpAnd, OpOr, OpNot, OpOne, OpXor, OpApplies}).Draw(t, "op")}
	if e.Op == OpNot || e.Op == OpApplies {
		n = 1
	}
	for range n {
		e.Of = append(e.Of, drawExpr(t, depth-1))
	}
	return e
}

func drawDefinitions(t *rapid.T) []Definition {
	n := rapid.IntRange(0, 150).Draw(t, "definitions")
	defs := make([]Definition, n)
	for i := range defs {
		suite := rapid.SampledFrom([]string{"bookworm", "bookworm-security", "x"}).Draw(t, "suite")
		defs[i].ID = patch.ID(fmt.Sprintf("%s/%s/%d", suite, rapid.SampledFrom(someNames).Draw(t, "source"), i))
		switch rapid.IntRange(0, 5).Draw(t, "shape") {
		case 0:
			p, in := drawExpr(t, 4), drawExpr(t, 4)
			defs[i].Prerequisite, defs[i].Installed = &p, &in
		case 1:
			defs[i].ID = patch.ID(fmt.Sprintf("oval:org.example:def:%d", i))
			defs[i].Unclear = "unclear"
		default:
			defs[i].Packages = drawRules(t)
		}
	}
	return defs
}

func TestEvaluateAndFindAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, defs := drawFacts(t), drawDefinitions(t)
		s := mustCompile(t, defs)
		r, err := s.Evaluate(&f)
		if err != nil {
			t.Fatal(err)
		}
		if r.Errors != r.Verdicts.Counts()[patch.Faulty] || r.Verdicts.Len() != len(defs) {
			t.Fatalf("the result counts %d errors of %d definitions", r.Errors, r.Verdicts.Len())
		}
		findings, err := s.Findings(&f)
		if err != nil {
			t.Fatal(err)
		}
		i := 0
		for a := range findings {
			b := s.Find(&f, i)
			if a.Verdict != r.Verdicts.At(i) || b.Verdict != a.Verdict || fmt.Sprint(a) != fmt.Sprint(b) {
				t.Fatalf("definition %d: Evaluate %s, Findings %+v, Find %+v", i, r.Verdicts.At(i), a, b)
			}
			checkFinding(t, &f, a)
			i++
		}
		if i != len(defs) {
			t.Fatalf("%d findings for %d definitions", i, len(defs))
		}
	})
}

// checkFinding: every answer has a sentence; what is offered is there, older by name, and free to move.
func checkFinding(t *rapid.T, f *patch.Facts, x patch.Finding) {
	if x.Reason.Code == "" || !strings.HasSuffix(x.Reason.Text.String(), ".") {
		t.Fatalf("%+v has no reason", x)
	}
	if x.Verdict != patch.NotPatched {
		return
	}
	for _, p := range x.Packages {
		i := slices.IndexFunc(f.Packages, func(q patch.Package) bool { return q.Name == p.Name && q.Arch == p.Arch })
		if i < 0 || f.Packages[i].Held || f.Packages[i].Version != p.Installed || schemeDpkg.compare(p.Installed, p.Fixed) != older {
			t.Fatalf("%+v offers %+v", x, p)
		}
	}
}

func TestPackageSetMeansItsTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, rules := drawFacts(t), drawRules(t)
		p, in := PackageSet(rules)
		s := mustCompile(t, []Definition{{ID: "a", Packages: rules}, {ID: "b", Prerequisite: &p, Installed: &in}})
		r, err := s.Evaluate(&f)
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdicts.At(0) != r.Verdicts.At(1) {
			t.Fatalf("%v on %v: the set is %s, its trees are %s", rules, f.Packages, r.Verdicts.At(0), r.Verdicts.At(1))
		}
	})
}

// One changed fact flips only verdicts whose evidence, before or after, names it. What was evidence neither before nor after keeps its verdict.
func TestOnlyNamedEvidenceFlipsAVerdict(t *testing.T) {
	flips := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		f, defs := drawFacts(t), drawDefinitions(t)
		s := mustCompile(t, defs)
		g, what := f, "a package"
		var named func(patch.Finding) bool
		if rapid.IntRange(0, 2).Draw(t, "what") > 0 {
			name := rapid.SampledFrom(someNames).Draw(t, "changed")
			g.Packages = changePackage(t, f.Packages, name)
			named = func(x patch.Finding) bool { return names(x, name) }
		} else {
			what = "a file"
			c := drawFile(t, rapid.SampledFrom(someFiles).Draw(t, "changed"))
			g.Objects = slices.DeleteFunc(slices.Clone(f.Objects), func(o patch.Collected) bool { return o.Key == c.Key })
			if rapid.IntRange(0, 3).Draw(t, "stays") > 0 {
				g.Objects = append(g.Objects, c)
			}
			named = func(x patch.Finding) bool {
				return slices.ContainsFunc(x.Reason.Clauses, func(k patch.Clause) bool { return k.From.String() == c.Class+" "+c.Key })
			}
		}
		before, after := mustEvaluate(t, s, &f), mustEvaluate(t, s, &g)
		for i := range s.Len() {
			if before.Verdicts.At(i) == after.Verdicts.At(i) {
				continue
			}
			flips[what]++
			if a, b := s.Find(&f, i), s.Find(&g, i); !named(a) && !named(b) {
				t.Fatalf("%s flips %s, and neither names it:\n%+v\n%+v", what, defs[i].ID, a, b)
			}
		}
	})
	if flips["a package"] == 0 || flips["a file"] == 0 {
		t.Errorf("too little was flipped to tell: %v", flips)
	}
}

// changePackage takes a package away or puts another in its place.
func changePackage(t *rapid.T, packages []patch.Package, name string) []patch.Package {
	arch := rapid.SampledFrom(someArches).Draw(t, "arch")
	changed := slices.DeleteFunc(slices.Clone(packages), func(p patch.Package) bool { return p.Name == name && p.Arch == arch })
	if rapid.Bool().Draw(t, "stays") {
		changed = append(changed, drawPackage(t, name, arch))
		slices.SortFunc(changed, func(a, b patch.Package) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch)) })
	}
	return changed
}

// names reports whether a clause is about a package of this name, or about a pattern of names.
func names(f patch.Finding, name string) bool {
	return slices.ContainsFunc(f.Reason.Clauses, func(c patch.Clause) bool {
		rest, is := strings.CutPrefix(c.Subject, name)
		return is && (rest == "" || slices.Contains(someArches, rest[1:])) || strings.Contains(c.From.String(), "info name~") ||
			strings.HasSuffix(c.From.String(), `info name="`+name+`"`)
	})
}

func TestCompileIsDeterministicAndComplete(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		defs := arranged(drawDefinitions(t))
		h, a, err := layOut("debian-12-amd64", version.Dpkg, defs, false)
		if err != nil {
			t.Fatal(err)
		}
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(defs), func(i, j int) { defs[i], defs[j] = defs[j], defs[i] })
		for _, d := range defs {
			slices.Reverse(d.Packages)
		}
		defs = arranged(defs)
		_, b, err := layOut("debian-12-amd64", version.Dpkg, defs, false)
		if err != nil || !maps.EqualFunc(a, b, bytes.Equal) {
			t.Fatal("the order of definitions shows in the file", err)
		}
		s, err := assemble(h, a)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range defs {
			for _, r := range d.Packages[:min(1, len(d.Packages))] {
				if i%10 == 0 && !slices.Contains(s.Carriers(r.Name), i) {
					t.Fatalf("%s does not carry %s", d.ID, r.Name)
				}
			}
		}
		if s.Len() != len(defs) || s.OS() != "debian-12-amd64" || !s.Agrees(func(i int) patch.ID { return defs[i].ID }) {
			t.Fatal("the file says other than was compiled")
		}
		if len(defs) > 1 && s.Agrees(func(i int) patch.ID { return defs[len(defs)-1-i].ID }) {
			t.Fatal("the file agrees with another order")
		}
	})
}

// mustCompile is compiled for rapid's own kind of test.
func mustCompile(t *rapid.T, defs []Definition) *Signatures {
	h, columns, err := layOut("debian-12-amd64", version.Dpkg, defs, false)
	if err != nil {
		t.Fatal(err)
	}
	s, err := assemble(h, columns)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustEvaluate(t *rapid.T, s *Signatures, f *patch.Facts) Result {
	r, err := s.Evaluate(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
