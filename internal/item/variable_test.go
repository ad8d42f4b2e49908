package item

import "testing"

// A variable is one item with all of its values: entity_check counts values, check and existence count the one item. A variable with no
// value is no item; one that could not be computed is an error.
func TestVariableObjects(t *testing.T) {
	about := func(v *Variable, e Existence, check Check) *Test {
		return &Test{Class: "variable", Existence: e, Object: &Object{Class: "variable", Entities: []Entity{{Name: "var_ref", Variable: v}}},
			States: []*State{{Class: "variable", Entities: []Entity{{Name: "value", Datatype: Int, Operation: GreaterThan, Value: "2", EntityCheck: check}}}}}
	}
	numbers := &Variable{ID: "v", Kind: Constant, Datatype: Int, Values: []string{"1", "2", "3"}}
	for name, c := range map[string]struct {
		x    *Test
		want Value
	}{
		"at least one value":  {about(numbers, OnlyOneExists, AtLeastOne), True},
		"all values":          {about(numbers, OnlyOneExists, All), False},
		"only one value":      {about(numbers, AtLeastOneExists, OnlyOne), True},
		"external, left bare": {about(&Variable{Kind: External, Datatype: Int}, AtLeastOneExists, All), False},
		"external, not given": {about(&Variable{Kind: External, Datatype: Int, Fault: "not given"}, AtLeastOneExists, All), Error},
		"constant of nothing": {about(&Variable{Kind: Constant, Datatype: Int}, AtLeastOneExists, All), Error},
	} {
		if got := judged(t, &answers{}, c.x); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
