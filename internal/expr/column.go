package expr

import (
	"cmp"
	"slices"
)

// column is one field with all that is asked about it.
type column struct {
	place
	numbers scale[int64]
	words   scale[string]
	others  []trait // about words
	flags   []int   // rows that the field itself answers
}

type trait struct {
	is  func(string) bool
	row int
}

// ask has a test answered in a row.
func (c *column) ask(t test, row int) {
	switch {
	case t.number != nil:
		c.numbers.ask(t.number, row)
	case t.word != nil:
		c.words.ask(t.word, row)
	case t.is != nil:
		c.others = append(c.others, trait{t.is, row})
	default:
		c.flags = append(c.flags, row)
	}
}

// answer fills the column's rows.
func (c *column) answer(things []Thing, room *Room) {
	room.parts.clear(max(c.numbers.parts(), c.words.parts()), room.rows.width)
	for i := range things {
		if things[i].names == nil {
			continue
		}
		value := things[i].fields[c.variable].Field(c.field)
		switch {
		case len(c.numbers.marks) > 0:
			room.parts.set(c.numbers.part(value.Int()), i)
			continue
		case len(c.flags) > 0:
			if value.Bool() {
				room.rows.set(c.flags[0], i)
			}
			continue
		}
		word := value.String()
		if len(c.words.marks) > 0 {
			room.parts.set(c.words.part(word), i)
		}
		for _, o := range c.others {
			if o.is(word) {
				room.rows.set(o.row, i)
			}
		}
	}
	c.numbers.grade(room)
	c.words.grade(room)
}

// scale is the constants that a field is compared with. They part its values: those below the first, the first itself, those between it and the
// second, and so on. So a value is looked up once, and that answers every comparison.
type scale[T cmp.Ordered] struct {
	marks []T // each once, the lowest first
	tests []graded[T]
}

type graded[T cmp.Ordered] struct {
	*bound[T]
	row  int
	mark int // the constant's place in marks
}

func (s *scale[T]) ask(b *bound[T], row int) {
	s.marks, s.tests = append(s.marks, b.at), append(s.tests, graded[T]{bound: b, row: row})
}

// settle puts the marks in order when everything was asked.
func (s *scale[T]) settle() {
	slices.Sort(s.marks)
	s.marks = slices.Compact(s.marks)
	for i := range s.tests {
		s.tests[i].mark, _ = slices.BinarySearch(s.marks, s.tests[i].at)
	}
}

// parts is how many parts there are; none without constants.
func (s *scale[T]) parts() int {
	if len(s.marks) == 0 {
		return 0
	}
	return 2*len(s.marks) + 1
}

// part is which one a value is in.
func (s *scale[T]) part(x T) int {
	i, same := slices.BinarySearch(s.marks, x)
	if same {
		return 2*i + 1
	}
	return 2 * i
}

// grade answers the tests by the parts that the room's things are in.
func (s *scale[T]) grade(room *Room) {
	for i := 1; i < s.parts(); i++ { // from now on: in that part or a lower one
		part := room.parts.row(i)
		for w, lower := range room.parts.row(i - 1) {
			part[w] |= lower
		}
	}
	for _, t := range s.tests {
		below, through, out := room.parts.row(2*t.mark), room.parts.row(2*t.mark+1), room.rows.row(t.row)
		for w := range out {
			if t.below {
				out[w] |= below[w]
			}
			if t.same {
				out[w] |= through[w] &^ below[w]
			}
			if t.above {
				out[w] |= room.here[w] &^ through[w]
			}
		}
	}
}
