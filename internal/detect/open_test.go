package detect

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

func sampleDefinitions() []Definition {
	tree := And(Is(Test{Kind: TestInstalled, Name: "foo"}), Or(Not(Is(Test{Kind: TestHeld, Name: "bar", Arch: "i386"})), Expr{Op: OpUnclear, Text: "?"}))
	return []Definition{
		needs("oval:x:def:1", smaller("/etc/x", 0), And(smaller("/etc/x", 12), packageInfo(classDpkg, "foo", "0:2"))),
		{ID: "bookworm-security/perl/5.36.0-7+deb12u4", Packages: []PackageRule{{Name: "perl", Arch: "amd64", Version: "5.36.0-7+deb12u4"}, {Name: "perl-base", Arch: "amd64", Version: "5.36.0-7+deb12u4"}}},
		{ID: "bookworm/gcc-defaults/1.203", Packages: []PackageRule{{Name: "gcc", Arch: "", Version: "4:12.2.0-3"}, {Name: "g++", Arch: "", Version: "4:12.2.0-3"}, {Name: "libgcc-defaults1", Arch: "all", Version: "1.203+b1"}, {Name: "gcc", Arch: "arm64", Version: "1", Module: "gcc:13"}}},
		{ID: "vendor/foo/1", Prerequisite: &tree, Installed: &Expr{Op: OpIs, Test: Test{Kind: TestVersion, Name: "foo", Operand: "1"}}},
		{ID: "no-slash", Unclear: "a script"},
	}
}

func TestCompileTwiceGivesTheSameBytes(t *testing.T) {
	defs := arranged(sampleDefinitions())
	a, err := Compile("debian-12-amd64", version.Dpkg, defs)
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(defs)
	if b, err := Compile("debian-12-amd64", version.Dpkg, arranged(defs)); err != nil || !bytes.Equal(a, b) {
		t.Error("the order of definitions shows in the file", err)
	}
}

func arranged(defs []Definition) []Definition {
	out := make([]Definition, len(defs))
	for i, n := range Arrange(defs) {
		out[i] = defs[n]
	}
	return out
}

func TestCompileRefusesAndKeeps(t *testing.T) {
	for _, defs := range [][]Definition{
		{{ID: "a", Unclear: "x"}, {ID: "a", Unclear: "y"}},
		{{ID: ""}}, {{ID: "a\x00b"}}, {{ID: patch.ID(strings.Repeat("x", 300))}},
	} {
		if _, err := Compile("debian-12-amd64", version.Dpkg, defs); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%v: %v", defs, err)
		}
	}
	deep := Is(Test{Kind: TestInstalled, Name: "foo"})
	for range 100_000 {
		deep = Not(deep)
	}
	s := compiled(t, "debian-12-amd64", []Definition{
		{ID: "deep", Installed: &deep},
		{ID: "name", Packages: []PackageRule{{Name: "a\x00b", Version: "1"}}},
		{ID: "version", Packages: []PackageRule{{Name: "ok", Version: "1\n2"}}},
		{ID: "operator", Installed: &Expr{Op: 77}},
		{ID: "bare", Installed: &Expr{Op: OpNot}},
		{ID: "text", Unclear: "\x1b[31mred\xff " + strings.Repeat("x", 5000)},
	})
	f := patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}}
	r, err := s.Evaluate(&f)
	if err != nil || r.Errors != 6 {
		t.Fatalf("%d of 6 definitions are errors: %v", r.Errors, err)
	}
	for i := range s.Len() {
		if x := s.Find(&f, i); x.Reason.Code != patch.ReasonUnreadable || (strings.ContainsAny(x.Reason.Text.String(), "\x1b\x00\n") || !utf8.ValidString(x.Reason.Text.String())) {
			t.Errorf("%+v", x)
		}
	}
}

