package standalone

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
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

// largeFile is a definition that applies where a file is there and is installed where it has more bytes than size.
func largeFile(id patch.ID, dir, name, size string) detect.Entry {
	object := &item.Object{Class: "file", Entities: []item.Entity{{Name: "path", Value: dir}, {Name: "filename", Value: name}}}
	is := func(states ...*item.State) detect.Expr {
		return detect.Is(detect.Test{Kind: detect.TestItems, Items: &item.Test{Class: "file", Object: object, States: states}})
	}
	there, large := is(), is(&item.State{Class: "file", Entities: []item.Entity{{Name: "size", Datatype: item.Int, Operation: item.GreaterThan, Value: size}}})
	return detect.Entry{Patch: patch.Patch{ID: id, Title: string(id)}, Definition: detect.Definition{ID: id, Prerequisite: &there, Installed: &large}}
}

// A detect that writes nothing but a snapshot keeps no objects; its verdicts and the hash of its facts are those of one that does.
func TestSnapshotNamesTheFacts(t *testing.T) {
	_, root := world(t)
	var entries []detect.Entry
	for i := range 2 * manyTests {
		dir, name := fmt.Sprintf("/opt/%d %q", i%90, "<>"[i%2:]), fmt.Sprintf("f%d", i)
		if i%3 > 0 {
			put(t, root, filepath.Join(dir, name), strings.Repeat("x", i))
		}
		entries = append(entries, largeFile(patch.ID(name), dir, name, fmt.Sprint(i-i%2)))
	}
	odd := [][2]string{{"/opt", "dir"}, {"/opt", "to-dir"}, {"/opt", "to-file"}, {"/opt", "to-nothing"}, {"/opt/to-dir", "f"}, {"/opt/to-dir/", "f"}, {"/opt", ""},
		{"/opt", ".."}, {"/opt", "dir/f"}, {"opt", "to-file"}, {"/opt/dir/f", "f"}, {"", "f"}, {"/", "opt"}, {"/opt/é", "ü\x01"}}
	put(t, root, "opt/dir/f", "x")
	put(t, root, "opt/é/ü\x01", "x")
	for name, to := range map[string]string{"to-dir": "dir", "to-file": "dir/f", "to-nothing": "nothing"} {
		if err := os.Symlink(to, filepath.Join(root, "opt", name)); err != nil {
			t.Fatal(err)
		}
	}
	for i, x := range odd {
		entries = append(entries, largeFile(patch.ID(fmt.Sprintf("odd%d", i)), x[0], x[1], "0"))
	}
	built, err := catalog.Build(t.Context(), catalog.Input{OS: "debian-12-amd64", Now: time.Unix(1_800_000_000, 0), Parsed: []catalog.Parsed{{Entries: entries}}})
	bundle, snapshot := filepath.Join(t.TempDir(), "bundle"), filepath.Join(t.TempDir(), "snapshot")
	if err == nil {
		err = catalog.WriteBundle(bundle, []catalog.Built{built})
	}
	o := Options{Catalog: bundle, Root: root, Snapshot: snapshot, Out: io.Discard, Version: "1"}
	if err == nil {
		err = Detect(t.Context(), o)
	}
	var brief, whole patch.Snapshot
	if err == nil {
		brief, err = readSnapshot(snapshot)
	}
	if o.JSON = true; err == nil {
		err = Detect(t.Context(), o)
	}
	if err == nil {
		whole, err = readSnapshot(snapshot)
	}
	var b bytes.Buffer
	if err == nil {
		err = Facts(t.Context(), Options{Root: root, Catalog: bundle, Out: &b})
	}
	var facts patch.Facts
	if err == nil {
		facts, err = decodeFacts(b.Bytes(), "facts")
	}
	if err != nil {
		t.Fatal(err)
	}
	if hash, _, err := wire.HashJSON(facts); err != nil || brief.Facts != hash || whole.Facts != hash || len(facts.Objects) != len(entries) {
		t.Errorf("the facts are %s, the snapshots say %s and %s (%v)", hash, brief.Facts, whole.Facts, err)
	}
	if n := brief.Verdicts.Counts()[patch.Patched]; !bytes.Equal(brief.Verdicts.Bits(), whole.Verdicts.Bits()) || n == 0 || n == len(entries) {
		t.Errorf("%d are patched; the verdicts are others where objects are kept", n)
	}
}

func readSnapshot(path string) (patch.Snapshot, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return patch.Snapshot{}, err
	}
	return wire.DecodeSnapshot(b)
}
