package item

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// found is what a source has of an object, after filters and sets.
type found struct {
	patch.Collected
	request *Request // nil for a set, and where there is plain
	plain   *Object  // one without variables, which is the request
	counts  statuses
}

// asked is the request that was answered; nil for a set.
func (f *found) asked() *Request {
	if f.plain == nil {
		return f.request
	}
	r := new(Request)
	f.plain.ask(r)
	return r
}

// ask fills the request that an object without variables is, in the room that r has.
func (o *Object) ask(r *Request) {
	if n := len(o.Entities); cap(r.Entities) < n {
		r.Entities = make([]Wanted, n)
	}
	*r = Request{ID: o.ID, Class: o.Class, Behaviors: o.Behaviors, Fields: o.fields, Entities: r.Entities[:len(o.Entities)]}
	for i := range o.Entities {
		e, w := &o.Entities[i], &r.Entities[i]
		if cap(w.Values) == 0 {
			w.Values = make([]string, 1)
		}
		w.Values[0] = e.Value
		*w = Wanted{Name: e.Name, Operation: e.Operation, Datatype: e.Datatype, Nil: e.Nil, Values: w.Values}
	}
}

func newFound(c patch.Collected, r *Request) *found {
	f := &found{Collected: c, request: r}
	for i := range f.Items {
		f.counts.add(f.Items[i].Status)
	}
	return f
}

// inOrder is the order of facts.
func inOrder(a, b *found) int {
	return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Key, b.Key))
}

// object gives what an object names, asked once.
func (j *Judge) object(ctx context.Context, o *Object) *found {
	if f := j.objects[o.index]; f != nil {
		return f
	}
	var f *found
	switch {
	case o.Set != nil:
		f = j.set(ctx, o.Class, o.Set)
	case o.Class == "variable" && len(o.Entities) == 1 && o.Entities[0].Variable != nil:
		f = j.valuesOf(ctx, o)
	default:
		f = j.resolve(ctx, o)
	}
	f = j.filter(ctx, f, o.Filters)
	j.objects[o.index] = f
	return f
}

// valuesOf answers OVAL's variable_object: the variable is one item, with all of its values. No source is asked.
func (j *Judge) valuesOf(ctx context.Context, o *Object) *found {
	v := o.Entities[0].Variable
	l := j.variable(ctx, v)
	c := patch.Collected{Class: o.Class, Flag: l.flag, Message: l.why, Fields: []string{Every}}
	if l.has() && len(l.values) == 0 {
		c.Flag, c.Message = patch.FlagNotExist, "the variable has no value"
	}
	fields := []patch.Field{{Name: "var_ref", Value: v.ID}}
	for _, value := range l.values {
		x := patch.Field{Name: "value", Value: value.text}
		if value.as != String {
			x.Type = value.as.String()
		}
		fields = append(fields, x)
	}
	if len(l.values) > 0 {
		c.Items = []patch.Item{{Fields: fields}}
	}
	return newFound(c, &Request{Class: o.Class, Entities: []Wanted{{Name: "var_ref", Values: []string{v.ID}}}})
}

// resolve puts the values of variables into an object and asks for it. An object whose variable has no value does not exist; the flag
// of one whose variable could not be computed is the variable's. (OpenSCAP takes the latter for one that does not exist, too; then
// "none exist" would be true of what nobody has looked at.)
func (j *Judge) resolve(ctx context.Context, o *Object) *found {
	if o.alone() {
		o.ask(&j.plain)
		return j.ask(ctx, &j.plain, o)
	}
	r := &j.requests.take(1)[0]
	*r = Request{ID: o.ID, Class: o.Class, Behaviors: o.Behaviors, Fields: o.fields, Entities: j.wanted.take(len(o.Entities))}
	literals := j.texts.take(len(o.Entities))
	for i := range o.Entities {
		e := &o.Entities[i]
		w := &r.Entities[i]
		*w = Wanted{Name: e.Name, Operation: e.Operation, Datatype: e.datatype(), Nil: e.Nil}
		if e.Variable == nil {
			literals[i] = e.Value
			w.Values = literals[i : i+1 : i+1]
			continue
		}
		l := j.variable(ctx, e.Variable)
		if !l.has() {
			return newFound(patch.Collected{Class: o.Class, Flag: l.flag, Message: l.why}, r)
		}
		if len(l.values) == 0 {
			return newFound(patch.Collected{Class: o.Class, Flag: patch.FlagNotExist, Message: "a variable of the object has no value"}, r)
		}
		w.Values = l.texts()
		if w.Check = e.VarCheck; len(w.Values) == 1 {
			w.Check = All
		}
	}
	return j.ask(ctx, r, nil)
}

