package item

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

func attr(s string) string {
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err)
	}
	return b.String()
}

const header = `<generator><oval:schema_version>5.11.1</oval:schema_version><oval:timestamp>2020-01-01T00:00:00</oval:timestamp></generator>`

const spaces = `xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" `

// definitions writes the document that OpenSCAP reads. The class's elements are in a component schema.
func (w *world) definitions(schema string) string {
	var b strings.Builder
	b.WriteString(`<oval_definitions xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5" ` + spaces +
		`xmlns:w="http://oval.mitre.org/XMLSchema/oval-definitions-5#` + schema + `">` + header + "<definitions>")
	for n, t := range w.tests {
		fmt.Fprintf(&b, `<definition class="miscellaneous" id="oval:x:def:%d" version="1"><metadata><title>t</title><description>d</description>`+
			`</metadata><criteria><criterion test_ref="%s"/></criteria></definition>`, n, t.ID)
	}
	b.WriteString("</definitions><tests>")
	for _, t := range w.tests {
		fmt.Fprintf(&b, `<w:%s_test id="%s" version="1" comment="c" check="%s" check_existence="%s" state_operator="%s"><w:object object_ref="%s"/>`,
			t.Class, t.ID, t.Check, t.Existence, t.Operator, t.Object.ID)
		for _, s := range t.States {
			fmt.Fprintf(&b, `<w:state state_ref="%s"/>`, s.ID)
		}
		fmt.Fprintf(&b, "</w:%s_test>\n", t.Class)
	}
	b.WriteString("</tests><objects>")
	for _, o := range w.objects {
		fmt.Fprintf(&b, `<w:%s_object id="%s" version="1">`, o.Class, o.ID)
		writeEntities(&b, o.Entities)
		if o.Set != nil {
			writeSet(&b, o.Set)
		}
		writeFilters(&b, o.Filters)
		fmt.Fprintf(&b, "</w:%s_object>\n", o.Class)
	}
	b.WriteString("</objects><states>")
	for _, s := range w.states {
		fmt.Fprintf(&b, `<w:%s_state id="%s" version="1" operator="%s">`, s.Class, s.ID, s.Operator)
		writeEntities(&b, s.Entities)
		fmt.Fprintf(&b, "</w:%s_state>\n", s.Class)
	}
	b.WriteString("</states><variables>")
	for _, v := range w.variables {
		if v.Kind == Constant {
			fmt.Fprintf(&b, `<constant_variable id="%s" version="1" comment="c" datatype="%s">`, v.ID, v.Datatype)
			for _, s := range v.Values {
				fmt.Fprintf(&b, "<value>%s</value>", attr(s))
			}
			b.WriteString("</constant_variable>\n")
			continue
		}
		fmt.Fprintf(&b, `<local_variable id="%s" version="1" comment="c" datatype="%s">`, v.ID, v.Datatype)
		writeComponent(&b, v.Component)
		b.WriteString("</local_variable>\n")
	}
	b.WriteString("</variables></oval_definitions>")
	return b.String()
}

func writeEntities(b *strings.Builder, list []Entity) {
	for _, e := range list {
		fmt.Fprintf(b, `<w:%s`, e.Name)
		if e.Datatype != String {
			fmt.Fprintf(b, ` datatype="%s"`, e.Datatype)
		}
		if e.Operation != Equals {
			fmt.Fprintf(b, ` operation="%s"`, e.Operation)
		}
		if e.EntityCheck != All {
			fmt.Fprintf(b, ` entity_check="%s"`, e.EntityCheck)
		}
		if e.Variable != nil {
			fmt.Fprintf(b, ` var_ref="%s" var_check="%s"`, e.Variable.ID, e.VarCheck)
		}
		if e.Nil {
			b.WriteString(` xsi:nil="true"`)
		}
		fmt.Fprintf(b, ">%s</w:%s>", attr(e.Value), e.Name)
	}
}

func writeSet(b *strings.Builder, s *Set) {
	fmt.Fprintf(b, `<set set_operator="%s">`, s.Operator)
	for i := range s.Sets {
		writeSet(b, &s.Sets[i])
	}
	for _, o := range s.Objects {
		fmt.Fprintf(b, "<object_reference>%s</object_reference>", o.ID)
	}
	writeFilters(b, s.Filters)
	b.WriteString("</set>")
}

func writeFilters(b *strings.Builder, filters []Filter) {
	for _, f := range filters {
		action := "include"
		if f.Exclude {
			action = "exclude"
		}
		fmt.Fprintf(b, `<f:filter xmlns:f="http://oval.mitre.org/XMLSchema/oval-definitions-5" action="%s">%s</f:filter>`, action, f.State.ID)
	}
}

func writeComponent(b *strings.Builder, c *Component) {
	fmt.Fprintf(b, "<%s", c.Function)
	switch c.Function {
	case Literal:
		fmt.Fprintf(b, ` datatype="%s">%s</literal_component>`, c.Datatype, attr(c.Text))
		return
	case ObjectField:
		fmt.Fprintf(b, ` object_ref="%s" item_field="%s"`, c.Object.ID, c.Field)
	case VariableValue:
		fmt.Fprintf(b, ` var_ref="%s"`, c.Variable.ID)
	case Begin, End:
		fmt.Fprintf(b, ` character="%s"`, attr(c.Text))
	case Split:
		fmt.Fprintf(b, ` delimiter="%s"`, attr(c.Text))
	case Substring:
		fmt.Fprintf(b, ` substring_start="%d" substring_length="%d"`, c.Start, c.Length)
	case RegexCapture:
		fmt.Fprintf(b, ` pattern="%s"`, attr(c.Text))
	case Arithmetic:
		fmt.Fprintf(b, ` arithmetic_operation="%s"`, c.Text)
	}
	b.WriteString(">")
	for i := range c.Of {
		writeComponent(b, &c.Of[i])
	}
	fmt.Fprintf(b, "</%s>", c.Function)
}

// characteristics writes what was collected.
func (w *world) characteristics() string {
	var b, data strings.Builder
	b.WriteString(`<oval_system_characteristics xmlns="http://oval.mitre.org/XMLSchema/oval-system-characteristics-5" ` + spaces +
		`xmlns:w="http://oval.mitre.org/XMLSchema/oval-system-characteristics-5#windows">` + header +
		`<system_info><os_name>x</os_name><os_version>1</os_version><architecture>x</architecture><primary_host_name>h</primary_host_name><interfaces/></system_info><collected_objects>`)
	n := 0
	for _, id := range slices.Sorted(maps.Keys(w.collected)) {
		c := w.collected[id]
		fmt.Fprintf(&b, `<object id="%s" version="1" flag="%s">`, id, c.Flag)
		for _, it := range c.Items {
			n++
			fmt.Fprintf(&b, `<reference item_ref="%d"/>`, n)
			fmt.Fprintf(&data, `<w:registry_item id="%d" status="%s">`, n, statusName(it.Status))
			for _, x := range it.Fields {
				fmt.Fprintf(&data, `<w:%s datatype="%s" status="%s">%s</w:%s>`, x.Name, datatypeOf(x.Type), statusName(x.Status), attr(x.Value), x.Name)
			}
			data.WriteString("</w:registry_item>\n")
		}
		b.WriteString("</object>\n")
	}
	b.WriteString("</collected_objects><system_data>" + data.String() + "</system_data></oval_system_characteristics>")
	return b.String()
}

func statusName(s patch.Status) string {
	if s == patch.StatusExists {
		return "exists"
	}
	return string(s)
}
