package detect

import (
	"strings"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// Feeds in OVAL ask nearly nothing but "is a package of this name there, and is its evr older than …". Such item tests are taken apart
// into a shape, which they share with thousands of others, a name and a wanted value, and are judged without building items. What they
// mean is what package item says of the whole test; a property test holds the two together.

// shape is an item test about packages without the name and the wanted value.
type shape struct {
	class     string
	existence item.Existence
	check     item.Check
	field     string // what the state looks at; empty: there is no state, or it looks at the architecture only
	operation item.Operation
	datatype  item.Datatype
	arch      int    // 1 + operation that the architecture must satisfy; 0: any will do
	archValue string // what it is compared with
}

func (s *shape) stateless() bool { return s.field == "" && s.arch == 0 }

// infoTest takes an item test apart; ok is false for tests that ask something else.
func infoTest(t *item.Test) (s shape, name, want string, ok bool) {
	_, ours := managerOf(t.Class)
	o := t.Object
	if !ours || t.Unclear != "" || o == nil || o.Class != t.Class || o.Set != nil || len(o.Behaviors)+len(o.Filters) > 0 || len(o.Entities) != 1 ||
		len(t.States) > 1 || !bare(&o.Entities[0], "name") || o.Entities[0].Operation != item.Equals || !plain(o.Entities[0].Value) {
		return s, "", "", false
	}
	s = shape{class: t.Class, existence: t.Existence, check: t.Check}
	if len(t.States) == 1 {
		want, ok = s.state(t.States[0])
		if !ok || clip(want) != want || clip(s.archValue) != s.archValue {
			return s, "", "", false
		}
	}
	return s, o.Entities[0].Value, want, true
}

// state takes a state that looks at the architecture and at one field more, or at one of them.
func (s *shape) state(state *item.State) (want string, ok bool) {
	if state.Operator != item.And || len(state.Entities) == 0 {
		return "", false
	}
	for i := range state.Entities {
		switch e := &state.Entities[i]; {
		case bare(e, "arch") && s.arch == 0:
			s.arch, s.archValue = 1+int(e.Operation), e.Value
		case s.field == "" && simple(e):
			if _, ok := packageField(s.class, &patch.Package{}, e.Name); !ok {
				return "", false
			}
			s.field, s.operation, s.datatype, want = e.Name, e.Operation, e.Datatype, e.Value
		default:
			return "", false
		}
	}
	return want, true
}

// simple reports whether an entity compares one field with one literal.
func simple(e *item.Entity) bool {
	return e.Variable == nil && !e.Nil && len(e.Record) == 0 && e.VarCheck == item.All && e.EntityCheck == item.All && e.Existence == item.AtLeastOneExists
}

func bare(e *item.Entity, name string) bool {
	return simple(e) && e.Name == name && e.Datatype == item.String
}

// infoJudge judges such tests over an index.
type infoJudge struct {
	x      *index
	shapes []shape
	arches map[archKey]item.Value
}

type archKey struct {
	shape int32
	arch  string
}

func newInfoJudge(x *index, shapes []shape) infoJudge {
	return infoJudge{x: x, shapes: shapes, arches: map[archKey]item.Value{}}
}

// value is the value of a test over the installed packages of its name.
func (j *infoJudge) value(shape int32, packages []patch.Package, want string) item.Value {
	s, n := &j.shapes[shape], 0
	var items item.Tally
	for i := range packages {
		if p := &packages[i]; p.State != patch.Removed {
			n++
			if !s.stateless() {
				items.Add(j.one(shape, p, want))
			}
		}
	}
	switch {
	case n == 0:
		return item.Truth(s.existence == item.AnyExist || s.existence == item.NoneExist)
	case s.existence == item.NoneExist, s.existence == item.OnlyOneExists && n > 1:
		return item.False
	case s.stateless():
		return item.True
	}
	return items.Check(s.check)
}

// one is whether one package is in the test's state.
func (j *infoJudge) one(shape int32, p *patch.Package, want string) item.Value {
	s := &j.shapes[shape]
	var all item.Tally
	if s.field != "" {
		all.Add(s.compare(p, want))
	}
	if s.arch > 0 {
		key := archKey{shape, p.Arch}
		v, ok := j.arches[key]
		if !ok {
			v, _ = item.Compare(item.Operation(s.arch-1), item.String, p.Arch, s.archValue)
			j.arches[key] = v
		}
		all.Add(v)
	}
	return all.Join(item.And)
}

func (s *shape) compare(p *patch.Package, want string) item.Value {
	if s.field != "evr" || s.operation > item.LessThanOrEqual || s.datatype != item.EVR && s.datatype != item.DebianEVR {
		seen, _ := packageField(s.class, p, s.field)
		v, _ := item.Compare(s.operation, s.datatype, seen, want)
		return v
	}
	order := version.RPM
	if s.datatype == item.DebianEVR {
		order = version.Dpkg
	}
	var c int
	var err error
	if strings.TrimPrefix(want, "0:") == p.Version && order == version.Dpkg { // nearly always, and then one look is enough
		err = version.DpkgValid(want)
	} else {
		c, err = version.Compare(order, p.Version, want)
	}
	if err != nil {
		return item.Error
	}
	switch s.operation {
	case item.Equals:
		return item.Truth(c == 0)
	case item.NotEqual:
		return item.Truth(c != 0)
	case item.GreaterThan:
		return item.Truth(c > 0)
	case item.LessThan:
		return item.Truth(c < 0)
	case item.GreaterThanOrEqual:
		return item.Truth(c >= 0)
	case item.LessThanOrEqual:
		return item.Truth(c <= 0)
	}
	return item.Error // case-insensitive order has no meaning
}

// expected words what a test of this shape wants.
func (s *shape) expected(want string) phrase.Phrase {
	text := patch.WordInstalled
	switch s.existence {
	case item.NoneExist:
		text = patch.WordNotInstalled
	case item.OnlyOneExists:
		text = "installed once"
	case item.AnyExist:
		text = "absent or installed"
	}
	switch wanted := s.operation.Wanted(s.datatype, want); s.field {
	case "":
	case "evr":
		text = phrase.Of("{1}, {2}", text, wanted)
	default:
		text = phrase.Of("{1}, its {2} {3}", text, s.field, wanted)
	}
	if s.arch > 0 {
		text = phrase.Of("{1}, its architecture {2}", text, item.Operation(s.arch-1).Wanted(item.String, s.archValue))
	}
	if s.check != item.All && !s.stateless() {
		text = phrase.Of("{1} ({2})", text, s.check.Words())
	}
	return text
}
