package catalog

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
	"github.com/fettle-project/fettle/internal/wire"
)

const hostOS = patch.HostOS("debian-12-amd64")

var dated = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// stanza writes one entry of a Packages index; more holds further lines.
func stanza(name, arch, ver, source, more string) string {
	s := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: %s\nFilename: pool/%s_%s.deb\nSize: %d\nSHA256: %s\n", name, ver, arch, name, ver, 100+len(name)+len(ver), content.Sum([]byte(name+ver+arch)))
	if source != "" {
		s += "Source: " + source + "\n"
	}
	return s + more + "\n"
}

func source(suite, text string) Source {
	return Source{
		Origin: patch.Origin{Suite: suite, Component: "main", Arch: "amd64", Dated: dated, Release: content.Sum([]byte(suite)), Index: content.Sum([]byte(text)), IndexPath: "main/binary-amd64/Packages"},
		URI:    "https://deb.example.org/debian/", Label: "Debian",
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil },
	}
}

func release() Source {
	return source("bookworm", stanza("perl", "amd64", "5.36.0-7", "", "Description: Larry Wall's language\nDepends: perl-base (= 5.36.0-7), libc6, perl-modules | x\n")+
		stanza("perl-base", "amd64", "5.36.0-7", "perl", "Description: minimal Perl\n")+
		stanza("perl-modules", "all", "5.36.0-7", "perl", "Description: Core modules\n")+
		stanza("zlib1g-dev", "amd64", "1:1.2.13-1", "zlib (1:1.2.13.dfsg-1)", "Description: headers\n")+
		stanza("zlib1g", "amd64", "1:1.2.13-1", "zlib (1:1.2.13.dfsg-1)", "Description: compression library\n")+
		stanza("rebuilt", "amd64", "1.0-1+b2", "rebuilt (1.0-1)", ""))
}

func security() Source {
	return source("bookworm-security", stanza("perl", "amd64", "5.36.0-7+deb12u4", "", "Description: Larry Wall's language\n")+
		stanza("perl-base", "amd64", "5.36.0-7+deb12u4", "perl", "")+
		stanza("perl", "amd64", "5.36.0-7+deb12u3", "", "Description: Larry Wall's language\n"))
}

func updates() Source {
	return source("bookworm-updates", stanza("perl", "amd64", "5.36.0-7+deb12u3", "", "Description: Larry Wall's language\n"))
}

func build(t testing.TB, previous *List, sources ...Source) (Built, *List) {
	t.Helper()
	b, err := Build(t.Context(), Input{OS: hostOS, Sources: sources, Previous: previous, Now: dated})
	if err != nil {
		t.Fatal(err)
	}
	l, err := DecodeList(b.List)
	if err != nil {
		t.Fatal(err)
	}
	return b, l
}

func TestBuildDescribesEveryPatch(t *testing.T) {
	b, l := build(t, nil, security(), release(), updates())
	var ids []patch.ID
	for _, p := range l.Patches() {
		ids = append(ids, p.ID)
	}
	want := []patch.ID{
		"bookworm-security/perl/5.36.0-7+deb12u3", "bookworm-security/perl/5.36.0-7+deb12u4", "bookworm-updates/perl/5.36.0-7+deb12u3",
		"bookworm/perl/5.36.0-7", "bookworm/rebuilt/1.0-1", "bookworm/zlib/1:1.2.13.dfsg-1",
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Fatal(diff)
	}
	perl := l.At(1)
	if diff := cmp.Diff(&patch.Patch{
		ID: want[1], Title: "perl 5.36.0-7+deb12u4: Larry Wall's language", Source: "perl", Version: "5.36.0-7+deb12u4", Suite: "bookworm-security",
		Category: patch.Security, Released: dated,
		// Two suites carry the next lower version: both are superseded, and neither supersedes the other.
		Supersedes: []patch.ID{want[0], want[2]},
		Payloads:   []patch.Payload{{Name: "perl", Arch: "amd64", Version: "5.36.0-7+deb12u4", Size: 120}, {Name: "perl-base", Arch: "amd64", Version: "5.36.0-7+deb12u4", Size: 125}},
	}, perl); diff != "" {
		t.Error(diff)
	}
	for i, older := range map[int][]patch.ID{0: {want[3]}, 2: {want[3]}, 3: nil} {
		if diff := cmp.Diff(older, l.At(i).Supersedes); diff != "" {
			t.Errorf("%s: %s", ids[i], diff)
		}
	}
	if l.At(3).Category != patch.Update || l.At(5).Title != "zlib 1:1.2.13.dfsg-1: compression library" || l.At(4).Title != "rebuilt 1.0-1" {
		t.Errorf("%+v", l.Patches()[3:])
	}
	if got := l.At(4).Payloads[0].Version; got != "1.0-1+b2" {
		t.Errorf("the rebuilt binary has the version %s", got)
	}
	if b.Meta.Patches != 6 || b.Meta.Packages != 10 || len(b.Meta.Origins) != 3 || b.Meta.Origins[0].Suite != "bookworm" || b.Meta.ID != revisionID(b.Meta.List, b.Meta.Signatures) {
		t.Errorf("%+v", b.Meta)
	}
}

