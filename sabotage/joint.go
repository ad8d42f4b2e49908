package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// chooser is the environment's variable that names the one defect of a joint program that is there.
const chooser = "FETTLE_SABOTAGE"

// joint gives the files of a program that has many defects, each only where chooser asks for it, and the names that it has for them.
// A function that is to be broken begins with its broken body, behind a question. What stands outside of functions is left whole.
func joint(ds []Defect) (files map[string]string, chosen map[string]string) {
	files, chosen = map[string]string{}, map[string]string{}
	before := map[string]map[int]string{} // what goes where into a file
	for i, d := range ds {
		src, err := os.ReadFile(d.File)
		if err != nil || path.Ext(d.File) != ".go" || strings.Count(string(src), d.Old) != 1 {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, d.File, src, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		from := strings.Index(string(src), d.Old)
		fn := around(f, f.FileStart+token.Pos(from), f.FileStart+token.Pos(from+len(d.Old)))
		if fn == nil {
			continue
		}
		name, begin, end := strconv.Itoa(i), int(fn.Body.Lbrace-f.FileStart)+1, int(fn.Body.Rbrace-f.FileStart)
		if before[d.File] == nil {
			before[d.File] = map[int]string{}
		}
		before[d.File][begin] += fmt.Sprintf("\nif sabotaged(%q) {%s%s%s\n%s}\n", name, src[begin:from], d.New, src[from+len(d.Old):end], back(fn))
		files[d.File], chosen[d.Name] = string(src), name
		files[path.Join(path.Dir(d.File), "zz_sabotaged.go")] = fmt.Sprintf(
			"package %s\n\nimport \"os\"\n\nvar sabotage = os.Getenv(%q)\n\nfunc sabotaged(defect string) bool { return sabotage == defect }\n", f.Name, chooser)
	}
	for name, places := range before {
		var b strings.Builder
		for i, c := range []byte(files[name]) {
			b.WriteString(places[i])
			b.WriteByte(c)
		}
		files[name] = b.String()
	}
	return files, chosen
}

// around gives the function in whose body a part of a file lies, unless it has labels, which cannot be there twice.
func around(f *ast.File, from, to token.Pos) *ast.FuncDecl {
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil || from <= fn.Body.Lbrace || to > fn.Body.Rbrace {
			continue
		}
		labels := false
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			_, label := n.(*ast.LabeledStmt)
			labels = labels || label
			return true
		})
		if !labels {
			return fn
		}
	}
	return nil
}

// back ends a body that would run on into the whole one.
func back(fn *ast.FuncDecl) string {
	if fn.Type.Results == nil {
		return "return\n"
	}
	return ""
}

// overlay writes files and the list that puts them in the places of those of the tree.
func overlay(dir string, files map[string]string) (string, error) {
	list := map[string]string{}
	for name, text := range files {
		abs, err := filepath.Abs(name)
		if err != nil {
			return "", err
		}
		list[abs] = filepath.Join(dir, strconv.Itoa(len(list))+"-"+path.Base(name))
		if err := os.WriteFile(list[abs], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": list})
	if err != nil {
		return "", err
	}
	place := filepath.Join(dir, "overlay.json")
	return place, os.WriteFile(place, b, 0o600)
}