func TestFactsThatDoNotFit(t *testing.T) {
	s := compiled(t, "debian-12-amd64", sampleDefinitions())
	other := patch.Facts{OS: patch.OSFacts{Key: "debian-13-amd64", Arch: "amd64"}}
	if _, err := s.Evaluate(&other); err == nil || !strings.Contains(err.Error(), "debian-13-amd64") {
		t.Errorf("facts of another OS: %v", err)
	}
	if f := s.Find(&other, 0); f.Verdict != patch.Faulty {
		t.Errorf("Find over facts of another OS says %s", f.Verdict)
	}
	twice := patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}, Packages: []patch.Package{{Name: "a", Arch: "all"}, {Name: "a", Arch: "all"}}}
	if _, err := s.Evaluate(&twice); err == nil {
		t.Error("facts that name a package twice were judged")
	}
}

// Definitions that are for any machine are judged over every machine's facts.
func TestAnyOS(t *testing.T) {
	defs := []Definition{{ID: "a", Packages: []PackageRule{{Name: "foo", Version: "2"}}}, {ID: "b", Packages: []PackageRule{{Name: "foo", Arch: "all", Version: "2"}}}}
	s := compiled(t, patch.AnyOS, defs)
	for _, arch := range []string{"amd64", "arm64"} {
		f := patch.Facts{OS: patch.OSFacts{Key: patch.HostOS("x-" + arch), Arch: arch}, Packages: []patch.Package{{Name: "foo", Arch: arch, Version: "1", State: patch.Installed}}}
		r, err := s.Evaluate(&f)
		if err != nil || r.Verdicts.At(0) != patch.NotPatched || r.Verdicts.At(1) != patch.NotPatched {
			t.Errorf("%s: %v %v", arch, r.Verdicts.Bits(), err)
		}
	}
}

func TestUnknownTestsAreErrorsNotRefusals(t *testing.T) {
	f := newForest("debian-12-amd64", schemeDpkg)
	f.plant([2]Expr{Is(Test{Kind: 200, Name: "HKLM"}), And()})
	f.plant([2]Expr{And(), Is(Test{Kind: TestInstalled, Name: "foo"})})
	columns, err := f.columns()
	if err != nil {
		t.Fatal(err)
	}
	columns[secCounts] = []byte{0, 1}
	b, err := seal(header{scheme: schemeDpkg, os: "debian-12-amd64", definitions: 2}, columns)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(b)
	if err != nil {
		t.Fatal(err)
	}
	facts := patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}}
	if r, err := s.Evaluate(&facts); err != nil || r.Verdicts.At(0) != patch.Faulty || r.Verdicts.At(1) != patch.NotPatched {
		t.Errorf("%v %v", r.Verdicts.Bits(), err)
	}
	if x := s.Find(&facts, 0); !strings.Contains(x.Reason.Text.String(), "test kind 200") {
		t.Errorf("%+v", x.Reason)
	}
}

func TestEveryDamageIsFound(t *testing.T) {
	b, err := Compile("debian-12-amd64", version.Dpkg, sampleDefinitions())
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		if _, err := Open(b[:i]); err == nil {
			t.Fatalf("cut at %d of %d bytes it still opens", i, len(b))
		}
		c := append([]byte{}, b...)
		c[i] ^= 0x10
		if _, err := Open(c); err == nil {
			t.Fatalf("byte %d flipped it still opens", i)
		}
	}
}

// A file that claims little and unpacks to much must not take memory.
func TestBombs(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := enc.EncodeAll(make([]byte, 128<<20), nil)
	for _, claim := range []int{1, maxRaw, maxRaw + 1, 1 << 40} {
		h := header{scheme: schemeDpkg, os: "debian-12-amd64", definitions: 1, sections: []section{{kind: secHeads, raw: claim, stored: len(bomb)}}}
		b := append(h.append(nil), bomb...)
		b = binary.LittleEndian.AppendUint32(b, checksum(b))
		if grown := growth(func() { _, err = Open(b) }); err == nil || grown > 64<<20 {
			t.Errorf("a bomb that claims %d bytes: grew by %d MiB, %v", claim, grown>>20, err)
		}
	}
}

