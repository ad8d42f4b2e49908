package catalog

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// advisory is an entry as a parser of advisories gives it.
func advisory(id patch.ID, pkg, ver string, files ...patch.PayloadFile) detect.Entry {
	return detect.Entry{
		Patch:      patch.Patch{ID: id, Title: "Important: " + pkg + " update", Source: pkg, Version: ver, Suite: "baseos", Category: patch.Security, Severity: patch.High},
		Definition: detect.Definition{Packages: []detect.PackageRule{{Name: pkg, Version: ver}}},
		Files:      files,
	}
}

func file(name, ver, url string) patch.PayloadFile {
	return patch.PayloadFile{Payload: patch.Payload{Name: name, Arch: "x86_64", Version: ver, Size: 7}, URL: url, SHA256: content.Sum([]byte(name + ver))}
}

func parsed(entries ...detect.Entry) Parsed {
	return Parsed{URI: "https://rpm.example.org/9/", Origins: []patch.Origin{{Suite: "baseos", Component: "updateinfo", Dated: dated, Index: content.Sum([]byte("u"))},
		{Suite: "baseos", Component: "primary", Dated: dated, Index: content.Sum([]byte("p"))}}, Entries: entries}
}

func buildParsed(t testing.TB, p ...Parsed) (Built, *List) {
	t.Helper()
	b, err := Build(t.Context(), Input{OS: "almalinux-9-x86_64", Parsed: p, Now: dated})
	if err != nil {
		t.Fatal(err)
	}
	l, err := DecodeList(b.List)
	if err != nil {
		t.Fatal(err)
	}
	return b, l
}