func TestListSignaturesAndPayloadsAgree(t *testing.T) {
	b, l := build(t, nil, security(), release(), updates())
	sig, err := detect.Open(b.Signatures)
	if err != nil {
		t.Fatal(err)
	}
	x, err := decodePayloads(b.Payloads)
	if err != nil {
		t.Fatal(err)
	}
	if sig.OS() != hostOS || l.OS() != hostOS || x.os != hostOS || sig.Len() != l.Len() || len(x.ends) != l.Len() {
		t.Fatal("the three files are not of one catalog")
	}
	if !sig.Agrees(func(i int) patch.ID { return l.At(i).ID }) {
		t.Error("list and signatures are not of the same patches in the same order")
	}
	for i := range l.Len() {
		files, err := x.of(i, l.At(i))
		if err != nil {
			t.Fatal(err)
		}
		for k, f := range files {
			if f.Payload != l.At(i).Payloads[k] || f.SHA256 != content.Sum([]byte(f.Name+f.Version+f.Arch)) || b.Meta.Origins[f.Origin].Suite != l.At(i).Suite {
				t.Errorf("%s: %+v", l.At(i).ID, f)
			}
			if want := "https://deb.example.org/debian/pool/" + f.Name + "_" + f.Version + ".deb"; f.URL != want {
				t.Errorf("%s is at %s, not %s", f.Name, f.URL, want)
			}
		}
	}
	i, _ := l.Index("bookworm/perl/5.36.0-7")
	files, _ := x.of(i, l.At(i))
	if diff := cmp.Diff([]string{"perl-base", "perl-modules"}, files[0].Needs); diff != "" {
		t.Error(diff)
	}
	for _, secret := range [][]byte{b.List, b.Signatures} {
		if bytes.Contains(secret, []byte(content.Sum([]byte("perl5.36.0-7amd64")))) {
			t.Error("a payload hash is in a file for machines")
		}
	}
}

func TestSameInputSameBytes(t *testing.T) {
	a, _ := build(t, nil, security(), release(), updates())
	b, _ := build(t, nil, updates(), release(), security())
	if !bytes.Equal(a.List, b.List) || !bytes.Equal(a.Signatures, b.Signatures) || !bytes.Equal(a.Payloads, b.Payloads) || a.Meta.ID != b.Meta.ID {
		t.Error("the order of the sources changes the bytes")
	}
}

func TestReleasedIsKeptFromTheListBefore(t *testing.T) {
	_, before := build(t, nil, release())
	next := release()
	next.Origin.Dated = dated.AddDate(0, 1, 0)
	sec := security()
	sec.Origin.Dated = dated.AddDate(0, 1, 0)
	_, l := build(t, before, next, sec)
	for id, want := range map[patch.ID]time.Time{"bookworm/perl/5.36.0-7": dated, "bookworm-security/perl/5.36.0-7+deb12u4": dated.AddDate(0, 1, 0)} {
		i, ok := l.Index(id)
		if !ok || !l.At(i).Released.Equal(want) {
			t.Errorf("%s: released %v, want %v", id, l.At(i).Released, want)
		}
	}
}

