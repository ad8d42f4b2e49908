package expr

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type other struct {
	On    bool   `cel:"on"`
	Count int64  `cel:"count"`
	Word  string `cel:"word"`
}

func both() Language {
	return Language{What: "a test", Example: "true", Variables: []Variable{{"thing", reflect.TypeFor[thing]()}, {"other", reflect.TypeFor[other]()}}}
}

// condition draws an expression; parts that CEL alone understands are among them.
func condition(t *rapid.T, depth int) string {
	draw := func(of ...string) string { return rapid.SampledFrom(of).Draw(t, "piece") }
	order := func() string { return draw("<", "<=", ">", ">=", "==", "!=") }
	number, word := draw("-1", "0", "2", "3"), draw(`""`, `"a"`, `"ab"`, `"b"`, `"é"`)
	switch rapid.IntRange(0, 9+3*min(depth, 1)).Draw(t, "kind") {
	case 0, 1:
		return draw("thing.size", "other.count") + order() + number
	case 2:
		return number + order() + draw("thing.size", "other.count")
	case 3:
		return draw("thing.name", "other.word") + order() + word
	case 4:
		return word + order() + draw("thing.name", "other.word")
	case 5:
		return "other.on"
	case 6:
		return draw("thing.name", "other.word") + "." + draw("startsWith", "endsWith") + "(" + word + ")"
	case 7:
		return draw("thing.name", "other.word") + " in [" + word + ", " + draw(`"a"`, `"c"`) + "]"
	case 8:
		return draw(`thing.words.exists(w, w == "a")`, `10 / thing.size > 3`, `thing.words[1] == "a"`, `has(thing.name)`, `thing.name in thing.words`, `thing.name.contains("a")`)
	case 9:
		return draw("true", "thing.size == other.count", "thing.name < other.word")
	case 10:
		return "!(" + condition(t, depth-1) + ")"
	case 11:
		return "(" + condition(t, depth-1) + " && " + condition(t, depth-1) + ")"
	}
	return "(" + condition(t, depth-1) + " || " + condition(t, depth-1) + ")"
}

// What is judged without CEL, alone or in a batch, comes to what CEL says.
func TestSimpleConditionsComeToWhatCELSays(t *testing.T) {
	simply := 0
	rapid.Check(t, func(t *rapid.T) {
		l := both()
		var all []*Condition
		var texts []string
		for range rapid.IntRange(1, 4).Draw(t, "conditions") {
			text := condition(t, 3)
			c, err := l.Compile(text)
			if err != nil {
				t.Fatal(text, err)
			}
			all, texts = append(all, c), append(texts, text)
			if c.simple != nil && strings.Contains(text, "&&") {
				simply++
			}
		}
		things := make([]Thing, rapid.IntRange(1, 130).Draw(t, "things"))
		words := rapid.SampledFrom([]string{"", "a", "ab", "b", "é", "\xff"})
		for i := range things {
			things[i] = l.Thing(&thing{words.Draw(t, "name"), rapid.Int64Range(-1, 4).Draw(t, "size"), []string{"a", "b"}[:i%3]},
				&other{i%2 == 0, rapid.Int64Range(-1, 4).Draw(t, "count"), words.Draw(t, "word")})
		}
		batch, room := NewBatch(all), new(Room)
		batch.Judge(things[:rapid.IntRange(0, len(things)).Draw(t, "before")], room) // leaves something behind
		missing := rapid.IntRange(0, len(things)).Draw(t, "missing")
		judged := slices.Clone(things)
		clear(judged[missing:min(missing+3, len(things))])
		for k, j := range batch.Judge(judged, room) {
			for i := range things {
				if judged[i].names == nil {
					if j.Yes[i/64]>>(i%64)&1 == 1 || j.Faults[i] != "" {
						t.Fatal(texts[k], "holds for none")
					}
					continue
				}
				want, fault := all[k].eval(&things[i])
				alone, fault2 := all[k].Holds(&things[i])
				if got := j.Yes[i/64]>>(i%64)&1 == 1; got != want || alone != want || (fault != nil) != (fault2 != nil) {
					t.Fatalf("%s of %v %v: %v together, %v alone, %v says CEL", texts[k], things[i].given[0], things[i].given[1], got, alone, want)
				}
				if d := cmp.Diff(fmt.Sprint(fault), orNone(j.Faults[i].String())); d != "" {
					t.Fatal(texts[k], d)
				}
			}
			if n := len(things) % 64; n > 0 && j.Yes[len(things)/64]>>n != 0 {
				t.Fatalf("%s holds for things that are not there", texts[k])
			}
		}
	})
	if simply == 0 {
		t.Error("no joined condition was judged without CEL")
	}
}

func orNone(fault string) string {
	if fault == "" {
		return "<nil>"
	}
	return fault
}
