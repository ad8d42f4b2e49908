package oval

import (
	"encoding/xml"
	"errors"
	"io"

	"github.com/fettle-project/fettle/internal/item"
)

const maxValues = 10_000 // of one variable

// ReadVariables reads an oval_variables document: values for external variables, by the variable's ID.
func ReadVariables(in io.Reader) (map[string][]string, error) {
	r := newReader("OVAL variables document", in)
	out := map[string][]string{}
	err := r.root("oval_variables", func(start xml.StartElement) error {
		if start.Name.Local != "variables" {
			return r.skip()
		}
		return r.each(func(start xml.StartElement) error {
			e, whole, err := r.element(start)
			if err != nil {
				return err
			}
			id := e.attr("id")
			for i := range e.of {
				if v := &e.of[i]; v.name == "value" && id != "" {
					out[id] = append(out[id], v.text)
					whole = whole && len(out[id]) <= maxValues
					err = errors.Join(err, r.keep(50+len(v.text)))
				}
			}
			if !whole {
				err = errors.Join(err, errors.New("the variable "+quote(id)+" has more values than this program reads"))
			}
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// external takes the given values of an external variable. A value that is none of the possible ones and meets no possible_restriction
// is left out, as OpenSCAP does: what depends on it then has one value less, or none.
func (p *parser) external(e *element, v *item.Variable) {
	given, ok := p.options.Variables[v.ID]
	if !ok && p.options.Recorded != nil {
		given, ok = p.options.Recorded.Variables[v.ID]
	}
	if !ok {
		v.Fault = "no value was given for the external variable " + v.ID
		return
	}
	for _, value := range given {
		if allowed(e, v, value) {
			v.Values = append(v.Values, value)
			continue
		}
		p.note("the value %s of the external variable %s is not one that the document allows, and was left out", quote(value), v.ID)
	}
}

// allowed reports whether an external variable may have a value.
func allowed(e *element, v *item.Variable, value string) bool {
	limited := false
	for i := range e.of {
		switch c := &e.of[i]; c.name {
		case "possible_value":
			limited = true
			if ok, _ := item.Compare(item.Equals, v.Datatype, value, c.text); ok == item.True {
				return true
			}
		case "possible_restriction":
			limited = true
			if restricted(c, v, value) == item.True {
				return true
			}
		}
	}
	return !limited
}

func restricted(e *element, v *item.Variable, value string) item.Value {
	op, known := choose(e.attr("operator"), item.And, item.OperatorNamed)
	if !known {
		return item.Error
	}
	var all item.Tally
	for i := range e.of {
		operation, known := choose(e.of[i].attr("operation"), item.Equals, item.OperationNamed)
		answer, _ := item.Compare(operation, v.Datatype, value, e.of[i].text)
		if !known {
			answer = item.Error
		}
		all.Add(answer)
	}
	return all.Join(op)
}
