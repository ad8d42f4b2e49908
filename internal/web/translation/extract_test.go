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

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
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
	s.agents()
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
	if lit, ok := n.(*ast.CompositeLit); ok && !s.fault(info, lit, from) {
		return false
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

// call looks at Of, Count and Format, whose values must fit their texts, and at what makes errors.
func (s source) call(info *types.Info, call *ast.CallExpr, from string) bool {
	name := callee(info, call)
	if at, ok := formatted()[name]; ok {
		return s.format(info, call, at, name, from)
	}
	texts := map[string]int{"phrase.Of": 0, "phrase.Count": 1}
	first, ok := texts[name]
	if !ok {
		return true
	}
	one, ok := constantPhrase(info, call.Args[first])
	if !ok {
		s.t.Errorf("%s: the text of %s is not a constant, so translators cannot see it", from, name)
		return true
	}
	x, values := split(one), call.Args[first+1:]
	if name == "phrase.Count" {
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

// formatted are the functions that make a phrase of a format, with which of their arguments that is.
func formatted() map[string]int {
	return map[string]int{"phrase.Format": 0, "patch.Errorf": 1, "store.fault": 1, "store.missing": 1}
}

// format takes the text of a call that has a format.
func (s source) format(info *types.Info, call *ast.CallExpr, at int, name, from string) bool {
	if name == "patch.Errorf" && (!isMet(from) || internal(info, call.Args[0])) {
		return true
	}
	v := info.Types[call.Args[at]].Value
	switch {
	case v != nil && v.Kind() == constant.String:
		id, verbs := phrase.Places(constant.StringVal(v))
		if len(verbs) > 9 {
			s.t.Errorf("%s: %q has more than nine values", from, id)
		}
		s.add(split(id), from)
	case !call.Ellipsis.IsValid():
		s.t.Errorf("%s: the format of %s is not a constant, so translators cannot see it", from, name)
	}
	return true
}

// fault says whether an error is one that people meet in the console: only then are its texts taken.
func (s source) fault(info *types.Info, lit *ast.CompositeLit, from string) bool {
	if named, ok := info.Types[lit].Type.(*types.Named); !ok || named.Obj().Name() != "Error" || named.Obj().Pkg() == nil || !strings.HasSuffix(named.Obj().Pkg().Path(), "/internal/patch") {
		return true
	}
	return isMet(from) && !slices.ContainsFunc(lit.Elts, func(e ast.Expr) bool {
		field, ok := e.(*ast.KeyValueExpr)
		return ok && field.Key.(*ast.Ident).Name == "Kind" && internal(info, field.Value)
	})
}

// internal is the kind of errors of which people read no word.
func internal(info *types.Info, kind ast.Expr) bool {
	v := info.Types[kind].Value
	return v != nil && v.ExactString() == strconv.Itoa(int(patch.Internal))
}

// isMet says whether people meet errors of a file in the console, on its error pages or in what is stored.
func isMet(from string) bool {
	return !slices.Contains(betweenPrograms(), strings.TrimPrefix(from, "internal/")) && slices.ContainsFunc(met(), func(place string) bool { return strings.HasPrefix(from, place) })
}

// met are the folders and files whose errors people meet.
func met() []string {
	out := []string{"cmd/fettle/feedkinds.go", "cmd/fettle/offers.go", "cmd/fettle/sync.go", "cmd/fettle/changes.go", "internal/installer/shelf.go"}
	for _, name := range strings.Fields("approval auth calendar catalog content debian deploy expr feed gate label ledger lint mirror notify patch payload plan prediction ring schedule store updater web whatif workbook world") {
		out = append(out, "internal/"+name+"/")
	}
	return out
}

// betweenPrograms are files whose errors only agents, the command line and its files meet.
func betweenPrograms() []string {
	return strings.Fields(`auth/ca.go auth/keys.go auth/machine.go auth/tls.go auth/token.go patch/machine.go catalog/bundle.go catalog/column.go catalog/delta.go
		store/copy.go store/postgres.go store/snapshots.go store/orders.go store/results.go store/blobs.go store/values.go deploy/results.go deploy/order.go ledger/accept.go`)
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
	if o, ok := info.Uses[id].(*types.Func); ok && o.Pkg() != nil && o.Signature().Recv() == nil {
		return o.Pkg().Name() + "." + o.Name()
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
