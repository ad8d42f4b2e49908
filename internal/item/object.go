package item

import (
	"cmp"
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// found is what a source has of an object, after filters.
type found struct {
	patch.Collected
	request *Request
	counts  statuses
}

func (f *found) count() {
	f.counts = statuses{}
	for i := range f.Items {
		f.counts.add(f.Items[i].Status)
	}
}

func sortCollected(all []patch.Collected) {
	slices.SortFunc(all, func(a, b patch.Collected) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Key, b.Key))
	})
}

// object gives what an object names, asked once.
func (j *Judge) object(ctx context.Context, o *Object) *found {
	if f := j.objects[o.index]; f != nil {
		return f
	}
	f := j.resolve(ctx, o)
	j.objects[o.index] = f
	return f
}

func (j *Judge) resolve(ctx context.Context, o *Object) *found {
	r := &Request{ID: o.ID, Class: o.Class, Behaviors: o.Behaviors, Fields: o.fields, Entities: make([]Wanted, len(o.Entities))}
	for i := range o.Entities {
		e := &o.Entities[i]
		r.Entities[i] = Wanted{Name: e.Name, Operation: e.Operation, Datatype: e.Datatype, Check: e.VarCheck, Nil: e.Nil}
		if e.Variable == nil {
			r.Entities[i].Values = []string{e.Value}
			continue
		}
		l := j.variable(ctx, e.Variable)
		if l.flag != patch.FlagComplete && l.flag != patch.FlagIncomplete {
			return &found{request: r, Collected: patch.Collected{Class: o.Class, Flag: l.flag, Message: l.why}}
		}
		r.Entities[i].Values = l.values
	}
	return j.ask(ctx, r)
}

func (j *Judge) ask(ctx context.Context, r *Request) *found {
	key := r.Key()
	id := r.Class + " " + key
	if f := j.asked[id]; f != nil {
		return f
	}
	f := &found{Collected: j.source.Probe(ctx, *r), request: r}
	f.Class, f.Key = r.Class, key
	if f.Fields == nil {
		f.Fields = r.Fields
	}
	f.count()
	j.asked[id] = f
	j.order = append(j.order, f)
	return f
}
