package detect

import (
	"fmt"
	"math/rand"
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
