package item

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// list is the values of a variable or a component, and how well they are known.
type list struct {
	flag   patch.Flag
	values []string
	why    string // where the flag is neither complete nor incomplete
}

// variable gives a variable's values, computed once.
func (j *Judge) variable(ctx context.Context, v *Variable) *list {
	if l := j.variables[v.index]; l != nil {
		return l
	}
	l := &list{flag: patch.FlagComplete, values: v.Values}
	switch {
	case v.Fault != "":
		l = &list{flag: patch.FlagError, why: v.Fault}
	case v.Kind == Local:
		l = &list{flag: patch.FlagError, why: "local variables are not computed yet"}
	case len(v.Values) == 0:
		l = &list{flag: patch.FlagNotExist, why: "the variable has no value"}
	}
	j.variables[v.index] = l
	return l
}
