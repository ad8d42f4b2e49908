package catalog

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func brief(d Diff) string {
	var all []string
	for name, list := range map[string][]DiffPatch{"new": d.New, "changed": d.Changed, "gone": d.Gone, "superseded": d.Superseded} {
		for _, p := range list {
			all = append(all, strings.TrimSpace(fmt.Sprint(name, " ", p.ID, " ", phrase.Join(p.What, ", "), p.By)))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

func TestDiff(t *testing.T) {
	tree := func(v string) detect.Definition {
		there, reached := detect.Is(detect.Test{Kind: detect.TestInstalled, Name: "t"}), detect.Is(detect.Test{Kind: detect.TestVersion, Name: "t", Operand: v})
		return detect.Definition{Prerequisite: &there, Installed: &reached}
	}
	entries := func() []detect.Entry {
		all := []detect.Entry{advisory("a", "a", "1", file("a", "1", "a.rpm")), advisory("b", "b", "1", file("b", "1", "b.rpm")), advisory("c", "c", "1"), advisory("d", "d", "1"),
			advisory("e", "e", "1"), advisory("t1", "t", "1"), advisory("t2", "t", "1")}
		all[5].Definition, all[6].Definition = tree("1"), tree("2")
		return all
	}
	before, after := entries(), entries()
	after[0].Patch.Severity, after[0].Patch.CVEs = patch.Critical, []string{"CVE-2026-1"}
	after[1].Files[0].Version, after[1].Definition.Packages[0].Version = "1-1", "1-1"
	after[2].Definition.Packages[0].Version = "2"
	after[3].Files = []patch.PayloadFile{file("d", "1", "d.rpm")}
	after[5].Definition = tree("1.5")
	after = append(append(after[:4:4], after[5:]...), advisory("f", "f", "1"))
	after[len(after)-1].Patch.Supersedes = []patch.ID{"c", "e"}
	dir := t.TempDir()
	open := func(name string, e []detect.Entry, os patch.HostOS) *Bundle {
		b, err := Build(t.Context(), Input{OS: os, Parsed: []Parsed{parsed(e...)}, Now: dated})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := WriteBundle(path, []Built{b}); err != nil {
			t.Fatal(err)
		}
		opened, err := OpenBundle(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { opened.Close() })
		return opened
	}
	a, b := open("a", before, "almalinux-9-x86_64"), open("b", after, "almalinux-9-x86_64")
	diffs, err := DiffBundles(a, b)
	if err != nil || len(diffs) != 1 {
		t.Fatal(diffs, err)
	}
	want := `changed a severity: high → critical, CVEs[]
changed b versions, definition[]
changed c definition[]
changed d packages[]
changed t1 definition[]
gone e []
new f []
superseded c [f]`
	if diff := cmp.Diff(want, brief(diffs[0])); diff != "" {
		t.Error(diff)
	}
	if d := diffs[0]; d.Counts != (DiffCounts{1, 5, 1, 1}) || d.From == d.To {
		t.Errorf("%+v", d.Counts)
	}
	if diffs, err := DiffBundles(a, a); err != nil || brief(diffs[0]) != "" {
		t.Errorf("a bundle differs from itself: %v %v", diffs, err)
	}
	if diffs, err = DiffBundles(a, open("c", after, hostOS)); err != nil || len(diffs) != 2 || diffs[0].Counts.Gone != 7 || diffs[0].To != "" || diffs[1].Counts.New != 7 || diffs[1].From != "" {
		t.Errorf("other host OSes: %+v %v", diffs, err)
	}
}

func TestDiffOfRevisions(t *testing.T) {
	a := newAdvisories(t, 100)
	first, _ := a.Meta(hostOS)
	if _, err := a.Diff(t.Context(), hostOS, "", "", a.shelf.metas); patch.KindOf(err) != patch.NotFound {
		t.Errorf("there is only one revision: %v", err)
	}
	a.found.Entries = a.found.Entries[1:]
	second := a.mustPublish(t)
	all := []patch.RevisionMeta{second, first}
	if d, err := a.Diff(t.Context(), hostOS, "", "", all); err != nil || d.From != first.ID || d.To != second.ID || d.Counts.Gone != 1 {
		t.Errorf("%+v %v", d.Counts, err)
	}
	a.found.Entries = a.found.Entries[50:]
	q := a.refused(t, Accepted{}, "50 of 99 patches are gone")
	if d, err := a.Diff(t.Context(), hostOS, "", "", all); err != nil || d.From != second.ID || d.To != q.Revision.ID || d.Counts.Gone != 50 {
		t.Errorf("what waits in quarantine: %+v %v", d.Counts, err)
	}
	if d, err := a.Diff(t.Context(), hostOS, second.ID[:10], first.ID[:10], all); err != nil || d.Counts.New != 1 {
		t.Errorf("backwards: %+v %v", d.Counts, err)
	}
}

func TestTheHeadOfADiffIsAtHand(t *testing.T) {
	a := newAdvisories(t, 200)
	for i := range a.found.Entries[:150] {
		a.found.Entries[i].Patch.Severity = patch.Critical
	}
	first, _ := a.Meta(hostOS)
	second := a.mustPublish(t)
	all := []patch.RevisionMeta{second, first}
	whole, err := a.Diff(t.Context(), hostOS, "", "", all)
	if err != nil || len(whole.Changed) != 150 {
		t.Fatalf("%+v %v", whole.Counts, err)
	}
	if err := a.Files.Remove(first.List); err != nil {
		t.Fatal(err)
	}
	head, err := a.DiffHead(t.Context(), hostOS, "", "", all)
	if err != nil {
		t.Fatal("what a revision replaced is compared when it is published: ", err)
	}
	whole.Changed = whole.Changed[:HeadPatches]
	if diff := cmp.Diff(whole, head); diff != "" {
		t.Error(diff)
	}
	if _, err := a.DiffHead(t.Context(), hostOS, second.ID, first.ID, all); patch.KindOf(err) != patch.Unavailable {
		t.Errorf("backwards it was never compared: %v", err)
	}
}