// What cannot be understood stays on the list, offers nothing, and is judged "error".
func TestHostileEntriesAreKeptAndMarked(t *testing.T) {
	for name, text := range map[string]string{
		"hostile name":      stanza("-oDPkg::x", "amd64", "1", "innocent (1)", ""),
		"hostile source":    stanza("innocent", "amd64", "1", "../../etc/\x1b[31m (1)", ""),
		"no version":        stanza("innocent", "amd64", "a b", "innocent (1)", ""),
		"no source version": stanza("innocent", "amd64", "1", "innocent (;)", ""),
		"no hash":           strings.Replace(stanza("innocent", "amd64", "1", "", ""), "SHA256", "SHA1", 1),
		"no size":           strings.Replace(stanza("innocent", "amd64", "1", "", ""), "Size", "Sise", 1),
		"path out":          strings.Replace(stanza("innocent", "amd64", "1", "", ""), "pool/", "../", 1),
		"absolute path":     strings.Replace(stanza("innocent", "amd64", "1", "", ""), "pool/", "/", 1),
		"two files":         stanza("innocent", "amd64", "1", "", "") + strings.Replace(stanza("innocent", "amd64", "1", "", ""), string(content.Sum([]byte("innocent1amd64"))), string(content.Sum(nil)), 1),
	} {
		b, l := build(t, nil, source("bookworm", text+stanza("good", "amd64", "1", "", "")))
		sig, err := detect.Open(b.Signatures)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if l.Len() != 2 {
			t.Fatalf("%s: %d patches", name, l.Len())
		}
		facts := &patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "amd64"}, Packages: []patch.Package{{Name: "innocent", Arch: "amd64", Version: "0", State: patch.Installed}}}
		result, err := sig.Evaluate(facts)
		if err != nil {
			t.Fatal(err)
		}
		for i := range l.Len() {
			p := l.At(i)
			if p.Source == "good" {
				continue
			}
			if len(p.Payloads) != 0 || result.Verdicts.At(i) != patch.Faulty {
				t.Errorf("%s: %+v is %v", name, p, result.Verdicts.At(i))
			}
			if f := sig.Find(facts, i); f.Reason.Text == "" {
				t.Errorf("%s: no reason", name)
			}
			for _, s := range []string{string(p.ID), p.Title, p.Source} {
				if strings.ContainsAny(s, "\x1b\n\x00") {
					t.Errorf("%s: control characters in %q", name, s)
				}
			}
		}
	}
}

func TestBuildRefusesWhatItCannotReadToTheEnd(t *testing.T) {
	cut := source("bookworm", "Package: a\nVersion: 1\n")
	if _, err := Build(t.Context(), Input{OS: hostOS, Sources: []Source{release(), cut}, Now: dated}); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a broken index: %v", err)
	}
	if _, err := Build(t.Context(), Input{OS: hostOS, Now: dated}); patch.KindOf(err) != patch.Invalid {
		t.Errorf("no index: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, Input{OS: hostOS, Sources: []Source{release()}, Now: dated}); err == nil {
		t.Error("an ended context built a catalog")
	}
}

