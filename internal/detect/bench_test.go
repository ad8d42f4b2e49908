package detect

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// debianShaped makes n definitions in the proportions of Debian 12: 1.8 packages a source, named after it, and versions to match.
// Its names are random, so it compresses worse than the real archive does.
func debianShaped(n int) ([]Definition, patch.Facts) {
	rnd := rand.New(rand.NewSource(1))
	syllables := strings.Fields("lib py thon net gnu data core ex per fast xml image font kit mail tool view graph sync go rust ruby java")
	facts := patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}}
	var defs []Definition
	for i := range n {
		source := ""
		for range 2 + rnd.Intn(3) {
			source += syllables[rnd.Intn(len(syllables))]
		}
		source = fmt.Sprintf("%s%d", source, i)
		version := fmt.Sprintf("%d.%d.%d-%d", rnd.Intn(4), rnd.Intn(30), rnd.Intn(20), 1+rnd.Intn(4))
		d := Definition{ID: patch.ID("bookworm/" + source + "/" + version)}
		for _, name := range []string{source, "lib" + source + "1", source + "-dev", source + "-doc"}[:1+rnd.Intn(3)] {
			d.Packages = append(d.Packages, PackageRule{Name: name, Arch: "amd64", Version: version})
			if rnd.Intn(2*n) < 345 {
				facts.Packages = append(facts.Packages, patch.Package{Name: name, Arch: "amd64", State: patch.Installed, Version: "1.0-1"})
			}
		}
		defs = append(defs, d)
	}
	return defs, facts
}

func BenchmarkOpen(b *testing.B) {
	defs, _ := debianShaped(36_000)
	file, err := Compile("debian-12-amd64", version.Dpkg, defs)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(file); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(file)), "file-bytes")
}

func BenchmarkEvaluate(b *testing.B) {
	defs, facts := debianShaped(36_000)
	s := compiled(b, "debian-12-amd64", defs)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Evaluate(&facts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(s.Len()), "definitions")
	b.ReportMetric(float64(len(facts.Packages)), "installed")
}

func BenchmarkFind(b *testing.B) {
	defs, facts := debianShaped(36_000)
	s := compiled(b, "debian-12-amd64", defs)
	i := 0
	for b.Loop() {
		s.Find(&facts, i)
		i = (i + 997) % s.Len()
	}
}

// What evaluating allocates follows from the packages that are installed, not from the definitions.
func TestEvaluateAllocatesNothingPerDefinition(t *testing.T) {
	defs, facts := debianShaped(4_000)
	s := compiled(t, "debian-12-amd64", defs)
	if n := testing.AllocsPerRun(5, func() { _, _ = s.Evaluate(&facts) }); n > float64(60+len(facts.Packages)) {
		t.Errorf("%v allocations for %d definitions", n, s.Len())
	}
}

// ovalShaped makes n definitions as Debian's and Red Hat's OVAL has them: a few thousand tests, each of which many definitions share.
func ovalShaped(n int) ([]Definition, patch.Facts) {
	rnd := rand.New(rand.NewSource(1))
	facts := patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64", Manager: "dpkg"}}
	defs := make([]Definition, n)
	for i := range defs {
		p := rnd.Intn(4_000)
		name := fmt.Sprintf("package-%d", p)
		defs[i] = needs(patch.ID(fmt.Sprintf("oval:org.example:def:%d", 100_000+i)), packageInfo(classDpkg, name, ""), packageInfo(classDpkg, name, fmt.Sprintf("0:1.%d-1", rnd.Intn(2))))
		if p < 700 && rnd.Intn(n/4_000+1) == 0 {
			facts.Packages = append(facts.Packages, patch.Package{Name: name, Arch: "amd64", Version: fmt.Sprintf("1.1-%d", i), State: patch.Installed})
		}
	}
	slices.SortFunc(facts.Packages, byName)
	return defs, facts
}

func BenchmarkEvaluateOVAL(b *testing.B) {
	defs, facts := ovalShaped(50_000)
	file, err := Compile("debian-12-amd64", version.Dpkg, defs)
	if err != nil {
		b.Fatal(err)
	}
	s, err := Open(file)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Evaluate(&facts); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(file)), "file-bytes")
}

// Judging OVAL's questions about packages costs nothing per definition either.
func TestShortFormsAllocateNothingPerDefinition(t *testing.T) {
	allocs := func(n int) float64 {
		defs, facts := ovalShaped(n)
		facts.Packages = facts.Packages[:min(100, len(facts.Packages))]
		s := compiled(t, "debian-12-amd64", defs)
		return testing.AllocsPerRun(5, func() { _, _ = s.Evaluate(&facts) })
	}
	if few, many := allocs(4_000), allocs(40_000); many > few+50 {
		t.Errorf("%v allocations for 4,000 definitions and %v for 40,000", few, many)
	}
}
