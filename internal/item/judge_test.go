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
