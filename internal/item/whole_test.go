package item

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

// programs is a machine that is asked for its programs as a whole.
type programs struct {
	asked int
	items []patch.Item
	flag  patch.Flag
}

func (p *programs) Probe(_ context.Context, r Request) patch.Collected {
	p.asked++
	if len(r.Entities) > 0 {
		return patch.Collected{Flag: patch.FlagError, Message: "asked by name"}
	}
	return patch.Collected{Flag: p.flag, Items: p.items}
}

func program(name, version string) patch.Item {
	it := patch.Item{Fields: []patch.Field{{Name: "name", Value: name}, {Name: "version", Value: version}}}
	if version == "" {
		it.Fields[1] = patch.Field{Name: "version", Status: patch.StatusNotExist}
	}
	return it
}

func ask(op Operation, name, version string) *Test {
	t := &Test{Class: "program", Check: AtLeastOne, Object: &Object{Class: "program", Entities: []Entity{{Name: "name", Operation: op, Value: name}}}}
	if version != "" {
		t.States = []*State{{Class: "program", Entities: []Entity{{Name: "version", Operation: GreaterThanOrEqual, Datatype: Version, Value: version}}}}
	}
	return t
}

func TestWholeClassesAreAskedOnce(t *testing.T) {
	some := []patch.Item{program("7-Zip 22.01 (x64)", "22.01"), program("Editor", ""), program("Ärger", "1.0")}
	tests := []*Test{ask(CaseInsensitiveEquals, "EDITOR", ""), ask(Equals, "EDITOR", ""), ask(Equals, "Editor", "1.0"),
		ask(Like, "7-zip%", "22.0"), ask(Like, "7-zip%", "23.0"), ask(CaseInsensitiveEquals, "äRGER", "1.0")}
	for _, c := range []struct {
		flag patch.Flag
		want []Value
	}{
		{patch.FlagComplete, []Value{True, False, False, True, False, True}},
		{patch.FlagIncomplete, []Value{True, Unknown, Unknown, True, Unknown, True}},
		{patch.FlagNotCollected, []Value{Unknown, Unknown, Unknown, Unknown, Unknown, Unknown}},
		{patch.FlagError, []Value{Error, Error, Error, Error, Error, Error}},
		{patch.FlagNotExist, []Value{False, False, False, False, False, False}},
	} {
		src := &programs{items: some, flag: c.flag}
		j := NewJudge(modelOf(t, tests...), src)
		for i, want := range c.want {
			if got := j.Value(t.Context(), i); got != want {
				t.Errorf("%s: test %d is %v, not %v", c.flag, i, got, want)
			}
		}
		facts := j.Collect(t.Context())
		if src.asked != 1 || len(facts) != 1 || facts[0].Key != "" {
			t.Errorf("%s: asked %d times, for %d facts", c.flag, src.asked, len(facts))
		}
		again := NewJudge(modelOf(t, append(tests, ask(Equals, "Ärger", ""))...), NewStored(facts)) // one definition more than then
		for i, want := range c.want {
			if got := again.Value(t.Context(), i); got != want {
				t.Errorf("%s: over facts test %d is %v, not %v", c.flag, i, got, want)
			}
		}
	}
}

// A class of which the facts hold everything answers by name what a source that is asked by name would.
func TestStoredAnswersFromAll(t *testing.T) {
	value := func(key, name, value string) patch.Item {
		return patch.Item{Fields: []patch.Field{{Name: "hive", Value: "HKEY_LOCAL_MACHINE"}, {Name: "key", Value: key}, {Name: "name", Value: name}, {Name: "value", Value: value}}}
	}
	s := NewStored([]patch.Collected{{Class: "registry", Flag: patch.FlagComplete, Fields: []string{Every}, Items: []patch.Item{
		{Fields: []patch.Field{{Name: "hive", Value: "HKEY_LOCAL_MACHINE"}, {Name: "key", Value: `Software\X`}}}, value(`Software\X`, "V", "1"), value(`Software\Y`, "V", "2"),
	}}})
	for _, c := range []struct {
		key  string
		name Wanted
		want int
	}{
		{`SOFTWARE\x`, Wanted{Name: "name", Nil: true}, 1}, {`SOFTWARE\x`, Wanted{Name: "name", Operation: CaseInsensitiveEquals, Values: []string{"v"}}, 1},
		{`Software\Z`, Wanted{Name: "name", Nil: true}, 0},
	} {
		got := s.Probe(t.Context(), Request{Class: "registry", Entities: []Wanted{{Name: "key", Operation: Equals, Values: []string{c.key}}, c.name}})
		if len(got.Items) != c.want || c.want == 0 && got.Flag != patch.FlagNotExist {
			t.Errorf("%s: %v %v", c.key, got.Flag, got.Items)
		}
	}
	if got := s.Probe(t.Context(), Request{Class: "file"}); got.Flag != patch.FlagNotCollected {
		t.Errorf("a class that was not collected: %v", got.Flag)
	}
}

// The index of a class finds exactly what comparing every item finds.
func TestWholeIndexMissesNothing(t *testing.T) {
	words := []string{"a", "A", "b", "ä", "Ä", "k", "\u212a", "", "a b"} // \u212a is K in another case
	rapid.Check(t, func(t *rapid.T) {
		var items []patch.Item
		for i, w := range rapid.SliceOf(rapid.SampledFrom(words)).Draw(t, "items") {
			items = append(items, program(w, fmt.Sprint(i)))
		}
		w := &entire{Collected: patch.Collected{Flag: patch.FlagComplete, Items: items}}
		r := Request{Class: "program", Entities: []Wanted{{Name: "name", Operation: rapid.SampledFrom([]Operation{Equals, CaseInsensitiveEquals, Like}).Draw(t, "op"),
			Values: []string{rapid.SampledFrom(words).Draw(t, "want")}}}}
		var want []patch.Item
		for i := range items {
			if w.wanted(&r, &items[i]) == True {
				want = append(want, items[i])
			}
		}
		if d := cmp.Diff(want, w.answer(&r).Items); d != "" {
			t.Fatal(d)
		}
	})
}

func TestQuotedAsGoQuotes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z\\" ]*`)).Draw(t, "s")
		if got := string(appendQuoted([]byte("x"), s)); got != "x"+strconv.Quote(s) {
			t.Fatalf("%q is %s", s, got)
		}
	})
}

// An item without what is asked for may be meant: nothing is proved by its absence.
func TestWhatCannotBeComparedIsUnknown(t *testing.T) {
	src := &programs{flag: patch.FlagComplete, items: []patch.Item{{Fields: []patch.Field{{Name: "version", Value: "1"}}}, program("Editor", "2")}}
	j := NewJudge(modelOf(t, ask(Like, "view%", "1"), ask(Like, "edit%", "1")), src)
	if a, b := j.Value(t.Context(), 0), j.Value(t.Context(), 1); a != Unknown || b != True {
		t.Errorf("%v, %v", a, b)
	}
}
