package oval

import (
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/item"
)

// variable reads a constant, external or local variable.
func (p *parser) variable(e *element) error {
	d := use(p.reader, p.variables, e.attr("id"), "variable")
	if !p.begin(&d.part) {
		return nil
	}
	v := &d.value
	v.ID = d.id
	var known bool
	if v.Datatype, known = choose(e.attr("datatype"), item.String, item.DatatypeNamed); !known {
		d.wrong("has the datatype %s", quote(e.attr("datatype")))
	}
	switch {
	case e.cut():
		d.wrong("is larger than this program reads")
	case e.name == "constant_variable":
		v.Kind = item.Constant
		for i := range e.of {
			if e.of[i].name == "value" {
				v.Values = append(v.Values, e.of[i].text)
			}
		}
	case e.name == "external_variable":
		v.Kind = item.External
		p.external(e, v)
	case e.name == "local_variable":
		v.Kind = item.Local
		p.local(e, v, &d.part)
	default:
		d.wrong("is of the kind %s", quote(e.name))
	}
	n := 0
	for _, value := range v.Values {
		n += 16 + len(value)
	}
	return p.keep(n)
}

// local reads the expression of a local variable: its only element besides notes.
func (p *parser) local(e *element, v *item.Variable, of *part) {
	for i := range e.of {
		if e.of[i].name == "notes" {
			continue
		}
		if v.Component != nil {
			of.wrong("has more than one component")
			return
		}
		c := p.component(&e.of[i], of)
		v.Component = &c
	}
	if v.Component == nil {
		of.wrong("has no component")
	}
}

// component reads a node of a local variable's expression.
func (p *parser) component(e *element, of *part) item.Component {
	f, known := item.FunctionNamed(e.name)
	if !known {
		of.wrong("has a component %s", quote(e.name))
		return item.Component{}
	}
	p.kept += 200 + len(e.text)
	c := item.Component{Function: f}
	switch f {
	case item.Literal:
		c.Text = e.text
		if c.Datatype, known = choose(e.attr("datatype"), item.String, item.DatatypeNamed); !known {
			of.wrong("has a literal of the datatype %s", quote(e.attr("datatype")))
		}
		return c
	case item.ObjectField:
		o := use(p.reader, p.objects, e.attr("object_ref"), "object")
		c.Object, c.Field, c.Record = &o.value, p.word(e.attr("item_field")), p.word(e.attr("record_field"))
		of.uses = append(of.uses, &o.part)
		return c
	case item.VariableValue:
		v := use(p.reader, p.variables, e.attr("var_ref"), "variable")
		c.Variable = &v.value
		of.uses = append(of.uses, &v.part)
		return c
	}
	arguments(e, &c, of)
	for i := range e.of {
		c.Of = append(c.Of, p.component(&e.of[i], of))
	}
	return c
}

// arguments reads a function's attributes.
func arguments(e *element, c *item.Component, of *part) {
	switch c.Function {
	case item.Arithmetic:
		c.Text = e.attr("arithmetic_operation")
	case item.Begin, item.End:
		c.Text = e.attr("character")
	case item.Split:
		c.Text = e.attr("delimiter")
	case item.RegexCapture:
		c.Text = e.attr("pattern")
	case item.Substring:
		var bad [2]error
		c.Start, bad[0] = strconv.Atoi(strings.TrimSpace(e.attr("substring_start")))
		c.Length, bad[1] = strconv.Atoi(strings.TrimSpace(e.attr("substring_length")))
		if bad != [2]error{} {
			of.wrong("has a substring without a usable start and length")
		}
	case item.TimeDifference:
		c.Formats = [2]string{e.attr("format_1"), e.attr("format_2")}
	case item.GlobToRegex:
		c.NoEscape = isTrue(e.attr("glob_noescape"))
	}
}
