package expr

// Batch judges many conditions of one language over many things at once. A comparison that several of the conditions make is made once
// for each thing.
type Batch struct {
	conditions []*Condition
	tests      map[string]test
	bounds     map[place]int // how many of the tests compare this field with a constant
	many       int           // so many that its values are put in order first
}

// manyBounds is where putting a column in order begins to be quicker than comparing all of it with each constant.
const manyBounds = 24

// Judgement is what a condition came to: bit i of Yes tells whether it holds for thing i. Faults say why it could not be judged; it does
// not hold then.
type Judgement struct {
	Yes    []uint64
	Faults map[int]string
}

// NewBatch makes a batch of conditions; it may be used from many goroutines.
func NewBatch(all []*Condition) *Batch {
	b := &Batch{all, map[string]test{}, map[place]int{}, manyBounds}
	for _, c := range all {
		if c.simple != nil {
			b.collect(c.simple)
		}
	}
	for _, t := range b.tests {
		if t.bound != nil {
			b.bounds[t.place]++
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
	tested, columns := make(map[string][]uint64, len(b.tests)), map[place]*column{}
	for key, t := range b.tests {
		c := columns[t.place]
		if c == nil {
			c = t.column(things)
			columns[t.place] = c
		}
		if t.bound != nil && b.bounds[t.place] >= b.many {
			tested[key] = c.inOrder().over(t.bound)
		} else {
			tested[key] = t.over(c, len(things))
		}
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

// column is one field of all things: reading it once is most of the work of a comparison.
type column struct {
	numbers []int64
	words   []string
	flags   []bool
	order   *order // of words; nil until it is asked for
}

func (t test) column(things []Thing) *column {
	c := new(column)
	for i := range things {
		value := things[i].fields[t.variable].Field(t.field)
		switch {
		case t.number != nil:
			c.numbers = append(c.numbers, value.Int())
		case t.word != nil:
			c.words = append(c.words, value.String())
		default:
			c.flags = append(c.flags, value.Bool())
		}
	}
	return c
}

func (t test) over(c *column, n int) []uint64 {
	yes := make([]uint64, (n+63)/64)
	for i, x := range c.numbers {
		if t.number(x) {
			yes[i/64] |= 1 << (i % 64)
		}
	}
	for i, x := range c.words {
		if t.word(x) {
			yes[i/64] |= 1 << (i % 64)
		}
	}
	for i, x := range c.flags {
		if x {
			yes[i/64] |= 1 << (i % 64)
		}
	}
	return yes
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
	for i, x := range s.sides[1].read(tested) {
		if s.join == "&&" {
			out[i] &= x
		} else {
			out[i] |= x
		}
	}
	return out
}

// read is joined for who does not change it.
func (s *simple) read(tested map[string][]uint64) []uint64 {
	if s.join == "" {
		return tested[s.key]
	}
	return s.joined(tested)
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
