package standalone

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// What definitions ask beyond packages is in the facts file and the recording: both give the directory's answer, to the byte, when the
// directory is gone.
func TestFilesAreJudgedAlikeFromFactsAndRecording(t *testing.T) {
	_, root := world(t)
	put(t, root, "opt/app/lib.so", strings.Repeat("x", 50))
	file := func(name string, states ...*item.State) detect.Expr {
		return detect.Is(detect.Test{Kind: detect.TestItems, Items: &item.Test{Class: "file", States: states,
			Object: &item.Object{Class: "file", Entities: []item.Entity{{Name: "path", Value: "/opt/app"}, {Name: "filename", Value: name}}}}})
	}
	big := &item.State{Class: "file", Entities: []item.Entity{{Name: "size", Operation: item.GreaterThanOrEqual, Datatype: item.Int, Value: "100"}}}
	var entries []detect.Entry
	for _, name := range []string{"lib.so", "other.so"} {
		there, grown := file(name), file(name, big)
		id := patch.ID("vendor/" + name + "/2")
		entries = append(entries, detect.Entry{Patch: patch.Patch{ID: id, Title: name}, Definition: detect.Definition{ID: id, Prerequisite: &there, Installed: &grown}})
	}
	built, err := catalog.Build(t.Context(), catalog.Input{OS: "debian-12-amd64", Now: time.Unix(1_800_000_000, 0), Parsed: []catalog.Parsed{{
		Origins: []patch.Origin{{Suite: "vendor"}}, Entries: entries}}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bundle, record, facts := filepath.Join(dir, "bundle"), filepath.Join(dir, "recording"), filepath.Join(dir, "facts.json")
	if err := catalog.WriteBundle(bundle, []catalog.Built{built}); err != nil {
		t.Fatal(err)
	}
	want, err := answerOf(t, Options{Catalog: bundle, Root: root, Record: record})
	if err != nil || !strings.Contains(want, `"not-patched"`) || !strings.Contains(want, `"not-applicable"`) || strings.Contains(want, `"error"`) {
		t.Fatalf("%v\n%s", err, want)
	}
	var out bytes.Buffer
	if err := Facts(t.Context(), Options{Catalog: bundle, Root: root, Out: &out}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(facts, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{"facts file": {Catalog: bundle, Facts: facts}, "recording": {Replay: record}} {
		if got, err := answerOf(t, o); err != nil || got != want {
			t.Errorf("%s: %v\n%s\n%s", name, err, want, got)
		}
	}
}
