package item

import (
	"context"
	"hash/maphash"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// CollectWith is Collect with a second source of the same machine, which is asked at the same time: each of both is asked about half of
// the objects that depend on no other, those with the same first entity (files of one directory) by the same source. Where both were
// asked the same after all, the judge is not steady and the answers may hold it twice.
func (j *Judge) CollectWith(ctx context.Context, second Source) []patch.Collected {
	other := NewJudge(j.model, second)
	other.Now = j.Now
	sides, seed := make([]uint8, len(j.model.tests)), maphash.MakeSeed()
	for i := range sides {
		if o := j.model.tests[i].Object; o.alone() {
			sides[i] = uint8(maphash.String(seed, o.Entities[0].Value) & 1)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		other.collectHalf(ctx, sides, 1)
	}()
	j.collectHalf(ctx, sides, 0)
	<-done
	j.adopt(other)
	return j.collected()
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

func (j *Judge) collectHalf(ctx context.Context, sides []uint8, side uint8) {
	for i := range sides {
		if sides[i] == side {
			j.Value(ctx, i)
		}
	}
	slices.SortFunc(j.order, inOrder)
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
	for name, f := range other.asked {
		if j.asked[name] == nil {
			j.asked[name] = f
		}
	}
	j.order = merge(j.order, other.order)
	j.twice = j.twice || other.twice
}

// merge joins two lists that are in order.
func merge(a, b []*found) []*found {
	all := make([]*found, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if inOrder(b[0], a[0]) < 0 {
			a, b = b, a
		}
		all, a = append(all, a[0]), a[1:]
	}
	return append(append(all, a...), b...)
}
