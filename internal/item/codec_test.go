package item

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

var ignoreOwn = cmpopts.IgnoreUnexported(Object{}, Variable{})

// everything is a test that uses every part of the model.
func everything() *Test {
	inner := &Object{ID: "o1", Class: "file", Entities: []Entity{{Name: "filename", Nil: true}, {Name: "path", Operation: PatternMatch, Value: "^/etc"}},
		Behaviors: []Behavior{{"max_depth", "2"}, {"recurse_direction", "down"}}}
	constant := &Variable{ID: "v1", Kind: Constant, Datatype: Int, Values: []string{"1", "2"}}
	local := &Variable{ID: "v2", Kind: Local, Datatype: EVR, Component: &Component{Function: Concat, Of: []Component{
		{Function: Literal, Datatype: Int, Text: "x"}, {Function: ObjectField, Object: inner, Field: "result", Record: "r"},
		{Function: VariableValue, Variable: constant}, {Function: Substring, Start: -3, Length: 7, Of: []Component{{Function: Literal}}},
		{Function: TimeDifference, Formats: [2]string{"a", "b"}, Of: []Component{{Function: Literal}}},
		{Function: GlobToRegex, NoEscape: true, Of: []Component{{Function: Literal}}}, {Function: Split, Text: "-", Of: []Component{{Function: Literal}}}}}}
	state := &State{ID: "s1", Class: "file", Operator: Xor, Entities: []Entity{
		{Name: "size", Datatype: Int, Operation: BitwiseOr, Variable: local, VarCheck: OnlyOne, EntityCheck: NoneSatisfy, Existence: AnyExist},
		{Name: "result", Datatype: Record, Record: []Entity{{Name: "a", Value: "1"}, {Name: "b", Datatype: Float, Value: "2"}}}}}
	set := &Object{ID: "o2", Class: "file", Set: &Set{Operator: Complement, Sets: []Set{{Operator: Union, Objects: []*Object{inner, inner}},
		{Operator: Intersection, Objects: []*Object{inner}, Filters: []Filter{{Exclude: true, State: state}}}}}}
	external := &Variable{ID: "v3", Kind: External, Fault: "it was not given"}
	return &Test{ID: "t1", Class: "file", Existence: OnlyOneExists, Check: NoneExistCheck, Operator: One, Object: set, States: []*State{state,
		{Class: "file", Entities: []Entity{{Name: "path", Variable: external}}}}, Unclear: "odd"}
}

func TestModelsSurviveEncoding(t *testing.T) {
	for _, ids := range []bool{true, false} {
		b := Builder{IDs: ids}
		for i, x := range []*Test{everything(), {Class: "unknown"}, everything()} {
			if n, err := b.Test(x); err != nil || n != []int{0, 1, 0}[i] {
				t.Fatal(n, err)
			}
		}
		raw, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		m, err := Decode(raw)
		if err != nil || m.Tests() != 2 {
			t.Fatal(m, err)
		}
		options := cmp.Options{ignoreOwn}
		if !ids {
			options = append(options, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".ID" }, cmp.Ignore()))
		}
		if d := cmp.Diff(everything(), m.Test(0), options); d != "" {
			t.Error(d)
		}
		if len(m.objects) != 2 || len(m.states) != 2 || len(m.variables) != 3 {
			t.Errorf("%d objects, %d states, %d variables: what is the same is not kept once", len(m.objects), len(m.states), len(m.variables))
		}
	}
}

// The same content in other pointers and in another builder gives the same bytes.
func TestBytesAreDeterministic(t *testing.T) {
	var all [2][]byte
	for i := range all {
		var b Builder
		for n := range 50 {
			x := everything()
			x.States[0].Entities[1].Record[0].Value = fmt.Sprint(n % 7)
			if _, err := b.Test(x); err != nil {
				t.Fatal(err)
			}
		}
		all[i], _ = b.Bytes()
	}
	if !bytes.Equal(all[0], all[1]) {
		t.Error("the same tests gave other bytes")
	}
}

