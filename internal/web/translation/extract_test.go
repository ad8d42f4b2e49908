package translation_test

import (
	"go/ast"
	"go/constant"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/tools/go/packages"

	"github.com/fettle-project/fettle/internal/web/translation"
)

const phrasePackage = "github.com/fettle-project/fettle/internal/phrase"

// source is every text of the console, by its key, with where it stands.
type source struct {
	t     *testing.T
	texts map[string]*entry
}

type entry struct {
	translation.Text
	from []string
}

func extracted(t *testing.T) map[string]*entry {
	s := source{t, map[string]*entry{}}
	for name, raw := range templates(t) {
		list, err := translation.Texts(raw)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, one := range list {
			s.add(one, "internal/web/templates/"+name)
		}
	}
	s.program()
	return s.texts
}

func templates(t *testing.T) map[string]string {
	out := map[string]string{}
	dir := os.DirFS("../templates")
	err := fs.WalkDir(dir, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".html" {
			return err
		}
		raw, err := fs.ReadFile(dir, name)
		out[name] = string(raw)
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatal(err)
	}
	return out
}

func (s source) add(x translation.Text, from string) {
	if x.Context == "" && wordless(x.ID+x.Many) {
		return
	}
	e, ok := s.texts[x.Key()]
	if !ok {
		e = &entry{Text: x}
		s.texts[x.Key()] = e
	}
	switch {
	case x.Many == "":
	case e.Many == "":
		e.Many = x.Many
	case e.Many != x.Many:
		s.t.Errorf("%q is %q for many in %s, and %q in %s: say it in one way, or give one a context", x.ID, e.Many, e.from, x.Many, from)
	}
	if !slices.Contains(e.from, from) {
		e.from = append(e.from, from)
		slices.Sort(e.from)
	}
	for _, n := range x.Notes {
		if !slices.Contains(e.Notes, n) {
			e.Notes = append(e.Notes, n)
			slices.Sort(e.Notes)
		}
	}
}

// program finds the texts in Go: every constant of type Phrase.
func (s source) program() {
	all, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedImports, Dir: "../../.."}, "./internal/...", "./cmd/...")
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, p := range all {
		if _, ok := p.Imports[phrasePackage]; ok || p.PkgPath == phrasePackage {
			names = append(names, p.PkgPath)
		}
	}
	all, err = packages.Load(&packages.Config{Dir: "../../..",
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedImports}, names...)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range all {
		if len(p.Errors) > 0 {
			s.t.Fatal(p.Errors)
		}
		for _, f := range p.Syntax {
			name := p.Fset.Position(f.Pos()).Filename
			from := filepath.ToSlash(filepath.Join(strings.TrimPrefix(p.PkgPath, "github.com/fettle-project/fettle/"), filepath.Base(name)))
			ast.Inspect(f, func(n ast.Node) bool { return s.node(p.TypesInfo, n, from) })
		}
	}
}

func (s source) node(info *types.Info, n ast.Node, from string) bool {
	e, ok := n.(ast.Expr)
	if !ok {
		return true
	}
	if call, ok := n.(*ast.CallExpr); ok {
		return s.call(info, call, from)
	}
	if lit, ok := n.(*ast.CompositeLit); ok {
		s.fault(info, lit, from)
	}
	text, ok := constantPhrase(info, e)
	if !ok {
		if sum, isSum := n.(*ast.BinaryExpr); isSum && isPhrase(info.Types[e].Type) && info.Types[e].Value == nil && !strings.HasPrefix(from, "internal/phrase/") {
			s.t.Errorf("%s: phrases are put together with %s: say it as one text with places, by phrase.Of", from, sum.Op)
		}
		return true
	}
	if _, isName := n.(*ast.Ident); !isName {
		s.add(split(text), from)
	}
	return false
}