// randomPatches makes lists of every shape that the codec must carry.
func randomPatches(r *rand.Rand) []patch.Patch {
	word := func() string {
		return []string{"a", "lib", "perl", "zz-top", "x+y", "ä"}[r.IntN(6)] + fmt.Sprint(r.IntN(30))
	}
	byID := map[patch.ID]patch.Patch{}
	for range r.IntN(40) {
		p := patch.Patch{Source: word(), Version: word(), Suite: []string{"bookworm", "bookworm-security"}[r.IntN(2)], Category: categories[r.IntN(2)], Severity: severities[r.IntN(5)]}
		p.ID = patchID(p.Suite, p.Source, p.Version)
		p.Title = title(p.Source, p.Version, []string{"", "a thing: of beauty", "ö"}[r.IntN(3)])
		if r.IntN(4) == 0 { // an advisory
			p.ID = patch.ID([]string{"oval:org.debian:def:1000000", "ALSA-2026:", "9"}[r.IntN(3)] + fmt.Sprint(10+r.IntN(90)))
			p.Title = []string{"", "CVE-2026-1001 " + p.Source, "Important: " + p.Source + " " + p.Source + " update", "\u00e4", p.Version + p.Source, p.Source + " " + p.Version + ": "}[r.IntN(6)]
			p.Advisory = []string{"", "DSA-1-1"}[r.IntN(2)]
			if _, digits := countedID(p.ID); r.IntN(2) == 0 {
				p.Version = digits
			}
		}
		if r.IntN(3) > 0 {
			p.Released = dated.AddDate(0, 0, r.IntN(5))
		}
		for range r.IntN(3) {
			p.CVEs = append(p.CVEs, []string{"CVE-2026-" + fmt.Sprint(1000+r.IntN(50)), "CVE-1999-" + fmt.Sprint(r.Uint32()), "CVE-2026-00012", "RHSA-2026:1", "CVE-2026-0042"}[r.IntN(5)])
		}
		for range r.IntN(4) {
			p.Payloads = append(p.Payloads, patch.Payload{Name: []string{p.Source, word()}[r.IntN(2)], Arch: []string{"all", "amd64"}[r.IntN(2)], Version: []string{p.Version, p.Version + "+b1", word()}[r.IntN(3)], Size: r.Int64N(1 << 40)})
		}
		byID[p.ID] = p
	}
	var list []patch.Patch
	for _, p := range byID {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b patch.Patch) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for i := range list {
		for range r.IntN(3) {
			if j := r.IntN(len(list)); j != i {
				list[i].Supersedes = append(list[i].Supersedes, list[j].ID)
			}
		}
	}
	return list
}

func TestListCodecCarriesEverything(t *testing.T) {
	for seed := range uint64(200) {
		want := randomPatches(rand.New(rand.NewPCG(seed, 1)))
		for i := range want {
			if seed%2 == 0 {
				want[i].CVSS = []float64{0, 0, 0.1, 7.5, 9.8, 10}[(i+int(seed))%6]
			}
		}
		b, err := encodeList(hostOS, want)
		if err != nil {
			t.Fatal(err)
		}
		l, err := DecodeList(b)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if diff := cmp.Diff(want, l.Patches()); diff != "" && len(want) > 0 {
			t.Fatalf("seed %d: %s", seed, diff)
		}
		for i, p := range want {
			if j, ok := l.Index(p.ID); !ok || j != i {
				t.Fatalf("Index(%s) = %d, %v", p.ID, j, ok)
			}
		}
	}
}

func FuzzDecodeList(f *testing.F) {
	for seed := range uint64(5) {
		b, err := encodeList(hostOS, randomPatches(rand.New(rand.NewPCG(seed, 1))))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := DecodeList(b)
		if err != nil {
			return
		}
		for i := range l.Len() {
			if j, ok := l.Index(l.At(i).ID); !ok || j != i {
				t.Error("a list that names a patch twice was accepted")
			}
		}
	})
}

// FuzzListColumns reaches behind the compression.
func FuzzListColumns(f *testing.F) {
	patches := randomPatches(rand.New(rand.NewPCG(1, 1)))
	patches[0].CVSS = 7.5
	b, err := encodeList(hostOS, patches)
	if err != nil {
		f.Fatal(err)
	}
	cols, err := unpack(b, listMagic, listColumns)
	if err != nil {
		f.Fatal(err)
	}
	var all []byte
	for _, c := range cols {
		all = append(append(all, byte(len(c.rest)), byte(len(c.rest)>>8)), c.rest...)
	}
	f.Add(all)
	f.Fuzz(func(t *testing.T, b []byte) {
		c := make(columns, listColumns)
		for i := 0; i < listColumns && len(b) >= 2; i++ {
			n := min(int(b[0])|int(b[1])<<8, len(b)-2)
			c[i], b = b[2:2+n], b[2+n:]
		}
		packed, err := c.pack(listMagic, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = DecodeList(packed)
	})
}

func FuzzDecodePayloads(f *testing.F) {
	b, err := Build(context.Background(), Input{OS: hostOS, Sources: []Source{release()}, Now: dated})
	if err != nil {
		f.Fatal(err)
	}
	l, err := DecodeList(b.List)
	if err != nil {
		f.Fatal(err)
	}
	cols, err := unpack(b.Payloads, payloadMagic, payloadColumns)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(cols[0].rest), []byte(cols[1].rest), []byte(cols[2].rest), []byte(cols[3].rest), []byte(cols[4].rest), []byte(cols[5].rest))
	f.Fuzz(func(t *testing.T, head, lengths, files, clauses, asking, asks []byte) {
		packed, err := columns{head, lengths, files, clauses, asking, asks}.pack(payloadMagic, 1)
		if err != nil {
			t.Fatal(err)
		}
		x, err := decodePayloads(packed)
		if err != nil {
			return
		}
		for i := range l.Len() {
			_, _ = x.of(i, l.At(i))
			_, _ = x.asks.of(i, l.At(i).Payloads)
		}
	})
}

