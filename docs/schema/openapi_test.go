package schema_test

import (
	"go/ast"
	"go/constant"
	"go/types"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/tools/go/packages"
)

// description makes the OpenAPI document of the people's API from its source: the route table says what there is, and each handler's code
// which parameters it reads, what it decodes, and the types of what it gives.
type description struct {
	t      *testing.T
	source *source
	api    *packages.Package
	decls  map[types.Object]*ast.FuncDecl
	shapes *shaper
}

// operation is what the code behind one row of the route table says.
type operation struct {
	takes   types.Type
	gives   map[int][]types.Type // by status; none: no body
	queries map[string]string    // parameter → JSON type
	lists   map[string]bool      // parameters that may be repeated
	writes  bool                 // the handler writes something that is no JSON
	seen    map[*ast.FuncDecl]bool
}

func newDescription(t *testing.T, s *source) *description {
	d := &description{t: t, source: s, api: s.find(t, "api"), decls: map[types.Object]*ast.FuncDecl{}, shapes: newShaper(s, "#/components/schemas/")}
	d.shapes.verdicts = append(d.shapes.verdicts, "unknown")
	for _, file := range d.api.Syntax {
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				d.decls[d.api.TypesInfo.Defs[f.Name]] = f
			}
		}
	}
	return d
}

func (d *description) document() map[string]any {
	fault := d.shapes.of(d.source.typeNamed(d.t, "wire", "Fault"), false)
	paths := map[string]any{}
	for _, row := range d.rows() {
		method, path, _ := strings.Cut(row.pattern, " ")
		at, ok := paths[path].(map[string]any)
		if !ok {
			at = map[string]any{}
			paths[path] = at
		}
		at[strings.ToLower(method)] = d.operation(row, path)
	}
	return map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{"title": "Fettle", "version": "1",
			"description": "What people and their programs ask of the appliance. Sign in with POST /api/v1/login, and send the token as a bearer. docs/api.md tells the customs that all paths share."},
		"servers": []any{map[string]any{"url": "/"}},
		"paths":   paths,
		"components": map[string]any{
			"schemas": d.shapes.defs,
			"responses": map[string]any{"Fault": map[string]any{"description": "what happened, why, and what to do next",
				"content": map[string]any{"application/json": map[string]any{"schema": fault}}}},
			"securitySchemes": map[string]any{"session": map[string]any{"type": "http", "scheme": "bearer"}},
		},
	}
}

// row is one literal of the route table.
type row struct {
	pattern, permission, audit string
	handle                     ast.Expr
}

// rows reads the table out of people.routes.
func (d *description) rows() (out []row) {
	for object, decl := range d.decls {
		if object.Name() != "routes" || receiver(decl) != "people" {
			continue
		}
		ast.Inspect(decl.Body, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok || len(lit.Elts) == 0 {
				return true
			}
			var r row
			for _, e := range lit.Elts {
				field, ok := e.(*ast.KeyValueExpr)
				if !ok {
					return true
				}
				switch field.Key.(*ast.Ident).Name {
				case "Pattern":
					r.pattern, _ = d.text(field.Value)
				case "Permission":
					r.permission, _ = d.text(field.Value)
				case "Audit":
					r.audit, _ = d.text(field.Value)
				case "Handle":
					r.handle = field.Value
				}
			}
			if r.pattern != "" {
				out = append(out, r)
			}
			return false
		})
	}
	if len(out) < 50 {
		d.t.Fatalf("the route table was not found: %d rows", len(out))
	}
	return out
}

// text is the value of a constant string.
func (d *description) text(e ast.Expr) (string, bool) {
	if v := d.api.TypesInfo.Types[e].Value; v != nil && v.Kind() == constant.String {
		return constant.StringVal(v), true
	}
	return "", false
}