// call looks at Of and Count, whose values must fit their texts.
func (s source) call(info *types.Info, call *ast.CallExpr, from string) bool {
	name := callee(info, call)
	texts := map[string]int{"Of": 0, "Count": 1}
	first, ok := texts[name]
	if !ok {
		return true
	}
	one, ok := constantPhrase(info, call.Args[first])
	if !ok {
		s.t.Errorf("%s: the text of phrase.%s is not a constant, so translators cannot see it", from, name)
		return true
	}
	x, values := split(one), call.Args[first+1:]
	if name == "Count" {
		many, ok := constantPhrase(info, call.Args[2])
		if !ok {
			s.t.Errorf("%s: the text for many in phrase.Count is not a constant", from)
		}
		x.Many, values = many, call.Args[3:]
	}
	if most := highest(x.ID + x.Many); most != len(values) && !call.Ellipsis.IsValid() {
		s.t.Errorf("%s: %q has places up to {%d} and %d values", from, x.ID, most, len(values))
	}
	s.add(x, from)
	for _, v := range values {
		if t := types.Default(info.Types[v].Type).String(); !slices.Contains(sayable(), t) && !call.Ellipsis.IsValid() {
			s.t.Errorf("%s: a value of %q is a %s, which a phrase cannot say: make it one of %v", from, x.ID, t, sayable())
		}
		ast.Inspect(v, func(n ast.Node) bool { return s.node(info, n, from) })
	}
	return false
}

// fault takes the constant texts of an error that the console shows: its pages say them in the reader's language where the catalogue has them.
func (s source) fault(info *types.Info, lit *ast.CompositeLit, from string) {
	if named, ok := info.Types[lit].Type.(*types.Named); !ok || named.Obj().Name() != "Error" || named.Obj().Pkg() == nil || !strings.HasSuffix(named.Obj().Pkg().Path(), "/internal/patch") ||
		!slices.ContainsFunc(met(), func(dir string) bool { return strings.HasPrefix(from, "internal/"+dir+"/") }) {
		return
	}
	for _, e := range lit.Elts {
		field, ok := e.(*ast.KeyValueExpr)
		if !ok || !slices.Contains([]string{"What", "Why", "Do"}, field.Key.(*ast.Ident).Name) {
			continue
		}
		if v := info.Types[field.Value].Value; v != nil && v.Kind() == constant.String && constant.StringVal(v) != "" {
			s.add(split(constant.StringVal(v)), from)
		}
	}
}

// met are the packages whose errors people meet in the console.
func met() []string {
	return []string{"web", "approval", "auth", "calendar", "label", "plan", "ring"}
}

// sayable are the types that the values of a phrase may have.
func sayable() []string {
	return []string{"string", "int", "time.Duration", phrasePackage + ".Phrase", phrasePackage + ".Moment", phrasePackage + ".Size"}
}

func callee(info *types.Info, call *ast.CallExpr) string {
	f := call.Fun
	if sel, ok := f.(*ast.SelectorExpr); ok {
		f = sel.Sel
	}
	id, ok := f.(*ast.Ident)
	if !ok {
		return ""
	}
	if o, ok := info.Uses[id].(*types.Func); ok && o.Pkg() != nil && o.Pkg().Path() == phrasePackage && o.Signature().Recv() == nil {
		return o.Name()
	}
	return ""
}

func constantPhrase(info *types.Info, e ast.Expr) (string, bool) {
	tv := info.Types[e]
	if !isPhrase(tv.Type) || tv.Value == nil || tv.Value.Kind() != constant.String {
		return "", false
	}
	s := constant.StringVal(tv.Value)
	return s, true
}

func isPhrase(t types.Type) bool {
	named, ok := t.(*types.Named)
	return ok && named.Obj().Name() == "Phrase" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == phrasePackage
}

// wordless texts need no translator: they only put values beside each other.
func wordless(s string) bool {
	bare := strings.NewReplacer("{n}", "").Replace(s)
	return s == "" || s[0] < ' ' || !strings.Contains(s, "\x04") && strings.IndexFunc(bare, unicode.IsLetter) < 0
}

func split(text string) translation.Text {
	if context, id, ok := strings.Cut(text, "\x04"); ok {
		return translation.Text{Context: context, ID: id}
	}
	return translation.Text{ID: text}
}

func highest(s string) int {
	for k := 9; k > 0; k-- {
		if strings.Contains(s, "{"+strconv.Itoa(k)+"}") {
			return k
		}
	}
	return 0
}
