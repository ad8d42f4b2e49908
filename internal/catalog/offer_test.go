package catalog

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

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
