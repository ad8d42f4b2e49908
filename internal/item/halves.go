package item

import (
	"context"
	"hash/maphash"

	"github.com/fettle-project/fettle/internal/patch"
)

// CollectWith is Collect with a second source of the same machine, which is asked at the same time: each of both is asked about half of
// the objects that depend on no other, those with the same first entity (files of one directory) by the same source. Where both were
// asked the same after all, the judge is not steady and the answers may hold it twice.
func (j *Judge) CollectWith(ctx context.Context, second Source) []patch.Collected {
	other := NewJudge(j.model, second)
	other.Now = j.Now
	seed := maphash.MakeSeed()
	half := func(o *Object) uint64 {
		if !o.alone() {
			return 0
		}
		return maphash.String(seed, o.Entities[0].Value) & 1
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		other.collectHalf(ctx, half, 1)
	}()
	j.collectHalf(ctx, half, 0)
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

func (j *Judge) collectHalf(ctx context.Context, half func(*Object) uint64, n uint64) {
	for i := range j.model.tests {
		if half(j.model.tests[i].Object) == n {
			j.Value(ctx, i)
		}
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
	for id, f := range other.asked {
		if j.asked[id] == nil {
			j.asked[id] = f
		}
	}
	j.order = append(j.order, other.order...)
	j.twice = j.twice || other.twice
}
