package sdp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const maxLZXBlock = 32<<10 + 6144 // bytes of a packed frame that cabextract reads

// lzxFolder makes a folder of about size bytes. Calls are the size that calls are translated with, or 0.
func lzxFolder(r *rand.Rand, window int, calls int32, size int, seen map[string]bool) (f testFolder, before []byte) {
	e := newLZXEncoder(r, window, calls, seen)
	for len(e.plain) < size {
		n := 1 + r.IntN(1<<(4+r.IntN(14)))
		if r.IntN(8) == 0 {
			e.block(lzxStored, min(n, 50_000))
		} else {
			e.block(lzxVerbatim+r.IntN(2), n)
		}
	}
	if len(e.plain) > lzxFrame*len(e.frames) {
		e.cut()
	}
	return testFolder{kind: uint16(3 | window<<8), blocks: e.frames, size: len(e.plain)}, e.plain
}

func (f *testFolder) split(r *rand.Rand, name string) {
	for left := f.size; left > 0; {
		n := 1 + r.IntN(left)
		f.names, f.sizes = append(f.names, fmt.Sprintf("%s-%d", name, len(f.names))), append(f.sizes, n)
		left -= n
	}
}

func (f *testFolder) tooLarge() bool {
	return slices.ContainsFunc(f.blocks, func(b []byte) bool { return len(b) > maxLZXBlock })
}

// unpackAll gives the files of a cabinet one after another.
func unpackAll(b []byte) ([]byte, error) {
	var all bytes.Buffer
	err := cabinet(bytes.NewReader(b), func(_ string, r io.Reader) error {
		_, err := io.Copy(&all, r)
		return err
	})
	return all.Bytes(), err
}

// lzxFolders draws folders. The bytes that each must unpack to are those that lzxCall makes its packed bytes of.
func lzxFolders(t *rapid.T, seen map[string]bool) (folders []testFolder, check func(got []byte)) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	var calls []int32
	var packed [][]byte
	for i := range rapid.IntRange(1, 3).Draw(t, "folders") {
		size := rapid.SampledFrom([]int{10, 30_000, 32_768, 70_000, 200_000}).Draw(t, "size")
		calls = append(calls, rapid.SampledFrom([]int32{0, 1, 5_000, 12_000_000, 1<<31 - 1}).Draw(t, "calls"))
		f, b := lzxFolder(r, rapid.IntRange(lzxMinWindow, lzxMaxWindow).Draw(t, "window"), calls[i], 1+r.IntN(size), seen)
		if f.tooLarge() {
			t.Skip("a frame is larger than a cabinet may have it")
		}
		f.split(r, fmt.Sprint("f", i))
		folders, packed = append(folders, f), append(packed, b)
	}
	return folders, func(got []byte) {
		for i, f := range folders {
			if len(got) < f.size {
				t.Fatalf("folder %d has %d bytes of %d", i, len(got), f.size)
			}
			part := got[:f.size]
			if calls[i] != 0 {
				part = lzxCall(part, int(calls[i]))
			}
			if !bytes.Equal(part, packed[i]) {
				t.Fatalf("folder %d (calls %d): other bytes than were packed from %d on", i, calls[i], firstDifference(part, packed[i]))
			}
			got = got[f.size:]
		}
	}
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func TestLZX(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		folders, check := lzxFolders(t, map[string]bool{})
		got, err := unpackAll(joinCabinet(folders))
		if err != nil {
			t.Fatal(err)
		}
		check(got)
	})
}

// cabextract, which reads what Microsoft packs, finds each cabinet whole and has the same bytes.
func TestLZXOfCabextract(t *testing.T) {
	if _, err := exec.LookPath("cabextract"); err != nil {
		t.Skip("SKIPPED: cabextract is not installed, so nothing referees LZX: scripts/needs test installs it")
	}
	path, seen := filepath.Join(t.TempDir(), "a.cab"), map[string]bool{}
	referee := func(t rapid.TB, b []byte) []byte {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cabextract", "-t", path).CombinedOutput(); err != nil {
			t.Fatalf("the test's packer is wrong: %v %s", err, out)
		}
		want, err := exec.Command("cabextract", "-q", "-p", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		return want
	}
	compare := func(t rapid.TB, b []byte) []byte {
		want := referee(t, b)
		got, err := unpackAll(b)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%v; %d bytes, cabextract has %d, others from %d on", err, len(got), len(want), firstDifference(got, want))
		}
		return got
	}
	rapid.Check(t, func(t *rapid.T) {
		folders, check := lzxFolders(t, seen)
		check(compare(t, joinCabinet(folders)))
	})
	for seed := range uint64(2) { // far matches need a large folder
		r := rand.New(rand.NewPCG(seed, 7))
		calls := int32(seed << 30)
		f, _ := lzxFolder(r, lzxMaxWindow, calls, 5<<20, seen)
		f.split(r, "large")
		compare(t, f.cabinet())
	}
	for what, ns := range map[string][2]int{"verbatim slot": {0, lzxMaxSlots - 1}, "aligned slot": {0, lzxMaxSlots - 1}, "stored at bit": {0, 15},
		"odd stored": {0, 0}, "code of": {1, lzxCodeBits}, "length symbol": {0, 19}} {
		for n := ns[0]; n <= ns[1]; n++ {
			if !seen[what+" "+fmt.Sprint(n)] {
				t.Errorf("%s %d never came up", what, n)
			}
		}
	}
}

