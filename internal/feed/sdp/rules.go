package sdp

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

// compiler makes expressions of a package's rules.
type compiler struct {
	p        *Package
	leaves   map[string]detect.Expr // rules of the whole set by what they say: vendors repeat the same ones thousands of times
	metadata *element               // of the rules that are being read
	nodes    int
	bytes    int // that are kept, roughly
}

const maxNodes = 20_000 // of one package's expressions

// wrapped reads the one rule within IsInstalled, IsInstallable or IsSuperseded. Without a rule in it the condition is false.
func (c *compiler) wrapped(e *element) *detect.Expr {
	if e == nil {
		return nil
	}
	x := detect.Or()
	switch len(e.of) {
	case 0:
	case 1:
		x = c.rule(&e.of[0])
	default:
		x = c.unclear(e.name + " holds more than one rule")
	}
	return &x
}

// unclear is a rule that is not understood: it is judged "error".
func (c *compiler) unclear(why string) detect.Expr {
	c.p.fault(why)
	return detect.Expr{Op: detect.OpUnclear, Text: why}
}

// rule makes the expression of one rule element. The names are those of the schemas; their namespaces are not looked at, since real packages
// get them wrong.
func (c *compiler) rule(e *element) detect.Expr {
	if c.nodes++; c.nodes > maxNodes {
		return c.unclear("the package has more rules than this program reads")
	}
	c.bytes += exprSize
	switch e.name {
	case "True":
		return detect.And()
	case "False":
		return detect.Or()
	case "And", "Or":
		return c.joined(e)
	case "Not":
		if len(e.of) != 1 {
			return c.unclear("a Not holds not exactly one rule")
		}
		return detect.Not(c.rule(&e.of[0]))
	}
	key := c.key(e)
	if x, known := c.leaves[key]; known && key != "" {
		return x
	}
	for _, read := range []func(*element) (detect.Expr, string, bool){c.system, c.file, c.registry, c.msi, c.driver, c.other} {
		if x, fault, mine := read(e); mine {
			if fault != "" {
				return c.unclear(e.name + " " + fault)
			}
			if c.bytes += weight(&x); key != "" {
				c.leaves[key], c.bytes = x, c.bytes+len(key)+exprSize
			}
			return x
		}
	}
	return c.unclear("there is no rule called " + quote(e.name))
}

// key says what a rule says; empty where it does not say it alone.
func (c *compiler) key(e *element) string {
	if len(e.of) > 0 || len(e.attrs) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(e.name)
	for _, a := range e.attrs {
		b.WriteString("\x00" + a.Name.Local + "\x00" + a.Value)
	}
	return b.String()
}

const exprSize = 160 // bytes of a node, with what a map or a slice adds

// weight is about what an expression costs in memory.
func weight(x *detect.Expr) int {
	n := exprSize + len(x.Text)
	if t := x.Test.Items; t != nil {
		n += 400
		entities := func(list []item.Entity) {
			for i := range list {
				if n += 160 + len(list[i].Value) + len(list[i].Name); list[i].Variable != nil {
					n += 1600
				}
			}
		}
		if t.Object != nil {
			entities(t.Object.Entities)
		}
		for _, s := range t.States {
			n += 80
			entities(s.Entities)
		}
	}
	for i := range x.Of {
		n += weight(&x.Of[i])
	}
	return n
}

func (c *compiler) joined(e *element) detect.Expr {
	if len(e.of) == 0 {
		return c.unclear("an " + e.name + " holds no rule")
	}
	x := detect.And()
	if e.name == "Or" {
		x = detect.Or()
	}
	for i := range e.of {
		x.Of = append(x.Of, c.rule(&e.of[i]))
	}
	return x
}

