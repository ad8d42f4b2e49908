package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// TestMain makes this test binary behave as fettle where it is called so.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "fettle" {
		main()
		return
	}
	os.Exit(m.Run())
}

const server = "#!/bin/sh\nprintf '%s|' \"$@\"\nexit 7\n"

// install gives a folder with fettle, beside it a program that says what it is called with, a bundle and a root.
func install(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err == nil {
		err = os.Link(self, filepath.Join(dir, "fettle"))
	}
	if err != nil {
		b, err := os.ReadFile(self) // the folder is of another file system
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, "fettle"), string(b))
	}
	put(t, filepath.Join(dir, whole), server)
	put(t, filepath.Join(dir, "root/etc/os-release"), "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n")
	put(t, filepath.Join(dir, "root/var/lib/dpkg/status"), "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.1\n\n")
	index := "Package: dpkg\nVersion: 1.21.22\nArchitecture: amd64\nFilename: pool/d/dpkg.deb\nSize: 10\nSHA256: " + strings.Repeat("0", 64) + "\nDescription: x\n\n"
	built, err := catalog.Build(t.Context(), catalog.Input{OS: "debian-12-amd64", Now: time.Unix(1_800_000_000, 0), Sources: []catalog.Source{{
		Origin: patch.Origin{Suite: "bookworm", Component: "main", Arch: "amd64", IndexPath: "main/binary-amd64/Packages", Dated: time.Unix(1_799_000_000, 0)},
		URI:    "https://archive.example/debian", Label: "Debian", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(index)), nil }}}})
	if err == nil {
		err = catalog.WriteBundle(filepath.Join(dir, "bundle"), []catalog.Built{built})
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func put(t *testing.T, path, text string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// fettle runs it in dir and gives what it said and its exit code. DIR in words stands for dir.
func fettle(t *testing.T, dir, words string) (out, said string, code int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "fettle"), strings.Fields(strings.ReplaceAll(words, "DIR", dir))...)
	cmd.Dir = dir
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

func TestDetectIsDoneHere(t *testing.T) {
	dir := install(t)
	for _, words := range []string{"detect --catalog bundle --root DIR/root --snapshot s", "detect --snapshot s --catalog bundle --root DIR/root", "detect --snapshot=s --catalog=bundle --root=root"} {
		out, said, code := fettle(t, dir, words)
		if code != 0 || said != "" || !strings.HasPrefix(out, "1 not patched, ") {
			t.Errorf("%s: %d %q %q", words, code, out, said)
		}
		b, err := os.ReadFile(filepath.Join(dir, "s"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := wire.DecodeSnapshot(b)
		if err != nil || s.OS != "debian-12-amd64" || s.Verdicts.Len() != 1 || s.Verdicts.At(0) != patch.NotPatched {
			t.Errorf("%s: %+v %v", words, s, err)
		}
		os.Remove(filepath.Join(dir, "s"))
	}
}

func TestDetectAnswersInEveryForm(t *testing.T) {
	dir := install(t)
	for words, want := range map[string]string{
		"detect --catalog bundle --root root":                       "dpkg",
		"detect --catalog bundle --root root --json":                `"verdict"`,
		"detect -j --catalog bundle --root DIR/root":                `"verdict"`,
		"detect --catalog bundle --root root --explain dpkg":        "1.21.22",
		"detect --json --explain=dpkg --catalog bundle --root root": `"expected"`,
	} {
		if out, said, code := fettle(t, dir, words); code != 0 || said != "" || !strings.Contains(out, want) || strings.Contains(out, "|") {
			t.Errorf("%s: %d %q %q", words, code, out, said)
		}
	}
}

// Everything else is the whole program's, word by word, and so is a detect that fails.
func TestTheRestIsHandedOn(t *testing.T) {
	dir := install(t)
	for _, words := range []string{"", "serve", "--help", "detect", "detect --help", "detect --schema", "detect --replay r", "detect --catalog",
		"detect --catalog bundle --root DIR/root --record r", "detect --catalog bundle --catalog bundle --snapshot s", "detect --catalog bundle --root DIR/root --explain nothing",
		"detect --catalog bundle --root DIR/root --facts nothing", "detect --catalog bundle more",
		"detect --catalog bundle --root DIR/root --snapshot --json", "detect --catalog nothing --root DIR/root --snapshot s", "detect --catalog bundle --root DIR --snapshot s"} {
		out, said, code := fettle(t, dir, words)
		if want := strings.ReplaceAll(strings.Join(strings.Fields(words), "|")+"|", "DIR", dir); code != 7 || said != "" || out != want {
			t.Errorf("%s: %d %q %q", words, code, out, said)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "s")); err == nil {
		t.Error("a detect that was handed on has left a snapshot")
	}
	if err := os.Remove(filepath.Join(dir, whole)); err != nil {
		t.Fatal(err)
	}
	if _, said, code := fettle(t, dir, "serve"); code != 3 || !strings.Contains(said, "Install fettle-server beside fettle") {
		t.Errorf("alone: %d %q", code, said)
	}
}
