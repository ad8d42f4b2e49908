package item

import (
	"cmp"
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// Told is what Judge.Pass keeps of the answer about one object.
type Told struct {
	Class, Key string
	Text       []byte
}

// Pass asks each object once, judges its tests at once, and keeps of the answer only what tell appends to a text. 10,000 answers are some
// ten megabytes; to get these from the kernel and to fill them takes longer than to judge. The second source of the same machine, which may
// be nil, is asked at the same time: the first about the objects from the beginning, the second from the end, until they meet.
//
// It gives what was told in the order of facts, in parts, each request once, and afterwards j knows every value. It is not ok where objects depend on
// each other or ask the same: then nothing was told, and Collect answers.
func (j *Judge) Pass(ctx context.Context, second Source, tell func(b []byte, c *patch.Collected) []byte) (parts [][]Told, ok bool) {
	tests, ok := j.model.independent()
	if !ok {
		return nil, false
	}
	way := meeting{end: partsOfPass}
	part := func(n int) []int32 {
		all := len(tests.order)
		return tests.order[n*all/partsOfPass : (n+1)*all/partsOfPass]
	}
	ours, theirs := passage{j: j, tests: tests, tell: tell}, passage{tests: tests, tell: tell}
	done := make(chan struct{})
	if second != nil {
		theirs.j = NewJudge(j.model, second)
		theirs.j.Now = j.Now
		go func() {
			defer close(done)
			for n := way.last(); n >= 0; n = way.last() {
				theirs.part(ctx, part(n))
			}
		}()
	} else {
		close(done)
	}
	for n := way.first(); n >= 0; n = way.first() {
		ours.part(ctx, part(n))
	}
	if <-done; theirs.j != nil {
		j.adopt(theirs.j)
	}
	for _, some := range slices.Backward(theirs.parts) {
		ours.parts = append(ours.parts, some)
	}
	parts, ok = inTurn(ours.parts)
	return parts, ok && !ours.twice && !theirs.twice
}

// inTurn puts all in order where each part by itself is; not ok where two of different parts are of the same.
func inTurn(parts [][]Told) (ordered [][]Told, ok bool) {
	parts = slices.DeleteFunc(parts, func(some []Told) bool { return len(some) == 0 })
	for i := 1; i < len(parts); i++ {
		if before := parts[i-1]; byKey(before[len(before)-1], parts[i][0]) >= 0 {
			all := slices.Concat(parts...)
			slices.SortFunc(all, byKey)
			return [][]Told{all}, distinct(all)
		}
	}
	return parts, true
}

// distinct reports whether no two neighbours are of the same.
func distinct(all []Told) bool {
	for i := 1; i < len(all); i++ {
		if byKey(all[i-1], all[i]) == 0 {
			return false
		}
	}
	return true
}

// byKey is the order of facts.
func byKey(a, b Told) int { return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Key, b.Key)) }

// questions are the tests of each object: first[n] is one of object n, next of a test another one of the same object, -1 none. Order are the
// objects by class: then they stand nearly in the order of facts where definitions were arranged.
type questions struct{ order, first, next []int32 }

// independent gives each object's tests; ok where nothing that a test says follows from another object, as it nearly always is.
func (m *Model) independent() (q questions, ok bool) {
	if len(m.variables) > 0 {
		return q, false
	}
	q = questions{order: make([]int32, 0, len(m.objects)), first: make([]int32, len(m.objects)), next: make([]int32, len(m.tests))}
	for i := range q.first {
		q.first[i] = -1
	}
	for i := range m.tests {
		o := m.tests[i].Object
		if o == nil || m.tests[i].Unclear != "" {
			continue
		}
		if !o.alone() || len(o.Filters) > 0 {
			return q, false
		}
		if q.next[i] = q.first[o.index]; q.next[i] < 0 {
			q.order = append(q.order, int32(o.index))
		}
		q.first[o.index] = int32(i)
	}
	slices.SortStableFunc(q.order, func(a, b int32) int { return cmp.Compare(m.objects[a].Class, m.objects[b].Class) })
	return q, true
}

// passage is one side of a pass.
type passage struct {
	j     *Judge
	tests questions
	tell  func([]byte, *patch.Collected) []byte
	parts [][]Told
	room  []byte // for what is to be told
	here  found  // the object that is judged
	twice bool   // two objects asked the same
}

const (
	partsOfPass = 64
	roomLen     = 64 << 10
	muchLen     = 1 << 10 // what is told of an object is hardly ever longer
)

// part passes some objects.
func (p *passage) part(ctx context.Context, objects []int32) {
	told := make([]Told, 0, len(objects))
	for _, n := range objects {
		if len(p.room) < muchLen {
			p.room = make([]byte, roomLen)
		}
		text := p.object(ctx, &p.j.model.objects[n], p.room[:0])
		if len(text) == 0 {
			continue
		}
		told = append(told, Told{p.here.Class, p.here.Key, text[:len(text):len(text)]})
		p.room = p.room[min(len(text), len(p.room)):]
	}
	slices.SortFunc(told, byKey)
	p.parts, p.twice = append(p.parts, told), p.twice || !distinct(told)
}

// object asks for one object, judges its tests and tells of it.
func (p *passage) object(ctx context.Context, o *Object, b []byte) []byte {
	c := &p.here.Collected
	p.here = found{}
	p.answer(ctx, o, c)
	for i := range c.Items {
		p.here.counts.add(c.Items[i].Status)
	}
	p.j.objects[o.index] = &p.here
	for n := p.tests.first[o.index]; n >= 0; n = p.tests.next[n] {
		p.j.Value(ctx, int(n))
	}
	p.j.objects[o.index] = nil
	return p.tell(b, c)
}

// answer asks the source.
func (p *passage) answer(ctx context.Context, o *Object, c *patch.Collected) {
	if dir, name, one := o.oneFile(); one {
		if l, ok := p.j.source.(Looker); ok {
			if *c, ok = l.Look(ctx, dir, name, o.fields); ok {
				p.j.name = appendOneFile(p.j.name[:0], dir, name)
				c.Class, c.Key, c.Fields = o.Class, string(p.j.name), o.fields
				return
			}
		}
	}
	r := &p.j.plain
	o.ask(r)
	p.j.name = r.appendKey(p.j.name[:0])
	r.Once, r.key = true, string(p.j.name)
	*c = p.j.source.Probe(ctx, *r)
	c.Class, c.Key = r.Class, r.key
	if c.Fields == nil {
		c.Fields = r.Fields
	}
}
