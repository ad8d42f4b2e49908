package expr

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

type thing struct {
	Name  string   `cel:"name"`
	Size  int64    `cel:"size"`
	Words []string `cel:"words"`
}

func things() Language {
	return Language{What: "a test", Example: "true", Variables: []Variable{{"thing", reflect.TypeFor[thing]()}}}
}

func of(t thing) *Thing {
	made := things().Thing(&t)
	return &made
}

// plain writes a part as a person would sketch it.
func plain(p Part) string {
	s := map[bool]string{true: "+", false: "-"}[p.Holds]
	if p.Fault != "" {
		s = "?"
	}
	if p.Join == "" {
		s += p.Text
		for _, x := range p.Seen {
			s += " [" + x.Name + "=" + x.Value + "]"
		}
		return s
	}
	var parts []string
	for _, x := range p.Parts {
		parts = append(parts, plain(x))
	}
	return s + p.Join + "(" + strings.Join(parts, ", ") + ")"
}

func TestPiecesSayWhatTheyCameTo(t *testing.T) {
	for text, want := range map[string]string{
		`thing.name == "a" && thing.size > 3`:                             `-and(+thing.name == "a" [thing.name="a"], -thing.size > 3 [thing.size=2])`,
		`thing.name == "b" && thing.size > 1 && !(thing.size == 2)`:       `-and(-thing.name == "b" [thing.name="a"], +thing.size > 1 [thing.size=2], -not(+thing.size == 2 [thing.size=2]))`,
		`thing.size == 9 || thing.name.startsWith("a") && thing.size < 9`: `+or(-thing.size == 9 [thing.size=2], +and(+thing.name.startsWith("a") [thing.name="a"], +thing.size < 9 [thing.size=2]))`,
		`thing.words.exists(w, w == "y")`:                                 `+thing.words.exists(w, w == "y") [thing.words=["x", "y"]]`,
		`thing.words[5] == "x" || thing.size == 2`:                        `+or(?thing.words[5] == "x" [thing.words=["x", "y"]], +thing.size == 2 [thing.size=2])`,
		`thing.words[5] == "x" && thing.size == 2`:                        `?and(?thing.words[5] == "x" [thing.words=["x", "y"]], +thing.size == 2 [thing.size=2])`,
		`true`: `+true`,
	} {
		a, err := things().Dissect(text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := a.Of(of(thing{"a", 2, []string{"x", "y"}}))
		if d := cmp.Diff(want, plain(p)); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", text, err, d)
		}
	}
}

// A look into an expression comes to what the expression comes to, limits included.
func TestPiecesAgreeWithTheWhole(t *testing.T) {
	list := "[" + strings.Repeat("1,", 60) + "1]"
	for _, text := range []string{`thing.size > 1`, `thing.size > 7`, `thing.words[7] == ""`, `thing.size > 1 || thing.words[7] == ""`, `!(thing.name in thing.words)`,
		list + ".all(a, " + list + ".all(b, " + list + ".all(c, a + b + c > 0)))", `10 / (thing.size - 2) > 1 && false`} {
		whole, err := things().Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		a, err := things().Dissect(text)
		if err != nil {
			t.Fatal(err)
		}
		p, err := a.Of(of(thing{"x", 2, []string{"x"}}))
		yes, fault := whole.Holds(of(thing{"x", 2, []string{"x"}}))
		if err != nil || p.Holds != yes || (p.Fault != "") != (fault != nil) {
			t.Errorf("%s: %v %q, and the whole is %v %v", text, p.Holds, p.Fault, yes, fault)
		}
	}
}

func TestFaultsPointAtTheirPlace(t *testing.T) {
	for text, want := range map[string]string{
		`thing.nmae == "x"`:              "line 1, character 6: undefined field 'nmae'\n  thing.nmae == \"x\"\n       ^",
		"thing.size > 1 &&\n thing.name": "line 2, character 7: expected type 'bool' but found 'string'\n   thing.name\n        ^",
		"thing.size > 1 && (\n":          "line 2, character 1: Syntax error",
		`thing.size == "x" && foo`:       "line 1, character 12: found no matching overload for '_==_' applied to '(int, string)'",
		strings.Repeat("x", MaxText+1):   "too long",
		`thing.name.matches("(")`:        "line 1, character 20: invalid matches argument",
		`thing`:                          "not true or false",
		strings.Repeat("(", 99) + "true": "recursion",
	} {
		_, err := things().Compile(text)
		if err == nil || patch.KindOf(err) != patch.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
		if _, other := things().Dissect(text); other == nil || other.Error() != err.Error() {
			t.Errorf("%s: looked into, %v", text, other)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(`thing.name == "a" && (thing.size > 3 || !thing.words.exists(w, w == "x"))`)
	f.Add(`thing.size in [1,2] ? true : false`)
	f.Add(`has(thing.name)`)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := things().Dissect(text)
		if err != nil {
			return
		}
		if _, err := a.Of(of(thing{"a", 2, []string{"x"}})); err != nil {
			t.Skip(err)
		}
	})
}
