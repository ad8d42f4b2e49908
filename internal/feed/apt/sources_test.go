package apt

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestReleaseSources(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"sources.list": "# deb http://old.example.org/debian bookworm main\ndeb http://a.example.org/debian bookworm main contrib # here\ndeb-src http://a.example.org/debian bookworm main\n",
		"sources.list.d/debian.sources": "Types: deb deb-src\nURIs: http://b.example.org/debian\nSuites: bookworm-updates trixie\nComponents: main\n" +
			"Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\nTypes: deb\nURIs: http://b.example.org/security\nSuites: bookworm-security\nComponents: main\nEnabled: no\n",
		"sources.list.d/shop.list": "deb http://shop.example.org/apt stable main\n",
		"sources.list.d/notes.txt": "deb http://no.example.org/debian bookworm main\n",
	} {
		path := filepath.Join(root, "etc/apt", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReleaseSources(root, "bookworm")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://b.example.org/debian bookworm-updates main",
		"deb http://a.example.org/debian bookworm main contrib",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := ReleaseSources(root, "sid"); patch.KindOf(err) != patch.NotFound {
		t.Errorf("a release that apt does not know: %v", err)
	}
	if _, err := ReleaseSources(t.TempDir(), "bookworm"); patch.KindOf(err) != patch.NotFound {
		t.Errorf("a machine without apt sources: %v", err)
	}
}
