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
		`thing.nmae == "x"`:              "line 1, character 6: there is no field \"nmae\"\n  thing.nmae == \"x\"\n       ^\nthere are thing.name",
		"thing.size > 1 &&\n thing.name": "line 2, character 7: expected: yes or no; found: text\n   thing.name\n        ^",
		"thing.size > 1 && (\n":          "line 2, character 1: the expression ends too early",
		`thing.size == "x" && foo`:       `line 1, character 12: "==" cannot be used with: whole number, text`,
		strings.Repeat("x", MaxText+1):   "too long",
		`thing.name.matches("(")`:        "line 1, character 20: this is not a regular expression",
		`thing`:                          "it gives no yes or no, but: thing",
		strings.Repeat("(", 99) + "true": "it is nested deeper than 50 levels",
		`thing.name = "x"`:               `character 12: "=" compares nothing: write ==`,
		`thing.size > 1 & true`:          `"&" joins nothing: write &&`,
		`thing.size > 1 and true`:        `"and" is not a word here: write && for and, || for or, ! for not`,
		`thing.size > 1 true`:            `"true" does not belong here`,
		`thing.size > 1)`:                `")" does not belong here`,
		`(thing.size > 1`:                `")" is missing at the end`,
		`thing.words[1 == "a"`:           `"]" is missing at the end`,
		`thing.name == 'x`:               "the text 'x has no closing quotation mark",
		`thing.name == @`:                `"@" means nothing here`,
		`thng.size > 1`:                  `"thng" is not known; did you mean "thing"?`,
		`zzzzzzzz(thing.name)`:           `"zzzzzzzz" is not known`,
		`thing.name.startsWith(4)`:       `"startsWith" cannot be used with: text, whole number`,
		`thing.size > 4.5`:               `">" cannot be used with: whole number, number with a decimal point`,
		`thing.name in "x"`:              `"in" cannot be used with: text, text`,
		`thing.name == null`:             `"==" cannot be used with: text, nothing at all`,
		`thing.name == ["a"]`:            `"==" cannot be used with: text, list`,
		`thing.name.exists(x, true)`:     "only a list can be gone through, and this is: text",
		`has(thing.name.x)`:              "nothing can be read from it with a dot, for it is: text",
		`duration("x") > duration("1s")`: `"duration" cannot read this`,
		`99999999999999999999 > 1`:       "this number is too large",
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

// What becomes of an expression when it is worked out is said in plain words too.
func TestFaultsOfEvaluationAreSaid(t *testing.T) {
	list := "[" + strings.Repeat("1,", 60) + "1]"
	for text, want := range map[string]string{
		`thing.words[5] == "x"`:           "the list has no entry number 5",
		`1 / (thing.size - 2) > 0`:        "it divides by zero",
		`1 % (thing.size - 2) > 0`:        "it divides by zero",
		`{"a": 1}[thing.name + "b"] == 1`: `there is no entry "ab"`,
		list + ".all(a, " + list + ".all(b, " + list + ".all(c, a + b + c > 0)))": "it takes too many steps to work out",
	} {
		c, err := things().Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.Holds(of(thing{"a", 2, []string{"x", "y"}})); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %q", text, err, want)
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
