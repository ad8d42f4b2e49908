package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExitCodesAndHelp(t *testing.T) {
	state := t.TempDir()
	for _, c := range []struct {
		args     string
		code     int
		out, err string // what must be said, where
	}{
		{"", exitUsage, "", "Commands:"},
		{"help", 0, "Commands:", ""},
		{"--help", 0, "Commands:", ""},
		{"dance", exitUsage, "", `no command "dance"`},
		{"detect -h", 0, "--catalog FILE", ""},
		{"detect -h", 0, "\n  --json\n", ""},
		{"enrol -h", 0, "enrolment token", ""},
		{"detect -x", exitUsage, "", "fettle-agent detect -h"},
		{"detect", exitUsage, "", "--catalog"},
		{"detect --catalog " + state + "/none", exitCannot, "", "none"},
		{"enrol --server https://127.0.0.1:1", exitUsage, "", "--token"},
		{"enrol --server http://127.0.0.1:1 --token fettle1.x.y --state " + state, exitCannot, "", "fettle-agent:"},
		{"explain --state " + state, exitUsage, "", "explain takes"},
		{"version", 0, version, ""},
	} {
		var out, errs bytes.Buffer
		code := run(strings.Fields(c.args), &out, &errs)
		if code != c.code {
			t.Errorf("%q ended with %d, not %d: %s", c.args, code, c.code, errs.String())
		}
		if !strings.Contains(out.String(), c.out) || !strings.Contains(errs.String(), c.err) {
			t.Errorf("%q printed %q and %q", c.args, out.String(), errs.String())
		}
		if strings.Contains(errs.String(), "flag: help requested") {
			t.Errorf("%q shows an inner error", c.args)
		}
	}
}

func TestFactsAreJSON(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"etc/os-release":      "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n",
		"var/lib/dpkg/status": "Package: dpkg\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.21.22\n\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out, errs bytes.Buffer
	if code := run([]string{"facts", "--root", root}, &out, &errs); code != 0 {
		t.Fatalf("%d: %s", code, errs.String())
	}
	var facts struct {
		OS struct{ Key string } `json:"os"`
	}
	if err := json.Unmarshal(out.Bytes(), &facts); err != nil || facts.OS.Key != "debian-12-amd64" {
		t.Errorf("%v: %s", err, out.String())
	}
}
