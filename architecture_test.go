package fettle_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/fettle-project/fettle/"

// layers lists the packages from the ground up. A package may import those of lower rows only, except where allowed says more:
// so dependencies point downwards and stages never import each other.
var layers = [][]string{
	{"internal/phrase"},
	{"internal/patch", "internal/lab", "docs/schema"},
	{"internal/version", "internal/schedule", "internal/expr", "internal/workbook", "internal/program"},
	{"internal/capability"},
	{"internal/wire", "internal/debian", "internal/rpmdb", "internal/apk", "internal/macos", "internal/pe", "internal/candidate", "internal/gate", "internal/content", "internal/mirror", "internal/item", "internal/fleet", "internal/criterion"},
	{"internal/detect", "internal/probe", "internal/debian/debtest", "internal/apk/apktest"},
	{"internal/world", "internal/advisory"},
	{"internal/feed", "internal/catalog", "internal/label", "internal/approval", "internal/whatif", "internal/plan", "internal/deploy", "internal/ring", "internal/ledger", "internal/updater",
		"internal/calendar", "internal/lint", "internal/payload", "internal/prediction", "internal/auth", "internal/notify", "internal/installer", "internal/backup", "internal/agent/host"},
	{"internal/feed/apt", "internal/feed/rpm", "internal/feed/osv", "internal/feed/oval", "internal/feed/apk", "internal/feed/advisory",
		"internal/feed/sdp", "internal/feed/apps", "internal/feed/msrc", "internal/feed/sofa", "internal/feed/kev", "internal/store", "internal/web/translation"},
	{"internal/agent", "internal/api", "internal/web", "internal/standalone", "internal/bundle"},
	{"internal/simulate"},
	{"cmd/fettle", "cmd/fettle-front", "cmd/fettle-agent", "demo", "bench", "sabotage"},
}

type goPackage struct {
	ImportPath, Dir, Name string
	GoFiles, Imports      []string
	Deps                  []string
}

func list(t *testing.T, args ...string) []goPackage {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-json"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []goPackage
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func layerOf(name string) int {
	return slices.IndexFunc(layers, func(row []string) bool { return slices.Contains(row, name) })
}

func TestDependenciesPointDownwards(t *testing.T) {
	for _, p := range list(t, "./...") {
		name := strings.TrimPrefix(p.ImportPath, module)
		own := layerOf(name)
		if own < 0 {
			if len(p.GoFiles) > 0 {
				t.Errorf("%s is in no layer: add it to the table where it belongs", name)
			}
			continue
		}
		for _, imp := range p.Imports {
			dep, ours := strings.CutPrefix(imp, module)
			if ours && layerOf(dep) >= own {
				t.Errorf("%s imports %s, which is not below it", name, dep)
			}
		}
	}
}

// What a machine runs must stay small and must not know the appliance.
func TestAgentKnowsNoServerStage(t *testing.T) {
	for _, p := range list(t, "./cmd/fettle-agent") {
		for _, dep := range p.Deps {
			for _, stage := range []string{"store", "api", "web", "auth", "ledger", "plan", "deploy", "approval", "label", "updater", "payload", "notify", "feed", "feed/apt", "feed/rpm", "feed/osv", "feed/apk", "feed/advisory",
				"feed/sdp", "feed/apps", "feed/msrc", "feed/sofa", "feed/kev"} {
				if dep == module+"internal/"+stage {
					t.Errorf("the agent imports internal/%s", stage)
				}
			}
		}
	}
}

func TestProgramsAreStartedInOnePackage(t *testing.T) {
	for _, p := range list(t, "-deps", "./cmd/fettle", "./cmd/fettle-front", "./cmd/fettle-agent") {
		name, ours := strings.CutPrefix(p.ImportPath, module)
		if !ours || name == "internal/agent/host" {
			continue
		}
		for _, imp := range p.Imports {
			if imp == "os/exec" {
				t.Errorf("%s imports os/exec: only internal/agent/host starts programs", name)
			}
		}
	}
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	for _, p := range list(t, "./...") {
		documented := len(p.GoFiles) == 0
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || f.Doc != nil
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "init" && fn.Recv == nil {
					t.Errorf("%s/%s has an init function", p.ImportPath, name)
				}
				if d, ok := d.(*ast.GenDecl); ok && compilesExpression(d) {
					t.Errorf("%s/%s compiles a regular expression whenever a program starts: sync.OnceValue does when it is needed", p.ImportPath, name)
				}
			}
		}
		if !documented {
			t.Errorf("%s has no package comment", p.ImportPath)
		}
	}
}

// compilesExpression tells a variable of a package that is made by regexp.MustCompile, outside any function.
func compilesExpression(d *ast.GenDecl) (found bool) {
	ast.Inspect(d, func(n ast.Node) bool {
		if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "MustCompile" {
			found = true
		}
		_, function := n.(*ast.FuncLit)
		return !function
	})
	return found
}
