package oval

import (
	"github.com/fettle-project/fettle/internal/item"
)

// criteria is a node of a definition's tree: a criteria element with operands, a criterion or an extend_definition.
type criteria struct {
	operator item.Operator
	negate   bool
	applies  bool // applicability_check
	of       []criteria
	test     *declared[item.Test]
	extends  *Definition
	fault    string // why the node cannot be understood
}

func (p *parser) criteria(e *element) criteria {
	c := criteria{negate: isTrue(e.attr("negate")), applies: isTrue(e.attr("applicability_check"))}
	switch e.name {
	case "criteria":
		var known bool
		if c.operator, known = choose(e.attr("operator"), item.And, item.OperatorNamed); !known {
			c.fault = "its criteria have the operator " + quote(e.attr("operator"))
		}
		for i := range e.of {
			if name := e.of[i].name; name != "notes" {
				c.of = append(c.of, p.criteria(&e.of[i]))
			}
		}
		switch {
		case len(c.of) == 0:
			c.fault = "its criteria are empty"
		case len(c.of) == 1 && c.fault == "":
			return c.only()
		}
	case "criterion":
		if ref := e.attr("test_ref"); ref != "" {
			c.test = use(p.reader, p.tests, ref, "test")
		} else {
			c.fault = "a criterion names no test"
		}
	case "extend_definition":
		if ref := e.attr("definition_ref"); ref != "" {
			c.extends = p.named(ref)
		} else {
			c.fault = "an extend_definition names no definition"
		}
	default:
		c.fault = "its criteria have an element " + quote(e.name)
	}
	return c
}

// only is the single operand of criteria, which no operator changes, in their place.
func (c *criteria) only() criteria {
	one := c.of[0]
	one.negate = one.negate != c.negate
	one.applies = one.applies || c.applies
	return one
}

// named gives the definition of an ID, whether it has been read yet or not.
func (p *parser) named(id string) *Definition {
	d := p.definitions[id]
	if d == nil {
		d = &Definition{ID: id, Fault: "the document has no definition " + id, mark: done, size: 1}
		p.definitions[id] = d
		p.kept += 450 + len(id)
	}
	return d
}

// weight is about what criteria cost in memory.
func (c *criteria) weight() int {
	if c == nil {
		return 0
	}
	n := 64 + len(c.fault)
	for i := range c.of {
		n += c.of[i].weight()
	}
	return n
}
