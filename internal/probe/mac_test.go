//go:build !windows

package probe

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// Applications and receipts of a Mac in a directory; one that cannot be read makes the answer incomplete, and is no good news.
func TestProgramsOfAMac(t *testing.T) {
	const head = `<?xml version="1.0"?><plist version="1.0"><dict>`
	info := func(id, version string) string {
		return head + `<key>CFBundleIdentifier</key><string>` + id + `</string><key>CFBundleShortVersionString</key><string>` + version + `</string></dict></plist>`
	}
	root := t.TempDir()
	for name, text := range map[string]string{
		"System/Library/CoreServices/SystemVersion.plist":                    "",
		"Applications/Scribbler.app/Contents/Info.plist":                     info("com.example.scribbler", "2.1"),
		"Applications/Office/Writer.app/Contents/Info.plist":                 info("com.example.writer", "16.0"),
		"Applications/Scribbler.app/Contents/Helper.app/Contents/Info.plist": info("com.example.helper", "1"),
		"Applications/Empty.app/x":                                           "",
		"var/db/receipts/com.example.pkg.plist":                              head + `<key>PackageIdentifier</key><string>com.example.pkg</string><key>PackageVersion</key><string>3.0</string></dict></plist>`,
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(class string) patch.Collected {
		t.Helper()
		m, err := Open(root)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		return m.Probe(t.Context(), item.Request{Class: class, Fields: []string{item.Every}})
	}
	program := func(id, name, version string) patch.Item {
		return patch.Item{Fields: []patch.Field{{Name: "id", Value: id}, {Name: "name", Value: name}, {Name: "version", Value: version}, {Name: "scope", Value: "machine"}}}
	}
	for class, want := range map[string][]patch.Item{
		"family":  {{Fields: []patch.Field{{Name: "family", Value: "macos"}}}},
		"program": {program("com.example.scribbler", "Scribbler", "2.1"), program("com.example.writer", "Writer", "16.0")},
		"receipt": {{Fields: []patch.Field{{Name: "id", Value: "com.example.pkg"}, {Name: "version", Type: "version", Value: "3.0"}}}},
	} {
		got := ask(class)
		if diff := cmp.Diff(want, got.Items); diff != "" || got.Flag != patch.FlagComplete {
			t.Errorf("%s: %s %s\n%s", class, got.Flag, got.Message, diff)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "Applications/Scribbler.app/Contents/Info.plist"), []byte("garbage"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := ask("program"); got.Flag != patch.FlagIncomplete || len(got.Items) != 2 || got.Items[0].Status != patch.StatusError {
		t.Errorf("with one that cannot be read: %s, %+v", got.Flag, got.Items)
	}
}
