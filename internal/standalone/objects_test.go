package standalone

import (
	"bytes"
	"encoding/json"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// oldSetting is a definition about a line of a file: it applies where the file is, and is installed unless the setting is old.
func oldSetting(id patch.ID, path string) detect.Entry {
	object := func(pattern string) *item.Object {
		return &item.Object{Class: "textfilecontent54", Entities: []item.Entity{{Name: "filepath", Value: path},
			{Name: "pattern", Operation: item.PatternMatch, Value: pattern}, {Name: "instance", Datatype: item.Int, Value: "1"}}}
	}
	is := func(pattern string) detect.Expr {
		return detect.Is(detect.Test{Kind: detect.TestItems, Items: &item.Test{Class: "textfilecontent54", Object: object(pattern)}})
	}
	there, installed := is("."), detect.Not(is("^mode=old$"))
	return detect.Entry{Patch: patch.Patch{ID: id, Title: string(id)}, Definition: detect.Definition{ID: id, Prerequisite: &there, Installed: &installed}}
}

// What definitions ask about files is collected from the machine, and facts made with the catalog hold it.
func TestDefinitionsAboutFiles(t *testing.T) {
	_, root := world(t)
	put(t, root, "etc/a.conf", "mode=old\n")
	put(t, root, "etc/b.conf", "mode=new\n")
	built, err := catalog.Build(t.Context(), catalog.Input{OS: "debian-12-amd64", Now: time.Unix(1_800_000_000, 0), Parsed: []catalog.Parsed{{
		Entries: []detect.Entry{oldSetting("a", "/etc/a.conf"), oldSetting("b", "/etc/b.conf"), oldSetting("c", "/etc/c.conf")}}}})
	if err != nil {
		t.Fatal(err)
	}
	bundle := filepath.Join(t.TempDir(), "bundle")
	if err := catalog.WriteBundle(bundle, []catalog.Built{built}); err != nil {
		t.Fatal(err)
	}
	a := detectJSON(t, Options{Catalog: bundle, Root: root})
	want := map[patch.ID]patch.Verdict{"a": patch.NotPatched, "b": patch.Patched, "c": patch.NotApplicable}
	for _, p := range a.Patches {
		if p.Verdict != want[p.ID] || len(p.Reason.Clauses) == 0 {
			t.Errorf("%+v", p)
		}
	}
	var facts bytes.Buffer
	if err := Facts(t.Context(), Options{Root: root, Catalog: bundle, Out: &facts}); err != nil {
		t.Fatal(err)
	}
	put(t, root, "facts.json", facts.String())
	x, _ := json.Marshal(a)
	if y, _ := json.Marshal(detectJSON(t, Options{Catalog: bundle, Facts: filepath.Join(root, "facts.json")})); len(a.Patches) != 3 || !bytes.Equal(x, y) {
		t.Errorf("%d patches\n%s\n%s", len(a.Patches), x, y)
	}
}

// A list that names other patches than the signatures judge, or names them in another order, gives no answer.
func TestListsOfOtherPatchesAreRefused(t *testing.T) {
	_, root := world(t)
	var built [2]catalog.Built
	for i, ids := range [][]patch.ID{{"a", "b"}, {"a", "c"}} {
		var err error
		built[i], err = catalog.Build(t.Context(), catalog.Input{OS: "debian-12-amd64", Now: time.Unix(1_800_000_000, 0), Parsed: []catalog.Parsed{{
			Entries: []detect.Entry{oldSetting(ids[0], "/etc/a.conf"), oldSetting(ids[1], "/etc/b.conf")}}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	mixed := built[0]
	mixed.List, mixed.Meta.List = built[1].List, built[1].Meta.List
	bundle := filepath.Join(t.TempDir(), "bundle")
	if err := catalog.WriteBundle(bundle, []catalog.Built{mixed}); err != nil {
		t.Fatal(err)
	}
	for _, o := range []Options{{JSON: true}, {}} {
		o.Catalog, o.Root, o.Out = bundle, root, io.Discard
		put(t, root, "etc/a.conf", "mode=old\n")
		if err := Detect(t.Context(), o); patch.KindOf(err) != patch.Untrusted {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
