package probe

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// Machine is one machine that is asked. It remembers what it has read, so that it is for one detect; it is for one goroutine.
type Machine struct {
	system
	item.Comparer

	asked  item.Request // the newest one
	answer gathering
	items  room[patch.Item]
	fields room[patch.Field]
}

// Probe answers one request. A class that this program does not know is not collected, as OpenSCAP says of it.
func (m *Machine) Probe(ctx context.Context, r item.Request) patch.Collected {
	probe := m.class(r.Class)
	if probe == nil {
		return patch.Collected{Flag: patch.FlagNotCollected, Message: "items of the class " + r.Class + " are not collected on this machine"}
	}
	m.begin()
	if r.Once {
		m.items.again()
		m.fields.again()
	}
	m.asked = r
	m.answer = gathering{m: m, ctx: ctx, r: &m.asked}
	probe(&m.answer)
	return m.answer.collected()
}

// gathering is the answer to one request while it is made.
type gathering struct {
	m     *Machine
	ctx   context.Context
	r     *item.Request
	items []patch.Item
	seen  map[string]bool // files so far, where one may be found twice
	fault string          // the first reason why something is missing
	none  bool            // nothing can be told: the fault is about everything

	absent bool // there is nothing that could be asked
}

// maxItems bounds an answer; a definition that means more means something else.
const maxItems = 100_000

func (g *gathering) collected() patch.Collected {
	c := patch.Collected{Flag: patch.FlagComplete, Items: g.items, Message: g.fault}
	if err := g.ctx.Err(); err != nil {
		return patch.Collected{Flag: patch.FlagError, Message: err.Error()}
	}
	switch {
	case g.absent:
		c = patch.Collected{Flag: patch.FlagNotApplicable, Message: "nothing runs in a directory"}
	case g.none:
		c.Flag, c.Items = patch.FlagError, nil
	case g.fault != "":
		c.Flag = patch.FlagIncomplete
	case len(c.Items) == 0:
		c.Flag = patch.FlagNotExist
	}
	return c
}

// fail says that nothing can be told.
func (g *gathering) fail(why string) { g.fault, g.none = why, true }

// miss says that something is missing.
func (g *gathering) miss(why string) {
	if g.fault == "" {
		g.fault = why
	}
}

// add keeps an item.
func (g *gathering) add(fields ...patch.Field) {
	if len(g.items) == maxItems {
		g.miss("there are more than 100,000 items")
		return
	}
	if g.items == nil {
		g.items = g.m.items.take(1)
	}
	g.items = append(g.items, patch.Item{Fields: fields})
}

// room gives small lists out of a large one: a machine is asked about tens of thousands of items, one by one.
type room[T any] struct{ whole, free []T }

// take gives an empty list with room for n.
func (r *room[T]) take(n int) []T {
	if n > len(r.free) {
		r.whole = make([]T, max(n, 256))
		r.free = r.whole
	}
	some := r.free[:0:n]
	r.free = r.free[n:]
	return some
}

// again takes back what was given.
func (r *room[T]) again() { r.free = r.whole }

// broken keeps an item that is there and could not be looked at.
func (g *gathering) broken(why string, fields ...patch.Field) {
	g.miss(why)
	g.add(fields...)
	g.items[len(g.items)-1].Status = patch.StatusError
}

// entity gives what is wanted of a name; nil where the object does not say.
func (g *gathering) entity(name string) *item.Wanted {
	for i := range g.r.Entities {
		if g.r.Entities[i].Name == name {
			return &g.r.Entities[i]
		}
	}
	return nil
}

// is reports whether a value is what is wanted of a name. A comparison that cannot be made is a fault of the whole object.
func (g *gathering) is(w *item.Wanted, seen string) bool {
	if w == nil {
		return true
	}
	switch g.m.Matches(w, seen) {
	case item.True:
		return true
	case item.False:
		return false
	}
	g.fail("what is wanted of " + w.Name + " cannot be compared with what is there")
	return false
}

// behavior gives a behavior's value, or what OVAL says where the object does not.
func (g *gathering) behavior(name, otherwise string) string {
	for _, b := range g.r.Behaviors {
		if b.Name == name && b.Value != "" {
			return b.Value
		}
	}
	return otherwise
}

func text(name, value string) patch.Field { return patch.Field{Name: name, Value: clean(value)} }

func typed(name, as, value string) patch.Field {
	return patch.Field{Name: name, Type: as, Value: value}
}

func flag(name string, on bool) patch.Field {
	if on {
		return typed(name, "boolean", "true")
	}
	return typed(name, "boolean", "false")
}

// clean makes hostile text storable as JSON text and nothing less: a pattern's match keeps its lines.
func clean(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
