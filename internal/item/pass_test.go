package item

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

// forgetful is a machine that takes the room of an answer back as soon as it may.
type forgetful struct {
	answers map[string]patch.Collected
	last    []patch.Item

	mu    *sync.Mutex
	asked map[string]int
}

func (s *forgetful) Probe(_ context.Context, r Request) patch.Collected {
	return s.answer(r.Class+" "+r.Key(), r.Entities[0].Values[0], r.Once)
}

// Look does not care for files that are called "other".
func (s *forgetful) Look(_ context.Context, dir, name string, fields []string) (patch.Collected, bool) {
	if name == "other" {
		return patch.Collected{}, false
	}
	return s.answer("file path="+strconv.Quote(dir)+" filename="+strconv.Quote(name), dir, true), true
}

func (s *forgetful) answer(key, path string, once bool) patch.Collected {
	for i := range s.last {
		s.last[i] = patch.Item{Status: patch.StatusError, Fields: []patch.Field{{Name: "size", Value: "taken back"}}}
	}
	s.mu.Lock()
	s.asked[key]++
	s.mu.Unlock()
	c := s.answers[path]
	c.Items = append([]patch.Item(nil), c.Items...)
	if s.last = nil; once {
		s.last = c.Items
	}
	return c
}

// anyTest is about one of a few objects. In an odd world some have a variable or a filter, or ask what another object asks.
func anyTest(t *rapid.T, odd string) *Test {
	kind := rapid.SampledFrom([]string{"file", "file", "password"}).Draw(t, "class")
	o := &Object{Class: kind, Entities: []Entity{{Name: "filepath", Value: rapid.SampledFrom([]string{"/a", "/a b", "/a/b", "/c", `/"`, "/é"}).Draw(t, "path")}}}
	if kind == "file" && rapid.Bool().Draw(t, "in a directory") {
		o.Entities[0].Name = "path"
		o.Entities = append(o.Entities, Entity{Name: "filename", Operation: rapid.SampledFrom([]Operation{Equals, Equals, PatternMatch}).Draw(t, "name as"),
			Value: rapid.SampledFrom([]string{"x", "é", "other"}).Draw(t, "name")})
	}
	s := sized(rapid.SampledFrom([]Operation{LessThan, Equals, GreaterThan}).Draw(t, "op"), rapid.SampledFrom([]string{"1", "2", "x"}).Draw(t, "size"))
	s.Class = kind
	x := &Test{Class: kind, Object: o, Check: Check(rapid.IntRange(0, int(NoneExistCheck)).Draw(t, "check")), Existence: Existence(rapid.IntRange(0, int(OnlyOneExists)).Draw(t, "existence"))}
	if rapid.Bool().Draw(t, "state") {
		x.States = []*State{s}
	}
	switch n := rapid.IntRange(0, 20).Draw(t, "kind"); {
	case n == 0:
		x.Unclear = "nobody knows"
	case n == 1:
		x.Object = nil
	case n > 6:
	case odd == "filter":
		o.Filters = []Filter{{State: s}}
	case odd == "variable":
		o.Entities[0].Variable = &Variable{ID: "v", Values: []string{"/a"}}
	case odd == "same":
		o.Entities[0].VarCheck = AtLeastOne // of no meaning
	}
	return x
}

// A pass gives the values and the facts that collecting gives, in the same order, and asks for nothing twice; or it says that it cannot.
func TestPassIsCollectAndJudge(t *testing.T) {
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		odd := rapid.SampledFrom([]string{"", "", "filter", "variable", "same"}).Draw(t, "world")
		var b Builder
		for range rapid.IntRange(0, 80).Draw(t, "tests") {
			if _, err := b.Test(anyTest(t, odd)); err != nil {
				t.Fatal(err)
			}
		}
		raw, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		machine := map[string]patch.Collected{}
		for _, path := range []string{"/a", "/a b", "/a/b", "/c", `/"`, "/é"} {
			c := patch.Collected{Flag: rapid.SampledFrom([]patch.Flag{patch.FlagComplete, patch.FlagNotExist, patch.FlagIncomplete, patch.FlagError}).Draw(t, "flag")}
			for range rapid.IntRange(0, 2).Draw(t, "items") {
				c.Items = append(c.Items, patch.Item{Fields: []patch.Field{{Name: "size", Type: "int", Value: rapid.SampledFrom([]string{"1", "2", "y"}).Draw(t, "is")}}})
			}
			machine[path] = c
		}
		asked, mu := map[string]int{}, new(sync.Mutex)
		whole := NewJudge(m, &forgetful{answers: machine, mu: mu, asked: map[string]int{}})
		want := whole.Collect(t.Context())
		side := func() Source { return &forgetful{answers: machine, mu: mu, asked: asked} }
		j, second := NewJudge(m, side()), Source(nil)
		if rapid.Bool().Draw(t, "two sides") {
			second = side()
		}
		parts, ok := j.Pass(t.Context(), second, func(b []byte, c *patch.Collected) []byte {
			text, _ := json.Marshal(c)
			return append(b, text...)
		})
		if !ok {
			if odd == "" {
				t.Fatal("it cannot pass a plain world")
			}
			return
		}
		passed++
		told := slices.Concat(parts...)
		if len(told) != len(want) {
			t.Fatalf("%d objects are told of, not %d", len(told), len(want))
		}
		for i := range want {
			text, _ := json.Marshal(want[i])
			if diff := cmp.Diff(string(text), string(told[i].Text)); diff != "" || asked[want[i].Class+" "+want[i].Key] != 1 {
				t.Fatalf("%s asked %d times (-want +got)\n%s", want[i].Key, asked[want[i].Class+" "+want[i].Key], diff)
			}
		}
		for n := range m.Tests() {
			if want, got := whole.Value(t.Context(), n), j.Value(t.Context(), n); want != got {
				t.Fatalf("test %d is %v, not %v", n, got, want)
			}
		}
		if all := len(asked); all != len(want) {
			t.Fatalf("%d objects were asked for, not %d", all, len(want))
		}
	})
	if passed == 0 {
		t.Error("no world was passed")
	}
}
