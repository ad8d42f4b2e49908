package host

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Programs are started in exec.go only, each by an absolute constant path, none of them a shell.
func TestOnlyTheTableExecutes(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && rel != "." || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		shipped := strings.HasPrefix(rel, "cmd"+string(filepath.Separator)) || strings.HasPrefix(rel, "internal"+string(filepath.Separator)) && !strings.HasPrefix(rel, filepath.Join("internal", "lab"))
		if !shipped || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return nil // somebody else's half-written file does not compile either
		}
		checkFile(t, f, rel, fset)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, f *ast.File, rel string, fset *token.FileSet) {
	table := filepath.Join("internal", "agent", "host", "exec.go")
	installers := filepath.Join("internal", "agent", "host", "exec_windows.go") // runs what setupArgs names: a verified file, or Windows' own installer
	macs := filepath.Join("internal", "agent", "host", "exec_darwin.go")
	front := filepath.Join("cmd", "fettle-front", "main.go") // becomes the program that stands beside it, and nothing else
	for _, imp := range f.Imports {
		if p, _ := strconv.Unquote(imp.Path.Value); (p == "os/exec" || p == "plugin") && rel != table && rel != installers && rel != macs {
			t.Errorf("%s imports %s", rel, p)
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, _ := sel.X.(*ast.Ident)
		if pkg != nil && (pkg.Name == "os" && sel.Sel.Name == "StartProcess" || pkg.Name == "syscall" && (sel.Sel.Name == "Exec" || sel.Sel.Name == "ForkExec" || sel.Sel.Name == "StartProcess")) && (rel != front || sel.Sel.Name != "Exec") {
			t.Errorf("%s: %s.%s", fset.Position(n.Pos()), pkg.Name, sel.Sel.Name)
		}
		return true
	})
	if rel == table {
		checkPrograms(t, f, fset)
	}
}

func checkPrograms(t *testing.T, f *ast.File, fset *token.FileSet) {
	programs := 0
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !strings.HasPrefix(sel.Sel.Name, "Command") {
			return true
		}
		programs++
		lit, ok := call.Args[1].(*ast.BasicLit)
		if sel.Sel.Name != "CommandContext" || !ok {
			t.Errorf("%s: the program is not a constant", fset.Position(n.Pos()))
			return true
		}
		path, _ := strconv.Unquote(lit.Value)
		base := filepath.Base(path)
		if !filepath.IsAbs(path) || strings.HasSuffix(base, "sh") || base == "env" || base == "python3" || base == "perl" {
			t.Errorf("%s: %s", fset.Position(n.Pos()), path)
		}
		return true
	})
	if programs != 10 {
		t.Errorf("the table has %d programs", programs)
	}
}
