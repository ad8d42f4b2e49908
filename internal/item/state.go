package item

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// state is whether an item is in a state: its entities joined by its operator.
func (j *Judge) state(ctx context.Context, s *State, it *patch.Item) Value {
	var all Tally
	for i := range s.Entities {
		all.Add(j.entity(ctx, &s.Entities[i], it.Fields))
	}
	return all.Join(s.Operator)
}

// entity is whether the fields of an entity's name are as it wants. A field that the item does not have is unknown.
func (j *Judge) entity(ctx context.Context, e *Entity, fields []patch.Field) Value {
	var counts statuses
	var values Tally
	for i := range fields {
		if fields[i].Name != e.Name {
			continue
		}
		counts.add(fields[i].Status)
		values.Add(j.field(ctx, e, &fields[i]))
	}
	exist := counts.judge(e.Existence)
	switch {
	case counts == (statuses{}):
		return Unknown
	case e.Existence == NoneExist || exist != True:
		return exist
	case counts.exists == 0 && e.Existence == AnyExist:
		return True
	}
	return values.Check(e.EntityCheck)
}

// field is whether one field is as wanted.
func (j *Judge) field(ctx context.Context, e *Entity, x *patch.Field) Value {
	switch x.Status {
	case patch.StatusExists:
	case patch.StatusNotExist:
		return False
	case patch.StatusNotCollected:
		return Unknown
	default:
		return Error
	}
	switch {
	case e.Nil:
		return Truth(x.Value == "")
	case len(e.Record) > 0:
		return j.record(ctx, e, x)
	case e.Variable == nil:
		v, _ := j.Compare(e.Operation, e.Datatype, x.Value, e.Value)
		return v
	}
	wanted := j.variable(ctx, e.Variable)
	if !wanted.has() {
		return Error
	}
	var all Tally
	for _, w := range wanted.values {
		v, _ := j.Compare(e.Operation, e.datatype(), x.Value, w.text)
		all.Add(v)
	}
	return all.Check(e.VarCheck)
}

// record is whether all wanted fields of a record are as wanted. One that the record lacks is an error, as the definitions schema says.
func (j *Judge) record(ctx context.Context, e *Entity, x *patch.Field) Value {
	var all Tally
	for i := range e.Record {
		v := Error
		for k := range x.Record {
			if x.Record[k].Name == e.Record[i].Name {
				v = j.entity(ctx, &e.Record[i], x.Record)
				break
			}
		}
		all.Add(v)
	}
	return all.Join(And)
}

// datatype is what an entity is compared as: its own, or where it says nothing its variable's.
func (e *Entity) datatype() Datatype {
	if e.Datatype == String && e.Variable != nil {
		return e.Variable.Datatype
	}
	return e.Datatype
}
