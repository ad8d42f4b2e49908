package oval

import (
	"github.com/fettle-project/fettle/internal/item"
)

const (
	maxSize      = 100_000   // nodes of one definition's expression, with all that it extends
	maxTotalSize = 2_000_000 // of all definitions of a document
)

// link joins what refers to each other, once all is read. What leads nowhere or back to itself becomes the fault of those that use it.
func (p *parser) link() {
	for _, t := range p.order {
		if fault := t.settle(0); fault != "" {
			t.value.Unclear, t.value.Object, t.value.States = fault, nil, nil
		}
	}
	for _, t := range p.tests {
		if !t.read {
			t.value = item.Test{ID: t.id, Class: "unknown", Unclear: t.settle(0)}
		}
	}
	total := 0
	for _, d := range p.doc.Definitions {
		if fault := p.settle(d, 0); fault != "" {
			p.note("%s cannot be judged: %s", d.ID, fault)
		}
		if total += d.size; total > maxTotalSize && d.Fault == "" {
			d.Fault = "the document's criteria are larger in all than this program judges"
		}
	}
}

// settle resolves what a definition extends, and gives the reason why it cannot be judged.
func (p *parser) settle(d *Definition, depth int) string {
	if d.mark != fresh {
		return d.Fault
	}
	d.mark = busy
	p.open = append(p.open, d)
	defer func() { p.open = p.open[:len(p.open)-1] }()
	if d.criteria == nil && d.Fault == "" {
		d.Fault = noCriteria
	}
	if d.Fault == "" {
		d.size = p.extend(d, d.criteria, depth)
	}
	if d.size > maxSize && d.Fault == "" {
		d.Fault = "its criteria are larger, with what they extend, than this program judges"
	}
	if d.Fault != "" {
		d.size = 1 // it becomes one node that says so
	}
	d.mark = done
	return d.Fault
}

const noCriteria = "it has no criteria"

// extend resolves the references of a definition's criteria and gives their size.
func (p *parser) extend(d *Definition, c *criteria, depth int) int {
	size := 1
	for i := range c.of {
		size += p.extend(d, &c.of[i], depth)
	}
	switch other := c.extends; {
	case other == nil:
	case other.mark == busy:
		p.circle(other)
	case depth > maxChain:
		c.fault = "it extends too many definitions in a row"
	default:
		p.settle(other, depth+1)
		size += other.size
	}
	return size
}

// circle marks the definitions that were begun since other was: they all extend themselves.
func (p *parser) circle(other *Definition) {
	for i := len(p.open) - 1; i >= 0; i-- {
		p.open[i].Fault, p.open[i].Circular = "it extends itself by way of other definitions", true
		if p.open[i] == other {
			return
		}
	}
}

// Tests gives all tests that a definition's own criteria name, in their order.
func (d *Definition) Tests() []*item.Test {
	var out []*item.Test
	var walk func(c *criteria)
	walk = func(c *criteria) {
		if c.test != nil {
			out = append(out, &c.test.value)
		}
		for i := range c.of {
			walk(&c.of[i])
		}
	}
	if d.criteria != nil {
		walk(d.criteria)
	}
	return out
}
