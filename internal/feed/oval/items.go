package oval

import (
	"regexp"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/item"
)

// test reads one test: <linux:dpkginfo_test check="at least one"><object object_ref/><state state_ref/></linux:dpkginfo_test>.
func (p *parser) test(e *element) error {
	d := use(p.reader, p.tests, e.attr("id"), "test")
	if !p.begin(&d.part) {
		return nil
	}
	p.order = append(p.order, d)
	t := &d.value
	t.ID, t.Class, t.Comment = d.id, p.class(e, "_test"), clip(e.attr("comment"), maxTitle)
	p.checks(e, d)
	for i := range e.of {
		switch c := &e.of[i]; c.name {
		case "object":
			o := use(p.reader, p.objects, c.attr("object_ref"), "object")
			t.Object = &o.value
			d.uses = append(d.uses, &o.part)
		case "state":
			s := use(p.reader, p.states, c.attr("state_ref"), "state")
			t.States = append(t.States, &s.value)
			d.uses = append(d.uses, &s.part)
		case tooLarge:
			d.wrong("is larger than this program reads")
		}
	}
	if t.Object == nil && t.Class != "unknown" {
		d.wrong("names no object")
	}
	return p.keep(len(t.Comment) + 32*len(t.States))
}

func (p *parser) checks(e *element, d *declared[item.Test]) {
	t, known := &d.value, [3]bool{}
	t.Existence, known[0] = choose(e.attr("check_existence"), item.AtLeastOneExists, item.ExistenceNamed)
	t.Check, known[1] = choose(e.attr("check"), item.All, item.CheckNamed)
	t.Operator, known[2] = choose(e.attr("state_operator"), item.And, item.OperatorNamed)
	if t.Check == item.NoneExistCheck { // deprecated since 5.3, and to be read so
		t.Check, t.Existence = item.NoneSatisfy, item.NoneExist
	}
	if known != [3]bool{true, true, true} {
		d.wrong("has a check, check_existence or state_operator that OVAL does not know")
	}
}

// class is a component's name: "dpkginfo" of linux:dpkginfo_test. What the host's family shares a name for with another family's, and
// is the other's, is kept apart: "windows:file".
func (p *parser) class(e *element, suffix string) string {
	name := strings.TrimSuffix(e.name, suffix)
	family := e.space[strings.LastIndexByte(e.space, '#')+1:]
	if foreign := p.options.Family != "" && family == "windows" != (p.options.Family == "windows"); foreign && shared(name) {
		name = family + ":" + name
	}
	if p.options.Recorded != nil && (name == "dpkginfo" || name == "rpminfo" || name == "apkinfo") {
		name = "recorded " + name // the packages of the facts are no answer to it
	}
	return p.word(name)
}

// shared reports whether a class is there for unix and for windows, with different meanings.
func shared(class string) bool {
	switch class {
	case "file", "process", "process58", "interface":
		return true
	}
	return false
}

// object reads one object: its entities, behaviors and filters, or its set.
func (p *parser) object(e *element) error {
	d := use(p.reader, p.objects, e.attr("id"), "object")
	if !p.begin(&d.part) {
		return nil
	}
	o := &d.value
	o.ID, o.Class = d.id, p.class(e, "_object")
	if p.options.Recorded.answers(o) {
		return p.keep(entityWeight(o.Entities))
	}
	for i := range e.of {
		switch c := &e.of[i]; c.name {
		case "notes", "Signature":
		case "set":
			set := p.set(c, &d.part)
			o.Set = &set
		case "filter":
			o.Filters = append(o.Filters, p.filter(c, &d.part))
			p.kept += 50
		case "behaviors":
			for _, a := range c.attrs {
				p.kept += 50 + len(a.Value)
				o.Behaviors = append(o.Behaviors, item.Behavior{Name: p.word(a.Name.Local), Value: a.Value})
			}
		default:
			w := p.entity(c, &d.part)
			if o.Class == "variable" && w.Name == "var_ref" { // the object's items are the values of this variable
				p.refer(&w, strings.TrimSpace(c.text), &d.part)
			}
			o.Entities = append(o.Entities, w)
		}
	}
	return p.keep(entityWeight(o.Entities))
}