func TestBundle(t *testing.T) {
	b, l := build(t, nil, release(), security())
	path := filepath.Join(t.TempDir(), "bundle")
	if err := WriteBundle(path, []Built{b}); err != nil {
		t.Fatal(err)
	}
	bundle, err := OpenBundle(path)
	if err != nil {
		t.Fatal(err)
	}
	defer bundle.Close()
	got, err := bundle.List(hostOS)
	if err != nil || got.Len() != l.Len() {
		t.Errorf("List: %v", err)
	}
	sig, err := bundle.Signatures(hostOS)
	if err != nil || sig.Len() != l.Len() {
		t.Errorf("Signatures: %v", err)
	}
	if _, err := bundle.Signatures("debian-13-amd64"); patch.KindOf(err) != patch.NotFound || !strings.Contains(err.Error(), string(hostOS)) {
		t.Errorf("another OS: %v", err)
	}
	whole, _ := os.ReadFile(path)
	if bytes.Contains(whole, b.Payloads) {
		t.Error("the payload index is in the bundle")
	}
	for n := 0; n < len(whole); n += 61 {
		os.WriteFile(path, whole[:n], 0o600)
		if b, err := OpenBundle(path); err == nil {
			b.Close()
			t.Errorf("a bundle cut at %d opens", n)
		}
	}
	for n := 0; n < len(whole); n += 29 {
		bad := slices.Clone(whole)
		bad[n] ^= 0x20
		os.WriteFile(path, bad, 0o600)
		damaged, err := OpenBundle(path)
		if err != nil {
			continue
		}
		if s, err := damaged.Signatures(hostOS); err == nil && s.Len() != sig.Len() {
			t.Errorf("byte %d: other signatures were accepted", n)
		}
		damaged.Close()
	}
	renamed := l.Patches()
	renamed[0].Title = "harmless"
	forged := b
	if forged.List, err = encodeList(hostOS, renamed); err != nil {
		t.Fatal(err)
	}
	if err := WriteBundle(path, []Built{forged}); err != nil {
		t.Fatal(err)
	}
	swapped, err := OpenBundle(path)
	if err != nil {
		t.Fatal(err)
	}
	defer swapped.Close()
	if _, err := swapped.List(hostOS); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a whole list under another list's name: %v", err)
	}
	if _, err := OpenBundle(filepath.Join(t.TempDir(), "none")); patch.KindOf(err) != patch.NotFound {
		t.Errorf("no file: %v", err)
	}
}

// shelf is the storage of a catalog in memory.
type shelf struct {
	feeds    []patch.FeedStatus
	states   map[string]patch.FeedState
	metas    []patch.RevisionMeta
	envelope []byte
	patches  []patch.Patch
	alarms   map[string]patch.Alarm
	fail     error
}

func (s *shelf) RaiseAlarm(_ context.Context, a patch.Alarm) error {
	if s.alarms == nil {
		s.alarms = map[string]patch.Alarm{}
	}
	s.alarms[a.Key] = a
	return nil
}

func (s *shelf) ClearAlarm(_ context.Context, key string, _ time.Time) error {
	delete(s.alarms, key)
	return nil
}

func (s *shelf) ListFeeds(context.Context) ([]patch.FeedStatus, error) { return s.feeds, nil }

