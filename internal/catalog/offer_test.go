package catalog

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// What packages ask of others goes through the payload index unchanged, and patches are found by what they carry and provide.
func TestAskingAndOffers(t *testing.T) {
	c, store, _ := newCatalog(t)
	src := source("bookworm-security", stanza("app", "amd64", "2.0-1", "", "Pre-Depends: base\nDepends: libfoo (>= 2.1),\n libbar | libbaz:any (<< 3)\nBreaks: old (<< 2)\nConflicts: foe\n")+
		stanza("libfoo", "amd64", "2.1-1", "", "Provides: foo-abi (= 7), foo\n")+stanza("libfoo-dev", "all", "2.1-1", "foo (2.1-1)", "Depends: base\n"))
	subscribe(t, c, store, "security", src)
	metas, err := c.Publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Asking(t.Context(), metas[0].OS, "bookworm-security/app/2.0-1")
	if err != nil {
		t.Fatal(err)
	}
	want := []patch.Asking{{Payload: patch.Payload{Name: "app", Arch: "amd64", Version: "2.0-1"}, Depends: []string{"base", "libfoo (>= 2.1)", "libbar | libbaz:any (<< 3)"},
		Breaks: []string{"old (<< 2)", "foe"}}}
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(patch.Payload{}, "Size"), cmpopts.EquateEmpty()); d != "" {
		t.Error(d)
	}
	for name, want := range map[string][]patch.Offer{
		"libfoo":     {{Patch: "bookworm-security/libfoo/2.1-1", Name: "libfoo", Version: "2.1-1"}},
		"foo-abi":    {{Patch: "bookworm-security/libfoo/2.1-1", Name: "libfoo", Version: "7", Virtual: true}},
		"foo":        {{Patch: "bookworm-security/libfoo/2.1-1", Name: "libfoo", Virtual: true}},
		"libfoo-dev": {{Patch: "bookworm-security/foo/2.1-1", Name: "libfoo-dev", Version: "2.1-1"}},
		"none":       nil,
	} {
		got, err := c.Offers(t.Context(), metas[0].OS, name)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
	}
	if _, err := c.Asking(t.Context(), metas[0].OS, "bookworm/none/1"); patch.KindOf(err) != patch.NotFound {
		t.Error(err)
	}
}

// A payload index of the version before tells files, and nothing of what they ask.
func TestAnOlderPayloadIndexIsRead(t *testing.T) {
	b, l := build(t, nil, release())
	cols, err := unpack(b.Payloads, payloadMagic, payloadColumns)
	if err != nil {
		t.Fatal(err)
	}
	var old columns
	for _, c := range cols[:payloadColumns4] {
		old = append(old, []byte(c.rest))
	}
	packed, err := old.pack(payloadMagic4, zstd.SpeedDefault)
	if err != nil || bytes.Equal(packed, b.Payloads) {
		t.Fatal(err)
	}
	x, err := decodePayloads(packed)
	if err != nil {
		t.Fatal(err)
	}
	files, err := x.of(0, l.At(0))
	asking, asked := x.asks.of(0, l.At(0).Payloads)
	if err != nil || len(files) == 0 || asking != nil || asked != nil {
		t.Errorf("%v %v, %v %v", files, err, asking, asked)
	}
}

// Of rpm it is also known which patches take packages away, what is provided in which versions, and of which packages nobody tells.
func TestOffersOfRPM(t *testing.T) {
	words := []string{"libfoo >= 2", "(a if b)", "foe < 2", "abi = 7", "bin/tool"}
	packed := func(name, version string) detect.Entry {
		return detect.Entry{Patch: patch.Patch{ID: patch.ID("almalinux-9/" + name), Source: name, Version: version},
			Definition: detect.Definition{ID: patch.ID("almalinux-9/" + name), Packages: []detect.PackageRule{{Name: name, Arch: "x86_64", Version: version}}},
			Files:      []patch.PayloadFile{{Payload: patch.Payload{Name: name, Arch: "x86_64", Version: version, Size: 1}, URL: name + ".rpm", SHA256: content.Sum([]byte(name))}}}
	}
	app, lib, mute := packed("app", "2-1"), packed("lib", "1-1"), packed("mute", "1-1")
	app.Asks = []detect.Asks{{Words: &words, Requires: []uint32{0, 1}, Conflicts: []uint32{2}}}
	app.Files[0].Replaces = []patch.Relation{{Name: "oldname", Op: "<", Version: "2"}}
	lib.Asks = []detect.Asks{{Words: &words, Provides: []uint32{3, 4}}}
	built, err := Build(t.Context(), Input{OS: "almalinux-9-x86_64", Parsed: []Parsed{{URI: "http://rpm.example.org/", Origins: []patch.Origin{{Suite: "rpm"}}, Entries: []detect.Entry{app, lib, mute}}}})
	if err != nil {
		t.Fatal(err)
	}
	r := &revision{meta: built.Meta}
	if r.list, err = DecodeList(built.List); err == nil {
		r.payloads, err = decodePayloads(built.Payloads)
	}
	if err != nil {
		t.Fatal(err)
	}
	untold := patch.Offer{Patch: "almalinux-9/mute", Name: "mute", Virtual: true}
	for name, want := range map[string][]patch.Offer{
		"abi":      {{Patch: "almalinux-9/lib", Name: "lib", Version: "7", Op: "=", Virtual: true}, untold},
		"bin/tool": {{Patch: "almalinux-9/lib", Name: "lib", Virtual: true}, untold},
		"oldname":  {{Patch: "almalinux-9/app", Name: "oldname", Away: true}, untold},
		"app":      {{Patch: "almalinux-9/app", Name: "app", Version: "2-1"}, untold},
		".":        {untold},
	} {
		got, err := r.offers(name)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, d)
		}
	}
	i, _ := r.list.Index("almalinux-9/app")
	asking, err := r.asking(i)
	want := []patch.Asking{{Payload: app.Files[0].Payload, Depends: words[:2], Breaks: words[2:3]}}
	if d := cmp.Diff(want, asking, cmpopts.EquateEmpty()); d != "" || err != nil {
		t.Error(err, d)
	}
	i, _ = r.list.Index("almalinux-9/mute")
	if asking, err = r.asking(i); err != nil || !asking[0].Untold {
		t.Errorf("%+v, %v", asking, err)
	}
}
