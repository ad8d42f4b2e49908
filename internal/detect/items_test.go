package detect

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// files is a machine with files of some sizes; it counts how often it is asked.
type files struct {
	sizes map[string]int
	asked map[string]int
}

func (f files) Probe(_ context.Context, r item.Request) patch.Collected {
	path := r.Entities[0].Values[0]
	f.asked[path]++
	size, ok := f.sizes[path]
	if !ok {
		return patch.Collected{Flag: patch.FlagNotExist}
	}
	return patch.Collected{Flag: patch.FlagComplete, Items: []patch.Item{{Fields: []patch.Field{{Name: "filepath", Value: path},
		{Name: "size", Type: "int", Value: strconv.Itoa(size)}}}}}
}

func literal(name string, op item.Operation, as item.Datatype, value string) item.Entity {
	return item.Entity{Name: name, Operation: op, Datatype: as, Value: value}
}

// smaller asks whether a file is there and has fewer bytes than limit; exists with limit 0 asks only for the file.
func smaller(path string, limit int) Expr {
	t := &item.Test{ID: "oval:x:tst:" + path, Class: "file", Object: &item.Object{Class: "file", Entities: []item.Entity{literal("filepath", item.Equals, item.String, path)}}}
	if limit > 0 {
		t.States = []*item.State{{Class: "file", Entities: []item.Entity{literal("size", item.LessThan, item.Int, strconv.Itoa(limit))}}}
	}
	return Is(Test{Kind: TestItems, Items: t})
}

// packageInfo asks OVAL's question about a package: is it there, and is its evr less than limit where there is one.
func packageInfo(class, name, limit string) Expr {
	t := &item.Test{Class: class, Object: &item.Object{Class: class, Entities: []item.Entity{literal("name", item.Equals, item.String, name)}}}
	if limit != "" {
		as := item.EVR
		if class == classDpkg {
			as = item.DebianEVR
		}
		t.States = []*item.State{{Class: class, Entities: []item.Entity{literal("evr", item.LessThan, as, limit)}}}
	}
	return Is(Test{Kind: TestItems, Items: t})
}

// needs makes a definition in the way of OVAL's: needed where every part holds.
func needs(id patch.ID, there, older Expr) Definition {
	installed := Not(older)
	return Definition{ID: id, Prerequisite: &there, Installed: &installed}
}

func itemDefinitions() []Definition {
	return []Definition{
		needs("oval:x:def:1", And(smaller("/a", 0), packageInfo(classDpkg, "foo", "")), And(smaller("/a", 100), packageInfo(classDpkg, "foo", "0:2-1"))),
		needs("oval:x:def:2", smaller("/a", 0), smaller("/a", 10)),
		needs("oval:x:def:3", smaller("/none", 0), smaller("/none", 10)),
		needs("oval:x:def:4", packageInfo(classDpkg, "foo", ""), packageInfo(classDpkg, "foo", "0:1-1")),
		needs("oval:x:def:5", packageInfo(classRPM, "foo", ""), packageInfo(classRPM, "foo", "0:3-1")),
	}
}

func itemFacts() patch.Facts {
	return patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64", Manager: "dpkg"},
		Packages: []patch.Package{{Name: "foo", Arch: "amd64", Version: "1-1", State: patch.Installed}}}
}

// What was collected once gives the same verdicts later, and no source is asked twice.
func TestCollectThenEvaluate(t *testing.T) {
	file, err := Compile("debian-12-amd64", version.Dpkg, itemDefinitions())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	src, facts := files{sizes: map[string]int{"/a": 50}, asked: map[string]int{}}, itemFacts()
	if err := s.Collect(t.Context(), &facts, src); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"/a": 1, "/none": 1}, src.asked); diff != "" {
		t.Errorf("the source was asked (-want +got):\n%s", diff)
	}
	if len(facts.Objects) != 2 || facts.Objects[0].Key >= facts.Objects[1].Key || facts.Objects[0].Class != "file" {
		t.Errorf("the facts hold %+v", facts.Objects)
	}
	want := []patch.Verdict{patch.NotPatched, patch.Patched, patch.NotApplicable, patch.Patched, patch.NotApplicable}
	r, err := s.Evaluate(&facts)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range want {
		if f := s.Find(&facts, i); r.Verdicts.At(i) != v || f.Verdict != v || len(f.Reason.Clauses) == 0 {
			t.Errorf("%s is %s and %+v, want %s", itemDefinitions()[i].ID, r.Verdicts.At(i), f, v)
		}
	}
	if f := s.Find(&facts, 1); !strings.HasPrefix(f.Reason.Clauses[0].From.String(), "file filepath=") {
		t.Errorf("the evidence does not name the file: %+v", f.Reason.Clauses)
	}
}

