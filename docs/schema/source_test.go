package schema_test

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// source is what the program's own source says: types, and the comments above them.
type source struct {
	packages map[string]*packages.Package // by path
	comments map[string]string            // "patch.Facts", "patch.Facts.OS", "api.people.listLabels" → words
}

const module = "github.com/fettle-project/fettle/"

func load(t *testing.T) *source {
	t.Helper()
	all, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports}, module+"internal/...")
	if err != nil {
		t.Fatal(err)
	}
	s := &source{packages: map[string]*packages.Package{}, comments: map[string]string{}}
	for _, p := range all {
		if len(p.Errors) > 0 {
			t.Fatal(p.Errors)
		}
		s.packages[p.PkgPath] = p
		for _, file := range p.Syntax {
			for _, d := range file.Decls {
				s.read(p.Name, d)
			}
		}
	}
	return s
}

func (s *source) read(pkg string, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			s.comments[pkg+"."+receiver(d)+"."+d.Name.Name] = words(d.Doc)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			spec, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			s.comments[pkg+"."+spec.Name.Name] = words(d.Doc)
			if of, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range of.Fields.List {
					for _, n := range f.Names {
						s.comments[pkg+"."+spec.Name.Name+"."+n.Name] = strings.TrimSpace(words(f.Doc) + " " + words(f.Comment))
					}
				}
			}
		}
	}
}

func receiver(d *ast.FuncDecl) string {
	t := d.Recv.List[0].Type
	if star, ok := t.(*ast.StarExpr); ok {
		t = star.X
	}
	if name, ok := t.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}

func words(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// find gives the package below internal/ with this path.
func (s *source) find(t *testing.T, path string) *packages.Package {
	t.Helper()
	p := s.packages[module+"internal/"+path]
	if p == nil {
		t.Fatalf("there is no package %s", path)
	}
	return p
}

// typeNamed gives the type "Facts" of the package "patch".
func (s *source) typeNamed(t *testing.T, path, name string) types.Type {
	t.Helper()
	found := s.find(t, path).Types.Scope().Lookup(name)
	if found == nil {
		t.Fatalf("there is no type %s in %s", name, path)
	}
	return found.Type()
}

// constants are the values of a string type's constants, in the order of the source.
func constants(of *types.Named) (values []string) {
	scope := of.Obj().Pkg().Scope()
	at := map[token.Pos]string{}
	var order []token.Pos
	for _, name := range scope.Names() {
		if c, ok := scope.Lookup(name).(*types.Const); ok && types.Identical(c.Type(), of) && c.Val().Kind() == constant.String {
			at[c.Pos()] = constant.StringVal(c.Val())
			order = append(order, c.Pos())
		}
	}
	sortPositions(order)
	for _, p := range order {
		values = append(values, at[p])
	}
	return values
}