func TestEntriesBecomePatches(t *testing.T) {
	second := file("zlib-devel", "1.2-2.el9", "https://mirror.example.org/zlib-devel.rpm?x=1")
	second.Origin, second.Needs = 1, []string{"zlib"}
	b, l := buildParsed(t, parsed(
		advisory("ALSA-2026:2", "zlib", "1.2-2.el9", file("zlib", "1.2-2.el9", "Packages/z/zlib%2b.rpm"), second),
		advisory("ALSA-2026:1", "zlib", "1.2-1.el9", file("zlib", "1.2-1.el9", "https://rpm.example.org/9/Packages/z/zlib-1.rpm"))))
	if l.Len() != 2 || b.Meta.Patches != 2 || len(b.Meta.Origins) != 2 {
		t.Fatalf("%+v", b.Meta)
	}
	newer := l.At(1)
	if newer.Title != "Important: zlib update" || !slices.Equal(newer.Supersedes, []patch.ID{"ALSA-2026:1"}) || !newer.Released.Equal(dated) {
		t.Errorf("%+v", newer)
	}
	x, err := decodePayloads(b.Payloads)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]string{{"https://rpm.example.org/9/Packages/z/zlib-1.rpm"}, {"https://rpm.example.org/9/Packages/z/zlib%2b.rpm", "https://mirror.example.org/zlib-devel.rpm?x=1"}} {
		files, err := x.of(i, l.At(i))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range files {
			got = append(got, f.URL)
			if f.SHA256 != content.Sum([]byte(f.Name+f.Version)) || b.Meta.Origins[f.Origin].Component != []string{"primary", "updateinfo"}[1-f.Origin] {
				t.Errorf("%+v", f)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	s, err := detect.Open(b.Signatures)
	if err != nil || !s.Agrees(func(i int) patch.ID { return []patch.ID{"ALSA-2026:1", "ALSA-2026:2"}[i] }) {
		t.Errorf("signatures of other patches, or none: %v", err)
	}
}

// Archives and parsed feeds of one host OS make one list; the order in which they come does not matter.
func TestEntriesAndArchivesTogether(t *testing.T) {
	a, b := parsed(advisory("oval:x:def:1", "perl", "5.36.0-7")), parsed(advisory("oval:x:def:2", "perl", "5.36.0-8"))
	b.Origins = b.Origins[:1]
	b.Origins[0].Suite = "another"
	one, err := Build(t.Context(), Input{OS: hostOS, Sources: []Source{release(), security()}, Parsed: []Parsed{a, b}, Now: dated})
	if err != nil {
		t.Fatal(err)
	}
	two, err := Build(t.Context(), Input{OS: hostOS, Sources: []Source{security(), release()}, Parsed: []Parsed{b, a}, Now: dated})
	if err != nil {
		t.Fatal(err)
	}
	if one.Meta.ID != two.Meta.ID || one.Meta.Payloads != two.Meta.Payloads || one.Meta.Patches != 7 || len(one.Meta.Origins) != 5 {
		t.Errorf("%+v\n%+v", one.Meta, two.Meta)
	}
	l, err := DecodeList(one.List)
	if err != nil {
		t.Fatal(err)
	}
	x, err := decodePayloads(one.Payloads)
	if err != nil {
		t.Fatal(err)
	}
	i, _ := l.Index("bookworm/perl/5.36.0-7")
	if files, err := x.of(i, l.At(i)); err != nil || len(files) != 3 || one.Meta.Origins[files[0].Origin].Suite != "bookworm" {
		t.Errorf("%+v, %v", files, err)
	}
}

func TestHostileEntries(t *testing.T) {
	spoil := func(change func(*patch.PayloadFile)) detect.Entry {
		f := file("a", "1", "a.rpm")
		change(&f)
		return advisory(patch.ID("F-"+fmt.Sprint(rand.Uint64())), "a", "1", file("good", "1", "good.rpm"), f)
	}
	long := strings.Repeat("x", 5000)
	bad := []detect.Entry{
		advisory("", "a", "1"), advisory("a b\x1b[2J", "a", "1"), advisory(patch.ID(long), "a", "1"),
		spoil(func(f *patch.PayloadFile) { f.SHA256 = "../../etc/passwd" }),
		spoil(func(f *patch.PayloadFile) { f.Size = 0 }),
		spoil(func(f *patch.PayloadFile) { f.URL = "file:///etc/passwd" }),
		spoil(func(f *patch.PayloadFile) { f.URL = "https://u:p@rpm.example.org/x" }),
		spoil(func(f *patch.PayloadFile) { f.Origin = 2 }),
		spoil(func(f *patch.PayloadFile) { f.Origin = -1 }),
		spoil(func(f *patch.PayloadFile) { f.Name = "a\nb" }),
	}
	twice := advisory("twice", "a", "1", file("a", "1", "a.rpm"))
	other := advisory("twice", "a", "2", file("a", "2", "a.rpm"))
	same := advisory("same", "a", "1")
	loud := advisory("loud", "a", "1")
	loud.Patch.Title, loud.Patch.Source = "red\x1b[31m\nalert"+long, "s\x00s"
	loud.Patch.CVEs = []string{"CVE-2026-1\n", "\x00"}
	loud.Patch.Supersedes = []patch.ID{"loud", "gone", "same", "same"}
	b, l := buildParsed(t, parsed(append(bad, twice, other, same, same, loud)...))
	if l.Len() != len(bad)+3 {
		t.Errorf("%d patches", l.Len())
	}
	for _, p := range l.Patches() {
		if len(p.Payloads) != 0 && p.ID != "same" || strings.ContainsFunc(string(p.ID)+p.Title+p.Source, func(r rune) bool { return r < ' ' }) || len(p.ID) > maxID || len(p.Title) > maxTitle {
			t.Errorf("%+v", p)
		}
	}
	i, _ := l.Index("loud")
	if p := l.At(i); !slices.Equal(p.Supersedes, []patch.ID{"same"}) || !slices.Equal(p.CVEs, []string{"CVE-2026-1"}) {
		t.Errorf("%+v", p)
	}
	s, err := detect.Open(b.Signatures)
	if err != nil {
		t.Fatal(err)
	}
	i, _ = l.Index("twice")
	facts := &patch.Facts{OS: patch.OSFacts{Key: "almalinux-9-x86_64", Arch: "x86_64"}}
	if f := s.Find(facts, i); f.Verdict != patch.Faulty || !strings.Contains(f.Reason.Text.String(), "two different definitions") {
		t.Errorf("%+v", f)
	}
}

// ovalShaped gives definitions as a distribution publishes them: one CVE and one package each, identifiers that count, a few versions
// of each of 4,200 packages, of which few have most of the definitions.
func ovalShaped(n int) []detect.Entry {
	r := rand.New(rand.NewPCG(42, 1))
	entries := make([]detect.Entry, n)
	for i := range entries {
		k := int(4200 * r.Float64() * r.Float64())
		pkg, cve := fmt.Sprintf("lib%x-%d", uint32(k)*2654435761>>8, k%7), fmt.Sprintf("CVE-%d-%d", 2005+r.IntN(21), 1000+r.IntN(60000))
		ver := fmt.Sprintf("%d.%d.%d-%d", k%9, k%31, k%17, k%5)
		if r.IntN(10) == 0 {
			ver += "+deb12u1"
		}
		e := advisory(patch.ID(fmt.Sprintf("oval:org.debian:def:%d", 100000000+i)), pkg, ver)
		e.Patch.Title, e.Patch.CVEs, e.Patch.Suite = cve+" "+pkg, []string{cve}, "oval"
		e.Patch.Released = dated.AddDate(0, 0, -r.IntN(500))
		entries[i] = e
	}
	return entries
}

func TestManyDefinitionsAreSmall(t *testing.T) {
	b, err := Build(t.Context(), Input{OS: hostOS, Parsed: []Parsed{parsed(ovalShaped(50_000)...)}, Now: dated})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the list takes %d bytes, the signatures %d", len(b.List), len(b.Signatures))
	if len(b.List) > 400<<10 {
		t.Errorf("the list of 50,000 definitions takes %d bytes", len(b.List))
	}
}

func TestPublishParsesAgainWithABetterParser(t *testing.T) {
	c, store, _ := newCatalog(t)
	subscribe(t, c, store, "oval", source("oval", "one\ntwo\n"))
	store.feeds[0].Kind = "oval"
	if _, err := c.Publish(t.Context()); err == nil {
		t.Error("a feed of an unknown kind was published")
	}
	opened := 0
	parse := func(also ...detect.Entry) func(context.Context, Generation) (Found, error) {
		return func(_ context.Context, g Generation) (Found, error) {
			r, err := g.Open(g.State.Origins[0].Index)
			if err != nil {
				return Found{}, err
			}
			defer r.Close()
			text, err := io.ReadAll(r)
			opened++
			for id := range strings.FieldsSeq(string(text)) {
				also = append(also, advisory(patch.ID(id), "a", "1"))
			}
			return Found{Entries: also}, err
		}
	}
	c.Parsers = map[string]Parser{"oval": {Version: 1, Parse: parse()}}
	first, err := c.Publish(t.Context())
	if err != nil || first[0].Patches != 2 {
		t.Fatalf("%+v, %v", first, err)
	}
	if _, err := c.Publish(t.Context()); err != nil || opened != 1 {
		t.Errorf("the same raw file was parsed again: %d, %v", opened, err)
	}
	c.Parsers = map[string]Parser{"oval": {Version: 2, Parse: parse(advisory("three", "a", "1"))}}
	next, err := c.Publish(t.Context())
	if err != nil || next[0].Patches != 3 || opened != 2 {
		t.Errorf("%+v, %v", next, err)
	}
}

// How a file is installed goes with the file, and a setup that no agent would carry out takes the patch's files away.
func TestSetupsGoWithTheirFiles(t *testing.T) {
	good := file("kettle", "2.0", "https://apps.example.org/kettle.msi")
	good.Setup = &patch.Setup{Kind: patch.SetupMSI, Switches: []string{"ALLUSERS=1"}, Signer: "Fettle Test", Codes: map[int]patch.SetupOutcome{5: patch.SetupReboot}}
	bad := file("pot", "2.0", "https://apps.example.org/pot.exe")
	bad.Setup = &patch.Setup{Kind: patch.SetupPlain, Switches: []string{"/run=C:\\x.exe"}}
	b, l := buildParsed(t, parsed(advisory("kettle/2.0", "kettle", "2.0", good), advisory("pot/2.0", "pot", "2.0", bad)))
	x, err := decodePayloads(b.Payloads)
	if err != nil {
		t.Fatal(err)
	}
	for i := range l.Len() {
		files, err := x.of(i, l.At(i))
		switch {
		case err != nil:
			t.Error(err)
		case l.At(i).ID == "kettle/2.0":
			if len(files) != 1 || cmp.Diff(good.Setup, files[0].Setup) != "" {
				t.Errorf("%+v", files)
			}
		case len(files) != 0:
			t.Errorf("%+v", files)
		}
	}
}