// Facts in which nothing was collected give no guesses.
func TestNotCollectedIsAnError(t *testing.T) {
	s, facts := compiled(t, "debian-12-amd64", itemDefinitions()), itemFacts()
	r, err := s.Evaluate(&facts)
	if err != nil || r.Verdicts.At(1) != patch.Faulty || r.Verdicts.At(2) != patch.Faulty || r.Verdicts.At(3) != patch.Patched {
		t.Errorf("%v %v", r.Verdicts.Bits(), err)
	}
}

// OVAL's values, over facts with a source and over a source alone.
func TestValues(t *testing.T) {
	s, err := Assemble("debian-12-amd64", version.Dpkg, itemDefinitions())
	if err != nil {
		t.Fatal(err)
	}
	facts := itemFacts()
	everything := answers{packages: facts.Packages, manager: "dpkg", other: files{sizes: map[string]int{"/a": 50}, asked: map[string]int{}}}
	for name, f := range map[string]*patch.Facts{"facts": &facts, "source": nil} {
		values, err := s.Values(t.Context(), f, everything)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for v := range values {
			got = append(got, v.Prerequisite.String()+" "+v.Installed.String())
		}
		want := []string{"true false", "true true", "false true", "true true", "false true"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Packages as items have the fields that OpenSCAP gives them.
func TestPackageItems(t *testing.T) {
	got := packageFields(classDpkg, &patch.Package{Name: "adduser", Arch: "all", Version: "3.134"})
	want := []patch.Field{{Name: "name", Value: "adduser"}, {Name: "arch", Value: "all"}, {Name: "epoch", Value: "0"}, {Name: "release"},
		{Name: "version", Value: "3.134"}, {Name: "evr", Type: "debian_evr_string", Value: "0:3.134"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = packageFields(classRPM, &patch.Package{Name: "bash", Arch: "x86_64", Version: "5.1-6.el9", Signer: "d36cb86cb86b3716"})
	want = []patch.Field{{Name: "name", Value: "bash"}, {Name: "arch", Value: "x86_64"}, {Name: "epoch", Value: "(none)"}, {Name: "release", Value: "6.el9"},
		{Name: "version", Value: "5.1"}, {Name: "evr", Type: "evr_string", Value: "0:5.1-6.el9"}, {Name: "signature_keyid", Value: "d36cb86cb86b3716"},
		{Name: "extended_name", Value: "bash-0:5.1-6.el9.x86_64"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	src := Items(&patch.Facts{Packages: []patch.Package{{Name: "a", State: patch.Removed}, {Name: "ab", State: patch.Broken}, {Name: "b", State: patch.Installed}}})
	c := src.Probe(t.Context(), item.Request{Class: classDpkg, Entities: []item.Wanted{{Name: "name", Operation: item.PatternMatch, Values: []string{"^a"}}}})
	if len(c.Items) != 1 || c.Items[0].Fields[0].Value != "ab" || c.Flag != patch.FlagComplete {
		t.Errorf("%+v", c)
	}
}

// How much of a file are item tests is known before it is opened, and of what is no file: nothing.
func TestItemBytes(t *testing.T) {
	var definitions []Definition
	for i := range 40 {
		installed := Is(Test{Kind: TestItems, Items: &item.Test{Class: "file", Object: &item.Object{Class: "file", Entities: []item.Entity{{Name: "filepath", Value: fmt.Sprintf("/opt/%d", i*i)}}}}})
		definitions = append(definitions, Definition{ID: patch.ID(fmt.Sprint("d/", i)), Installed: &installed})
	}
	file, err := Compile("debian-12-amd64", version.Dpkg, definitions)
	if err != nil {
		t.Fatal(err)
	}
	_, sections, err := unseal(file)
	if err != nil || len(sections[secItems]) == 0 {
		t.Fatal(len(sections[secItems]), err)
	}
	if got, want := ItemBytes(file), len(sections[secItems]); got != want {
		t.Errorf("%d bytes, want %d", got, want)
	}
	for _, n := range []int{0, 1, len(magic), len(magic) + 1, len(magic) + 20} {
		if got := ItemBytes(file[:n]); got != 0 {
			t.Errorf("of %d bytes %d are item tests", n, got)
		}
	}
}