func (s *shelf) FindFeedState(_ context.Context, name string) (patch.FeedState, error) {
	state, ok := s.states[name]
	if !ok {
		return state, patch.Errorf(patch.NotFound, "none")
	}
	return state, nil
}

func (s *shelf) PutRevision(_ context.Context, m patch.RevisionMeta, envelope []byte, patches []patch.Patch) error {
	if s.fail != nil {
		return s.fail
	}
	s.metas, s.envelope, s.patches = append(s.metas, m), envelope, patches
	return nil
}

func (s *shelf) NewestRevision(_ context.Context, os patch.HostOS) (patch.RevisionMeta, []byte, error) {
	for _, m := range slices.Backward(s.metas) {
		if m.OS == os {
			return m, s.envelope, nil
		}
	}
	return patch.RevisionMeta{}, nil, patch.Errorf(patch.NotFound, "none")
}

func (s *shelf) ListRevisions(_ context.Context, os patch.HostOS) (out []patch.RevisionMeta, err error) {
	for _, m := range slices.Backward(s.metas) {
		if m.OS == os {
			out = append(out, m)
		}
	}
	return out, nil
}

func (s *shelf) FindRevision(_ context.Context, os patch.HostOS, id patch.RevisionID) (patch.RevisionMeta, []byte, error) {
	for _, m := range slices.Backward(s.metas) {
		if m.OS == os && m.ID == id {
			return m, nil, nil
		}
	}
	return patch.RevisionMeta{}, nil, patch.Errorf(patch.NotFound, "none")
}

func (s *shelf) ListOSes(context.Context) ([]patch.HostOS, error) { return nil, nil }

