package item

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// CollectWith is Collect with a second source of the same machine, which is asked at the same time. The objects that depend on no other
// stand in order of their names, in parts; the first source is asked about part after part from the beginning, the second from the end,
// until they meet. Where both were asked the same after all, the judge is not steady and the answers may hold it twice.
func (j *Judge) CollectWith(ctx context.Context, second Source) []patch.Collected {
	other := NewJudge(j.model, second)
	other.Now = j.Now
	parts, dependent := j.model.parts()
	way := meeting{end: len(parts)}
	ours, theirs := way.first(), way.last() // whoever is faster
	var late [][]*found                     // what other has found of each part, the last first
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := theirs; n >= 0; n = way.last() {
			late = append(late, other.collectPart(ctx, parts[n]))
		}
	}()
	j.askAll(ctx, dependent)
	all := make([]patch.Collected, 0, len(j.model.objects))
	for n := ours; n >= 0; n = way.first() {
		all = collectedOf(all, j.collectPart(ctx, parts[n]))
	}
	<-done
	j.adopt(other)
	for _, some := range slices.Backward(late) {
		all, j.order = collectedOf(all, some), append(j.order, some...)
	}
	if ordered, same := standing(j.order); !ordered || len(dependent) > 0 {
		return j.collected()
	} else if same {
		j.twice = true
	}
	return all
}

// meeting hands out parts from both ends.
type meeting struct {
	mu      sync.Mutex
	at, end int
}

// first gives the first part that is left, -1 for none.
func (m *meeting) first() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at == m.end {
		return -1
	}
	m.at++
	return m.at - 1
}

// last gives the last part that is left, -1 for none.
func (m *meeting) last() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at == m.end {
		return -1
	}
	m.end--
	return m.end
}

const (
	partsOfAll = 24
	sampled    = 40 // objects a part by which parts are made
)

// parts puts the tests of objects that depend on no other into parts, by the order of the objects' names; those of one name are in the same.
func (m *Model) parts() (parts [][]int32, dependent []int32) {
	var sample []*Object
	for i := 0; i < len(m.tests); i += 1 + len(m.tests)/(partsOfAll*sampled) {
		if o := m.tests[i].Object; o.alone() {
			sample = append(sample, o)
		}
	}
	slices.SortFunc(sample, byName)
	sample = slices.CompactFunc(sample, func(a, b *Object) bool { return byName(a, b) == 0 })
	var borders []*Object // where each part but the first begins
	for n := 1; n < partsOfAll && len(sample) >= partsOfAll; n++ {
		borders = append(borders, sample[n*len(sample)/partsOfAll])
	}
	parts = make([][]int32, len(borders)+1)
	for i := range m.tests {
		o := m.tests[i].Object
		if !o.alone() {
			dependent = append(dependent, int32(i))
			continue
		}
		n, exact := slices.BinarySearchFunc(borders, o, byName)
		if exact {
			n++
		}
		parts[n] = append(parts[n], int32(i))
	}
	return parts, dependent
}

// byName is nearly the order of facts: it looks at the first entity only.
func byName(a, b *Object) int {
	return cmp.Or(strings.Compare(a.Class, b.Class), strings.Compare(a.Entities[0].Value, b.Entities[0].Value))
}

// alone reports whether what an object means follows from itself. A test without an object is nobody's.
func (o *Object) alone() bool {
	if o == nil || o.Set != nil || len(o.Entities) == 0 || Whole(o.Class) {
		return false
	}
	for i := range o.Entities {
		if o.Entities[i].Variable != nil {
			return false
		}
	}
	return true
}

// collectPart asks for the objects of some tests and gives what was asked, in order.
func (j *Judge) collectPart(ctx context.Context, tests []int32) []*found {
	from := len(j.order)
	j.askAll(ctx, tests)
	some := j.order[from:]
	slices.SortFunc(some, inOrder)
	return some
}

func (j *Judge) askAll(ctx context.Context, tests []int32) {
	for _, n := range tests {
		j.Value(ctx, int(n))
	}
}

// adopt takes over what another judge of the same model has found.
func (j *Judge) adopt(other *Judge) {
	for i, v := range other.values {
		if v.known {
			j.values[i] = v
		}
	}
	for i, f := range other.objects {
		if j.objects[i] == nil {
			j.objects[i] = f
		}
	}
	j.aside = other.asked
	j.twice = j.twice || other.twice
}