// growth is how many bytes f allocates in all.
func growth(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func FuzzOpen(f *testing.F) {
	b, err := Compile("debian-12-amd64", version.Dpkg, sampleDefinitions())
	if err != nil {
		f.Fatal(err)
	}
	h, columns, err := unseal(b)
	if err != nil {
		f.Fatal(err)
	}
	for kind, col := range columns {
		f.Add(uint8(kind), col, uint16(h.definitions), uint16(h.rules))
	}
	facts := patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}, Packages: []patch.Package{
		{Name: "foo", Arch: "amd64", Version: "1", State: patch.Installed}, {Name: "perl", Arch: "amd64", Version: "5", State: patch.Installed}}}
	f.Fuzz(func(t *testing.T, kind uint8, col []byte, definitions, rules uint16) {
		mutated := map[int][]byte{}
		for k, v := range columns {
			mutated[k] = v
		}
		mutated[int(kind)] = col
		s, err := assemble(header{scheme: schemeDpkg, os: "debian-12-amd64", definitions: int(definitions), rules: int(rules)}, mutated)
		if err != nil {
			return
		}
		r, err := s.Evaluate(&facts)
		if err != nil || r.Verdicts.Len() != s.Len() {
			t.Fatal("an opened file must be judged", err)
		}
		for i := range min(s.Len(), 100) {
			if x := s.Find(&facts, i); x.Verdict != r.Verdicts.At(i) {
				t.Fatalf("Find and Evaluate differ on %d", i)
			}
		}
		s.Carriers("foo")
	})
}

// FuzzOpenBytes throws whole files at Open, with a checksum that is right.
func FuzzOpenBytes(f *testing.F) {
	b, err := Compile("debian-12-amd64", version.Dpkg, sampleDefinitions())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[:len(b)-4])
	f.Fuzz(func(t *testing.T, b []byte) {
		b = binary.LittleEndian.AppendUint32(append([]byte{}, b...), checksum(b))
		if s, err := Open(b); err == nil {
			_, _ = s.Fingerprints()
		}
	})
}

// Every reference that a file holds is checked before anything follows it.
func TestSectionsThatDoNotFit(t *testing.T) {
	h, columns, err := layOut("debian-12-amd64", version.Dpkg, sampleDefinitions(), false)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := assemble(h, columns)
	if err != nil {
		t.Fatal(err)
	}
	planted := whole.columns.planted
	for name, c := range map[string]struct {
		kind int
		bad  []byte
	}{
		"a test of an object that is not there":          {secTests, bytes.Repeat([]byte{byte(TestInstalled), 200, 1, 0}, 40)},
		"an item test that is not there":                 {secTests, bytes.Repeat([]byte{byte(TestItems), 200, 1, 0}, 40)},
		"a short form of what is none":                   {secTests, bytes.Repeat([]byte{byte(testInfo), 0, 0, byte(TestInstalled), 0, 0}, 20)},
		"a blank for an operand that no pair fills":      {secTests, bytes.Repeat([]byte{byte(TestInstalled), 0, 200, 1}, 40)},
		"a blank for a name that no pair fills":          {secObjects, bytes.Repeat([]byte{classPackage, 200, 1, 0, 0}, 10)},
		"an object of an architecture that is not there": {secObjects, bytes.Repeat([]byte{classPackage, 0, 200, 1, 0}, 10)},
		"an object of a shape that is not there":         {secObjects, bytes.Repeat([]byte{classInfo, 0, 99, 0}, 10)},
		"a node of a later node":                         {secNodes, bytes.Repeat([]byte{byte(OpNot), 0}, 40)},
		"a template of a node that is not there":         {secTemplates, bytes.Repeat([]byte{255, 1, 0, 0, 0}, 10)},
		"a pair of a template that is not there":         {secPairs, bytes.Repeat([]byte{250, 1}, 10)},
		"a name that is not there":                       {secPairs, bytes.Repeat([]byte{0, 250, 1}, 10)},
		"a definition of a pair that is not there":       {secRuns, []byte{250, 1, byte(planted - 1)}},
		"fewer definitions than there are":               {secRuns, []byte{2, byte(planted - 2)}},
		"more definitions than there are":                {secRuns, []byte{2, byte(planted)}},
		"a rule of an architecture that has no name":     {secArches, bytes.Repeat([]byte{250}, h.rules)},
		"rules of modules beyond the last one":           {secStreams, []byte{1, 100, 0}},
		"rules of a module that has no name":             {secStreams, []byte{0, 0, 99}},
		"a shape with an operation that does not exist":  {secShapes, bytes.Repeat([]byte{0, 0, 0, 0, 99, 0, 0, 0}, 3)},
		"item tests that are none":                       {secItems, []byte("none")},
	} {
		broken := map[int][]byte{}
		for k, v := range columns {
			broken[k] = v
		}
		broken[c.kind] = c.bad
		if _, err := assemble(h, broken); err == nil {
			t.Errorf("%s opens", name)
		}
	}
}

