package standalone

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func answerOf(t *testing.T, o Options) (string, error) {
	t.Helper()
	var out bytes.Buffer
	o.Out, o.JSON = &out, true
	err := Detect(t.Context(), o)
	return out.String(), err
}

// A recording gives the same bytes in another directory, after the machine and the catalog are gone, and can be recorded again.
func TestReplayGivesTheSameBytes(t *testing.T) {
	bundle, root := world(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "web.recording")
	want, err := answerOf(t, Options{Catalog: bundle, Root: root, Record: file, Version: "1"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(bundle); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	again := filepath.Join(dir, "again")
	got, err := answerOf(t, Options{Replay: file, Record: again, Version: "1"})
	if err != nil || got != want {
		t.Errorf("%v\n%s\n%s", err, want, got)
	}
	if third, err := answerOf(t, Options{Replay: again, Version: "1"}); err != nil || third != want {
		t.Errorf("recorded from a recording: %v\n%s\n%s", err, want, third)
	}
	a, _ := os.ReadFile(file)
	if b, _ := os.ReadFile(again); !bytes.Equal(a, b) {
		t.Error("a recording of a recording has other bytes")
	}
	if mine, err := answerOf(t, Options{Catalog: file, Facts: extract(t, file, recordedFactsName)}); err != nil || mine != want {
		t.Errorf("as a bundle and a facts file: %v", err)
	}
}

func extract(t *testing.T, file, name string) string {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	m, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	b, err := io.ReadAll(m)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(out, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

// rewritten copies a recording with one member changed.
func rewritten(t *testing.T, file, name string, change func(string) string) string {
	t.Helper()
	in, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, m := range in.File {
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if m.Name == name {
			b = []byte(change(string(b)))
		}
		w, err := z.Create(m.Name)
		if err == nil {
			_, err = w.Write(b)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "changed")
	if err := os.WriteFile(out, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestChangedRecordings(t *testing.T) {
	bundle, root := world(t)
	file := filepath.Join(t.TempDir(), "web.recording")
	if _, err := answerOf(t, Options{Catalog: bundle, Root: root, Record: file, Version: "1"}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		kind patch.Kind
	}{
		"facts were changed": {rewritten(t, file, recordedFactsName, func(s string) string { return strings.Replace(s, "deb12u3", "deb12u9", 1) }), patch.Invalid},
		"a newer format":     {rewritten(t, file, recordingName, func(s string) string { return strings.Replace(s, `"format": 1`, `"format": 2`, 1) }), patch.Invalid},
		"another program's answer": {rewritten(t, file, recordingName, func(s string) string {
			return strings.Replace(s, `"answer": "`, `"answer": "0`, 1)
		}), patch.Conflict},
		"a bundle is no recording": {bundle, patch.Invalid},
	} {
		if out, err := answerOf(t, Options{Replay: c.file, Version: "2"}); patch.KindOf(err) != c.kind {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
