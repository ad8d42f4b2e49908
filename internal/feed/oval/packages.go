package oval

import (
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/version"
)

// packager makes tests about packages, where they are as simple as nearly all of them are, into package detect's own: they are
// smaller, are judged many times faster, and name the package in findings. All others stay as they are.
//
// A dpkginfo test sees packages of the machine's own architecture only, as OpenSCAP's does, and an rpminfo test every instance.
type packager struct {
	class  string // "dpkginfo", "rpminfo"; empty: none is simple
	scheme version.Scheme
}

func packagerFor(n naming) packager {
	if n == likeDpkg {
		return packager{"dpkginfo", version.Dpkg}
	}
	return packager{"rpminfo", version.RPM}
}

const maxNames = 1000 // of one test

// leaf is the test as it is.
func (p packager) leaf(t *item.Test, negated, fixed bool) detect.Expr {
	names, older, simple := p.simple(t)
	switch {
	case !simple:
		return plainly(t, negated, fixed)
	case older == "":
		return p.there(names)
	}
	return each(names, func(name string) detect.Expr {
		return detect.And(p.is(detect.TestInstalled, name, ""), detect.Not(p.is(detect.TestVersion, name, older)))
	})
}

// there asks whether one of the packages is installed.
func (p packager) there(names []string) detect.Expr {
	return each(names, func(name string) detect.Expr { return p.is(detect.TestInstalled, name, "") })
}

func (p packager) is(kind detect.TestKind, name, operand string) detect.Expr {
	t := detect.Test{Kind: kind, Name: name, Operand: operand}
	if p.scheme == version.RPM {
		t.Module = "*" // a document says by a test of its own which stream must be enabled
	}
	return detect.Is(t)
}

func each(names []string, f func(name string) detect.Expr) detect.Expr {
	if len(names) == 1 {
		return f(names[0])
	}
	e := detect.Or()
	for _, name := range names {
		e.Of = append(e.Of, f(name))
	}
	return e
}

// simple reports whether a test asks if one of some packages is installed, or is installed and older than a version.
func (p packager) simple(t *item.Test) (names []string, older string, ok bool) {
	if t.Class != p.class || t.Existence != item.AtLeastOneExists || len(t.States) > 1 || t.Object == nil {
		return nil, "", false
	}
	names = packageNames(t.Object)
	if len(names) == 0 || len(names) > maxNames {
		return nil, "", false
	}
	if len(t.States) == 0 {
		return names, "", true
	}
	if one := p.scheme == version.Dpkg && len(names) == 1; t.Check != item.AtLeastOne && !(one && t.Check == item.All) {
		return nil, "", false
	}
	s := t.States[0]
	if len(s.Entities) != 1 {
		return nil, "", false
	}
	e := s.Entities[0]
	if e.Name != "evr" || e.Operation != item.LessThan || e.Variable != nil || e.Nil || e.Existence != item.AtLeastOneExists ||
		e.EntityCheck == item.NoneSatisfy || e.Datatype != item.EVR && e.Datatype != item.DebianEVR {
		return nil, "", false
	}
	_, err := version.Compare(p.scheme, e.Value, e.Value)
	return names, e.Value, err == nil
}

// packageNames gives the names that an object asks for, where it asks for nothing else.
func packageNames(o *item.Object) []string {
	if o.Set != nil || len(o.Filters) > 0 || len(o.Behaviors) > 0 || len(o.Entities) != 1 {
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