// A file of a few kilobytes that would have to be judged for hours does not open.
func TestSmallFilesAskForLittleWork(t *testing.T) {
	columns := func(depth, pairs int) map[int][]byte {
		return map[int][]byte{
			secCounts:    uvarints(0, 0),
			secNodes:     append([]byte{byte(OpAnd), 0}, bytes.Repeat([]byte{byte(OpAnd), 4, 2, 2, 2, 2}, depth)...), // each four times the one before
			secTemplates: uvarints(2*depth, 2*depth, 0, 0),
			secPairs:     make([]byte, pairs),
			secRuns:      []byte{2, 0},
		}
	}
	for _, c := range []struct {
		depth, pairs int
		opens        bool
	}{{5, 1000, true}, {5, 100_000, false}, {13, 1, false}, {maxDepth + 2, 1, false}} {
		if _, err := assemble(header{scheme: schemeDpkg, os: "debian-12-amd64", definitions: 1}, columns(c.depth, c.pairs)); (err == nil) != c.opens {
			t.Errorf("%d pairs of trees of depth %d: %v", c.pairs, c.depth, err)
		}
	}
}

// The fullest file that the limits allow takes bounded memory to open and to judge.
func TestTheFullestFileFits(t *testing.T) {
	const definitions = 1 << 20
	columns := map[int][]byte{
		secCounts:    uvarints(0, definitions-1),
		secStrings:   bytes.Repeat([]byte("a\x00"), maxEntries),
		secObjects:   bytes.Repeat([]byte{classPackage, 0, 0, 0}, maxEntries),
		secTests:     bytes.Repeat([]byte{byte(TestInstalled), 0, 0}, maxEntries),
		secNodes:     append([]byte{byte(OpIs), 0}, bytes.Repeat([]byte{byte(OpAnd), 3, 1, 1, 1}, maxEntries-1)...),
		secTemplates: bytes.Repeat([]byte{0, 0, 1, 0}, maxTemplates),
		secPairs:     bytes.Repeat([]byte{0, 0}, maxEntries),
		secRuns:      append([]byte{2, 0}, bytes.Repeat([]byte{0, 0}, definitions-1)...),
	}
	total := 0
	for _, col := range columns {
		total += len(col)
	}
	if total > maxRaw {
		t.Fatalf("%d bytes are more than a file may hold", total)
	}
	var s *Signatures
	var err error
	if grown := growth(func() {
		s, err = assemble(header{scheme: schemeDpkg, os: "debian-12-amd64", definitions: definitions}, columns)
	}); err != nil || grown > 64<<20 {
		t.Fatalf("opening takes %d MiB beside the columns: %v", grown>>20, err)
	}
	f := patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}}
	if grown := growth(func() { _, err = s.Evaluate(&f) }); err != nil || grown > 64<<20 {
		t.Errorf("judging takes %d MiB: %v", grown>>20, err)
	}
}
