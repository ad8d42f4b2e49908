package expr

import (
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Part is a piece of a condition with what it came to for one thing: the whole, the sides of its && and ||, and what these consist of.
type Part struct {
	Text string `json:"text"` // the piece in CEL's own spelling
	// Join says how Parts make up this piece: "and", "or", "not"; empty where it is not taken apart further.
	Join  string        `json:"join,omitempty"`
	Holds bool          `json:"holds"`
	Fault phrase.Phrase `json:"fault,omitempty"` // why it could not be judged; Holds is false then
	Seen  []Seen        `json:"seen,omitempty"`  // what the thing had, for pieces that are not taken apart
	Parts []Part        `json:"parts,omitempty"`
}

// Seen is one field that a piece looked at, and its value.
type Seen struct {
	Name  string `json:"name"`  // "machine.name"
	Value string `json:"value"` // as CEL writes it: "\"web-1\"", "4096", "[\"10.0.0.1\"]"
}

// maxSeen bounds a value's text in bytes.
const maxSeen = 300

// Anatomy is a condition that tells for one thing which of its pieces hold. It is slower than a Condition: no piece is left out.
type Anatomy struct {
	program cel.Program
	ast     *ast.AST
	reads   map[string]bool
}

// Dissect compiles an expression like Compile, to be looked into.
func (l Language) Dissect(text string) (*Anatomy, error) {
	env, checked, err := l.check(text)
	if err != nil {
		return nil, err
	}
	a := &Anatomy{ast: checked.NativeRep(), reads: readsOf(checked)}
	if a.program, err = env.Program(checked, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptExhaustiveEval)); err != nil {
		return nil, l.refuse(patch.Said(err))
	}
	return a, nil
}

// Reads reports whether the expression uses a variable.
func (a *Anatomy) Reads(variable string) bool { return a.reads[variable] }

// Of judges every piece for one thing.
func (a *Anatomy) Of(t *Thing) (Part, error) {
	out, details, err := a.program.Eval(t.values())
	if details == nil {
		return Part{}, patch.Errorf(patch.Internal, "cannot look into an expression: %w", err)
	}
	p := a.part(a.ast.Expr(), details.State())
	if err != nil { // the whole failed, which its pieces may not show: a limit was reached
		p.Holds, p.Fault = false, plainly(err.Error())
	} else if yes, ok := out.Value().(bool); ok {
		p.Holds, p.Fault = yes, ""
	}
	return p, nil
}

func (a *Anatomy) part(e ast.Expr, state interpreter.EvalState) Part {
	text, err := cel.ExprToString(e, a.ast.SourceInfo())
	if err != nil {
		text = "…"
	}
	p := Part{Text: text}
	p.Holds, p.Fault = held(state, e.ID())
	join := map[string]string{operators.LogicalAnd: "and", operators.LogicalOr: "or", operators.LogicalNot: "not"}
	if e.Kind() == ast.CallKind {
		p.Join = join[e.AsCall().FunctionName()]
	}
	if p.Join == "" {
		p.Seen = a.seen(e, state, nil)
		return p
	}
	for _, side := range flat(e, e.AsCall().FunctionName()) {
		p.Parts = append(p.Parts, a.part(side, state))
	}
	return p
}

// flat lists the sides of a && b && c, however it is nested.
func flat(e ast.Expr, function string) []ast.Expr {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != function {
		return []ast.Expr{e}
	}
	if function == operators.LogicalNot {
		return e.AsCall().Args()
	}
	var out []ast.Expr
	for _, side := range e.AsCall().Args() {
		out = append(out, flat(side, function)...)
	}
	return out
}

func held(state interpreter.EvalState, id int64) (bool, phrase.Phrase) {
	v, ok := state.Value(id)
	if !ok {
		return false, "it was not reached"
	}
	if types.IsError(v) {
		return false, plainly(fmt.Sprint(v))
	}
	yes, ok := v.Value().(bool)
	if !ok {
		return false, phrase.Of("it gives no yes or no, but: {1}", fmt.Sprint(v.Value()))
	}
	return yes, ""
}

// seen collects the fields under an expression that it read, in the order in which they are written. What a loop looked at per element is
// left out: the list that it went over is there.
func (a *Anatomy) seen(e ast.Expr, state interpreter.EvalState, found []Seen) []Seen {
	switch e.Kind() {
	case ast.SelectKind:
		if name, ok := path(e); ok {
			if v, known := state.Value(e.ID()); known && !slices.ContainsFunc(found, func(s Seen) bool { return s.Name == name }) {
				found = append(found, Seen{name, written(v)})
			}
			return found
		}
		return a.seen(e.AsSelect().Operand(), state, found)
	case ast.CallKind:
		if c := e.AsCall(); c.IsMemberFunction() {
			found = a.seen(c.Target(), state, found)
		}
		for _, arg := range e.AsCall().Args() {
			found = a.seen(arg, state, found)
		}
	case ast.ComprehensionKind:
		found = a.seen(e.AsComprehension().IterRange(), state, found)
	case ast.ListKind:
		for _, x := range e.AsList().Elements() {
			found = a.seen(x, state, found)
		}
	}
	return found
}

// path writes machine.name for a selection from a variable.
func path(e ast.Expr) (string, bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent(), true
	case ast.SelectKind:
		head, ok := path(e.AsSelect().Operand())
		return head + "." + e.AsSelect().FieldName(), ok
	}
	return "", false
}

// written shows a value within a limit.
func written(v ref.Val) string {
	text := types.Format(v)
	if len(text) > maxSeen {
		text = strings.ToValidUTF8(text[:maxSeen], "") + "…"
	}
	return text
}
