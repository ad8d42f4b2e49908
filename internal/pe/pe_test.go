package pe

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program builds a real program or library with what a resource script says.
func program(t testing.TB, compiler, script string) []byte {
	t.Helper()
	gcc, err := exec.LookPath(compiler + "-w64-mingw32-gcc")
	if err != nil {
		t.Skip("SKIPPED: there is no " + compiler + "-w64-mingw32-gcc; Debian's gcc-mingw-w64 brings it")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"a.c": "int f(void) { return 1; }", "a.rc": script} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	argv := [][]string{{gcc, "-shared", "-nostdlib", "-s", "a.c", "-o", "a.dll"}}
	if script != "" {
		argv = [][]string{{strings.TrimSuffix(gcc, "gcc") + "windres", "a.rc", "-O", "coff", "-o", "a.o"}, {gcc, "-shared", "-nostdlib", "-s", "a.c", "a.o", "-o", "a.dll"}}
	}
	for _, a := range argv {
		cmd := exec.Command(a[0], a[1:]...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", a, err, out)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "a.dll"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	versioned = "1 VERSIONINFO\nFILEVERSION 10,0,19041,65535\nPRODUCTVERSION 9,9,9,9\nBEGIN\nEND\n"
	manyTexts = "STRINGTABLE\nBEGIN\n 1, \"one\"\n 900, \"nine hundred\"\nEND\n"
)

func TestVersion(t *testing.T) {
	german := "LANGUAGE 7, 1\n" + strings.Replace(versioned, "19041", "19042", 1)
	for _, c := range []struct {
		name, compiler, script, want string
		err                          error
	}{
		{"64-bit", "x86_64", versioned, "10.0.19041.65535", nil},
		{"among other resources", "x86_64", manyTexts + versioned, "10.0.19041.65535", nil},
		{"no resources", "x86_64", "", "", ErrNone},
		{"resources without a version", "x86_64", manyTexts, "", ErrNone},
		{"by another name than Windows looks for", "x86_64", "7" + versioned[1:], "", ErrUnclear},
		{"in two languages", "x86_64", "LANGUAGE 9, 1\n" + versioned + german, "", ErrUnclear},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Version(bytes.NewReader(program(t, c.compiler, c.script)))
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// A file that was cut anywhere has the version that it had, or none that is told.
func TestVersionOfWhatIsCut(t *testing.T) {
	whole := program(t, "x86_64", versioned)
	for n := range whole {
		if got, err := Version(bytes.NewReader(whole[:n])); err == nil && got != "10.0.19041.65535" || errors.Is(err, ErrNone) {
			t.Fatalf("%d of %d bytes: %q, %v", n, len(whole), got, err)
		}
	}
}

func FuzzVersion(f *testing.F) {
	whole := program(f, "x86_64", versioned)
	f.Add(whole)
	f.Add(whole[:200])
	f.Add([]byte("MZ"))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Version(bytes.NewReader(b))
		if (v == "") == (err == nil) || err != nil && !errors.Is(err, ErrNone) && !errors.Is(err, ErrUnclear) {
			t.Errorf("%q, %v", v, err)
		}
	})
}