// state reads one state.
func (p *parser) state(e *element) error {
	d := use(p.reader, p.states, e.attr("id"), "state")
	if !p.begin(&d.part) {
		return nil
	}
	s := &d.value
	s.ID, s.Class = d.id, p.class(e, "_state")
	var known bool
	if s.Operator, known = choose(e.attr("operator"), item.And, item.OperatorNamed); !known {
		d.wrong("has the operator %s", quote(e.attr("operator")))
	}
	for i := range e.of {
		if c := &e.of[i]; c.name != "notes" && c.name != "Signature" {
			s.Entities = append(s.Entities, p.entity(c, &d.part))
		}
	}
	for i := range s.Entities {
		if e := &s.Entities[i]; s.Class == "textfilecontent" && e.Name == "line" {
			e.Name = "text" // the item's line is the pattern that was asked for, its text what was found
		}
	}
	return p.keep(entityWeight(s.Entities))
}

// strayBlank is white space about a version's marks, as in "0: 1.20.10-1.azl3": rpm passes over it.
var strayBlank = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\s*([:-])\s*`) })

// entity reads a wanted field: <evr datatype="evr_string" operation="less than">0:1-2</evr>.
func (p *parser) entity(e *element, of *part) item.Entity {
	out := item.Entity{Name: e.name, Value: e.text, Nil: e.null()}
	if e.name == tooLarge {
		of.wrong("is larger than this program reads")
		return out
	}
	p.compared(e, of, &out)
	if out.Datatype == item.EVR || out.Datatype == item.DebianEVR {
		out.Value = strayBlank().ReplaceAllString(strings.TrimSpace(out.Value), "$1")
	}
	if ref := e.attr("var_ref"); ref != "" {
		p.refer(&out, ref, of)
	}
	for i := range e.of {
		if c := &e.of[i]; c.name == "field" {
			f := p.entity(c, of)
			f.Name = c.attr("name")
			out.Record = append(out.Record, f)
		}
	}
	return out
}

// refer makes an entity want a variable's values.
func (p *parser) refer(e *item.Entity, variable string, of *part) {
	v := use(p.reader, p.variables, variable, "variable")
	e.Variable = &v.value
	of.uses = append(of.uses, &v.part)
}

// compared reads the attributes that say how an entity is compared.
func (p *parser) compared(e *element, of *part, out *item.Entity) {
	var known [5]bool
	out.Operation, known[0] = choose(e.attr("operation"), item.Equals, item.OperationNamed)
	out.Datatype, known[1] = choose(e.attr("datatype"), item.String, item.DatatypeNamed)
	out.VarCheck, known[2] = choose(e.attr("var_check"), item.All, item.CheckNamed)
	out.EntityCheck, known[3] = choose(e.attr("entity_check"), item.All, item.CheckNamed)
	out.Existence, known[4] = choose(e.attr("check_existence"), item.AtLeastOneExists, item.ExistenceNamed)
	for i, attr := range [...]string{"operation", "datatype", "var_check", "entity_check", "check_existence"} {
		if !known[i] {
			of.wrong("has the %s %s", attr, quote(e.attr(attr)))
		}
	}
}

// set reads a set of objects or of sets.
func (p *parser) set(e *element, of *part) item.Set {
	p.kept += 100 + 50*len(e.of)
	var out item.Set
	var known bool
	if out.Operator, known = choose(e.attr("set_operator"), item.Union, item.SetOperatorNamed); !known {
		of.wrong("has the set_operator %s", quote(e.attr("set_operator")))
	}
	for i := range e.of {
		switch c := &e.of[i]; c.name {
		case "set":
			out.Sets = append(out.Sets, p.set(c, of))
		case "object_reference":
			o := use(p.reader, p.objects, strings.TrimSpace(c.text), "object")
			out.Objects = append(out.Objects, &o.value)
			of.uses = append(of.uses, &o.part)
		case "filter":
			out.Filters = append(out.Filters, p.filter(c, of))
		default:
			of.wrong("has %s in its set", quote(c.name))
		}
	}
	return out
}

func (p *parser) filter(e *element, of *part) item.Filter {
	s := use(p.reader, p.states, strings.TrimSpace(e.text), "state")
	of.uses = append(of.uses, &s.part)
	action := e.attr("action")
	if action != "" && action != "exclude" && action != "include" {
		of.wrong("has a filter with the action %s", quote(action))
	}
	return item.Filter{Exclude: action != "include", State: &s.value}
}

func entityWeight(entities []item.Entity) int {
	n := 0
	for i := range entities {
		n += 200 + len(entities[i].Value) + entityWeight(entities[i].Record)
	}
	return n
}