func TestLZXDamage(t *testing.T) {
	f, _ := lzxFolder(rand.New(rand.NewPCG(3, 3)), 15, 5_000, 70_000, map[string]bool{})
	f.split(rand.New(rand.NewPCG(3, 4)), "f")
	b := f.cabinet()
	for cut := 0; cut < len(b); cut += 1 + len(b)/300 {
		if _, err := unpackAll(b[:cut]); err == nil {
			t.Errorf("nothing is wrong with the first %d of %d bytes", cut, len(b))
		}
	}
	for name, c := range map[string]struct {
		bits []int // value, width, …
		raw  []byte
		size int
		want string
	}{
		"kind":            {bits: []int{0, 1, 0, 3, 10, 24}, size: 10, want: "unknown kind"},
		"incomplete code": {bits: []int{0, 1, 1, 3, 10, 24, 1, 4, 0, 38, 0, 38}, size: 10, want: "make no code"},
		"empty":           {size: 10, want: "too early"},
		"stored":          {bits: []int{0, 1, 3, 3, 10, 24, 0, 4}, raw: make([]byte, 12+9), size: 10, want: "too early"},
		"more":            {bits: []int{0, 1, 3, 3, 10, 24, 0, 4}, raw: make([]byte, 12+12), size: 10, want: "more or fewer"},
		"too small":       {bits: []int{0, 1, 3, 3, 10, 24, 0, 4}, raw: make([]byte, 12+10), size: 11, want: "too early"},
	} {
		e := &lzxEncoder{}
		for i := 0; i < len(c.bits); i += 2 {
			e.put(c.bits[i], c.bits[i+1])
		}
		e.cut()
		d := &lzxDecoder{}
		if err := d.reset(15); err != nil {
			t.Fatal(err)
		}
		if _, err := d.frame(append(e.frames[0], c.raw...), c.size); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// A match may not lie before the beginning, nor beyond the block, whatever the window held before.
func TestLZXMatches(t *testing.T) {
	literals, matches := make([]byte, 256), make([]byte, 8*30)
	literals['a'], matches[0], matches[3*8] = 2, 1, 2
	d := &lzxDecoder{}
	one := func(size int, write func(*lzxEncoder)) error {
		e := newLZXEncoder(rand.New(rand.NewPCG(1, 1)), 15, 0, map[string]bool{})
		e.put(lzxVerbatim, 3)
		e.put(size, 24)
		e.lengths(e.main[:256], literals)
		e.lengths(e.main[256:256+240], matches)
		e.lengths(e.length[:], make([]byte, lzxLengths))
		write(e)
		e.cut()
		if err := d.reset(15); err != nil {
			t.Fatal(err)
		}
		_, err := d.frame(e.frames[0], size)
		return err
	}
	const a, again, next = 2, 0, 3 // codes: the literal, R0 of two bytes, slot 3
	for _, c := range []struct {
		name  string
		size  int
		codes []int
		want  error
	}{
		{"good", 3, []int{a, again}, nil},
		{"before the beginning", 2, []int{again}, errLZXOffset},
		{"slot 3", 3, []int{a, next}, nil},
		{"beyond the block", 2, []int{a, again}, errLZXBeyond},
		{"the frame ends too early", 99, []int{a, again}, errLZXShort},
	} {
		err := one(c.size, func(e *lzxEncoder) {
			for _, code := range c.codes {
				e.put(code, map[int]int{again: 1, a: 2, next: 2}[code])
			}
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func FuzzLZX(f *testing.F) {
	for seed := range uint64(4) {
		folder, _ := lzxFolder(rand.New(rand.NewPCG(seed, 5)), 15, int32(seed)*1000, 1000<<(seed*2), map[string]bool{})
		var b []byte
		for _, block := range folder.blocks {
			b = append(binary.LittleEndian.AppendUint16(b, uint16(len(block))), block...)
		}
		f.Add(byte(15), uint16(folder.size%lzxFrame), b)
	}
	f.Fuzz(func(t *testing.T, window byte, last uint16, b []byte) {
		d := &lzxDecoder{}
		if d.reset(int(window)) != nil {
			return
		}
		for len(b) >= 2 {
			n, size := min(int(binary.LittleEndian.Uint16(b)), len(b)-2), lzxFrame
			if len(b)-2 == n {
				size = int(last)
			}
			out, err := d.frame(b[2:2+n], size)
			if err != nil {
				return
			}
			if len(out) != size {
				t.Fatalf("%d bytes of %d", len(out), size)
			}
			b = b[2+n:]
		}
	})
}
