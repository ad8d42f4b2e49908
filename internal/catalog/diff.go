package catalog

import (
	"fmt"
	"slices"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Diff is what changed from one revision of a host OS's catalog to another.
type Diff struct {
	OS         patch.HostOS     `json:"os"`
	From       patch.RevisionID `json:"from"` // empty: there was none
	To         patch.RevisionID `json:"to"`
	Counts     DiffCounts       `json:"counts"`
	New        []DiffPatch      `json:"new"`
	Changed    []DiffPatch      `json:"changed"`
	Gone       []DiffPatch      `json:"gone"`
	Superseded []DiffPatch      `json:"superseded"` // on both lists, and superseded on the newer one only
}

// DiffCounts are the lengths of the lists.
type DiffCounts struct {
	New        int `json:"new"`
	Changed    int `json:"changed"`
	Gone       int `json:"gone"`
	Superseded int `json:"superseded"`
}

// DiffPatch is one patch that differs.
type DiffPatch struct {
	ID       patch.ID        `json:"id"`
	Title    string          `json:"title"`
	Severity patch.Severity  `json:"severity,omitempty"`
	What     []phrase.Phrase `json:"what,omitempty"` // of a changed one: "severity: medium → high", "definition"
	By       []patch.ID      `json:"by,omitempty"`   // of a superseded or gone one: what supersedes it directly
}

// Side is one revision to compare.
type Side struct {
	Revision   patch.RevisionID
	List       *List // nil: there is no such revision
	Signatures *detect.Signatures
}

// Compare tells what changed from a to b, both of one host OS.
func Compare(os patch.HostOS, a, b Side) (Diff, error) {
	d := Diff{OS: os, From: a.Revision, To: b.Revision, New: []DiffPatch{}, Changed: []DiffPatch{}, Gone: []DiffPatch{}, Superseded: []DiffPatch{}}
	was, before, err := a.index()
	if err != nil {
		return d, err
	}
	is, after, err := b.index()
	if err != nil {
		return d, err
	}
	for _, i := range was.byID() {
		p := was.At(i)
		if _, still := is.Index(p.ID); !still {
			d.Gone = append(d.Gone, DiffPatch{ID: p.ID, Title: p.Title, Severity: p.Severity, By: after.newer[p.ID]})
		}
	}
	for _, j := range is.byID() {
		p := is.At(j)
		i, known := was.Index(p.ID)
		if !known {
			d.New = append(d.New, DiffPatch{ID: p.ID, Title: p.Title, Severity: p.Severity})
			continue
		}
		if what := changes(was.At(i), p, before.prints[i] != after.prints[j]); len(what) > 0 {
			d.Changed = append(d.Changed, DiffPatch{ID: p.ID, Title: p.Title, Severity: p.Severity, What: what})
		}
		if len(before.newer[p.ID]) == 0 && len(after.newer[p.ID]) > 0 {
			d.Superseded = append(d.Superseded, DiffPatch{ID: p.ID, Title: p.Title, Severity: p.Severity, By: after.newer[p.ID]})
		}
	}
	d.Counts = DiffCounts{len(d.New), len(d.Changed), len(d.Gone), len(d.Superseded)}
	return d, nil
}

// sideIndex is what a comparison looks up of one side.
type sideIndex struct {
	prints []uint64                // of the definitions
	newer  map[patch.ID][]patch.ID // what supersedes each patch
}

func (s Side) index() (*List, sideIndex, error) {
	x := sideIndex{newer: map[patch.ID][]patch.ID{}}
	if s.List == nil {
		return &List{}, x, nil
	}
	var err error
	if x.prints, err = s.Signatures.Fingerprints(); err != nil {
		return nil, x, err
	}
	if len(x.prints) != s.List.Len() {
		return nil, x, errFormat
	}
	for _, p := range s.List.Patches() {
		for _, old := range p.Supersedes {
			x.newer[old] = append(x.newer[old], p.ID)
		}
	}
	return s.List, x, nil
}

// changes says in what two descriptions of one patch differ.
func changes(a, b *patch.Patch, definition bool) []phrase.Phrase {
	var what []phrase.Phrase
	add := func(p phrase.Phrase) { what = append(what, p) }
	if a.Severity != b.Severity {
		add(phrase.Of("severity: {1} → {2}", worded("severity", string(a.Severity)), worded("severity", string(b.Severity))))
	}
	if a.CVSS != b.CVSS {
		add(phrase.Of("cvss: {1} → {2}", fmt.Sprint(a.CVSS), fmt.Sprint(b.CVSS)))
	}
	if a.Category != b.Category {
		add(phrase.Of("category: {1} → {2}", worded("category", string(a.Category)), worded("category", string(b.Category))))
	}
	if a.Version != b.Version {
		add(phrase.Of("version: {1} → {2}", given(a.Version), given(b.Version)))
	}
	if a.Advisory != b.Advisory {
		add(phrase.Of("advisory: {1} → {2}", given(a.Advisory), given(b.Advisory)))
	}
	if a.Title != b.Title {
		add(phrase.Of("title: {1} → {2}", given(a.Title), given(b.Title)))
	}
	if !slices.Equal(a.CVEs, b.CVEs) {
		add("CVEs")
	}
	// Most patches are as they were: nothing is sorted and no sentence is made for them.
	sameFile := func(x, y patch.Payload) bool { return x.Name == y.Name && x.Arch == y.Arch && x.Version == y.Version }
	if !slices.EqualFunc(a.Payloads, b.Payloads, sameFile) {
		names, versions := files(a), files(b)
		switch {
		case !slices.Equal(names.names, versions.names):
			add("packages")
		case !slices.Equal(names.versions, versions.versions):
			add("versions")
		}
	}
	if definition {
		add("definition")
	}
	return what
}

// nothing is what stands in the place of a text that a patch does not have.
const nothing phrase.Phrase = "of a patch\x04none"

// worded is a word of ours with its meaning, as the console says it elsewhere.
func worded(meaning, word string) phrase.Phrase {
	if word == "" {
		return nothing
	}
	return phrase.Phrase(meaning + "\x04" + word)
}

func given(text string) phrase.Phrase {
	if text == "" {
		return nothing
	}
	return phrase.Verbatim(text)
}

type fileNames struct{ names, versions []string }

func files(p *patch.Patch) (f fileNames) {
	for _, x := range p.Payloads {
		f.names = append(f.names, x.Name+":"+x.Arch)
		f.versions = append(f.versions, x.Name+":"+x.Arch+"="+x.Version)
	}
	slices.Sort(f.names)
	slices.Sort(f.versions)
	return f
}

// DiffBundles compares two bundles, host OS by host OS.
func DiffBundles(a, b *Bundle) ([]Diff, error) {
	oses := append(a.OSes(), b.OSes()...)
	slices.Sort(oses)
	diffs := []Diff{}
	for _, os := range slices.Compact(oses) {
		was, err := a.side(os)
		if err != nil {
			return nil, err
		}
		is, err := b.side(os)
		if err != nil {
			return nil, err
		}
		d, err := Compare(os, was, is)
		if err != nil {
			return nil, fmt.Errorf("cannot compare the catalogs of %s: %w", os, err)
		}
		diffs = append(diffs, d)
	}
	return diffs, nil
}

func (b *Bundle) side(os patch.HostOS) (s Side, err error) {
	meta, there := b.Meta(os)
	if !there {
		return s, nil
	}
	s.Revision = meta.ID
	if s.List, err = b.List(os); err != nil {
		return s, err
	}
	s.Signatures, err = b.Signatures(os)
	return s, err
}