func TestWhatCannotBeKept(t *testing.T) {
	loop := &Variable{Kind: Local, Component: &Component{Function: Concat}}
	loop.Component.Of = []Component{{Function: Literal, Text: "x"}, {Function: VariableValue, Variable: loop}}
	viaObject := &Variable{Kind: Local, Component: &Component{Function: ObjectField, Field: "text"}}
	viaObject.Component.Object = &Object{Class: "file", Entities: []Entity{{Name: "path", Variable: viaObject}}}
	viaSet := &Object{Class: "file"}
	viaSet.Set = &Set{Objects: []*Object{viaSet}}
	deep := &Component{Function: Literal}
	for range 120 {
		deep = &Component{Function: Begin, Of: []Component{*deep}}
	}
	chain := &Variable{Kind: Constant, Values: []string{"x"}}
	for range 120 {
		chain = &Variable{Kind: Local, Component: &Component{Function: VariableValue, Variable: chain}}
	}
	about := func(v *Variable) *Test {
		return &Test{Class: "file", Object: &Object{Class: "file", Entities: []Entity{{Name: "path", Variable: v}}}}
	}
	for name, x := range map[string]*Test{
		"a variable needs itself":                    about(loop),
		"a variable needs itself through its object": about(viaObject),
		"a set of itself":                            {Class: "file", Object: viaSet},
		"deep component":                             about(&Variable{Kind: Local, Component: deep}),
		"long chain of variables":                    about(chain),
		"long text":                                  {Class: "file", Object: file(strings.Repeat("x", maxText+1))},
		"unknown operation":                          {Class: "file", Object: &Object{Entities: []Entity{{Operation: 15}}}},
		"unknown check":                              {Class: "file", Check: 7},
		"unknown function":                           about(&Variable{Kind: Local, Component: &Component{Function: 15}}),
		"no object of a component":                   about(&Variable{Kind: Local, Component: &Component{Function: ObjectField}}),
		"no state":                                   {Class: "file", States: []*State{nil}},
	} {
		var b Builder
		if n, err := b.Test(x); err == nil {
			t.Errorf("%s: was kept as %d", name, n)
		}
		if n, err := b.Test(&Test{Class: "file", Object: file("/x")}); err != nil || n != 0 {
			t.Errorf("%s: the next test: %d, %v", name, n, err)
		}
		raw, err := b.Bytes()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if m, err := Decode(raw); err != nil || m.Tests() != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// refColumn finds the references in encoded tests.
func refColumn(t *testing.T, raw []byte) []byte {
	t.Helper()
	at := 1
	next := func() int {
		n, size := binary.Uvarint(raw[at:])
		at += size
		return int(n)
	}
	for range kinds {
		next()
	}
	for range colRef {
		n := next()
		at += n
	}
	n := next()
	return raw[at : at+n]
}

func TestReferencesLeadToTheirKind(t *testing.T) {
	var b Builder
	if _, err := b.Test(&Test{Class: "file", Object: file("/a"), States: []*State{sized(LessThan, "1")}}); err != nil {
		t.Fatal(err)
	}
	raw, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, mutant := range [][2]byte{{1, 2}, {1, 1}, {0, 1}, {2, 0}, {3, 1}, {2, 2}} {
		copy(refColumn(t, raw), mutant[:])
		if m, err := Decode(raw); err == nil {
			t.Errorf("references %v are taken: %+v", mutant, m.Test(0))
		}
	}
	copy(refColumn(t, raw), []byte{2, 1})
	if _, err := Decode(raw); err != nil {
		t.Error(err)
	}
}

// No change of a byte may give a model that fails later, and none may panic.
func FuzzDecode(f *testing.F) {
	var b Builder
	for _, x := range []*Test{everything(), {Class: "file", Object: file("/etc/a"), States: []*State{sized(LessThan, "1")}}} {
		if _, err := b.Test(x); err != nil {
			f.Fatal(err)
		}
	}
	raw, err := b.Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{})
	for i := range raw {
		mutant := bytes.Clone(raw)
		mutant[i] ^= 1 << (i % 8)
		f.Add(mutant)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Decode(raw)
		if err != nil {
			return
		}
		j := NewJudge(m, &answers{})
		for n := range m.Tests() {
			if v, _ := j.Test(t.Context(), n); v > NotApplicable {
				t.Fatal(v)
			}
		}
		var again Builder
		again.IDs = raw[0] == 1
		for n := range m.Tests() {
			if _, err := again.Test(m.Test(n)); err != nil {
				t.Fatalf("what was decoded cannot be encoded: %v", err)
			}
		}
	})
}