func newCatalog(t *testing.T) (*Catalog, *shelf, ed25519.PublicKey) {
	t.Helper()
	open := func() *content.Dir {
		d, err := content.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	store := &shelf{states: map[string]patch.FeedState{}}
	return &Catalog{Store: store, Raw: open(), Files: open(), Key: private, Now: func() time.Time { return dated }, Log: slog.New(slog.DiscardHandler)}, store, public
}

// subscribe makes a source the newest good generation of a feed.
func subscribe(t *testing.T, c *Catalog, s *shelf, name string, src Source) {
	t.Helper()
	r, _ := src.Open()
	b, _ := io.ReadAll(r)
	h, err := c.Raw.PutBytes(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	src.Origin.Index = h
	s.states[name] = patch.FeedState{Feed: name, OS: hostOS, Label: src.Label, Origins: []patch.Origin{src.Origin}, Dated: src.Origin.Dated}
	if !slices.ContainsFunc(s.feeds, func(f patch.FeedStatus) bool { return f.Name == name }) {
		s.feeds = append(s.feeds, patch.FeedStatus{Feed: patch.Feed{Name: name, OS: hostOS, URI: src.URI}})
	}
}

func TestPublish(t *testing.T) {
	c, store, key := newCatalog(t)
	if _, err := c.List(hostOS); patch.KindOf(err) != patch.NotFound {
		t.Errorf("before the first publish: %v", err)
	}
	store.feeds = append(store.feeds, patch.FeedStatus{Feed: patch.Feed{Name: "never synced", OS: hostOS}})
	subscribe(t, c, store, "main", release())
	metas, err := c.Publish(t.Context())
	if err != nil || len(metas) != 1 || metas[0].Patches != 3 {
		t.Fatalf("%+v, %v", metas, err)
	}
	var e wire.Envelope
	var signed patch.RevisionMeta
	if err := json.Unmarshal(store.envelope, &e); err != nil {
		t.Fatal(err)
	}
	if err := e.Open(key, wire.TypeRevision, &signed); err != nil || signed.ID != metas[0].ID {
		t.Errorf("the envelope: %v", err)
	}
	if len(store.patches) != 3 {
		t.Errorf("%d patches stored", len(store.patches))
	}
	if again, err := c.Publish(t.Context()); err != nil || len(store.metas) != 1 || again[0].ID != metas[0].ID {
		t.Errorf("nothing changed, and there are %d revisions, %v", len(store.metas), err)
	}
	subscribe(t, c, store, "security", security())
	next, err := c.Publish(t.Context())
	if err != nil || next[0].Patches != 5 || len(store.metas) != 2 {
		t.Fatalf("%+v, %v", next, err)
	}
	checkAnswers(t, c, metas[0], next[0])
	// A new process reads the same from storage.
	checkAnswers(t, &Catalog{Store: store, Raw: c.Raw, Files: c.Files, Now: c.Now, Log: c.Log}, metas[0], next[0])
}

func checkAnswers(t *testing.T, c *Catalog, old, newest patch.RevisionMeta) {
	t.Helper()
	if m, ok := c.Meta(hostOS); !ok || m.ID != newest.ID {
		t.Errorf("Meta: %+v, %v", m, ok)
	}
	for _, m := range []patch.RevisionMeta{old, newest} {
		l, err := c.ListOf(t.Context(), hostOS, m.ID)
		if err != nil || l.Len() != m.Patches {
			t.Errorf("ListOf: %v", err)
		}
		s, err := c.Signatures(t.Context(), hostOS, m.ID)
		if err != nil || s.Len() != m.Patches {
			t.Errorf("Signatures: %v", err)
		}
	}
	files, err := c.Payloads(t.Context(), hostOS, "bookworm-security/perl/5.36.0-7+deb12u4")
	if err != nil || len(files) != 2 || newest.Origins[files[0].Origin].Suite != "bookworm-security" {
		t.Errorf("Payloads: %+v, %v", files, err)
	}
	if _, err := c.Payloads(t.Context(), hostOS, "bookworm/none/1"); patch.KindOf(err) != patch.NotFound {
		t.Errorf("an unknown patch: %v", err)
	}
}

func TestPublishKeepsTheOldRevisionWhenItFails(t *testing.T) {
	c, store, _ := newCatalog(t)
	subscribe(t, c, store, "main", release())
	first, err := c.Publish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	subscribe(t, c, store, "security", source("bookworm-security", "Package: broken\n"))
	if _, err := c.Publish(t.Context()); err == nil {
		t.Error("a broken index was published")
	}
	subscribe(t, c, store, "security", security())
	store.fail = patch.Errorf(patch.Unavailable, "the database is away")
	if _, err := c.Publish(t.Context()); err == nil {
		t.Error("a revision that was not stored was reported as published")
	}
	if m, _ := c.Meta(hostOS); m.ID != first[0].ID {
		t.Errorf("the revision in force is %s", m.ID)
	}
	store.fail = nil
	if m, err := c.Publish(t.Context()); err != nil || m[0].Patches != 5 {
		t.Errorf("%+v, %v", m, err)
	}
	// Lost files are built again.
	m, _ := c.Meta(hostOS)
	if err := c.Files.Remove(m.List); err != nil {
		t.Fatal(err)
	}
	fresh := &Catalog{Store: store, Raw: c.Raw, Files: c.Files, Key: c.Key, Now: c.Now, Log: c.Log}
	if _, err := fresh.List(hostOS); patch.KindOf(err) != patch.Unavailable {
		t.Errorf("a lost file: %v", err)
	}
	if _, err := fresh.Publish(t.Context()); err != nil {
		t.Error(err)
	}
	if l, err := fresh.List(hostOS); err != nil || l.Len() != 5 {
		t.Errorf("after building again: %v", err)
	}
}

func TestSupersessionFollowsVersionsOnly(t *testing.T) {
	_, l := build(t, nil, release(), security(), updates())
	for _, p := range l.Patches() {
		for _, id := range p.Supersedes {
			i, ok := l.Index(id)
			if !ok || l.At(i).Source != p.Source || version.DpkgCompare(l.At(i).Version, p.Version) >= 0 {
				t.Errorf("%s supersedes %s", p.ID, id)
			}
		}
	}
}

// A reader that stops early must not leave the goroutine behind it waiting.
func TestReadAheadStops(t *testing.T) {
	for range 50 {
		a := readAhead(t.Context(), rand.NewChaCha8([32]byte{}))
		if _, err := a.Read(make([]byte, 10)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		a.stop()
	}
}
