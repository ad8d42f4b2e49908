package schema_test

import (
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strings"
)

// closed are the types whose constants are all of their values.
var closed = []string{"PackageState", "Flag", "Status"}

func sortPositions(at []token.Pos) { slices.Sort(at) }

// shaper makes JSON Schema of Go types as encoding/json writes them, with their comments as descriptions.
type shaper struct {
	source *source
	prefix string // of references: "#/$defs/"
	// verdicts are those that the document can hold: a detect never answers unknown, a ledger does.
	verdicts []string
	defs     map[string]any
	names    map[string]types.Type // whose each definition is
}

func newShaper(s *source, prefix string) *shaper {
	return &shaper{source: s, prefix: prefix, verdicts: []string{"not-applicable", "not-patched", "patched", "error"}, defs: map[string]any{}, names: map[string]types.Type{}}
}

// object is the schema of a struct. What others send must name every field that is not optional, and no other.
func (g *shaper) object(of types.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	g.fields(of, properties, &required)
	out := map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	if text := g.source.comments[commented(of)]; text != "" {
		out["description"] = text
	}
	return out
}

func (g *shaper) fields(of types.Type, properties map[string]any, required *[]string) {
	s := of.Underlying().(*types.Struct)
	for i := range s.NumFields() {
		f := s.Field(i)
		name, options, _ := strings.Cut(reflect.StructTag(s.Tag(i)).Get("json"), ",")
		inner := f.Type()
		if p, ok := inner.(*types.Pointer); ok {
			inner = p.Elem()
		}
		if _, embeds := inner.Underlying().(*types.Struct); f.Embedded() && name == "" && embeds && !textual(inner) {
			g.fields(inner, properties, required)
			continue
		}
		if name == "-" || !f.Exported() {
			continue
		}
		if name == "" {
			name = f.Name()
		}
		optional := strings.Contains(options, "omit")
		p := g.of(f.Type(), optional)
		if text := g.source.comments[commented(of)+"."+f.Name()]; text != "" {
			if _, reference := p["$ref"]; reference {
				p = map[string]any{"allOf": []any{p}}
			}
			p["description"] = text
		}
		properties[name] = p
		if !optional && !slices.Contains(*required, name) {
			*required = append(*required, name)
		}
	}
}

// commented is under which name a type's comments are kept.
func commented(t types.Type) string {
	if n, ok := t.(*types.Named); ok && n.Obj().Pkg() != nil {
		return n.Obj().Pkg().Name() + "." + n.Obj().Name()
	}
	return ""
}

// of gives the schema of a value; a slice or map that may be nil and is not left out then is null.
func (g *shaper) of(t types.Type, optional bool) map[string]any {
	t = types.Unalias(t)
	named, _ := t.(*types.Named)
	switch name := commented(t); {
	case name == "patch.Verdict":
		return map[string]any{"enum": g.verdicts}
	case name == "time.Time":
		return map[string]any{"type": "string", "format": "date-time"}
	case name == "json.RawMessage":
		return map[string]any{}
	case name == "time.Duration":
		return map[string]any{"type": "integer", "description": "nanoseconds"}
	case named != nil && textual(t):
		return map[string]any{"type": "string"}
	case named != nil && slices.Contains(closed, named.Obj().Name()) && len(constants(named)) > 0:
		return map[string]any{"enum": constants(named)}
	}
	switch u := t.Underlying().(type) {
	case *types.Pointer:
		return g.of(u.Elem(), optional)
	case *types.Slice:
		if b, ok := u.Elem().Underlying().(*types.Basic); ok && b.Kind() == types.Byte {
			return map[string]any{"type": nullable("string", optional), "contentEncoding": "base64"}
		}
		return map[string]any{"type": nullable("array", optional), "items": g.of(u.Elem(), false)}
	case *types.Array:
		return map[string]any{"type": "array", "items": g.of(u.Elem(), false), "minItems": u.Len(), "maxItems": u.Len()}
	case *types.Map:
		return map[string]any{"type": nullable("object", optional), "additionalProperties": g.of(u.Elem(), false)}
	case *types.Struct:
		if named == nil {
			return g.object(t)
		}
		return map[string]any{"$ref": g.prefix + g.define(named)}
	case *types.Interface:
		return map[string]any{}
	case *types.Basic:
		switch info := u.Info(); {
		case info&types.IsString != 0:
			return map[string]any{"type": "string"}
		case info&types.IsBoolean != 0:
			return map[string]any{"type": "boolean"}
		case info&types.IsInteger != 0:
			return map[string]any{"type": "integer"}
		case info&types.IsFloat != 0:
			return map[string]any{"type": "number"}
		}
	}
	panic("no schema for " + t.String())
}

func nullable(kind string, optional bool) any {
	if optional {
		return kind
	}
	return []string{kind, "null"}
}

// define keeps a struct's schema under its name: List[patch.Machine] is ListOfMachine. Two packages may have types of one name.
func (g *shaper) define(t *types.Named) string {
	name := t.Obj().Name()
	for i := range t.TypeArgs().Len() {
		of := t.TypeArgs().At(i)
		if p, ok := of.(*types.Pointer); ok {
			of = p.Elem()
		}
		if arg, ok := of.(*types.Named); ok {
			name += "Of" + arg.Obj().Name()
		} else {
			name += "Of" + sentence(of.String())
		}
	}
	if other, taken := g.names[name]; taken && !types.Identical(other, t) {
		pkg := t.Obj().Pkg().Name()
		name = strings.ToUpper(pkg[:1]) + pkg[1:] + name
	}
	if _, done := g.names[name]; !done {
		g.names[name] = t // a type may hold itself
		g.defs[name] = g.object(t)
	}
	return name
}

// textual tells whether a type writes itself as text.
func textual(t types.Type) bool {
	for _, of := range []types.Type{t, types.NewPointer(t)} {
		if m, _, _ := types.LookupFieldOrMethod(of, true, nil, "MarshalText"); m != nil {
			if _, method := m.(*types.Func); method {
				return true
			}
		}
	}
	return false
}
