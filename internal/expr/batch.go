package expr

import (
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Batch judges many conditions of one language over many things at once. What several of the conditions ask is worked out once, and each field is
// looked at once for each thing.
type Batch struct {
	conditions []*Condition
	columns    []*column // what is asked of things
	joints     []joint   // what is made of that, in this order
	rows       int       // of answers: one for each question and each joint
	answers    []int     // by condition: its row; -1 where CEL judges it
}

// Judgement is what a condition came to: bit i of Yes tells whether it holds for thing i. Faults say why it could not be judged; it does
// not hold then.
type Judgement struct {
	Yes    []uint64
	Faults map[int]phrase.Phrase
}

// joint is a row that is made of one or two others.
type joint struct {
	join             string
	row, left, right int
}

// NewBatch makes a batch of conditions; it may be used from many goroutines.
func NewBatch(all []*Condition) *Batch {
	b := &Batch{conditions: all, answers: make([]int, len(all))}
	known, columns := map[string]int{}, map[place]*column{}
	for i, c := range all {
		if b.answers[i] = -1; c.simple != nil {
			b.answers[i] = b.enter(c.simple, known, columns)
		}
	}
	for _, c := range b.columns {
		c.numbers.settle()
		c.words.settle()
	}
	return b
}

// enter gives a condition's row; known are those that there are, by key.
func (b *Batch) enter(s *simple, known map[string]int, columns map[place]*column) int {
	if row, ok := known[s.key]; ok {
		return row
	}
	var sides [2]int
	for i, side := range s.sides {
		sides[i] = b.enter(side, known, columns)
	}
	row := b.rows
	b.rows++
	known[s.key] = row
	if s.join != "" {
		b.joints = append(b.joints, joint{s.join, row, sides[0], sides[len(s.sides)-1]})
		return row
	}
	c := columns[s.test.place]
	if c == nil {
		c = &column{place: s.test.place}
		columns[c.place], b.columns = c, append(b.columns, c)
	}
	c.ask(s.test, row)
	return row
}

// Room is what judging works in. One goroutine at a time may use it; it grows to what is needed, and is best used again.
type Room struct {
	here       []uint64 // the things that there are
	rows       table
	parts      table
	judgements []Judgement
}

// Judge gives a judgement for each condition; they are in the room, and gone when that is used again. A zero Thing stands for none: nothing holds
// for it.
func (b *Batch) Judge(things []Thing, room *Room) []Judgement {
	width := (len(things) + 63) / 64
	room.here = append(room.here[:0], make([]uint64, width)...)
	for i := range things {
		if things[i].names != nil {
			room.here[i/64] |= 1 << (i % 64)
		}
	}
	room.rows.clear(b.rows, width)
	for _, c := range b.columns {
		c.answer(things, room)
	}
	for _, j := range b.joints {
		room.join(j)
	}
	room.judgements = room.judgements[:0]
	for i, c := range b.conditions {
		if row := b.answers[i]; row >= 0 {
			room.judgements = append(room.judgements, Judgement{Yes: room.rows.row(row)})
		} else {
			room.judgements = append(room.judgements, c.each(things))
		}
	}
	return room.judgements
}

func (r *Room) join(j joint) {
	out, left, right := r.rows.row(j.row), r.rows.row(j.left), r.rows.row(j.right)
	left, right = left[:len(out)], right[:len(out)]
	switch j.join {
	case "&&":
		for i := range out {
			out[i] = left[i] & right[i]
		}
	case "||":
		for i := range out {
			out[i] = left[i] | right[i]
		}
	default:
		for i, here := range r.here[:len(out)] {
			out[i] = here &^ left[i]
		}
	}
}

// table is rows of bits.
type table struct {
	words []uint64
	width int // of a row, in words
}

// clear makes room for so many rows without a bit.
func (t *table) clear(rows, width int) {
	n := rows * width
	t.words, t.width = slices.Grow(t.words[:0], n)[:n], width
	clear(t.words)
}

func (t *table) row(i int) []uint64 { return t.words[i*t.width:][:t.width:t.width] }

func (t *table) set(row, thing int) { t.words[row*t.width+thing/64] |= 1 << (thing % 64) }

// each judges thing after thing.
func (c *Condition) each(things []Thing) Judgement {
	j := Judgement{Yes: make([]uint64, (len(things)+63)/64)}
	for i := range things {
		if things[i].names == nil {
			continue
		}
		yes, err := c.Holds(&things[i])
		switch {
		case err != nil:
			if j.Faults == nil {
				j.Faults = map[int]phrase.Phrase{}
			}
			j.Faults[i] = patch.Said(err)
		case yes:
			j.Yes[i/64] |= 1 << (i % 64)
		}
	}
	return j
}
