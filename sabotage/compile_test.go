package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A defect that does not compile is proved against nothing, and a whole run takes an hour to say so: the compiler's first half says it
// in seconds.
func TestEveryDefectCompiles(t *testing.T) {
	t.Chdir("..")
	files, imports := load(t)
	whole := map[string]*ast.File{}
	fset := token.NewFileSet()
	for _, d := range all() {
		if path.Ext(d.File) != ".go" {
			continue
		}
		if !slices.Contains(files[path.Dir(d.File)], d.File) {
			if d.In != "./e2e" { // whose tests build for other systems
				t.Errorf("%s: this system compiles no %s, so that no test can miss the control", d.Name, d.File)
			}
			continue
		}
		var pkg []*ast.File
		for _, name := range files[path.Dir(d.File)] {
			if name == d.File {
				src, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				f, err := parser.ParseFile(fset, name, strings.Replace(string(src), d.Old, d.New, 1), parser.SkipObjectResolution)
				if err != nil {
					t.Errorf("%s: %v", d.Name, err)
				}
				pkg = append(pkg, f)
				continue
			}
			if whole[name] == nil {
				f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
				if err != nil {
					t.Fatal(err)
				}
				whole[name] = f
			}
			pkg = append(pkg, whole[name])
		}
		conf := types.Config{Importer: imports}
		if _, err := conf.Check(path.Dir(d.File), fset, pkg, nil); err != nil {
			t.Errorf("%s: %v", d.Name, err)
		}
	}
}

// load gives the Go files of each of our folders, and what they import as the compiler has left it.
func load(t *testing.T) (files map[string][]string, imports types.Importer) {
	out, err := exec.Command("go", "list", "-e", "-export", "-deps", "-json=Dir,GoFiles,ImportPath,Export", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	files, exports := map[string][]string{}, map[string]string{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			Dir, ImportPath, Export string
			GoFiles                 []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if dir, err := filepath.Rel(root, p.Dir); err == nil && filepath.IsLocal(dir) {
			for _, f := range p.GoFiles {
				files[dir] = append(files[dir], path.Join(dir, f))
			}
		}
	}
	return files, importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
}
