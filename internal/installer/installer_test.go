package installer

import (
	"crypto/x509"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// build makes the agent for a system, as make agents does.
func build(t *testing.T, system, arch string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", out, "../../cmd/fettle-agent")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+arch)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return out
}

func newInstaller(t *testing.T) *Installer {
	t.Helper()
	i := &Installer{Shelf: &Shelf{Dir: filepath.Join(t.TempDir(), "agents")}, Server: "https://patches.example.org:8461", CA: &x509.Certificate{Raw: []byte("a certificate")}}
	if err := os.MkdirAll(i.Shelf.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"linux-amd64", "linux-arm64", "windows-amd64.exe", "darwin-arm64"} {
		if err := os.WriteFile(filepath.Join(i.Shelf.Dir, "fettle-agent-"+name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return i
}

func TestOnlyAgentsGetOnTheShelf(t *testing.T) {
	s := &Shelf{Dir: filepath.Join(t.TempDir(), "agents")}
	a, err := s.Add(build(t, "linux", "amd64"))
	if err != nil || a.OS != "linux" || a.Arch != "amd64" || !a.Hash.Valid() || a.Size == 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if all, err := s.List(); err != nil || !slices.Equal(all, []Agent{a}) {
		t.Errorf("on the shelf are %+v, %v", all, err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable() // a Go program, and another one
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, self, filepath.Join(t.TempDir(), "none")} {
		if _, err := s.Add(path); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%s is taken: %v", path, err)
		}
	}
	for _, pair := range [][2]string{{"plan9", "amd64"}, {"linux", "../../x"}, {"..", "amd64"}, {"linux", ""}} {
		if _, _, err := s.Open(pair[0], pair[1], Program); patch.KindOf(err) != patch.NotFound {
			t.Errorf("%v opens: %v", pair, err)
		}
	}
}

// A program that was replaced has its own hash in the next script.
func TestAScriptFollowsTheShelf(t *testing.T) {
	i := newInstaller(t)
	before, err := i.Text(Shell)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(i.Shelf.Dir, "fettle-agent-linux-amd64"), []byte("another one"), 0o600); err != nil {
		t.Fatal(err)
	}
	after, err := i.Text(Shell)
	if err != nil || before == after {
		t.Errorf("the script stays the same: %v", err)
	}
}

func TestShellScriptParses(t *testing.T) {
	i := newInstaller(t)
	text, err := i.Text(Shell)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "install.sh")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-n", path).CombinedOutput(); err != nil {
		t.Errorf("sh -n: %v: %s", err, out)
	}
	for _, want := range []string{"linux-amd64) want=", "linux-arm64) want=", "darwin-arm64) want=", "-----BEGIN CERTIFICATE-----", "server='https://patches.example.org:8461'"} {
		if !strings.Contains(text, want) {
			t.Errorf("the script has no %q", want)
		}
	}
	if strings.Contains(text, "windows-amd64") || strings.Contains(text, "{{") {
		t.Error("the script has what is not its own")
	}
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Log("NOT LINTED: there is no shellcheck")
		return
	}
	if out, err := exec.Command("shellcheck", "-S", "warning", path).CombinedOutput(); err != nil {
		t.Errorf("shellcheck: %s", out)
	}
}

func TestPowerShellScriptIsFilledIn(t *testing.T) {
	text, err := newInstaller(t).Text(PowerShell)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "'amd64' = '") || strings.Contains(text, "'arm64' = '") || strings.Contains(text, "{{") {
		t.Errorf("the script is %s", text)
	}
}

// There is no PowerShell here: a grammar of its language, which the browser test's tools bring, reads the script and the line that fetches it.
func TestPowerShellParses(t *testing.T) {
	if os.Getenv("FETTLE_BROWSER") == "" {
		t.Skip("the grammar comes with the browser test's tools: make browser")
	}
	i := newInstaller(t)
	script, err := i.Text(PowerShell)
	if err != nil {
		t.Fatal(err)
	}
	line, err := i.OneLiner(PowerShell, "f1.token")
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		text string
		good bool
	}{
		"script":            {script, true},
		"line":              {line, true},
		"no end of a quote": {strings.Replace(script, "'Stop'", "'Stop", 1), false},
		"no end of a block": {strings.Replace(script, "\n}\nfinally", "\nfinally", 1), false},
	} {
		path := filepath.Join(t.TempDir(), "install.ps1")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("node", "--liftoff-only", "../web/powershell.mjs", path).CombinedOutput(); (err == nil) != c.good {
			t.Errorf("%s: %v: %s", what, err, out)
		}
	}
}

func TestOneLinersPinTheirScript(t *testing.T) {
	i := newInstaller(t)
	const token = "fettle1.c2VjcmV0.abcdef"
	l, err := i.Lines(token)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"linux": l.Linux, "windows": l.Windows, "macos": l.MacOS} {
		if !regexp.MustCompile(`'[0-9a-f]{64}[ ']`).MatchString(text) || strings.Count(text, token) != 1 || !strings.Contains(text, "'"+token+"' |") {
			t.Errorf("%s: %s", name, text)
		}
	}
	if l.Linux != l.MacOS || l.Linux == l.Windows {
		t.Errorf("the lines are %+v", l)
	}
	empty := &Installer{Shelf: &Shelf{Dir: filepath.Join(t.TempDir(), "none")}, Server: i.Server, CA: i.CA}
	if l, err := empty.Lines(token); err != nil || l != (Lines{}) {
		t.Errorf("without agents the lines are %+v, %v", l, err)
	}
	i.Server = "https://x'; rm -rf /; '"
	if _, err := i.Text(Shell); err == nil {
		t.Error("an address with a quote is written into a script")
	}
}
