package oval

import (
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

const maxNames = 1000 // of one test that is taken apart

// splitter takes a test that asks for one of several packages, by a constant variable as Ubuntu's do, apart into one test for each
// package: they mean the same, are judged many times faster, and findings name the packages.
type splitter struct {
	tests map[*item.Test][]*item.Test
}

func (s *splitter) leaf(t *item.Test, negated, fixed bool) detect.Expr {
	tests, known := s.tests[t]
	if !known {
		tests = split(t)
		s.tests[t] = tests
	}
	if len(tests) == 0 {
		return plainly(t, negated, fixed)
	}
	any := detect.Or()
	for _, one := range tests {
		any.Of = append(any.Of, plainly(one, negated, fixed))
	}
	return any
}

// split gives the tests, or none where one for each package would not mean the same.
func split(t *item.Test) []*item.Test {
	if t.Existence != item.AtLeastOneExists || len(t.States) > 0 && t.Check != item.AtLeastOne || t.Object == nil {
		return nil
	}
	names := packageNames(t)
	if len(names) < 2 || len(names) > maxNames {
		return nil
	}
	tests := make([]*item.Test, len(names))
	for i, name := range names {
		one := *t
		one.Object = &item.Object{ID: t.Object.ID, Class: t.Object.Class, Entities: []item.Entity{{Name: "name", Value: name}}}
		tests[i] = &one
	}
	return tests
}

// packageNames gives the names of the packages that a test is about, where it asks for them by nothing else.
func packageNames(t *item.Test) []string {
	o := t.Object
	if t.Class != "dpkginfo" && t.Class != "rpminfo" && t.Class != "apkinfo" || o == nil || o.Set != nil || len(o.Filters)+len(o.Behaviors) > 0 ||
		len(o.Entities) != 1 {
		return nil
	}
	e := o.Entities[0]
	switch {
	case e.Name != "name" || e.Operation != item.Equals || e.Datatype != item.String || e.Nil:
		return nil
	case e.Variable == nil:
		return []string{e.Value}
	case e.Variable.Kind == item.Constant && (e.VarCheck == item.AtLeastOne || len(e.Variable.Values) == 1):
		return e.Variable.Values
	}
	return nil
}
