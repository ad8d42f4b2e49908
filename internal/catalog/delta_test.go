package catalog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// nextDay is the list a day later: some definitions have new versions, some are new, one is gone.
func nextDay(entries []detect.Entry, n int) []detect.Entry {
	next := slices.Clone(entries)
	for i := range n / 2 {
		e := &next[(i*7919+13)%len(next)]
		e.Definition = detect.Definition{Packages: []detect.PackageRule{{Name: e.Patch.Source, Version: fmt.Sprintf("9.%d-1", i)}}}
		e.Patch.Version, e.Patch.Released = e.Definition.Packages[0].Version, dated.AddDate(0, 0, 1)
	}
	for i := range n / 2 {
		pkg, cve := entries[i/2*31%len(entries)].Patch.Source, fmt.Sprintf("CVE-2026-%d", 70000+i*3)
		e := advisory(patch.ID(fmt.Sprintf("oval:org.debian:def:%d", 100000000+len(entries)+i)), pkg, fmt.Sprintf("8.%d-1", i/2))
		e.Patch.Title, e.Patch.CVEs, e.Patch.Suite, e.Patch.Released = cve+" "+pkg, []string{cve}, "oval", dated.AddDate(0, 0, 1)
		next = append(next, e)
	}
	return slices.Delete(next, 20_000%len(next), 20_000%len(next)+1)
}

func builtOf(t testing.TB, entries []detect.Entry) Built {
	t.Helper()
	b, err := Build(t.Context(), Input{OS: hostOS, Parsed: []Parsed{parsed(entries...)}, Now: dated})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestADaysChangeIsSmall(t *testing.T) {
	entries := ovalShaped(50_000)
	before, after := builtOf(t, entries), builtOf(t, nextDay(entries, 50))
	total := 0
	for name, f := range map[string][2][]byte{"list": {before.List, after.List}, "signatures": {before.Signatures, after.Signatures}} {
		delta, err := Delta(f[0], f[1])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Logf("%s: %d bytes instead of %d", name, len(delta), len(f[1]))
		total += len(delta)
		got, err := Apply(f[0], delta)
		if err != nil || !bytes.Equal(got, f[1]) {
			t.Errorf("%s: applied, it gives another file: %v", name, err)
		}
	}
	if total > 10<<10 {
		t.Errorf("50 changed definitions of 50,000 take %d bytes", total)
	}
}

// Whatever the two files are, a delta that is made gives exactly the new one.
func TestDeltasGiveTheNewFile(t *testing.T) {
	made := 0
	for seed := range uint64(24) {
		r := rand.New(rand.NewPCG(seed, 3))
		a, b := randomPatches(r), randomPatches(r)
		if seed%2 == 0 {
			b = append(slices.Clone(a[:len(a)/2]), a[min(len(a), len(a)/2+1):]...)
			for i := range b {
				b[i].Supersedes = nil
			}
		}
		before, err := encodeList(hostOS, a)
		if err != nil {
			t.Fatal(err)
		}
		after, err := encodeList(hostOS, b)
		if err != nil {
			t.Fatal(err)
		}
		delta, err := Delta(before, after)
		if patch.KindOf(err) == patch.Exhausted {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		made++
		if got, err := Apply(before, delta); err != nil || !bytes.Equal(got, after) {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
	if made < 5 {
		t.Errorf("only %d deltas were made", made)
	}
}

func TestHostileDeltas(t *testing.T) {
	entries := ovalShaped(2000)
	before, after := builtOf(t, entries), builtOf(t, nextDay(entries, 20))
	good, err := Delta(before.List, after.List)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	head := func(size uint64) []byte {
		return binary.AppendUvarint(binary.AppendUvarint([]byte(deltaMagic), size), size)
	}
	inside := func(plain string) []byte {
		recipe := makeRecipe(nil, []byte(plain))
		lengths := binary.AppendUvarint(binary.AppendUvarint([]byte(deltaMagic), uint64(len(plain))), uint64(len(recipe)))
		return enc.EncodeAll(recipe, lengths)
	}
	bomb := enc.EncodeAll(make([]byte, 64<<20), head(64<<20))
	lying := enc.EncodeAll(make([]byte, 64<<20), head(1000))
	for name, delta := range map[string][]byte{
		"none": nil, "no magic": []byte("FTLDELT9" + string(good[8:])), "cut": good[:len(good)-3], "a bomb": bomb, "a bomb that lies": lying,
		"no frame": head(100), "nothing": head(0), "too long": make([]byte, MaxDelta+1), "no list inside": inside("garbage!"), "no recipe inside": enc.EncodeAll([]byte("garbage!"), head(8)),
		"damaged signatures inside": inside("FTLSIGS\x02\x01"),
	} {
		if b, err := Apply(before.List, delta); err == nil {
			t.Errorf("%s gives a file of %d bytes", name, len(b))
		}
	}
	if _, err := Apply(before.List, bomb); !strings.Contains(err.Error(), "plausible size") {
		t.Errorf("a bomb is decompressed first: %v", err)
	}
	// Over another file than it was made for it gives an error or something else: the hash tells.
	if b, err := Apply(builtOf(t, nextDay(entries, 400)).List, good); err == nil && bytes.Equal(b, after.List) {
		t.Error("it does not matter what the delta is applied to")
	}
	if _, err := Delta(before.List, before.Payloads); err == nil {
		t.Error("a delta to no list was made")
	}
	if _, err := Delta(before.Signatures, after.List); patch.KindOf(err) != patch.Exhausted {
		t.Errorf("a delta that saves nothing: %v", err)
	}
}

func FuzzApply(f *testing.F) {
	entries := ovalShaped(200)
	before, after := builtOf(f, entries), builtOf(f, nextDay(entries, 10))
	for _, p := range [][2][]byte{{before.List, after.List}, {before.Signatures, after.Signatures}} {
		delta, err := Delta(p[0], p[1])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(delta)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = Apply(before.List, b)
		_, _ = Apply(before.Signatures, b)
	})
}
