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
	refers   string // the ID of the definition to extend, until it is linked
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
		if len(c.of) == 0 {
			c.fault = "its criteria are empty"
		}
	case "criterion":
		if ref := e.attr("test_ref"); ref != "" {
			c.test = use(p.tests, ref, "test")
		} else {
			c.fault = "a criterion names no test"
		}
	case "extend_definition":
		if c.refers = e.attr("definition_ref"); c.refers == "" {
			c.fault = "an extend_definition names no definition"
		}
	default:
		c.fault = "its criteria have an element " + quote(e.name)
	}
	return c
}

func (c *criteria) weight() int {
	if c == nil {
		return 0
	}
	n := 120 + len(c.refers) + len(c.fault)
	for i := range c.of {
		n += c.of[i].weight()
	}
	return n
}
