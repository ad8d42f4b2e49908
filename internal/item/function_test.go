package item

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func literals(values ...string) Component {
	return Component{Function: VariableValue, Variable: &Variable{Kind: Constant, Values: values}}
}

func integersOf(values ...string) Component {
	return Component{Function: VariableValue, Variable: &Variable{Kind: Constant, Datatype: Int, Values: values}}
}

// computed gives a local variable's values over a source, or what its flag says.
func computed(t *testing.T, src Source, c Component) (patch.Flag, []string) {
	t.Helper()
	v := &Variable{Kind: Local, Component: &c}
	m := modelOf(t, &Test{Class: "variable", Object: file("/x"), States: []*State{{Entities: []Entity{{Name: "value", Variable: v}}}}})
	j := NewJudge(m, src)
	j.Now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	l := j.variable(t.Context(), m.tests[0].States[0].Entities[0].Variable)
	if !l.has() && l.why == "" {
		t.Errorf("a variable is %s for no reason", l.flag)
	}
	return l.flag, l.texts()
}

func TestFunctions(t *testing.T) {
	one := func(f Function, text string, of ...Component) Component {
		return Component{Function: f, Text: text, Of: of}
	}
	sub := func(start, length int, of Component) Component {
		return Component{Function: Substring, Start: start, Length: length, Of: []Component{of}}
	}
	for name, c := range map[string]struct {
		c    Component
		want string // values joined by |, or a flag in <>
	}{
		"literal":                      {Component{Function: Literal, Text: "x"}, "x"},
		"begin adds":                   {one(Begin, "/", literals("a", "/b", "")), "/a|/b|/"},
		"end adds":                     {one(End, "ab", literals("x", "xab", "b")), "xab|xab|bab"},
		"concat is a product":          {one(Concat, "", literals("a", "b"), literals("1", "2", "3"), literals("z")), "a1z|a2z|a3z|b1z|b2z|b3z"},
		"concat of one":                {one(Concat, "", literals("a", "b")), "a|b"},
		"escape_regex":                 {one(EscapeRegex, "", literals(`(\.test_string*)?`, `^$[]{}+|`)), `\(\\\.test_string\*\)\?|\^\$\[\]\{\}\+\|`},
		"split":                        {one(Split, "-", literals("-a-a-", "---", "x")), "|a|a||||||x"},
		"split by characters":          {one(Split, "", literals("aé")), "a|é"},
		"substring":                    {sub(3, 2, literals("abcdefg")), "cd"},
		"substring before the start":   {sub(-4, 2, literals("abc")), "ab"},
		"substring with the rest":      {sub(2, -1, literals("abc", "xyz")), "bc|yz"},
		"substring too long":           {sub(2, 99, literals("abc")), "bc"},
		"substring behind the end":     {sub(4, 1, literals("abc")), "<error>"},
		"regex_capture":                {one(RegexCapture, `^abc(.*)xyz$`, literals("abc-1-xyz", "abc", "abcxyz")), "-1-||"},
		"regex_capture takes first":    {one(RegexCapture, `(\d)(\w)?`, literals("a1b2")), "1"},
		"regex_capture no group":       {one(RegexCapture, `\d`, literals("a1b2")), ""},
		"regex_capture group unused":   {one(RegexCapture, `(x)?\d`, literals("a1b2")), ""},
		"regex_capture no pattern":     {one(RegexCapture, `(`, literals("a")), "<error>"},
		"count":                        {one(Count, "", literals("a", "a"), literals("b")), "3"},
		"unique":                       {one(Unique, "", literals("foo", "bar"), literals("foo", "baz")), "foo|bar|baz"},
		"add is a product":             {one(Arithmetic, "add", integersOf("1", "2"), integersOf("3", "4", "5")), "4|5|6|5|6|7"},
		"multiply beyond 64 bits":      {one(Arithmetic, "multiply", integersOf("18446744073709551616"), integersOf("-3")), "-55340232221128654848"},
		"add floats":                   {one(Arithmetic, "add", Component{Function: Literal, Datatype: Float, Text: "1.5"}, integersOf("2")), "3.5"},
		"add words":                    {one(Arithmetic, "add", literals("x"), integersOf("2")), "<error>"},
		"divide":                       {one(Arithmetic, "divide", integersOf("1"), integersOf("2")), "<error>"},
		"glob":                         {one(GlobToRegex, "", literals("/etc/*.conf")), `^/etc/(?=[^.])[^/]*\.conf$`},
		"glob that is none":            {one(GlobToRegex, "", literals("[ab")), "<error>"},
		"nested":                       {one(Concat, "", one(Begin, "x", literals("a")), sub(1, 1, literals("yes"))), "xay"},
		"no operand":                   {one(Concat, ""), "<error>"},
		"a function of what is faulty": {one(Concat, "", literals("a"), Component{Function: VariableValue, Variable: &Variable{Fault: "not given"}}), "<error>"},
		"a function of what is absent": {one(Begin, "x", Component{Function: ObjectField, Object: file("/none"), Field: "path"}), "<does not exist>"},
	} {
		flag, values := computed(t, &answers{}, c.c)
		got := strings.Join(values, "|")
		if flag != patch.FlagComplete {
			got = "<" + string(flag) + ">"
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// The rows of OVAL 5.11's table of glob_to_regex: pattern, expression, expression where a backslash is a character.
func TestGlobToRegex(t *testing.T) {
	for _, row := range [][3]string{
		{`\*`, `^\*$`, `^\\[^/]*$`}, {`\?`, `^\?$`, `^\\[^/]$`}, {`\[hello\]`, `^\[hello\]$`, `^\\[hello\\]$`},
		{`/root/*`, `^/root/(?=[^.])[^/]*$`, ``}, {`/root/.*`, `^/root/\.[^/]*$`, ``}, {`/root/x*`, `^/root/x[^/]*$`, ``},
		{`/root/?`, `^/root/[^./]$`, ``}, {`/root/.?`, `^/root/\.[^/]$`, ``}, {`/root/x?`, `^/root/x[^/]$`, ``},
		{`list.?`, `^list\.[^/]$`, `^list\.[^/]$`}, {`project.*`, `^project\.[^/]*$`, `^project\.[^/]*$`},
		{`*old`, `^(?=[^.])[^/]*old$`, `^(?=[^.])[^/]*old$`}, {`type*.[ch]`, `^type[^/]*\.[ch]$`, `^type[^/]*\.[ch]$`},
		{`*.*`, `^(?=[^.])[^/]*\.[^/]*$`, `^(?=[^.])[^/]*\.[^/]*$`}, {`*`, `^(?=[^.])[^/]*$`, `^(?=[^.])[^/]*$`},
		{`?`, `^[^./]$`, `^[^./]$`}, {`x[[:digit:]]\*`, `^x[[:digit:]]\*$`, `^x[[:digit:]]\\[^/]*$`}, {``, `^$`, `^$`},
		{`~/files/*.txt`, `^~/files/(?=[^.])[^/]*\.txt$`, `^~/files/(?=[^.])[^/]*\.txt$`}, {`\`, `^\\$`, `^\\$`},
		{`[ab`, `INVALID`, `INVALID`}, {`.*.conf`, `^\.[^/]*\.conf$`, `^\.[^/]*\.conf$`}, {`docs/?b`, `^docs/[^./]b$`, `^docs/[^./]b$`},
		{`xy/??z`, `^xy/[^./][^/]z$`, `^xy/[^./][^/]z$`}, {`[!a]b`, `^[^a]b$`, `^[^a]b$`}, {`[]]x`, `^[]]x$`, `^[]]x$`}, {`a{b}|$`, `^a\{b\}\|\$$`, ``},
	} {
		for i, noEscape := range []bool{false, true} {
			got, ok := globToRegex(row[0], noEscape)
			if !ok {
				got = "INVALID"
			}
			if row[i+1] != "" && got != row[i+1] {
				t.Errorf("%s (no escape: %v): %s, want %s", row[0], noEscape, got, row[i+1])
			}
			if _, err := CompilePattern(got, PatternOptions{}); ok && err != nil {
				t.Error(err)
			}
		}
	}
}

func TestTimeDifference(t *testing.T) {
	diff := func(f1, f2 string, of ...Component) Component {
		return Component{Function: TimeDifference, Formats: [2]string{f1, f2}, Of: of}
	}
	for _, c := range []struct {
		c    Component
		want string
	}{
		{diff("month_day_year", "month_day_year", literals("04/02/2009", "04/03/2009"), literals("02/02/2005", "02/03/2005", "02/04/2005")),
			"131328000|131241600|131155200|131414400|131328000|131241600"},
		{diff("", "seconds_since_epoch", literals("1764158400")), "31536000"}, // from noon of 2025-11-26 to that of 2026
		{diff("seconds_since_epoch", "seconds_since_epoch", integersOf("10"), integersOf("70")), "-60"},
		{diff("year_month_day", "year_month_day", literals("20090402", "20090402T000001", "2009/04/02 00:00:02", "2009/04/02", "2009-04-02 00:01:00", "2009-04-02"),
			literals("2009-04-01")), "86400|86401|86402|86400|86460|86400"},
		{diff("month_day_year", "day_month_year", literals("04/02/2009 01:00:00", "April, 02 2009", "Apr, 02 2009 00:00:01", "04-02-2009"), literals("02-04-2009")),
			"3600|0|1|0"},
		{diff("day_month_year", "day_month_year", literals("02/04/2009 00:00:09", "02-04-2009 00:00:08"), literals("02/04/2009")), "9|8"},
		{diff("win_filetime", "seconds_since_epoch", literals("116444736010000000", "0x19db1ded53e8000"), integersOf("0")), "1|0"},
		{diff("cim_datetime", "seconds_since_epoch", literals("19700101010000.000000+060", "1970-01-01 00:00:01:500", "01-01-1970 00:00:02:000"), integersOf("0")),
			"0|1|2"},
		{diff("year_month_day", "", literals("2009-13-01"), literals("2009-01-01")), "<error>"},
		{diff("seconds_since_epoch", "seconds_since_epoch", literals("soon"), literals("1")), "<error>"},
		{diff("nonsense", "", literals("20090101"), literals("20090101")), "<error>"},
		{diff("", "", literals("20090101"), literals("20090101"), literals("20090101")), "<error>"},
	} {
		flag, values := computed(t, &answers{}, c.c)
		got := strings.Join(values, "|")
		if flag != patch.FlagComplete {
			got = "<" + string(flag) + ">"
		}
		if got != c.want {
			t.Errorf("%v of %v: %s, want %s", c.c.Formats, c.c.Of[0].Variable.Values, got, c.want)
		}
	}
}

func TestObjectComponents(t *testing.T) {
	records := []patch.Field{{Name: "result", Type: "record", Record: []patch.Field{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}}}}
	src := &answers{by: map[string]patch.Collected{
		`file filepath="/two"`: {Flag: patch.FlagComplete, Items: []patch.Item{{Fields: []patch.Field{{Name: "size", Type: "int", Value: "1"},
			{Name: "size", Type: "int", Value: "2"}}}, {Fields: []patch.Field{{Name: "size", Type: "int", Value: "3"}}}}},
		`file filepath="/part"`: {Flag: patch.FlagIncomplete, Items: []patch.Item{{Fields: []patch.Field{{Name: "size", Value: "1"}}}}},
		`file filepath="/lack"`: {Flag: patch.FlagComplete, Items: []patch.Item{{}}},
		`file filepath="/wql"`:  {Flag: patch.FlagComplete, Items: []patch.Item{{Fields: records}}},
		`file filepath="/na"`:   {Flag: patch.FlagNotApplicable},
	}}
	for _, c := range []struct{ path, field, record, want string }{
		{"/two", "size", "", "complete: 1 2 3"},
		{"/part", "size", "", "incomplete: 1"},
		{"/lack", "size", "", "error: "},
		{"/two", "size", "a", "error: "},
		{"/wql", "result", "b", "complete: 2"},
		{"/wql", "result", "", "error: "},
		{"/wql", "result", "c", "error: "},
		{"/na", "size", "", "not applicable: "},
		{"/none", "size", "", "does not exist: "},
	} {
		flag, values := computed(t, src, Component{Function: ObjectField, Object: file(c.path), Field: c.field, Record: c.record})
		if got := fmt.Sprintf("%s: %s", flag, strings.Join(values, " ")); got != c.want {
			t.Errorf("%v: %s", c, got)
		}
	}
}

// A product of lists explodes; it is refused before it takes memory.
func TestProductsAreBounded(t *testing.T) {
	var many []string
	for i := range 300 {
		many = append(many, fmt.Sprint(i))
	}
	for name, of := range map[string][]Component{
		"many values": {literals(many...), literals(many...)},
		"long values": {literals(strings.Repeat("x", 60_000)), literals(many...), literals("a")},
	} {
		if flag, _ := computed(t, &answers{}, Component{Function: Concat, Of: of}); flag != patch.FlagError {
			t.Errorf("%s: %s", name, flag)
		}
	}
}

// It takes no memory to find that out.
func TestProductsAreRefusedBeforeTheyAreMade(t *testing.T) {
	nothing := literals(make([]string, 200)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	flag, _ := computed(t, &answers{}, Component{Function: Concat, Of: []Component{nothing, nothing, nothing}})
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; flag != patch.FlagError || took > 16<<20 {
		t.Errorf("%s after %d bytes", flag, took)
	}
}

// Large variables made of large variables end in an error, not in all memory.
func TestVariablesTogetherAreBounded(t *testing.T) {
	large := &Variable{Kind: Constant, Values: []string{strings.Repeat("x", 60_000)}}
	concat := func(text string, of ...Component) *Variable {
		return &Variable{Kind: Local, Component: &Component{Function: Concat, Of: append(of, Component{Function: Literal, Text: text})}}
	}
	for range 6 {
		again := Component{Function: VariableValue, Variable: large}
		large = concat("", again, again)
	}
	var states []*State
	for n := range 40 {
		v := concat(fmt.Sprint(n), Component{Function: VariableValue, Variable: large})
		states = append(states, &State{Entities: []Entity{{Name: "size", Variable: v}}})
	}
	src := &answers{by: map[string]patch.Collected{`file filepath="/a"`: sizes("1")}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	v := judged(t, src, &Test{Class: "file", Object: file("/a"), Operator: Or, States: states})
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; v != Error || took > 60<<20 {
		t.Errorf("%s after %d bytes", v, took)
	}
}

func TestFlagsOfSeveralOperands(t *testing.T) {
	order := []patch.Flag{patch.FlagComplete, patch.FlagIncomplete, patch.FlagNotExist, patch.FlagNotCollected, patch.FlagNotApplicable, patch.FlagError}
	for i, a := range order {
		for k, b := range order {
			got, _ := worst([]*list{{flag: a}, {flag: b}})
			if d := cmp.Diff(order[max(i, k)], got); d != "" {
				t.Errorf("%s and %s: %s", a, b, d)
			}
		}
	}
}
