package item

import "slices"

// finish notes for every object which fields are looked at: by the states of tests, by filters and by variables.
func (m *Model) finish() {
	var before []string
	for i := range m.tests {
		if o := m.tests[i].Object; o != nil {
			for _, s := range m.tests[i].States {
				o.want(s, before)
			}
			o.fields = slices.Clip(o.fields) // whoever adds to it gets its own
			before = o.fields
		}
	}
	for i := range m.variables {
		if c := m.variables[i].Component; c != nil {
			c.want()
		}
	}
	for i := len(m.objects) - 1; i >= 0; i-- { // an object of a set stands before the set
		o := &m.objects[i]
		for _, f := range o.Filters {
			o.want(f.State, nil)
		}
		if o.Set != nil {
			o.Set.want()
		}
		slices.Sort(o.fields)
		o.fields = slices.Compact(o.fields)
		if slices.Contains(o.fields, Every) {
			o.fields = []string{Every}
		}
	}
}

// want adds what a state looks at. Where that is all so far and the same as of the object before, as it nearly always is, both share it.
func (o *Object) want(s *State, before []string) {
	if o.fields == nil && s.looksAt(before) {
		o.fields = before
		return
	}
	for i := range s.Entities {
		if name := s.Entities[i].Name; !slices.Contains(o.fields, name) {
			o.fields = append(o.fields, name)
		}
	}
}

func (s *State) looksAt(names []string) bool {
	return slices.EqualFunc(s.Entities, names, func(e Entity, name string) bool { return e.Name == name })
}

func (c *Component) want() {
	if c.Function == ObjectField {
		c.Object.fields = append(c.Object.fields, c.Field)
	}
	for i := range c.Of {
		c.Of[i].want()
	}
}

// want asks for everything: the items of a set are compared with each other, so what makes them distinct must be there.
func (s *Set) want() {
	for i := range s.Sets {
		s.Sets[i].want()
	}
	for _, o := range s.Objects {
		o.fields = append(o.fields, Every)
	}
}
