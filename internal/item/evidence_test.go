package item

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestRequestsAreReadable(t *testing.T) {
	e := func(name string, op Operation, values ...string) Wanted {
		return Wanted{Name: name, Operation: op, Values: values, Check: AtLeastOne}
	}
	for _, c := range []struct {
		r    Request
		want string
	}{
		{Request{Class: "textfilecontent54", Entities: []Wanted{e("path", Equals, "/etc"), e("filename", Equals, "foo.conf"), e("pattern", PatternMatch, "^x"),
			e("instance", Equals, "1")}}, "/etc/foo.conf line 1 matching ^x"},
		{Request{Class: "textfilecontent54", Entities: []Wanted{e("filepath", Equals, "/etc/foo.conf"), e("pattern", PatternMatch, "^x"),
			{Name: "instance", Operation: GreaterThanOrEqual, Datatype: Int, Values: []string{"1"}}}}, "/etc/foo.conf any line matching ^x"},
		{Request{Class: "file", Entities: []Wanted{e("path", PatternMatch, "^/usr"), e("filename", Equals, "a")}}, "file a in a folder matching ^/usr"},
		{Request{Class: "file", Entities: []Wanted{e("path", Equals, `C:\Windows`), e("filename", Equals, "a.dll")}}, `C:\Windows\a.dll`},
		{Request{Class: "file", Entities: []Wanted{e("path", Equals, "/etc"), {Name: "filename", Nil: true}}}, "/etc"},
		{Request{Class: "registry", Entities: []Wanted{e("hive", Equals, "HKEY_LOCAL_MACHINE"), e("key", Equals, `SOFTWARE\X`), e("name", Equals, "Version")}},
			`HKLM\SOFTWARE\X\Version`},
		{Request{Class: "rpminfo", Entities: []Wanted{e("name", Equals, "bash")}}, "package bash"},
		{Request{Class: "environmentvariable58", Entities: []Wanted{{Name: "pid", Nil: true}, e("name", Equals, "PATH")}}, "environmentvariable name PATH"},
		{Request{Class: "process58", Entities: []Wanted{e("command_line", Equals, "a", "b", "c", "d", "e", "f", "g")}},
			"process command line one of a, b, c, d, e, … (7 in all)"},
		{Request{Class: "family"}, "family"},
	} {
		if got := c.r.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestExpectationsAreReadable(t *testing.T) {
	for _, c := range []struct {
		op     Operation
		as     Datatype
		check  Check
		values []string
		want   string
	}{
		{Equals, String, All, []string{"x"}, "x"},
		{LessThan, Int, All, []string{"1200"}, "less than 1200"},
		{LessThan, EVR, All, []string{"0:1.2-3"}, "older than 0:1.2-3"},
		{GreaterThanOrEqual, Version, All, []string{"1.2"}, "1.2 or newer"},
		{LessThanOrEqual, Float, All, []string{"1.5"}, "1.5 or less"},
		{PatternMatch, String, All, []string{"^x"}, "matching ^x"},
		{NotEqual, String, AtLeastOne, []string{"a", "b"}, "other than one of a, b"},
		{CaseInsensitiveEquals, String, All, []string{"a"}, "a in any case"},
		{BitwiseAnd, Int, All, []string{"4"}, "with the bits 4"},
		{SubsetOf, IPv4, NoneSatisfy, []string{"10.0.0.0/8", "::1"}, "within none of 10.0.0.0/8, ::1"},
	} {
		if got := expected(c.op, c.as, c.check, c.values).String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

// What decided is told, and nothing else.
func TestEvidenceIsTheSmallest(t *testing.T) {
	size := func(path, n string) patch.Item {
		return patch.Item{Fields: []patch.Field{{Name: "filepath", Value: path}, {Name: "size", Type: "int", Value: n}}}
	}
	src := &answers{by: map[string]patch.Collected{
		`file filepath="/one"`:  {Flag: patch.FlagComplete, Items: []patch.Item{size("/one", "1100")}},
		`file filepath="/many"`: {Flag: patch.FlagComplete, Items: []patch.Item{size("/a", "1"), size("/b", "1300"), size("/c", "1400")}},
		`file filepath="/odd"`:  {Flag: patch.FlagComplete, Items: []patch.Item{size("/odd", "x")}},
		`file filepath="/bad"`:  {Flag: patch.FlagError, Message: "permission denied"},
	}}
	test := func(path string, check Check, states ...*State) *Test {
		return &Test{Class: "file", Object: file(path), Check: check, States: states}
	}
	small, large := sized(LessThan, "1200"), sized(GreaterThan, "1250")
	for name, c := range map[string]struct {
		t    *Test
		want Value
		tell []string // item, field, expected, seen
	}{
		"one file":          {test("/one", All, small), True, []string{"/one: size less than 1200: 1100"}},
		"first wrong file":  {test("/many", All, small), False, []string{"/b: size less than 1200: 1300"}},
		"first right file":  {test("/many", AtLeastOne, small), True, []string{"/a: size less than 1200: 1"}},
		"two are too many":  {test("/many", OnlyOne, large), False, []string{"/b: size greater than 1250: 1300", "/c: size greater than 1250: 1400"}},
		"none":              {test("/many", NoneSatisfy, large), False, []string{"/b: size greater than 1250: 1300"}},
		"one of two states": {test("/one", All, small, large), False, []string{": size greater than 1250: 1100"}},
		"no value":          {test("/odd", All, small), Error, []string{`: size less than 1200: x ("x" is not of the type int)`}},
		"unreadable":        {test("/bad", All, small), Error, []string{":  exists: error: permission denied"}},
		"absent":            {test("/none", All, small), False, []string{":  exists: does not exist"}},
		"no state":          {test("/many", All), True, []string{":  exists: 3 exist"}},
		"unclear":           {&Test{Class: "x", Unclear: "why"}, Error, []string{":  a test that can be understood: why"}},
	} {
		v, evidence := NewJudge(modelOf(t, c.t), src).Test(t.Context(), 0)
		var told []string
		for _, x := range evidence {
			told = append(told, x.Item+": "+x.Field+" "+x.Expected.String()+": "+x.Seen.String())
		}
		if name == "one file" {
			told[0] = "/one" + told[0] // a single item needs no name
		}
		if v != c.want || !slices.Equal(told, c.tell) {
			t.Errorf("%s: %s\n%s", name, v, cmp.Diff(c.tell, told))
		}
	}
}

// What a state compares with may come from other files, through several variables: each of them is named as well.
func TestEvidenceNamesWhatVariablesWereMadeOf(t *testing.T) {
	size := func(n string) patch.Collected {
		return patch.Collected{Flag: patch.FlagComplete, Items: []patch.Item{{Fields: []patch.Field{{Name: "size", Type: "int", Value: n}}}}}
	}
	src := &answers{by: map[string]patch.Collected{`file filepath="/a"`: size("3"), `file filepath="/b"`: size("1"), `file filepath="/c"`: size("2")}}
	of := func(path string) Component {
		return Component{Function: ObjectField, Object: file(path), Field: "size"}
	}
	b := of("/b")
	sum := Component{Function: Arithmetic, Text: "add", Of: []Component{{Function: VariableValue, Variable: &Variable{ID: "b", Kind: Local, Datatype: Int, Component: &b}}, of("/c")}}
	limit := &Variable{ID: "limit", Kind: Local, Datatype: Int, Component: &sum}
	same := &State{Class: "file", Entities: []Entity{{Name: "size", Datatype: Int, Variable: limit}}}
	v, evidence := NewJudge(modelOf(t, &Test{Class: "file", Object: file("/a"), States: []*State{same}}), src).Test(t.Context(), 0)
	if want := []string{`file filepath="/b"`, `file filepath="/c"`}; v != True || len(evidence) != 1 || !slices.Equal(evidence[0].Also, want) {
		t.Errorf("%s by %+v, want true by %q as well", v, evidence, want)
	}
}

// A changed fact changes only values whose evidence names it.
func TestChangedFactsChangeWhatTheyDecided(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.Uint64Range(0, 1<<40).Draw(t, "seed"))
		for i, o := range w.objects {
			if i > 10 && i%3 == 0 {
				o.Entities, o.Set = nil, &Set{Operator: SetOperator(w.IntN(3)), Objects: []*Object{w.objects[i-1], w.objects[i-2]}}
			}
		}
		b := Builder{IDs: true}
		for _, x := range w.tests {
			if _, err := b.Test(x); err != nil {
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
		before := NewJudge(m, w)
		for n := range m.Tests() {
			before.Value(t.Context(), n)
		}
		victim := rapid.SampledFrom(w.objects).Draw(t, "object")
		c := w.collected[victim.ID]
		if c.Flag = patch.FlagComplete; w.IntN(2) == 0 {
			c.Flag = patch.FlagNotApplicable
		}
		c.Items = append(slices.Clone(c.Items), w.item(patch.StatusExists))
		w.collected[victim.ID] = c
		after := NewJudge(m, w)
		for n := range m.Tests() {
			v, evidence := before.Test(t.Context(), n)
			if v == after.Value(t.Context(), n) {
				continue
			}
			if !names(evidence, "registry "+keyOf(victim)) {
				t.Fatalf("%s changed %s, whose evidence is %+v", victim.ID, m.Test(n).ID, evidence)
			}
		}
	})
}

func keyOf(o *Object) string {
	r := Request{Class: o.Class}
	for _, e := range o.Entities {
		r.Entities = append(r.Entities, Wanted{Name: e.Name, Values: []string{e.Value}, Nil: e.Nil})
	}
	return r.Key()
}

func names(evidence Evidence, fact string) bool {
	for _, c := range evidence {
		if c.Class+" "+c.Key == fact || slices.Contains(c.Also, fact) {
			return true
		}
	}
	return false
}
