// Command sabotage removes one control after another from a copy of the code, as listed in defects.go, and demands that the test
// which claims to guard it goes red. A control without such a test is decoration.
//
// Nothing in the tree is changed: the altered file reaches the compiler through `go test -overlay`.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Defect is one control removed.
type Defect struct {
	Name string // what is broken, as a sentence
	File string
	Old  string // occurs exactly once in File
	New  string
	Test string // the test that must go red, as go test's -run wants it
	In   string // its package, "./internal/…"
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "sabotage:", err)
		os.Exit(1)
	}
}

// all lists every defect.
func all() []Defect {
	return slices.Concat(defects, contentDefects, detectDefects, agentDefects, factDefects, aptDefects, itemDefects, ovalDefects, windowsDefects, rpmDefects, rpmDeployDefects, apiDefects, stageDefects, ringDefects, simDefects, effectDefects, storeDefects, webDefects, setupDefects, careDefects, notifyDefects, rollbackDefects, unmetDefects)
}

func run(only []string) error {
	var survived, passed int
	for _, d := range all() {
		if len(only) > 0 && !strings.Contains(d.Name+d.File, only[0]) {
			continue
		}
		if err := d.prove(); err != nil {
			survived++
			fmt.Printf("SURVIVED  %s\n          %v\n", d.Name, err)
			continue
		}
		passed++
		fmt.Printf("caught    %s\n", d.Name)
	}
	fmt.Printf("%d passed, %d failed\n", passed, survived)
	if survived > 0 || passed == 0 {
		return errors.New("every control needs a test that goes red without it")
	}
	return nil
}

// prove gives nil when the test passes on the code as it is and fails on the code without the control.
func (d Defect) prove() error {
	dir, err := os.MkdirTemp("", "sabotage")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := d.overlay(dir)
	if err != nil {
		return err
	}
	if out, err := goTest("-c", "-o", filepath.Join(dir, "test"), "-overlay", overlay, d.In); err != nil {
		return fmt.Errorf("the broken code does not compile: %s", out)
	}
	if out, err := goTest("-run", d.Test, d.In); err != nil || strings.Contains(out, "no tests to run") {
		return fmt.Errorf("%s does not pass on the code as it is: %s", d.Test, out)
	}
	if out, err := goTest("-count=1", "-overlay", overlay, "-run", d.Test, d.In); err == nil {
		return fmt.Errorf("%s stays green without the control: %s", d.Test, out)
	}
	return nil
}

func (d Defect) overlay(dir string) (string, error) {
	src, err := os.ReadFile(d.File)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(src), d.Old); n != 1 {
		return "", fmt.Errorf("%s holds the line to break %d times, not once: %q", d.File, n, d.Old)
	}
	broken := filepath.Join(dir, "broken.go")
	if err := os.WriteFile(broken, []byte(strings.Replace(string(src), d.Old, d.New, 1)), 0o600); err != nil {
		return "", err
	}
	abs, err := filepath.Abs(d.File)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": {abs: broken}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, b, 0o600)
}

func goTest(args ...string) (string, error) {
	out, err := exec.Command("go", append([]string{"test", "-vet=off"}, args...)...).CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-4):], " | "), err
}
