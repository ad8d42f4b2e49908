package item

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// answers is a Source over prepared facts by request text, and counts what it was asked.
type answers struct {
	by    map[string]patch.Collected // class and key
	asked map[string]int
}

func (a *answers) Probe(_ context.Context, r Request) patch.Collected {
	id := r.Class + " " + r.Key()
	if a.asked == nil {
		a.asked = map[string]int{}
	}
	a.asked[id]++
	if c, ok := a.by[id]; ok {
		return c
	}
	return patch.Collected{Flag: patch.FlagNotExist}
}

func modelOf(t testing.TB, tests ...*Test) *Model {
	t.Helper()
	var b Builder
	for i, x := range tests {
		if n, err := b.Test(x); err != nil || n != i {
			t.Fatal(n, err)
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
	return m
}

func file(path string) *Object {
	return &Object{Class: "file", Entities: []Entity{{Name: "filepath", Value: path}}}
}

func sized(op Operation, size string) *State {
	return &State{Class: "file", Entities: []Entity{{Name: "size", Datatype: Int, Operation: op, Value: size}}}
}

func TestFileTests(t *testing.T) {
	src := &answers{by: map[string]patch.Collected{
		`file filepath="/etc/a"`: {Flag: patch.FlagComplete, Items: []patch.Item{{Fields: []patch.Field{{Name: "size", Type: "int", Value: "1100"}}}}},
	}}
	m := modelOf(t,
		&Test{Class: "file", Object: file("/etc/a"), States: []*State{sized(LessThan, "1200")}},
		&Test{Class: "file", Object: file("/etc/a"), States: []*State{sized(GreaterThan, "1200")}},
		&Test{Class: "file", Object: file("/etc/b")},
		&Test{Class: "file", Object: file("/etc/b"), Existence: NoneExist},
		&Test{Class: "unknown"},
	)
	j := NewJudge(m, src)
	var got []Value
	for n := range m.Tests() {
		v, _ := j.Test(t.Context(), n)
		got = append(got, v)
	}
	want := []Value{True, False, False, True, Unknown}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{`file filepath="/etc/a"`: 1, `file filepath="/etc/b"`: 1}, src.asked); d != "" {
		t.Error(d)
	}
	stored := NewJudge(m, NewStored(j.Collect(t.Context())))
	for n := range m.Tests() {
		if v := stored.Value(t.Context(), n); v != want[n] {
			t.Errorf("test %d over stored facts is %s", n, v)
		}
	}
}

func sizes(ns ...string) patch.Collected {
	c := patch.Collected{Flag: patch.FlagComplete}
	for _, n := range ns {
		c.Items = append(c.Items, patch.Item{Fields: []patch.Field{{Name: "filepath", Value: "/" + n}, {Name: "size", Type: "int", Value: n}}})
	}
	return c
}

// judged gives the value of one test.
func judged(t *testing.T, src Source, x *Test) Value {
	t.Helper()
	return NewJudge(modelOf(t, x), src).Value(t.Context(), 0)
}

func TestSetsAndFilters(t *testing.T) {
	src := &answers{by: map[string]patch.Collected{`file filepath="/a"`: sizes("1", "2", "3"), `file filepath="/b"`: sizes("3", "4"),
		`file filepath="/e"`: {Flag: patch.FlagError, Message: "no"}}}
	of := func(op SetOperator, filters []Filter, paths ...string) *Object {
		o := &Object{Class: "file", Set: &Set{Operator: op, Filters: filters}}
		for _, p := range paths {
			o.Set.Objects = append(o.Set.Objects, file(p))
		}
		return o
	}
	counted := func(o *Object, n string) *Test {
		count := &Variable{Kind: Local, Datatype: Int, Component: &Component{Function: Count, Of: []Component{{Function: ObjectField, Object: o, Field: "size"}}}}
		return &Test{Class: "variable", Object: &Object{Class: "variable", Entities: []Entity{{Name: "var_ref", Variable: count}}},
			States: []*State{{Class: "variable", Entities: []Entity{{Name: "value", Datatype: Int, Value: n}}}}}
	}
	small := []Filter{{Exclude: true, State: sized(GreaterThan, "2")}}
	nested := &Object{Class: "file", Set: &Set{Operator: Complement, Sets: []Set{*of(Union, nil, "/a", "/b").Set, *of(Intersection, nil, "/a", "/b").Set}}}
	filtered := &Object{Class: "file", Entities: file("/a").Entities, Filters: []Filter{{State: sized(LessThan, "3")}}}
	for name, c := range map[string]struct {
		x    *Test
		want Value
	}{
		"union":                     {counted(of(Union, nil, "/a", "/b"), "4"), True},
		"intersection":              {counted(of(Intersection, nil, "/a", "/b"), "1"), True},
		"complement":                {counted(of(Complement, nil, "/a", "/b"), "2"), True},
		"one part":                  {counted(of(Union, nil, "/a"), "3"), True},
		"nested":                    {counted(nested, "3"), True},
		"filter of parts":           {counted(of(Union, small, "/a", "/b"), "2"), True},
		"filter of an object":       {counted(filtered, "2"), True},
		"three parts":               {counted(of(Union, nil, "/a", "/b", "/a"), "4"), Error},
		"faulty part":               {counted(of(Union, nil, "/a", "/e"), "3"), Error},
		"nothing is left":           {&Test{Class: "file", Object: of(Intersection, small, "/b", "/a"), Existence: NoneExist}, True},
		"complement of the absent":  {&Test{Class: "file", Object: of(Complement, nil, "/none", "/a"), Existence: NoneExist}, True},
		"not the state that wanted": {counted(of(Union, nil, "/a", "/b"), "5"), False},
	} {
		if got := judged(t, src, c.x); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestVariablesInObjects(t *testing.T) {
	paths := &Variable{Kind: Constant, Values: []string{"/a", "/b"}}
	src := &answers{by: map[string]patch.Collected{`file filepath=at least one("/a","/b")`: sizes("1"), `file filepath="/a"`: sizes("2")}}
	about := func(v *Variable) *Test {
		return &Test{Class: "file", Object: &Object{Class: "file", Entities: []Entity{{Name: "filepath", Variable: v, VarCheck: AtLeastOne}}}}
	}
	absent := &Variable{Kind: Local, Component: &Component{Function: ObjectField, Object: file("/none"), Field: "size"}}
	for name, c := range map[string]struct {
		x    *Test
		want Value
	}{
		"several values":                {about(paths), True},
		"one value":                     {about(&Variable{Kind: Constant, Values: []string{"/a"}}), True},
		"no value":                      {about(absent), False},
		"not given":                     {about(&Variable{Kind: External, Fault: "it was not given"}), Error},
		"external":                      {about(&Variable{Kind: External, Values: []string{"/a"}}), True},
		"unclear":                       {&Test{Class: "file", Object: file("/a"), Unclear: "odd"}, Error},
		"of its value":                  {&Test{Class: "file", Object: file("/a"), States: []*State{{Entities: []Entity{{Name: "size", Datatype: Int, Variable: &Variable{Kind: Constant, Datatype: Int, Values: []string{"1", "2"}}, VarCheck: AtLeastOne}}}}}, True},
		"of all values":                 {&Test{Class: "file", Object: file("/a"), States: []*State{{Entities: []Entity{{Name: "size", Datatype: Int, Variable: &Variable{Kind: Constant, Datatype: Int, Values: []string{"1", "2"}}, VarCheck: All}}}}}, False},
		"of a value that was not given": {&Test{Class: "file", Object: file("/a"), States: []*State{{Entities: []Entity{{Name: "size", Variable: &Variable{Kind: External, Fault: "not given"}}}}}}, Error},
		"of a faulty value":             {about(&Variable{Kind: Local, Component: &Component{Function: Begin}}), Error},
		"of absent value":               {&Test{Class: "file", Object: file("/a"), States: []*State{{Entities: []Entity{{Name: "size", Variable: absent}}}}}, Error},
	} {
		if got := judged(t, src, c.x); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestEntitiesOfStates(t *testing.T) {
	field := func(status patch.Status, values ...string) (all []patch.Field) {
		for _, v := range values {
			all = append(all, patch.Field{Name: "x", Value: v, Status: status})
		}
		return all
	}
	record := []patch.Field{{Name: "x", Type: "record", Record: []patch.Field{{Name: "a", Value: "1"}, {Name: "b", Value: "2"}, {Name: "b", Value: "3"}}}}
	for name, c := range map[string]struct {
		fields []patch.Field
		e      Entity
		want   Value
	}{
		"all":                      {field("", "a", "a"), Entity{Value: "a"}, True},
		"not all":                  {field("", "a", "b"), Entity{Value: "a"}, False},
		"one of":                   {field("", "a", "b"), Entity{Value: "a", EntityCheck: AtLeastOne}, True},
		"only one":                 {field("", "a", "a"), Entity{Value: "a", EntityCheck: OnlyOne}, False},
		"none satisfy":             {field("", "a", "b"), Entity{Value: "c", EntityCheck: NoneSatisfy}, True},
		"lacking":                  {nil, Entity{Value: "a"}, Unknown},
		"marked as absent":         {field(patch.StatusNotExist, ""), Entity{Value: "a"}, False},
		"absent on purpose":        {field(patch.StatusNotExist, ""), Entity{Value: "a", Existence: NoneExist}, True},
		"there against the wish":   {field("", "a"), Entity{Value: "a", Existence: NoneExist}, False},
		"absent or not":            {field(patch.StatusNotExist, ""), Entity{Value: "a", Existence: AnyExist}, True},
		"only one of that name":    {field("", "a", "a"), Entity{Value: "a", Existence: OnlyOneExists}, False},
		"could not be read":        {field(patch.StatusError, "a"), Entity{Value: "a"}, Error},
		"was not collected":        {field(patch.StatusNotCollected, "a"), Entity{Value: "a"}, Unknown},
		"nil wants nothing":        {field("", ""), Entity{Nil: true}, True},
		"nil wants nothing, seen":  {field("", "a"), Entity{Nil: true}, False},
		"record":                   {record, Entity{Datatype: Record, Record: []Entity{{Name: "a", Value: "1"}, {Name: "b", Value: "3", EntityCheck: AtLeastOne}}}, True},
		"record with a wrong part": {record, Entity{Datatype: Record, Record: []Entity{{Name: "a", Value: "1"}, {Name: "b", Value: "3"}}}, False},
		"record without a part":    {record, Entity{Datatype: Record, Record: []Entity{{Name: "c", Value: "1"}}}, Error},
	} {
		c.e.Name = "x"
		src := &answers{by: map[string]patch.Collected{`file filepath="/a"`: {Flag: patch.FlagComplete, Items: []patch.Item{{Fields: c.fields}}}}}
		x := &Test{Class: "file", Object: file("/a"), States: []*State{{Class: "file", Entities: []Entity{c.e}}}}
		if got := judged(t, src, x); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// fieldsAsked is a Source that gives exactly the fields it is asked for.
type fieldsAsked struct{ asked [][]string }

func (s *fieldsAsked) Probe(_ context.Context, r Request) patch.Collected {
	s.asked = append(s.asked, r.Fields)
	it := patch.Item{}
	for _, f := range r.Fields {
		it.Fields = append(it.Fields, patch.Field{Name: f, Value: "1"})
	}
	return patch.Collected{Flag: patch.FlagComplete, Items: []patch.Item{it}}
}

// Sources give only what some test looks at, and what one question left out another may still get.
func TestFieldsAreThoseThatSomeTestLooksAt(t *testing.T) {
	state := func(field string) []*State {
		return []*State{{Class: "file", Entities: []Entity{{Name: field, Value: "1"}}}}
	}
	viaVariable := &Object{Class: "file", Entities: []Entity{{Name: "filepath", Variable: &Variable{Kind: Constant, Values: []string{"/a"}}}}}
	m := modelOf(t,
		&Test{Class: "file", Object: file("/a"), States: state("size")},
		&Test{Class: "file", Object: file("/a"), States: state("mode")},
		&Test{Class: "file", Object: viaVariable, States: state("owner")},
		&Test{Class: "file", Object: &Object{Class: "file", Set: &Set{Objects: []*Object{file("/b")}}}},
	)
	src := &fieldsAsked{}
	j := NewJudge(m, src)
	for n := range 3 {
		if v := j.Value(t.Context(), n); v != True {
			t.Errorf("test %d is %s", n, v)
		}
	}
	facts := j.Collect(t.Context())
	want := [][]string{{"mode", "size"}, {"mode", "owner", "size"}, {Every}}
	if d := cmp.Diff(want, src.asked); d != "" {
		t.Error(d)
	}
	if len(facts) != 2 || !cmp.Equal(facts[0].Fields, want[1]) {
		t.Errorf("%+v", facts)
	}
}

// Facts that were collected for other tests do not tell what a field is that nobody asked for.
func TestFieldsThatFactsLackAreUnknown(t *testing.T) {
	lacking := NewStored([]patch.Collected{{Class: "file", Key: `filepath="/a"`, Flag: patch.FlagComplete, Fields: []string{"size"}, Items: sizes("1").Items}})
	value := &Variable{Kind: Local, Component: &Component{Function: ObjectField, Object: file("/a"), Field: "owner"}}
	for name, x := range map[string]*Test{
		"state":    {Class: "file", Object: file("/a"), States: []*State{{Class: "file", Entities: []Entity{{Name: "owner", Value: "1"}}}}},
		"variable": {Class: "file", Object: &Object{Class: "file", Entities: []Entity{{Name: "filepath", Variable: value}}}},
		"set":      {Class: "file", Object: &Object{Class: "file", Set: &Set{Objects: []*Object{file("/a"), file("/a")}}}},
		"object":   {Class: "file", Object: file("/b"), Existence: NoneExist},
	} {
		if got := judged(t, lacking, x); got != Unknown {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// What more items could change is not told of an object that was collected in part.
func TestIncompleteObjects(t *testing.T) {
	part := sizes("1", "2")
	part.Flag = patch.FlagIncomplete
	src := &answers{by: map[string]patch.Collected{`file filepath="/a"`: part}}
	for name, c := range map[string]struct {
		check Check
		size  string
		want  Value
	}{
		"all so far":    {All, "3", Unknown},
		"not all":       {All, "2", False},
		"one is":        {AtLeastOne, "2", True},
		"none so far":   {NoneSatisfy, "0", Unknown},
		"one so far":    {OnlyOne, "2", Unknown},
		"two are":       {OnlyOne, "3", False},
		"one that none": {NoneSatisfy, "2", False},
	} {
		x := &Test{Class: "file", Object: file("/a"), Check: c.check, States: []*State{sized(LessThan, c.size)}}
		if got := judged(t, src, x); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
