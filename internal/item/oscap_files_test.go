package item

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// An object whose variable is an error does not exist for OpenSCAP; for us it is an error, so every pattern here has a group.

// lines is a Source of lines of the files of one directory, as OVAL's textfilecontent54 wants them.
type lines struct {
	Comparer
	dir string
}

func (l *lines) Probe(_ context.Context, r Request) patch.Collected {
	var c patch.Collected
	wanted := map[string]*Wanted{}
	for i := range r.Entities {
		wanted[r.Entities[i].Name] = &r.Entities[i]
	}
	names, _ := os.ReadDir(l.dir)
	for _, n := range names {
		if l.Matches(wanted["filename"], n.Name()) != True {
			continue
		}
		raw, _ := os.ReadFile(filepath.Join(l.dir, n.Name()))
		for _, expr := range wanted["pattern"].Values {
			re := regexp.MustCompile("(?m)" + expr)
			for i, m := range re.FindAllStringSubmatch(string(raw), -1) {
				if l.Matches(wanted["instance"], fmt.Sprint(i+1)) != True {
					continue
				}
				it := patch.Item{Fields: []patch.Field{{Name: "filepath", Value: filepath.Join(l.dir, n.Name())}, {Name: "path", Value: l.dir},
					{Name: "filename", Value: n.Name()}, {Name: "pattern", Value: expr}, {Name: "instance", Value: fmt.Sprint(i + 1)},
					{Name: "text", Value: m[0]}}}
				for _, sub := range m[1:] {
					it.Fields = append(it.Fields, patch.Field{Name: "subexpression", Value: sub})
				}
				c.Items = append(c.Items, it)
			}
		}
	}
	if c.Flag = patch.FlagComplete; len(c.Items) == 0 {
		c.Flag = patch.FlagNotExist
	}
	return c
}

const textClass54 = "textfilecontent54"

func (w *world) textVariable(n int) {
	v := &Variable{ID: fmt.Sprintf("oval:x:var:%d", n)}
	if v.Kind = Constant; len(w.objects) > 0 && w.IntN(2) == 0 {
		v.Kind = Local
		v.Component = &Component{Function: ObjectField, Object: pick(w, w.objects...), Field: pick(w, "subexpression", "text", "filename")}
		if w.IntN(2) == 0 {
			v.Component = &Component{Function: Unique, Of: []Component{*v.Component}}
		}
	} else {
		for range 1 + w.IntN(2) {
			v.Values = append(v.Values, pick(w, "a", "b", "f0", "f1", "f2", "f9"))
		}
	}
	w.variables = append(w.variables, v)
}

func (w *world) textObject(n int, dir string) {
	o := &Object{ID: fmt.Sprintf("oval:x:obj:%d", n), Class: textClass54}
	if n > 6 && w.IntN(3) == 0 {
		o.Set = w.textSet(2)
		w.objects = append(w.objects, o)
		return
	}
	name := Entity{Name: "filename", Value: pick(w, "f0", "f1", "f2", "f9")}
	switch w.IntN(3) {
	case 0:
		name.Operation, name.Value = PatternMatch, pick(w, "^f", "[02]$", "x")
	case 1:
		if len(w.variables) > 0 {
			name.Value, name.Variable, name.VarCheck = "", pick(w, w.variables...), AtLeastOne
		}
	}
	expr := Entity{Name: "pattern", Operation: PatternMatch, Value: pick(w, `^(\w)=(\w)$`, `^a=(.*)$`, `^(b)=.*$`, `^(never)$`)}
	at := Entity{Name: "instance", Datatype: Int, Value: "1", Operation: pick(w, Equals, GreaterThanOrEqual, GreaterThan)}
	o.Entities = []Entity{{Name: "path", Value: dir}, name, expr, at}
	if len(w.states) > 0 && w.IntN(3) == 0 {
		o.Filters = []Filter{{Exclude: w.IntN(2) == 0, State: pick(w, w.states...)}}
	}
	w.objects = append(w.objects, o)
}

func (w *world) textSet(depth int) *Set {
	s := &Set{Operator: pick(w, Union, Intersection, Complement)}
	if depth > 0 && w.IntN(3) == 0 {
		for range 1 + w.IntN(2) {
			s.Sets = append(s.Sets, *w.textSet(depth - 1))
		}
		return s
	}
	for range 1 + w.IntN(2) {
		s.Objects = append(s.Objects, pick(w, w.objects...))
	}
	if len(w.states) > 0 && w.IntN(3) == 0 {
		s.Filters = []Filter{{Exclude: w.IntN(2) == 0, State: pick(w, w.states...)}}
	}
	return s
}

func (w *world) textState(n int) {
	s := &State{ID: fmt.Sprintf("oval:x:ste:%d", n), Class: textClass54}
	e := Entity{Name: "subexpression", Value: pick(w, "a", "b", "1", "2"), EntityCheck: w.check(), Operation: pick(w, Equals, NotEqual, PatternMatch)}
	switch w.IntN(3) {
	case 0:
		e.Name, e.Value = "text", pick(w, "a=1", "a=2", "b=1")
	case 1:
		if len(w.variables) > 0 {
			e.Value, e.Variable, e.VarCheck = "", pick(w, w.variables...), w.check()
		}
	}
	s.Entities = []Entity{e}
	w.states = append(w.states, s)
}

func newTextWorld(t *testing.T, seed uint64) (*world, string) {
	t.Helper()
	w := &world{Rand: rand.New(rand.NewPCG(seed, 2)), lacking: true}
	dir := t.TempDir()
	for n := range 3 {
		var text strings.Builder
		for range w.IntN(6) {
			fmt.Fprintf(&text, "%s=%s\n", pick(w, "a", "b"), pick(w, "1", "2", "a"))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("f", n)), []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 30 {
		w.textState(n)
		w.textObject(n, dir)
		w.textVariable(n)
	}
	for n := range 100 {
		w.test(n)
		w.tests[n].Class = textClass54
	}
	return w, dir
}

func TestObjectsAgreeWithOpenSCAP(t *testing.T) {
	for seed := range uint64(15) {
		w, dir := newTextWorld(t, seed)
		want := oscap(t, func(dir string) []string { return []string{"eval", dir + "/d.xml"} }, map[string]string{"d.xml": w.definitions("independent")})
		w.agrees(t, seed, want, &lines{dir: dir})
	}
}
