package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A defect whose control has moved would be proved against nothing: each must still apply, and name a test that there is.
func TestEveryDefectApplies(t *testing.T) {
	names := map[string]bool{}
	for _, d := range all() {
		if names[d.Name] {
			t.Errorf("two defects are called %q", d.Name)
		}
		names[d.Name] = true
		b, err := os.ReadFile(filepath.Join("..", d.File))
		if err != nil {
			t.Errorf("%s: %v", d.Name, err)
			continue
		}
		if n := strings.Count(string(b), d.Old); n != 1 {
			t.Errorf("%s: what it removes stands %d times in %s", d.Name, n, d.File)
		}
		if d.Old == d.New {
			t.Errorf("%s changes nothing", d.Name)
		}
		tests := regexp.MustCompile(`(Test|Fuzz)\w+`).FindAllString(d.Test, -1)
		if len(tests) == 0 {
			t.Errorf("%s names no test", d.Name)
		}
		for _, test := range tests {
			if !there(t, d.In, test) {
				t.Errorf("%s: there is no test %s in %s", d.Name, test, d.In)
			}
		}
	}
}

// there reports whether a package has a test of that name.
func there(t *testing.T, pkg, test string) bool {
	files, err := filepath.Glob(filepath.Join("..", strings.TrimPrefix(pkg, "./"), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(f string) bool {
		b, err := os.ReadFile(f)
		return err == nil && strings.Contains(string(b), "func "+test+"(")
	})
}