func (d *description) operation(r row, path string) map[string]any {
	decl := d.callee(r.handle)
	if decl == nil {
		d.t.Fatalf("%s: its handler was not found", r.pattern)
	}
	op := &operation{gives: map[int][]types.Type{}, queries: map[string]string{}, lists: map[string]bool{}, seen: map[*ast.FuncDecl]bool{}}
	d.read(decl, op, true)
	if len(op.gives) == 0 && !op.writes {
		d.t.Errorf("%s: cannot tell what %s answers: no return statement has a type", r.pattern, decl.Name.Name)
	}
	out := map[string]any{"operationId": decl.Name.Name, "tags": []string{tag(path)}, "responses": d.responses(op)}
	d.name(out, r, decl)
	if parameters := append(inPath(path), inQuery(op)...); len(parameters) > 0 {
		out["parameters"] = parameters
	}
	if op.takes != nil {
		out["requestBody"] = map[string]any{"required": true, "content": d.json(op.takes)}
	}
	if r.permission == "public" {
		out["security"] = []any{}
	} else {
		out["security"] = []any{map[string]any{"session": []any{}}}
		out["x-permission"] = r.permission
	}
	if r.audit != "" && r.audit != "-" {
		out["x-audit"] = r.audit
	}
	return out
}

// name gives an operation its words: the handler's comment, or its name where that says all. Two rows of one handler differ by their path.
func (d *description) name(out map[string]any, r row, decl *ast.FuncDecl) {
	said := strings.TrimPrefix(d.source.comments["api.people."+decl.Name.Name], decl.Name.Name+" ")
	out["summary"] = spelled(decl.Name.Name)
	if said != "" {
		out["description"] = sentence(said)
	}
	if _, maker := r.handle.(*ast.CallExpr); maker {
		last := r.pattern[strings.LastIndexByte(r.pattern, '/')+1:]
		out["operationId"], out["summary"] = last, sentence(last)
	}
}

func (d *description) responses(op *operation) map[string]any {
	responses := map[string]any{"default": map[string]any{"$ref": "#/components/responses/Fault"}}
	if len(op.gives[http.StatusOK]) > 0 {
		delete(op.gives, http.StatusNoContent) // what it returned with nil was an error
	}
	for _, status := range slices.Sorted(maps.Keys(op.gives)) {
		answer := map[string]any{"description": http.StatusText(status)}
		if len(op.gives[status]) > 0 {
			answer["content"] = d.json(op.gives[status]...)
		}
		responses[strconv.Itoa(status)] = answer
	}
	if op.writes {
		responses["200"] = map[string]any{"description": "a file", "content": map[string]any{"*/*": map[string]any{}}}
	}
	return responses
}

func (d *description) json(of ...types.Type) map[string]any {
	var schemas []any
	for _, t := range of {
		schemas = append(schemas, d.shapes.of(t, true))
	}
	schema := schemas[0]
	if len(schemas) > 1 {
		schema = map[string]any{"anyOf": schemas}
	}
	return map[string]any{"application/json": map[string]any{"schema": schema}}
}

// callee finds the function of this package that an expression names or calls.
func (d *description) callee(e ast.Expr) *ast.FuncDecl {
	switch e := e.(type) {
	case *ast.CallExpr:
		return d.callee(e.Fun)
	case *ast.IndexExpr:
		return d.callee(e.X)
	case *ast.SelectorExpr:
		return d.decls[d.api.TypesInfo.Uses[e.Sel]]
	case *ast.Ident:
		return d.decls[d.api.TypesInfo.Uses[e]]
	}
	return nil
}

// read follows a handler's code. Only the handler itself answers; what it calls with the request may read more of that.
func (d *description) read(decl *ast.FuncDecl, op *operation, answers bool) {
	if op.seen[decl] {
		return
	}
	op.seen[decl] = true
	ast.Inspect(decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ReturnStmt:
			if answers && len(n.Results) > 0 {
				d.answer(n.Results, op)
			}
		case *ast.CallExpr:
			d.called(n, op)
		}
		return true
	})
}

func (d *description) answer(results []ast.Expr, op *operation) {
	first := results[0]
	t := d.api.TypesInfo.TypeOf(first)
	if tuple, ok := t.(*types.Tuple); ok {
		t = tuple.At(0).Type()
	}
	switch said := strings.TrimPrefix(t.String(), module+"internal/api."); {
	case said == "untyped nil":
		if last, ok := results[len(results)-1].(*ast.Ident); len(results) == 2 && ok && last.Name == "nil" || len(results) == 2 && d.mayBeNil(results[1]) {
			op.gives[http.StatusNoContent] = nil
		}
	case said == "written":
		op.writes = true
	case said == "outcome":
		d.outcome(first, op)
	case types.IsInterface(t):
		if next := d.callee(first); next != nil {
			d.read(next, op, true)
		}
	default:
		if _, function := t.Underlying().(*types.Signature); !function {
			op.give(http.StatusOK, t)
		}
	}
}

