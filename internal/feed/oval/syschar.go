package oval

import (
	"context"
	"encoding/xml"
	"errors"
	"io"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// Characteristics are OVAL system characteristics: what some collector found on some machine, object by object. They are an
// item.Source for definitions that were read with them (Options.Recorded), and answer by the object's ID, as the language wants it.
type Characteristics struct {
	System    System
	Variables map[string][]string // the values of external variables that the collector used

	objects map[string]*recorded
	items   map[string]patch.Item
}

// System is the machine that characteristics are of.
type System struct {
	Name, Version, Architecture, Host string
}

// recorded is one collected object.
type recorded struct {
	flag    patch.Flag
	message string
	items   []string
}

// recordedBy is the only entity of an object that characteristics answer for: its value is the object's ID.
const recordedBy = "object_id"

const maxItems = 1_000_000

// ReadCharacteristics reads a system-characteristics document.
func ReadCharacteristics(in io.Reader) (*Characteristics, error) {
	r := newReader("system-characteristics document", in)
	c := &Characteristics{Variables: map[string][]string{}, objects: map[string]*recorded{}, items: map[string]patch.Item{}}
	err := r.root("oval_system_characteristics", func(start xml.StartElement) error {
		switch start.Name.Local {
		case "system_info":
			e, _, err := r.element(start)
			c.System = System{Name: e.child("os_name").words(), Version: e.child("os_version").words(),
				Architecture: e.child("architecture").words(), Host: e.child("primary_host_name").words()}
			return err
		case "collected_objects":
			return r.each(func(start xml.StartElement) error { return c.object(r, start) })
		case "system_data":
			return r.each(func(start xml.StartElement) error { return c.item(r, start) })
		}
		return r.skip()
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// object reads <object id flag><message/><variable_value variable_id/><reference item_ref/></object>. Where an object was collected
// several times, once for each set of variables, all of its items are its items.
func (c *Characteristics) object(r *reader, start xml.StartElement) error {
	e, whole, err := r.element(start)
	if err != nil {
		return err
	}
	id := e.attr("id")
	o := &recorded{flag: patch.Flag(e.attr("flag"))}
	if known := c.objects[id]; known != nil {
		o = known
	} else if len(c.objects) >= maxItems {
		return errors.New("it has more objects than this program reads")
	}
	c.objects[id] = o
	if !whole {
		o.flag, o.message = patch.FlagError, "the object is larger than this program reads"
	}
	n := 200 + len(id)
	for i := range e.of {
		switch child := &e.of[i]; child.name {
		case "message":
			o.message = clip(child.words(), maxTitle)
		case "reference":
			o.items = append(o.items, child.attr("item_ref"))
			n += 32
		case "variable_value":
			if v := child.attr("variable_id"); len(c.Variables[v]) < maxValues {
				c.Variables[v] = append(c.Variables[v], child.text)
				n += 100 + len(child.text)
			}
		}
	}
	return r.keep(n)
}

// item reads one item: its ID, its status and its fields.
func (c *Characteristics) item(r *reader, start xml.StartElement) error {
	e, whole, err := r.element(start)
	if err != nil {
		return err
	}
	if len(c.items) >= maxItems {
		return errors.New("it has more items than this program reads")
	}
	it := patch.Item{Status: status(e.attr("status"))}
	if !whole {
		it.Status = patch.StatusError
	}
	for i := range e.of {
		if f := &e.of[i]; f.name != "message" {
			it.Fields = append(it.Fields, field(r, f))
		}
	}
	c.items[e.attr("id")] = it
	return r.keep(100 + fieldWeight(it.Fields))
}

func field(r *reader, e *element) patch.Field {
	f := patch.Field{Name: e.name, Type: r.word(e.attr("datatype")), Status: status(e.attr("status")), Value: e.text}
	if f.Type == "string" {
		f.Type = ""
	}
	if e.null() && f.Status == patch.StatusExists {
		f.Value = ""
	}
	for i := range e.of {
		if e.of[i].name == "field" {
			sub := field(r, &e.of[i])
			sub.Name = e.of[i].attr("name")
			f.Record = append(f.Record, sub)
		}
	}
	return f
}

func fieldWeight(fields []patch.Field) int {
	n := 0
	for i := range fields {
		n += 100 + len(fields[i].Value) + fieldWeight(fields[i].Record)
	}
	return n
}

// status reads an item's or field's status. OVAL's word for the good one is "exists", and it is the default.
func status(s string) patch.Status {
	switch s {
	case "", "exists":
		return patch.StatusExists
	case "does not exist":
		return patch.StatusNotExist
	case "not collected":
		return patch.StatusNotCollected
	}
	return patch.StatusError
}

// answers makes an object one that the characteristics answer for: what it asks for is of no meaning any more.
func (c *Characteristics) answers(o *item.Object) bool {
	if c == nil {
		return false
	}
	o.Entities = []item.Entity{{Name: recordedBy, Value: o.ID}}
	return true
}

// Probe gives what was collected for an object. One that is not in the document was not collected.
func (c *Characteristics) Probe(_ context.Context, r item.Request) patch.Collected {
	out := patch.Collected{Class: r.Class, Key: r.Key(), Flag: patch.FlagNotCollected, Message: "the system characteristics have no such object"}
	for _, e := range r.Entities {
		if e.Name != recordedBy || len(e.Values) != 1 {
			continue
		}
		o := c.objects[e.Values[0]]
		if o == nil {
			return out
		}
		out.Flag, out.Message = o.flag, o.message
		for _, id := range o.items {
			if it, ok := c.items[id]; ok {
				out.Items = append(out.Items, it)
			} else {
				out.Items = append(out.Items, patch.Item{Status: patch.StatusError})
			}
		}
	}
	return out
}