// ask asks the source once for each request, and once more where another object needs other fields of the same items. A request that is
// not to be kept, because the next one takes its room, is the object plain.
func (j *Judge) ask(ctx context.Context, r *Request, plain *Object) *found {
	known, at := j.called(r)
	f := j.asked[string(known)]
	if f == nil && j.aside != nil {
		f = j.aside[string(known)]
	}
	if f != nil && covers(f.Fields, r.Fields) {
		return f
	}
	name := string(known)
	r.key = name[at:]
	if Whole(r.Class) && len(r.Entities)+len(r.Behaviors) > 0 {
		return j.part(ctx, name, r)
	}
	if f != nil {
		both := new(Request)
		if *both = *r; plain != nil {
			both.Entities = nil // they are the next one's
			plain.ask(both)
			both.key = r.key
		}
		both.Fields = merged(f.asked().Fields, r.Fields)
		r, plain, j.twice = both, nil, true
	}
	if Whole(r.Class) {
		r.Fields = []string{Every}
	}
	c := j.source.Probe(ctx, *r)
	c.Class, c.Key = r.Class, r.key
	if c.Fields == nil {
		c.Fields = r.Fields
	}
	answer := &j.founds.take(1)[0]
	if *answer = *newFound(c, r); plain != nil {
		answer.request, answer.plain = nil, plain
	}
	if f != nil {
		*f = *answer
		return f
	}
	j.remember(name, answer)
	j.order = append(j.order, answer)
	return answer
}

// called gives what a request is remembered by: class, ID and, from at on, key. Class and ID stand behind their lengths, so that no two
// requests are called the same. It is good until the next call.
func (j *Judge) called(r *Request) (name []byte, at int) {
	b := binary.AppendUvarint(j.name[:0], uint64(len(r.Class)))
	b = binary.AppendUvarint(append(b, r.Class...), uint64(len(r.ID)))
	b = append(b, r.ID...)
	j.name = r.appendKey(b)
	return j.name, len(b)
}

// part answers from all that there is of a class. What it gives is no fact of its own: the class as a whole is.
func (j *Judge) part(ctx context.Context, name string, r *Request) *found {
	w := j.wholes[r.Class]
	if w == nil {
		w = &entire{Collected: j.ask(ctx, &Request{Class: r.Class, Fields: []string{Every}}, nil).Collected}
		if j.wholes == nil {
			j.wholes = map[string]*entire{}
		}
		j.wholes[r.Class] = w
	}
	f := newFound(w.answer(r), r)
	f.Fields = r.Fields
	j.remember(name, f)
	return f
}

func (j *Judge) remember(name string, f *found) {
	if j.asked == nil {
		j.asked = make(map[string]*found, len(j.model.objects))
	}
	j.asked[name] = f
}

func covers(have, want []string) bool {
	for _, name := range want {
		if !wants(have, name) {
			return false
		}
	}
	return true
}

func merged(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	if all = slices.Compact(all); slices.Contains(all, Every) {
		return []string{Every}
	}
	return all
}

// filter drops the items that an excluding filter is true for, and those that an including one is false for. What cannot be told stays.
func (j *Judge) filter(ctx context.Context, f *found, filters []Filter) *found {
	if len(filters) == 0 {
		return f
	}
	c := f.Collected
	c.Items = nil
	for i := range f.Items {
		if f.Items[i].Status != patch.StatusNotExist && j.passes(ctx, &f.Items[i], filters) {
			c.Items = append(c.Items, f.Items[i])
		}
	}
	if c.Flag == patch.FlagComplete && len(c.Items) == 0 {
		c.Flag = patch.FlagNotExist
	}
	all := newFound(c, f.request)
	all.plain = f.plain
	return all
}

func (j *Judge) passes(ctx context.Context, it *patch.Item, filters []Filter) bool {
	for _, x := range filters {
		if v := j.state(ctx, x.State, it); x.Exclude && v == True || !x.Exclude && v == False {
			return false
		}
	}
	return true
}
