package item

func objects(m *Model) []Object     { return m.objects }
func states(m *Model) []State       { return m.states }
func variables(m *Model) []Variable { return m.variables }

func (c *codec) test(t *Test) {
	c.within(int(t.Existence), len(existenceNames))
	c.within(int(t.Check), len(checkNames))
	c.within(int(t.Operator), len(operatorNames))
	c.id(&t.ID)
	c.text(textClass, &t.Class)
	shape := int(t.Existence) | int(t.Check)<<3 | int(t.Operator)<<6 | bit(t.Object != nil, 8) | bit(t.Unclear != "", 9)
	c.number(colExtra, &shape, 1<<10-1)
	t.Existence, t.Check, t.Operator = Existence(shape&7), Check(shape>>3&7), Operator(shape>>6&3)
	c.within(int(t.Existence), len(existenceNames))
	c.within(int(t.Check), len(checkNames))
	if shape>>8&1 != 0 {
		ref(c, kindObject, &t.Object, objects)
	}
	if shape>>9&1 != 0 {
		c.text(textOther, &t.Unclear)
	}
	slice(c, &c.testStates, &t.States)
	for i := range t.States {
		ref(c, kindState, &t.States[i], states)
	}
}

func bit(b bool, n int) int {
	if b {
		return 1 << n
	}
	return 0
}

// within fails where an enumeration has no such value.
func (c *codec) within(n, count int) {
	if n >= count {
		c.fail("an enumeration has no such value")
	}
}

func (c *codec) object(o *Object) {
	c.id(&o.ID)
	c.text(textClass, &o.Class)
	shape := bit(o.Set != nil, 0) | bit(len(o.Behaviors) > 0, 1) | bit(len(o.Filters) > 0, 2)
	c.number(colExtra, &shape, 7)
	if shape&1 != 0 {
		if o.Set == nil {
			o.Set = new(Set)
		}
		c.nest(func() { c.set(o.Set) })
	} else {
		c.entities(&o.Entities)
	}
	if shape&2 != 0 {
		slice(c, &c.behaviors, &o.Behaviors)
	}
	for i := range o.Behaviors {
		c.text(textName, &o.Behaviors[i].Name)
		c.text(textOther, &o.Behaviors[i].Value)
	}
	if shape&4 != 0 {
		c.filters(&o.Filters)
	}
}

func (c *codec) filters(f *[]Filter) {
	slice(c, &c.filterList, f)
	for i := range *f {
		exclude := bit((*f)[i].Exclude, 0)
		c.number(colExtra, &exclude, 1)
		(*f)[i].Exclude = exclude != 0
		ref(c, kindState, &(*f)[i].State, states)
	}
}

func (c *codec) set(s *Set) {
	op := int(s.Operator)
	c.number(colExtra, &op, len(setOperatorNames)-1)
	s.Operator = SetOperator(op)
	slice(c, &c.sets, &s.Sets)
	for i := range s.Sets {
		c.nest(func() { c.set(&s.Sets[i]) })
	}
	slice(c, &c.setObjects, &s.Objects)
	for i := range s.Objects {
		ref(c, kindObject, &s.Objects[i], objects)
	}
	c.filters(&s.Filters)
}

func (c *codec) state(s *State) {
	c.id(&s.ID)
	c.text(textClass, &s.Class)
	op := int(s.Operator)
	c.number(colExtra, &op, len(operatorNames)-1)
	s.Operator = Operator(op)
	c.entities(&s.Entities)
}

func (c *codec) entities(list *[]Entity) {
	slice(c, &c.entityList, list)
	for i := range *list {
		if c.bad != "" {
			return
		}
		c.entity(&(*list)[i])
	}
}

// Where an entity's wanted value is.
const (
	fromLiteral = iota
	fromVariable
	fromRecord
)

func (c *codec) entity(e *Entity) {
	c.entityWithin(e)
	c.text(textName, &e.Name)
	op := int(e.Operation) | int(e.Datatype)<<4
	c.number(colOperation, &op, 255)
	e.Operation, e.Datatype = Operation(op&15), Datatype(op>>4)
	from := fromLiteral
	if e.Variable != nil {
		from = fromVariable
	} else if len(e.Record) > 0 {
		from = fromRecord
	}
	extra := int(e.VarCheck) | int(e.EntityCheck)<<3 | int(e.Existence)<<6 | bit(e.Nil, 9) | from<<10
	c.number(colExtra, &extra, 1<<12-1)
	e.VarCheck, e.EntityCheck, e.Existence, e.Nil = Check(extra&7), Check(extra>>3&7), Existence(extra>>6&7), extra>>9&1 != 0
	c.entityWithin(e)
	switch extra >> 10 {
	case fromLiteral:
		c.text(textValue, &e.Value)
	case fromVariable:
		ref(c, kindVariable, &e.Variable, variables)
	case fromRecord:
		c.nest(func() { c.entities(&e.Record) })
	default:
		c.fail("an entity has no value")
	}
}

func (c *codec) entityWithin(e *Entity) {
	c.within(int(e.Operation), len(operationNames))
	c.within(int(e.Datatype), len(datatypeNames))
	c.within(int(e.VarCheck), len(checkNames))
	c.within(int(e.EntityCheck), len(checkNames))
	c.within(int(e.Existence), len(existenceNames))
}

func (c *codec) variable(v *Variable) {
	c.id(&v.ID)
	c.within(int(v.Kind), int(Local)+1)
	c.within(int(v.Datatype), len(datatypeNames))
	shape := int(v.Kind) | int(v.Datatype)<<2 | bit(v.Fault != "", 6) | bit(v.Component != nil, 7)
	c.number(colExtra, &shape, 255)
	v.Kind, v.Datatype = VariableKind(shape&3), Datatype(shape>>2&15)
	c.within(int(v.Kind), int(Local)+1)
	c.within(int(v.Datatype), len(datatypeNames))
	slice(c, &c.strings, &v.Values)
	for i := range v.Values {
		c.text(textValue, &v.Values[i])
	}
	if shape>>6&1 != 0 {
		c.text(textOther, &v.Fault)
	}
	if shape>>7&1 != 0 {
		if v.Component == nil {
			v.Component = new(Component)
		}
		c.nest(func() { c.component(v.Component) })
	}
}

func (c *codec) component(p *Component) {
	c.within(int(p.Function), len(functionNames))
	c.within(int(p.Datatype), len(datatypeNames))
	shape := int(p.Function) | int(p.Datatype)<<4 | bit(p.NoEscape, 8)
	c.number(colExtra, &shape, 1<<9-1)
	p.Function, p.Datatype, p.NoEscape = Function(shape&15), Datatype(shape>>4&15), shape>>8&1 != 0
	c.within(int(p.Function), len(functionNames))
	c.within(int(p.Datatype), len(datatypeNames))
	switch p.Function {
	case ObjectField:
		ref(c, kindObject, &p.Object, objects)
		c.text(textName, &p.Field)
		c.text(textName, &p.Record)
	case VariableValue:
		ref(c, kindVariable, &p.Variable, variables)
	case Substring:
		c.signed(&p.Start, 1<<31)
		c.signed(&p.Length, 1<<31)
	case TimeDifference:
		c.text(textOther, &p.Formats[0])
		c.text(textOther, &p.Formats[1])
	case Literal, Arithmetic, Begin, End, Split, RegexCapture:
		c.text(textOther, &p.Text)
	}
	slice(c, &c.components, &p.Of)
	for i := range p.Of {
		if c.bad != "" {
			return
		}
		c.nest(func() { c.component(&p.Of[i]) })
	}
}