// What is drawn at random comes back, and is encoded the same again.
func TestRandomModelsSurviveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.Uint64().Draw(t, "seed"))
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
		again := Builder{IDs: true}
		for n, x := range w.tests {
			if n%40 == 0 {
				if d := cmp.Diff(x, m.Test(n), ignoreOwn, cmpopts.EquateEmpty()); d != "" {
					t.Fatal(d)
				}
			}
			if _, err := again.Test(m.Test(n)); err != nil {
				t.Fatal(err)
			}
		}
		if second, err := again.Bytes(); err != nil || !bytes.Equal(raw, second) {
			t.Fatal("what was decoded is encoded in another way", err)
		}
	})
}

// Few bytes that claim much are refused before they take memory.
func TestSmallFilesStaySmall(t *testing.T) {
	build := func(counts [kinds]int, cols map[int][]byte) []byte {
		raw := []byte{0}
		for _, n := range counts {
			raw = binary.AppendUvarint(raw, uint64(n))
		}
		for i := range columns {
			raw = binary.AppendUvarint(raw, uint64(len(cols[i])))
			raw = append(raw, cols[i]...)
		}
		return raw
	}
	grow := []byte{0, 1} // each text shares all of the one before and adds a byte
	for n := 1; n < 60_000; n++ {
		grow = append(binary.AppendUvarint(grow, uint64(n)), 1)
	}
	many := bytes.Repeat([]byte{kindTest}, 900_000)
	lists := binary.AppendUvarint(nil, maxList)
	for name, raw := range map[string][]byte{
		"texts that share":   build([kinds]int{}, map[int][]byte{colTextLen + textValue: grow, colText + textValue: bytes.Repeat([]byte{'x'}, 60_000)}),
		"empty texts":        build([kinds]int{}, map[int][]byte{colTextLen + textValue: make([]byte, 11<<20)}),
		"many tests":         build([kinds]int{kindTest: 900_000}, map[int][]byte{colKind: many}),
		"a claim of tests":   build([kinds]int{kindTest: maxNodes}, nil),
		"long lists":         build([kinds]int{kindTest: 1}, map[int][]byte{colKind: {0}, colTextRef + textClass: {0}, colTextLen + textClass: {0, 0}, colExtra: {0}, colCount: lists}),
		"more than is taken": make([]byte, maxEncoded+1),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(raw)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 50<<20 {
			t.Errorf("%s: %v after %d bytes", name, err, took)
		}
	}
}

// Objects that ask for the same fields share the list of them, until one of them asks for more.
func TestFieldsOfObjectsThatShare(t *testing.T) {
	object := func(name string) *Object {
		return &Object{Class: "file", Entities: []Entity{{Name: "filepath", Value: name}}}
	}
	state := func(fields ...string) []*State {
		s := &State{Class: "file"}
		for _, f := range fields {
			s.Entities = append(s.Entities, Entity{Name: f, Value: "1"})
		}
		return []*State{s}
	}
	a, b, c := object("/a"), object("/b"), object("/c")
	var built Builder
	for _, x := range []*Test{{Object: a, States: state("size", "type", "user_id")}, {Object: b, States: state("size", "type", "user_id")},
		{Object: c, States: state("size", "type", "user_id")}, {Object: b, States: state("oread")}, {Object: a, States: state("group_id")}} {
		x.Class = "file"
		if _, err := built.Test(x); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := built.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, o := range m.Objects() {
		got[o.Entities[0].Value] = o.fields
	}
	want := map[string][]string{"/a": {"group_id", "size", "type", "user_id"}, "/b": {"oread", "size", "type", "user_id"}, "/c": {"size", "type", "user_id"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("fields %v, want %v", got, want)
	}
}
