package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A module of one control, with tests that guard it, that do not, that fail anyway and that are skipped.
func TestOutcomes(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"go.mod":     "module door\n",
		"in/door.go": "package door\n\nconst master = 7\n\nfunc opens(key int) bool {\n\treturn key == 7 || key == master\n}\n",
		"in/door_test.go": `package door

import "testing"

func TestGuards(t *testing.T) {
	if opens(8) || !opens(7) {
		t.Fatal("opens")
	}
}
func TestGuardsNot(t *testing.T) { opens(7) }
func TestFails(t *testing.T)     { t.Fatal() }
func TestIsSkipped(t *testing.T) { t.Skip() }
`,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		old, new, test string
		want           outcome
	}{
		{"key == 7", "true", "TestGuards", caught},
		{"key == 7", "true", "TestGuardsNot", survived},
		{"const master = 7", "const master = 8", "TestGuards", caught}, // not in a function
		{"key == 7", "true", "TestFails", redAnyway},
		{"key == 7", "true", "TestIsSkipped", redAnyway},
		{"key == 7", "true", "TestIsMissing", redAnyway},
		{"key == 7", "true", "TestGuard", redAnyway},
		{"key == 8", "true", "TestGuards", misplaced},
		{"key == 7", "7", "TestGuards", uncompiled}, // the others are proved all the same
	}
	for n := len(cases); n >= len(cases)-1; n-- {
		var ds []Defect
		for _, c := range cases[:n] {
			ds = append(ds, Defect{Name: c.new + " for " + c.old + ", " + c.test, File: "in/door.go", Old: c.old, New: c.new, Test: c.test, In: "./in"})
		}
		p, err := newProver(ds)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range ds {
			if got, why := p.prove(t.Context(), d); got != cases[i].want {
				t.Errorf("%s: %s, want %s\n%s", d.Name, got, cases[i].want, why)
			}
		}
		if all := n == len(cases); all != (len(p.chosen) == 0) {
			t.Errorf("with the one that does not compile %v: the joint program has %v", all, p.chosen)
		}
		p.close()
	}
}

// What a stopped run has caught is not run again; what it has not, is.
func TestLogIsGoneOnWith(t *testing.T) {
	name := filepath.Join(t.TempDir(), "log")
	for range 2 {
		j, err := openLog(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []struct {
			outcome
			name string
		}{{survived, "mended"}, {caught, "mended"}, {caught, "lost"}, {uncompiled, "lost"}} {
			if err := j.note(n.outcome, 0, n.name); err != nil {
				t.Fatal(err)
			}
		}
		j.close()
	}
	j, err := openLog(name)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	if !j.caught["mended"] || j.caught["lost"] {
		t.Errorf("caught are %v, want only mended", j.caught)
	}
}
