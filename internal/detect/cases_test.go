package detect

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// script is one case of testdata/README.md. Evaluate and Find are both asked, and both shapes: a package set is judged again as trees.
type script struct {
	title  string
	os     patch.HostOS
	scheme version.Scheme
	facts  patch.Facts
	source caseSource // what the machine has beyond packages
	defs   []Definition
	evals  []expectation
}

type expectation struct {
	line          int
	id            patch.ID
	verdict, code string
	because       []string
	packages      []string
	says          []string
	from          []string
}

func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	total := 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range parseScripts(t, file, string(b)) {
			total++
			t.Run(strings.ReplaceAll(s.title, " ", "-"), func(t *testing.T) { s.run(t, file) })
		}
	}
	if total < 150 {
		t.Errorf("only %d cases were found: some are lost", total)
	}
}

func (s script) run(t *testing.T, file string) {
	sigs := compiledFor(t, s.os, s.scheme, s.defs)
	if err := sigs.Collect(t.Context(), &s.facts, &s.source); err != nil {
		t.Fatal(err)
	}
	spelled := make([]Definition, len(s.defs))
	for i, d := range s.defs {
		if spelled[i] = d; len(d.Packages) > 0 {
			p, in := PackageSet(d.Packages)
			spelled[i] = Definition{ID: d.ID, Prerequisite: &p, Installed: &in}
		}
	}
	asTrees := compiledFor(t, s.os, s.scheme, spelled)
	result, err := sigs.Evaluate(&s.facts)
	if err != nil {
		t.Fatal(err)
	}
	treeResult, err := asTrees.Evaluate(&s.facts)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(result.Verdicts.Bits(), treeResult.Verdicts.Bits()); diff != "" && !s.fromArchives() {
		t.Errorf("the compact shape and its trees differ:\n%s", diff)
	}
	find := sigs.Finder(&s.facts)
	for _, e := range s.evals {
		i := slices.IndexFunc(s.defs, func(d Definition) bool { return d.ID == e.id })
		if i < 0 {
			t.Fatalf("%s:%d: no patch %s", file, e.line, e.id)
		}
		e.check(t, fmt.Sprintf("%s:%d", file, e.line), result.Verdicts.At(i), sigs.Find(&s.facts, i))
		if diff := cmp.Diff(sigs.Find(&s.facts, i), find(i)); diff != "" {
			t.Errorf("%s:%d: one finding after the other differs:\n%s", file, e.line, diff)
		}
	}
}

// fromArchives reports whether rules say where packages come from, which trees do not.
func (s *script) fromArchives() bool {
	return slices.ContainsFunc(s.defs, func(d Definition) bool {
		return slices.ContainsFunc(d.Packages, func(r PackageRule) bool { return r.From != nil })
	})
}

func (e expectation) check(t *testing.T, at string, v patch.Verdict, f patch.Finding) {
	t.Helper()
	if f.Verdict != v {
		t.Errorf("%s: Find says %s and Evaluate %s", at, f.Verdict, v)
	}
	if f.Verdict.String() != e.verdict || f.Reason.Code != e.code {
		t.Errorf("%s: %s is %s %s (%s), want %s %s", at, e.id, f.Verdict, f.Reason.Code, f.Reason.Text, e.verdict, e.code)
	}
	var because, packages []string
	for _, c := range f.Reason.Clauses {
		because = append(because, strings.TrimPrefix(fmt.Sprintf("%s: %s; seen %s", c.Subject, c.Expected, c.Seen), ": "))
	}
	for _, p := range f.Packages {
		packages = append(packages, fmt.Sprintf("%s:%s %s -> %s", p.Name, p.Arch, p.Installed, p.Fixed))
	}
	if e.because != nil {
		if diff := cmp.Diff(e.because, because); diff != "" {
			t.Errorf("%s: clauses (-want +got):\n%s", at, diff)
		}
	}
	if diff := cmp.Diff(e.packages, packages); diff != "" {
		t.Errorf("%s: packages (-want +got):\n%s", at, diff)
	}
	for i, from := range e.from {
		if i >= len(f.Reason.Clauses) || f.Reason.Clauses[i].From.String() != from {
			t.Errorf("%s: clause %d is not from %q: %+v", at, i+1, from, f.Reason.Clauses)
		}
	}
	for _, words := range e.says {
		if !strings.Contains(f.Reason.Text.String(), words) {
			t.Errorf("%s: %q does not say %q", at, f.Reason.Text, words)
		}
	}
	if !strings.HasSuffix(f.Reason.Text.String(), ".") {
		t.Errorf("%s: %q is not a sentence", at, f.Reason.Text)
	}
}

// compiled leaves compression out, which takes nearly all of the time and is tested elsewhere.
func compiled(t testing.TB, os patch.HostOS, defs []Definition) *Signatures {
	t.Helper()
	return compiledFor(t, os, version.Dpkg, defs)
}

func compiledFor(t testing.TB, os patch.HostOS, scheme version.Scheme, defs []Definition) *Signatures {
	t.Helper()
	h, columns, err := layOut(os, scheme, defs, false)
	if err != nil {
		t.Fatal(err)
	}
	s, err := assemble(h, columns)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
