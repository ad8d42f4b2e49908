package oval

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/debian"
)

// truth is the folder with real documents, or the test is skipped.
func truth(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("FETTLE_TRUTH")
	if dir == "" {
		t.Skip("SKIPPED: FETTLE_TRUTH names no folder with real documents, so none are read")
	}
	return filepath.Join(dir, "oval")
}

func readReal(t *testing.T, path string) *Document {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d, err := Read(debian.Decompress(path, f, 1<<30), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The real documents that FETTLE_TRUTH names are read whole, and none of their definitions is beyond this program.
func TestRealDocuments(t *testing.T) {
	dir := truth(t)
	for name, least := range map[string]int{"com.ubuntu.lunar.usn.oval.xml.bz2": 200, "com.ubuntu.kinetic.usn.oval.xml.bz2": 200, "azurelinux-3.0-oval-2024-09.xml.zst": 1000} {
		d := readReal(t, filepath.Join(dir, name))
		if len(d.Definitions) < least || len(d.Notes) > 0 {
			t.Errorf("%s: %d definitions, %q", name, len(d.Definitions), d.Notes)
		}
		for _, def := range d.Definitions {
			if def.Fault != "" || def.Title == "" || def.Class != Inventory && len(def.HostOSes("amd64")) != 1 {
				t.Errorf("%s: %+v", name, def)
			}
			for _, test := range def.Tests() {
				if test.Unclear != "" {
					t.Errorf("%s: %s: %s", name, def.ID, test.Unclear)
				}
			}
		}
	}
}

// The documents that describe the language's own semantics, and OpenSCAP's pairs of definitions and characteristics, have the values that
// OpenSCAP gives them: over the pair's characteristics, or over those that OpenSCAP collects here.
func TestLanguageDocumentsAgainstOpenSCAP(t *testing.T) {
	archive := filepath.Join(truth(t), "openscap-mitre-and-unittests.tar.zst")
	program, err := exec.LookPath("oscap")
	if err != nil {
		t.Skip("SKIPPED: OpenSCAP is not installed: scripts/needs test installs it")
	}
	dir := t.TempDir()
	unpack(t, archive, dir)
	documents, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	if err != nil || len(documents) < 80 {
		t.Fatalf("%d documents, %v", len(documents), err)
	}
	for _, path := range documents {
		base := strings.TrimSuffix(filepath.Base(path), ".xml")
		switch base {
		case "test_skip_valid.oval": // names a state that it does not have: an error for us, unknown for OpenSCAP
			continue
		case "test_circular_extend_def", "test_recursive_extend_def": // OpenSCAP stops when it writes their results
			continue
		}
		definitions, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(definitions[:min(len(definitions), 500)]), "<oval_definitions") {
			continue
		}
		characteristics := strings.TrimSuffix(path, ".oval.xml") + ".syschar.xml"
		if _, err := os.Stat(characteristics); err != nil {
			characteristics = filepath.Join(dir, "collected.syschar")
			os.Remove(characteristics)
			_ = exec.Command(program, "oval", "collect", "--skip-valid", "--syschar", characteristics, path).Run() // some have no definitions
		}
		system, err := os.ReadFile(characteristics)
		if err != nil {
			continue
		}
		t.Run(base, func(t *testing.T) {
			if diff := cmp.Diff(oscap(t, path, characteristics), ours(t, string(definitions), string(system))); diff != "" {
				t.Errorf("(-OpenSCAP +ours):\n%s", diff)
			}
		})
	}
}

// unpack puts an archive's XML files into one folder.
func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(debian.Decompress(archive, f, 64<<20)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Ext(h.Name) != ".xml" {
			continue
		}
		b, err := io.ReadAll(r)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(h.Name)), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
