package sdp

import (
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

// loop reads a RegKeyLoop: a rule about every key directly below one, which within it is called HKEY_LOOP_TARGET. It becomes a test of the
// class registrysubkeys, of which each item is such a key with the values that the rule asks for: "value:displayversion",
// "type:displayversion", and "key:installproperties" for a key below.
//
// Where there is no key below, Any is false, None is true, and All is false: nothing is installed because there is nothing.
func (c *compiler) loop(e *element) (detect.Expr, string) {
	o, fault := registryObject(e, false)
	switch {
	case fault != "":
		return detect.Expr{}, fault
	case len(e.of) != 1:
		return detect.Expr{}, "holds not exactly one rule"
	}
	o.Class, o.Entities = "registrysubkeys", o.Entities[:2]
	t := item.Test{Class: o.Class, Operator: item.Or, Object: o}
	switch e.get("TrueIf") {
	case "Any":
		t.Check = item.AtLeastOne
	case "All":
		t.Check = item.All
	case "None":
		t.Check, t.Existence = item.NoneSatisfy, item.AnyExist
	default:
		return detect.Expr{}, "has no known TrueIf"
	}
	p, fault := loopRule(&e.of[0])
	if fault != "" {
		return detect.Expr{}, fault
	}
	states, ok := p.states()
	if !ok {
		return detect.Expr{}, "holds a rule that is too large"
	}
	t.States = classed(states, o.Class)
	return is(t), ""
}

func classed(states []*item.State, class string) []*item.State {
	for _, s := range states {
		s.Class = class
	}
	return states
}

func loopRule(e *element) (predicate, string) {
	switch e.name {
	case "And", "Or", "Not":
		p := predicate{op: map[string]predicateOp{"And": andOp, "Or": orOp, "Not": notOp}[e.name]}
		if len(e.of) == 0 || e.name == "Not" && len(e.of) != 1 {
			return p, "holds an " + e.name + " of the wrong number of rules"
		}
		for i := range e.of {
			one, fault := loopRule(&e.of[i])
			if fault != "" {
				return p, fault
			}
			p.of = append(p.of, one)
		}
		return p, ""
	case "RegKeyExists", "RegValueExists", "RegDword", "RegExpandSz", "RegSz", "RegSzToVersion":
		return loopLeaf(e)
	}
	return predicate{}, "holds the rule " + quote(e.name)
}

// loopLeaf is a rule about a value or a key below the loop's target. Its opposite is true where that is not there.
func loopLeaf(e *element) (predicate, string) {
	if e.get("Key") != "HKEY_LOOP_TARGET" {
		return predicate{}, "holds a rule that is not about HKEY_LOOP_TARGET"
	}
	below := strings.ToLower(strings.Trim(canonical(e.get("Subkey")), `\`))
	if below == "." {
		below = ""
	}
	if e.name == "RegKeyExists" {
		if below == "" {
			return predicate{}, "asks whether the key is there that it is about"
		}
		return predicate{yes: [][]item.Entity{{text("key:"+below, "true")}}, no: [][]item.Entity{{absent("key:" + below)}}}, ""
	}
	name := strings.ToLower(e.get("Value"))
	if below != "" {
		name = below + `\` + name
	}
	want, fault := registryValue(e, "type:"+name, "value:"+name)
	if fault != "" {
		return predicate{}, e.name + " " + fault
	}
	if len(want) == 0 {
		want = []item.Entity{{Name: "type:" + name, Operation: item.NotEqual, Value: ""}}
	}
	p := predicate{yes: [][]item.Entity{want}, no: [][]item.Entity{{absent("type:" + name)}}}
	for _, entity := range want {
		p.no = append(p.no, []item.Entity{inverse(entity)})
	}
	return p, ""
}

func absent(field string) item.Entity { return item.Entity{Name: field, Existence: item.NoneExist} }

// inverse is true of a field that is there and not as an entity wants it.
func inverse(e item.Entity) item.Entity {
	if e.Operation == item.PatternMatch {
		e.Value = `(?s)^(?!.*` + strings.TrimPrefix(e.Value, "^") + `)`
		if strings.HasPrefix(e.Value, "^") {
			e.Value = `^(?!` + strings.TrimPrefix(e.Value, "^") + `)`
		}
		return e
	}
	e.Operation = opposite(e.Operation)
	return e
}
