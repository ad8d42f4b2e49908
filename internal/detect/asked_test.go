package detect

import (
	"context"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// growing is a machine with one file that is larger each time somebody looks.
type growing struct{ files }

func (g growing) Probe(ctx context.Context, r item.Request) patch.Collected {
	c := g.files.Probe(ctx, r)
	g.sizes[r.Entities[0].Values[0]] += 1000
	return c
}

// What was judged while it was collected is what the collected facts say, even where the machine was another one at the second look.
func TestEvaluateAsked(t *testing.T) {
	by := &item.Variable{ID: "var", Kind: item.Constant, Values: []string{"/a"}}
	owned := Is(Test{Kind: TestItems, Items: &item.Test{Class: "file",
		Object: &item.Object{Class: "file", Entities: []item.Entity{{Name: "filepath", Variable: by}}},
		States: []*item.State{{Class: "file", Entities: []item.Entity{literal("user_id", item.Equals, item.Int, "0")}}}}})
	for name, definitions := range map[string][]Definition{
		"each once":  itemDefinitions(),
		"one twice":  {needs("oval:x:def:1", smaller("/a", 100), smaller("/a", 10)), needs("oval:x:def:2", owned, owned)},
		"other file": {needs("oval:x:def:1", smaller("/b", 100), smaller("/b", 10))},
	} {
		t.Run(name, func(t *testing.T) {
			file, err := Compile("debian-12-amd64", version.Dpkg, definitions)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(file)
			if err != nil {
				t.Fatal(err)
			}
			src, facts := growing{files{sizes: map[string]int{"/a": 50}, asked: map[string]int{}}}, itemFacts()
			asked, err := s.Ask(t.Context(), &facts, src, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.EvaluateAsked(&facts, asked)
			if err != nil {
				t.Fatal(err)
			}
			want, err := s.Evaluate(&facts)
			if err != nil {
				t.Fatal(err)
			}
			for i := range definitions {
				if want, got := want.Verdicts.At(i), got.Verdicts.At(i); got != want {
					t.Errorf("%s is %s, and %s of the facts", definitions[i].ID, got, want)
				}
			}
			if twice := src.asked["/a"] > 1; twice != (name == "one twice") {
				t.Errorf("the machine was asked %v", src.asked)
			}
		})
	}
}

// Two sides of a machine give the facts that one gives, whichever of them is asked what.
func TestAskFromTwoSides(t *testing.T) {
	var definitions, shared []Definition
	sizes := map[string]int{}
	for i := range 40 {
		path := "/" + strconv.Itoa(i)
		definitions = append(definitions, needs(patch.ID("oval:x:def:"+strconv.Itoa(i+1)), smaller(path, 0), smaller(path, 100)))
		by := &item.Variable{ID: "var" + path, Kind: item.Constant, Values: []string{path}}
		owned := Is(Test{Kind: TestItems, Items: &item.Test{Class: "file",
			Object: &item.Object{Class: "file", Entities: []item.Entity{{Name: "filepath", Variable: by}}},
			States: []*item.State{{Class: "file", Entities: []item.Entity{literal("user_id", item.Equals, item.Int, "0")}}}}})
		shared = append(shared, needs(patch.ID("oval:x:def:"+strconv.Itoa(i+1001)), owned, owned))
		if i%3 > 0 {
			sizes[path] = i * 7
		}
	}
	for name, definitions := range map[string][]Definition{"some by both": append(shared, definitions...), "each by one": definitions} {
		t.Run(name, func(t *testing.T) {
			file, err := Compile("debian-12-amd64", version.Dpkg, definitions)
			if err != nil {
				t.Fatal(err)
			}
			s, err := Open(file)
			if err != nil {
				t.Fatal(err)
			}
			one, two := itemFacts(), itemFacts()
			first, second := files{sizes: sizes, asked: map[string]int{}}, files{sizes: sizes, asked: map[string]int{}}
			if err := s.Collect(t.Context(), &one, files{sizes: sizes, asked: map[string]int{}}); err != nil {
				t.Fatal(err)
			}
			asked, err := s.Ask(t.Context(), &two, first, second)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(one, two); diff != "" {
				t.Errorf("(-one +two):\n%s", diff)
			}
			if len(second.asked) == 0 || len(first.asked) == 0 {
				t.Errorf("one side was asked %d objects, the other %d", len(first.asked), len(second.asked))
			}
			got, err := s.EvaluateAsked(&two, asked)
			if err != nil {
				t.Fatal(err)
			}
			want, err := s.Evaluate(&one)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Verdicts.Bits(), got.Verdicts.Bits()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
