package item

import (
	"context"
	"unsafe"

	"github.com/fettle-project/fettle/internal/patch"
)

// Limits of what variables may grow to: a product of lists explodes.
const (
	maxValues    = 1 << 16  // of one list
	maxListBytes = 8 << 20  // of one list
	maxAllBytes  = 24 << 20 // of all variables that a Judge remembers
)

// typed is one value of a variable or component.
type typed struct {
	text string
	as   Datatype
}

// list is the values of a variable or component, and how well they are known.
type list struct {
	flag   patch.Flag
	values []typed
	why    string // where the flag says that there are none
}

// has reports whether the values can be used: all of them are there, or some.
func (l *list) has() bool { return l.flag == patch.FlagComplete || l.flag == patch.FlagIncomplete }

func failed(why string) *list { return &list{flag: patch.FlagError, why: why} }

// texts are the values without their datatypes.
func (l *list) texts() []string {
	all := make([]string, len(l.values))
	for i, v := range l.values {
		all[i] = v.text
	}
	return all
}

// rank orders flags by which of several wins, by the table of OVAL's ConcatFunctionType.
func rank(f patch.Flag) int {
	for i, g := range [...]patch.Flag{patch.FlagComplete, patch.FlagIncomplete, patch.FlagNotExist, patch.FlagNotCollected, patch.FlagNotApplicable} {
		if f == g {
			return i
		}
	}
	return 5 // error
}

// worst is the flag of what is made of several lists, and its reason.
func worst(lists []*list) (patch.Flag, string) {
	flag, why := patch.FlagComplete, ""
	for _, l := range lists {
		if rank(l.flag) > rank(flag) {
			flag, why = l.flag, l.why
		}
	}
	return flag, why
}

// variable gives a variable's values, computed once.
func (j *Judge) variable(ctx context.Context, v *Variable) *list {
	if l := j.variables[v.index]; l != nil {
		return l
	}
	l := j.compute(ctx, v)
	j.variables[v.index] = l
	return l
}

func (j *Judge) compute(ctx context.Context, v *Variable) *list {
	switch {
	case v.Fault != "":
		return failed(v.Fault)
	case v.Kind == Local && v.Component == nil:
		return failed("the variable has no component")
	case v.Kind == Constant && len(v.Values) == 0:
		return failed("the variable has no value")
	case j.bytes > maxAllBytes:
		return failed("the values of all variables take more than 24 MiB")
	case v.Kind == Local:
		l := *j.component(ctx, v.Component)
		l.values = retyped(l.values, v.Datatype)
		for _, x := range l.values {
			j.bytes += len(x.text) + int(unsafe.Sizeof(x))
		}
		return &l
	}
	l := &list{flag: patch.FlagComplete, values: make([]typed, len(v.Values))}
	for i, s := range v.Values {
		l.values[i] = typed{s, v.Datatype}
	}
	return l
}

// retyped gives values the datatype that the variable declares.
func retyped(values []typed, as Datatype) []typed {
	all := make([]typed, len(values))
	for i, v := range values {
		all[i] = typed{v.text, as}
	}
	return all
}

// component computes a node of a local variable's expression.
func (j *Judge) component(ctx context.Context, c *Component) *list {
	switch c.Function {
	case Literal:
		return &list{flag: patch.FlagComplete, values: []typed{{c.Text, c.Datatype}}}
	case ObjectField:
		return j.objectField(ctx, c)
	case VariableValue:
		return j.variable(ctx, c.Variable)
	}
	if len(c.Of) == 0 {
		return failed("the function " + c.Function.String() + " has no component")
	}
	operands := make([]*list, len(c.Of))
	for i := range c.Of {
		operands[i] = j.component(ctx, &c.Of[i])
	}
	l := j.apply(c, operands)
	if len(l.values) > maxValues {
		return failed("the variable has more than 65,536 values")
	}
	bytes := 0
	for _, v := range l.values {
		if bytes += len(v.text); bytes > maxListBytes {
			return failed("the variable's values take more than 8 MiB")
		}
	}
	return l
}

// objectField gives one field of all items of an object. An item that lacks it makes the whole an error.
func (j *Judge) objectField(ctx context.Context, c *Component) *list {
	f := j.object(ctx, c.Object)
	l := &list{flag: f.Flag, why: f.Message}
	if l.why == "" {
		l.why = "the object of a variable is flagged " + string(f.Flag)
	}
	if len(f.Items) > 0 && !wants(f.Fields, c.Field) {
		return &list{flag: patch.FlagNotCollected, why: "the facts do not tell the field " + c.Field}
	}
	for i := range f.Items {
		found := false
		for k := range f.Items[i].Fields {
			x := &f.Items[i].Fields[k]
			if x.Name != c.Field {
				continue
			}
			found = true
			if !l.take(x, c.Record) {
				return failed("the field " + c.Field + " of the object of a variable is not of the kind that is asked for")
			}
		}
		if !found && f.Items[i].Status == patch.StatusExists {
			return failed("an item has no field " + c.Field)
		}
	}
	return l
}

// take adds a field's value or, of a record, those of the named fields.
func (l *list) take(x *patch.Field, record string) bool {
	if (x.Type == "record" || len(x.Record) > 0) != (record != "") {
		return false
	}
	if record == "" {
		if x.Status == patch.StatusExists {
			l.values = append(l.values, typed{x.Value, datatypeOf(x.Type)})
		}
		return true
	}
	found := false
	for i := range x.Record {
		if x.Record[i].Name == record {
			l.values = append(l.values, typed{x.Record[i].Value, datatypeOf(x.Record[i].Type)})
			found = true
		}
	}
	return found
}

func datatypeOf(name string) Datatype {
	d, _ := DatatypeNamed(name)
	return d
}
