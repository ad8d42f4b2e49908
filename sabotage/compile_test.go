package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A defect that does not compile proves nothing, and a whole run takes long to say so: the compiler's first half says it in seconds.
func TestEveryDefectCompiles(t *testing.T) {
	t.Chdir("..")
	p := load(t)
	byFolder := map[string][]Defect{}
	for _, d := range all() {
		switch dir := path.Dir(d.File); {
		case path.Ext(d.File) != ".go":
		case slices.Contains(p.files[dir], d.File):
			byFolder[dir] = append(byFolder[dir], d)
		case d.In != "./e2e": // whose tests build for other systems
			t.Errorf("%s: this system compiles no %s, so that no test can miss the control", d.Name, d.File)
		}
	}
	for dir, ds := range byFolder {
		files, chosen := joint(ds)
		for _, err := range p.check(t, dir, files) {
			t.Errorf("one of these does not compile: %v", err)
		}
		for _, d := range ds {
			if chosen[d.Name] != "" {
				continue
			}
			for _, err := range p.check(t, dir, map[string]string{d.File: strings.Replace(read(t, d.File), d.Old, d.New, 1)}) {
				t.Errorf("%s: %v", d.Name, err)
			}
		}
	}
}

// program is our code: the Go files of each folder, and what they import as the compiler has left it.
type program struct {
	files   map[string][]string
	imports types.Importer
}

// check compiles a folder, some of whose files are others or new.
func (p *program) check(t *testing.T, dir string, others map[string]string) (errs []error) {
	t.Helper()
	set := token.NewFileSet()
	var pkg []*ast.File
	texts := maps.Clone(others)
	for _, name := range p.files[dir] {
		if _, other := others[name]; !other {
			texts[name] = read(t, name)
		}
	}
	for name, text := range texts {
		f, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			return []error{err}
		}
		pkg = append(pkg, f)
	}
	conf := types.Config{Importer: p.imports, Error: func(err error) {
		var at types.Error
		if errors.As(err, &at) {
			line := strings.Split(texts[set.Position(at.Pos).Filename], "\n")[set.Position(at.Pos).Line-1]
			err = fmt.Errorf("%s: %s: %s", set.Position(at.Pos).Filename, strings.TrimSpace(line), at.Msg)
		}
		errs = append(errs, err)
	}}
	conf.Check(dir, set, pkg, nil)
	return errs
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func load(t *testing.T) *program {
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
	return &program{files, importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
}