func (op *operation) give(status int, t types.Type) {
	if !slices.ContainsFunc(op.gives[status], func(known types.Type) bool { return types.Identical(known, t) }) {
		op.gives[status] = append(op.gives[status], t)
	}
}

// mayBeNil tells an error that is the result of doing something ("return nil, s.Store.Remove(…)") from one that was made on the spot.
func (d *description) mayBeNil(e ast.Expr) bool {
	call, ok := e.(*ast.CallExpr)
	if !ok {
		return false
	}
	f := types.ExprString(call.Fun)
	return !strings.HasPrefix(f, "patch.") && !strings.HasPrefix(f, "fmt.") && !strings.HasPrefix(f, "errors.")
}

func (d *description) outcome(e ast.Expr, op *operation) {
	lit, ok := e.(*ast.CompositeLit)
	if !ok || len(lit.Elts) != 2 {
		return
	}
	if status, exact := constant.Int64Val(d.api.TypesInfo.Types[lit.Elts[0]].Value); exact {
		op.give(int(status), d.api.TypesInfo.TypeOf(lit.Elts[1]))
	}
}

// called looks at one call: a parameter that is read, a body that is decoded, or a function that gets the request too.
func (d *description) called(c *ast.CallExpr, op *operation) {
	kinds := map[string]string{"text": "string", "flag": "boolean", "number": "integer", "moment": "date-time", "list": "string"}
	decl := d.callee(c.Fun)
	if decl == nil {
		return
	}
	name := decl.Name.Name
	if kind, ok := kinds[name]; ok {
		if parameter, ok := d.parameter(c); ok {
			if _, known := op.queries[parameter]; !known || kind != "string" {
				op.queries[parameter] = kind
			}
			op.lists[parameter] = op.lists[parameter] || name == "list"
			return
		}
	}
	if name == "decode" {
		if index, ok := c.Fun.(*ast.IndexExpr); ok {
			op.takes = d.api.TypesInfo.TypeOf(index.Index)
		}
		return
	}
	if d.getsRequest(c, decl) {
		d.read(decl, op, false)
	}
}

func (d *description) parameter(c *ast.CallExpr) (string, bool) {
	for _, arg := range c.Args {
		if name, ok := d.text(arg); ok {
			return name, true
		}
	}
	return "", false
}

func (d *description) getsRequest(c *ast.CallExpr, decl *ast.FuncDecl) bool {
	if decl.Recv != nil && receiver(decl) == "call" {
		return true
	}
	return slices.ContainsFunc(c.Args, func(a ast.Expr) bool {
		return strings.HasSuffix(d.api.TypesInfo.TypeOf(a).String(), "internal/api.call")
	})
}

var placeholder = regexp.MustCompile(`\{([a-z]+)\}`)

func inPath(path string) (out []any) {
	for _, m := range placeholder.FindAllStringSubmatch(path, -1) {
		out = append(out, map[string]any{"name": m[1], "in": "path", "required": true, "schema": map[string]any{"type": "string"}})
	}
	return out
}

func inQuery(op *operation) (out []any) {
	for _, name := range slices.Sorted(maps.Keys(op.queries)) {
		schema := map[string]any{"type": op.queries[name]}
		if op.queries[name] == "date-time" {
			schema = map[string]any{"type": "string", "format": "date-time"}
		}
		if op.lists[name] {
			schema = map[string]any{"type": "array", "items": schema}
		}
		out = append(out, map[string]any{"name": name, "in": "query", "schema": schema})
	}
	return out
}

// tag groups paths by what they are about: "/api/v1/machines/{machine}/rows" is about machines.
func tag(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/api/v1"), "/")
	return parts[1]
}

// spelled makes words of a name: "listAlarms" is "List alarms".
func spelled(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return sentence(b.String())
}

func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