// other reads the rules that ask for something of their own kind.
func (c *compiler) other(e *element) (x detect.Expr, fault string, mine bool) {
	switch e.name {
	case "WmiQuery":
		t, fault := wmiQuery(e)
		return is(t), fault, true
	case "InstalledOnce":
		return exists("installhistory", text("id", c.p.ID)), "", true
	case "GenericQuery":
		return genericQuery(e)
	case "ClusterResourceOwner":
		name, fault := prefixed(e, e.get("Prefix"), e.get("Suffix"))
		if fault != "" {
			return x, fault, true
		}
		name.Name = "name"
		return is(test("clusterresource", []item.Entity{name}, state(item.Entity{Name: "owner", Datatype: item.Boolean, Value: "true"}))), "", true
	}
	return x, "", false
}

func genericQuery(e *element) (detect.Expr, string, bool) {
	var of []item.Entity
	for _, name := range []string{"Namespace", "Type", "Parameter"} {
		v, ok := e.attr(name)
		if !ok {
			return detect.Expr{}, "has no " + name, true
		}
		of = append(of, text(strings.ToLower(name), v))
	}
	value, compared := e.attr("Value")
	if !compared {
		return exists("genericquery", of...), "", true
	}
	op, ok := scalar(e, item.Equals)
	if !ok {
		return detect.Expr{}, "has no known Comparison", true
	}
	want := item.Entity{Name: "value", Operation: op, Value: value}
	switch {
	case numberPattern().MatchString(value):
		want.Datatype = item.Int
	case versionPattern().MatchString(value):
		want.Datatype = item.Version
	case op != item.Equals:
		return detect.Expr{}, "compares texts by order", true
	}
	return is(test("genericquery", of, state(want))), "", true
}

// What tests are made of.

func is(t item.Test) detect.Expr { return detect.Is(detect.Test{Kind: detect.TestItems, Items: &t}) }

// test asks whether one of the items that are as the entities say is in the state.
func test(class string, of []item.Entity, states ...*item.State) item.Test {
	t := item.Test{Class: class, Check: item.AtLeastOne, Object: &item.Object{Class: class, Entities: of}}
	for _, s := range states {
		s.Class = class
		t.States = append(t.States, s)
	}
	return t
}

func exists(class string, of ...item.Entity) detect.Expr { return is(test(class, of)) }

func state(of ...item.Entity) *item.State { return &item.State{Entities: of} }

func text(name, value string) item.Entity { return item.Entity{Name: name, Value: value} }

func whole(name string, op item.Operation, value string) item.Entity {
	return item.Entity{Name: name, Operation: op, Datatype: item.Int, Value: value}
}

// What values are made of.

var (
	numberPattern  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-?[0-9]{1,18}$`) })
	versionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{1,10}(\.[0-9]{1,10}){1,3}$`) })
	langPattern    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$`) })
	guidPattern    = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?$`)
	})
)

// scalar reads a ScalarComparison; def is meant where it is left out, none where def is negative.
func scalar(e *element, def item.Operation) (item.Operation, bool) {
	switch s, has := e.attr("Comparison"); s {
	case "LessThan":
		return item.LessThan, true
	case "LessThanOrEqualTo":
		return item.LessThanOrEqual, true
	case "EqualTo":
		return item.Equals, true
	case "GreaterThanOrEqualTo":
		return item.GreaterThanOrEqual, true
	case "GreaterThan":
		return item.GreaterThan, true
	default:
		return def, !has && def != none
	}
}

// none stands for an attribute that may not be left out.
const none item.Operation = 255

// integer reads an attribute that is a number.
func integer(e *element, name string) (value string, has, ok bool) {
	value, has = e.attr(name)
	if !has {
		return "", false, true
	}
	n, err := strconv.ParseInt(value, 10, 64)
	return strconv.FormatInt(n, 10), true, err == nil
}

// guid gives a product, patch or package code as the installer writes it: upper case, in braces.
func guid(s string) (string, bool) {
	if s = strings.TrimSpace(s); !guidPattern().MatchString(s) {
		return "", false
	}
	return "{" + strings.ToUpper(strings.Trim(s, "{}")) + "}", true
}
