package expr

// Batch judges many conditions of one language over many things at once. A comparison that several of the conditions make is made once
// for each thing.
type Batch struct {
	conditions []*Condition
	tests      map[string]test
}

// Judgement is what a condition came to: bit i of Yes tells whether it holds for thing i. Faults say why it could not be judged; it does
// not hold then.
type Judgement struct {
	Yes    []uint64
	Faults map[int]string
}

// NewBatch makes a batch of conditions; it may be used from many goroutines.
func NewBatch(all []*Condition) *Batch {
	b := &Batch{all, map[string]test{}}
	for _, c := range all {
		if c.simple != nil {
			b.collect(c.simple)
		}
	}
	return b
}

func (b *Batch) collect(s *simple) {
	if s.join == "" {
		b.tests[s.key] = s.test
	}
	for _, side := range s.sides {
		b.collect(side)
	}
}

// Judge gives a judgement for each condition.
func (b *Batch) Judge(things []Thing) []Judgement {
	tested := make(map[string][]uint64, len(b.tests))
	for key, is := range b.tests {
		yes := make([]uint64, (len(things)+63)/64)
		for i := range things {
			if is(&things[i]) {
				yes[i/64] |= 1 << (i % 64)
			}
		}
		tested[key] = yes
	}
	out := make([]Judgement, len(b.conditions))
	for i, c := range b.conditions {
		if c.simple != nil {
			out[i].Yes = c.simple.joined(tested)
			trim(out[i].Yes, len(things))
		} else {
			out[i] = c.each(things)
		}
	}
	return out
}

// joined works a condition out of its comparisons; bits behind the last thing may be set.
func (s *simple) joined(tested map[string][]uint64) []uint64 {
	if s.join == "" {
		return append([]uint64(nil), tested[s.key]...)
	}
	out := s.sides[0].joined(tested)
	if s.join == "!" {
		for i := range out {
			out[i] = ^out[i]
		}
		return out
	}
	for i, x := range s.sides[1].joined(tested) {
		if s.join == "&&" {
			out[i] &= x
		} else {
			out[i] |= x
		}
	}
	return out
}

func trim(bits []uint64, n int) {
	if n%64 != 0 {
		bits[n/64] &= 1<<(n%64) - 1
	}
}

// each judges thing after thing.
func (c *Condition) each(things []Thing) Judgement {
	j := Judgement{Yes: make([]uint64, (len(things)+63)/64)}
	for i := range things {
		yes, err := c.Holds(&things[i])
		switch {
		case err != nil:
			if j.Faults == nil {
				j.Faults = map[int]string{}
			}
			j.Faults[i] = err.Error()
		case yes:
			j.Yes[i/64] |= 1 << (i % 64)
		}
	}
	return j
}
