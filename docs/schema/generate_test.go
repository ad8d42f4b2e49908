package schema_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/feed/oval"
	"github.com/fettle-project/fettle/internal/feed/sdp"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/standalone"
)

var update = flag.Bool("update", false, "rewrite the schemas from the types")

// closed are the types whose constants are all of their values.
var closed = []string{"PackageState", "Flag", "Status"}

func TestSchemasAreTheTypes(t *testing.T) {
	for _, s := range []struct {
		file, title string
		of          any
	}{
		{"facts.json", "Facts of one machine: what a detect judges", patch.Facts{}},
		{"detect.json", "The answer of a detect: one verdict for every patch of the catalog, with its evidence", standalone.Report{}},
		{"oval.json", "The answer of oval eval: one value for every definition of the documents, with its evidence", oval.Evaluation{}},
		{"sdp.json", "The answer of sdp eval: what every software package's rules say of one machine", sdp.Evaluation{}},
	} {
		want := newGenerator(t).document(s.file, s.title, s.of)
		if *update {
			if err := os.WriteFile(s.file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(s.file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s is not what the types say (run: go test ./docs/schema -update)\n%s", s.file, d)
		}
	}
}

// generator makes JSON Schema of Go types, with their comments as descriptions.
type generator struct {
	comments map[string]string   // "patch.Facts" or "patch.Facts.OS" → words
	values   map[string][]string // "PackageState" → its constants
	defs     map[string]any
}

func newGenerator(t *testing.T) *generator {
	t.Helper()
	g := &generator{comments: map[string]string{}, values: map[string][]string{}, defs: map[string]any{}}
	for _, dir := range []string{"../../internal/patch", "../../internal/standalone", "../../internal/feed/oval", "../../internal/feed/sdp"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, file := range files {
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range f.Decls {
				if d, ok := d.(*ast.GenDecl); ok {
					g.read(filepath.Base(dir), d)
				}
			}
		}
	}
	return g
}

func (g *generator) read(pkg string, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			g.comments[pkg+"."+spec.Name.Name] = words(d.Doc)
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					for _, n := range f.Names {
						g.comments[pkg+"."+spec.Name.Name+"."+n.Name] = strings.TrimSpace(words(f.Doc) + " " + words(f.Comment))
					}
				}
			}
		case *ast.ValueSpec:
			name, ok := spec.Type.(*ast.Ident)
			if d.Tok != token.CONST || !ok || len(spec.Values) != 1 {
				continue
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
				value, _ := strconv.Unquote(lit.Value)
				g.values[name.Name] = append(g.values[name.Name], value)
			}
		}
	}
}

func words(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

func (g *generator) document(file, title string, of any) []byte {
	root := g.object(reflect.TypeOf(of))
	root["$schema"], root["$id"], root["title"], root["$defs"] = "https://json-schema.org/draft/2020-12/schema",
		"urn:fettle:schema:"+strings.TrimSuffix(file, ".json"), title, g.defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func (g *generator) object(t reflect.Type) map[string]any {
	properties, required := map[string]any{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		optional := strings.Contains(options, "omit")
		p := g.of(f.Type, optional)
		if text := g.comments[commented(t)+"."+f.Name]; text != "" {
			if _, reference := p["$ref"]; reference {
				p = map[string]any{"allOf": []any{p}}
			}
			p["description"] = text
		}
		properties[name] = p
		if !optional {
			required = append(required, name)
		}
	}
	return map[string]any{"type": "object", "description": g.comments[commented(t)], "properties": properties, "required": required, "additionalProperties": false}
}

// commented is where a type's comments are kept: two packages may have types of one name.
func commented(t reflect.Type) string { return filepath.Base(t.PkgPath()) + "." + t.Name() }

// of gives the schema of a value; a slice that may be nil and is not left out then is null.
func (g *generator) of(t reflect.Type, optional bool) map[string]any {
	switch {
	case t == reflect.TypeFor[patch.Verdict]():
		return map[string]any{"enum": []string{"not-applicable", "not-patched", "patched", "error"}}
	case t.Kind() == reflect.Pointer:
		return g.of(t.Elem(), optional)
	case t.Kind() == reflect.Slice:
		kind := any([]string{"array", "null"})
		if optional {
			kind = "array"
		}
		return map[string]any{"type": kind, "items": g.of(t.Elem(), false)}
	case t.Kind() == reflect.Struct:
		if _, done := g.defs[t.Name()]; !done {
			g.defs[t.Name()] = nil // a type may hold itself
			g.defs[t.Name()] = g.object(t)
		}
		return map[string]any{"$ref": "#/$defs/" + t.Name()}
	case slices.Contains(closed, t.Name()):
		return map[string]any{"enum": g.values[t.Name()]}
	case t.Kind() == reflect.String:
		return map[string]any{"type": "string"}
	case t.Kind() == reflect.Bool:
		return map[string]any{"type": "boolean"}
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		return map[string]any{"type": "integer"}
	}
	panic("no schema for " + t.String())
}
