package sdp

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// testFolder is a folder of a cabinet that a test makes: blocks are its packed data, each but the last one of 32 KiB.
type testFolder struct {
	kind   uint16
	blocks [][]byte
	size   int
	names  []string
	sizes  []int
}

func (f testFolder) cabinet() []byte { return joinCabinet([]testFolder{f}) }

func joinCabinet(folders []testFolder) []byte {
	le := binary.LittleEndian
	var table, data []byte
	files := 0
	for i, f := range folders {
		at := 0
		for j, name := range f.names {
			table = le.AppendUint32(le.AppendUint32(table, uint32(f.sizes[j])), uint32(at))
			table = append(append(append(le.AppendUint16(table, uint16(i)), 0x21, 0x28, 0, 0, 0x20, 0), name...), 0)
			at, files = at+f.sizes[j], files+1
		}
	}
	h := make([]byte, cabHeader, cabHeader+8*len(folders))
	from := cabHeader + 8*len(folders) + len(table)
	for _, f := range folders {
		h = le.AppendUint16(le.AppendUint16(le.AppendUint32(h, uint32(from+len(data))), uint16(len(f.blocks))), f.kind)
		left := f.size
		for _, packed := range f.blocks {
			head := le.AppendUint16(le.AppendUint16(nil, uint16(len(packed))), uint16(min(left, maxCabBlock)))
			data = le.AppendUint32(data, cabSum(head, cabSum(packed, 0)))
			data = append(append(data, head...), packed...)
			left -= maxCabBlock
		}
	}
	copy(h, "MSCF")
	le.PutUint32(h[8:], uint32(from+len(data)))
	le.PutUint32(h[16:], uint32(len(h)))
	h[24], h[25] = 3, 1
	le.PutUint16(h[26:], uint16(len(folders)))
	le.PutUint16(h[28:], uint16(files))
	return append(append(h, table...), data...)
}

// makeCabinet packs files into one folder: kind 0 as they are, 1 with MSZIP.
func makeCabinet(t testing.TB, kind uint16, names []string, bodies map[string][]byte) []byte {
	t.Helper()
	folder := testFolder{kind: kind, names: names}
	var all, window []byte
	for _, name := range names {
		folder.sizes = append(folder.sizes, len(bodies[name]))
		all = append(all, bodies[name]...)
	}
	folder.size = len(all)
	for rest := all; len(rest) > 0; {
		n := min(len(rest), maxCabBlock)
		packed := rest[:n]
		if kind == 1 {
			var b bytes.Buffer
			b.WriteString("CK")
			w, err := flate.NewWriterDict(&b, flate.BestCompression, window)
			if err != nil {
				t.Fatal(err)
			}
			w.Write(rest[:n])
			w.Close()
			packed, window = b.Bytes(), rest[:n]
		}
		folder.blocks, rest = append(folder.blocks, packed), rest[n:]
	}
	return folder.cabinet()
}

func someFiles() ([]string, map[string][]byte) {
	r := rand.New(rand.NewPCG(1, 2))
	bodies := map[string][]byte{"empty.sdp": nil, "small.xml": []byte("<x/>")}
	var text bytes.Buffer
	for text.Len() < 150_000 {
		fmt.Fprintf(&text, "<package id=%q/>\n", fmt.Sprint(r.IntN(500)))
	}
	bodies["large.sdp"] = text.Bytes()
	return []string{"small.xml", "empty.sdp", "large.sdp"}, bodies
}

func unpack(t testing.TB, b []byte) (map[string][]byte, error) {
	got := map[string][]byte{}
	err := cabinet(bytes.NewReader(b), func(name string, r io.Reader) error {
		body, err := io.ReadAll(r)
		if len(body) == 0 {
			body = nil
		}
		got[name] = body
		return err
	})
	return got, err
}

func TestCabinets(t *testing.T) {
	names, bodies := someFiles()
	for kind := range uint16(2) {
		b := makeCabinet(t, kind, names, bodies)
		got, err := unpack(t, b)
		if err != nil {
			t.Fatal(kind, err)
		}
		if d := cmp.Diff(bodies, got); d != "" {
			t.Error(kind, d[:min(len(d), 500)])
		}
		for cut := 0; cut < len(b); cut += 1 + len(b)/300 {
			if _, err := unpack(t, b[:cut]); err == nil {
				t.Errorf("kind %d: nothing is wrong with the first %d of %d bytes", kind, cut, len(b))
			}
		}
		for at := len(b) - 1000; at < len(b); at += 13 { // the data carry checksums
			damaged := bytes.Clone(b)
			damaged[at] ^= 0x10
			if _, err := unpack(t, damaged); err == nil {
				t.Errorf("kind %d: the damage at %d of %d is not found", kind, at, len(b))
			}
		}
	}
	for why, spoil := range map[string]func([]byte){"LZX window of 2^0 ": func(b []byte) { b[42] = 3 }, "2^22 ": func(b []byte) { b[42], b[43] = 3, 22 }, "Quantum": func(b []byte) { b[42] = 2 }, "unknown way": func(b []byte) { b[42] = 9 },
		"one of several": func(b []byte) { b[30] = 1 }, "not a cabinet": func(b []byte) { b[0] = 'X' }, "outside": func(b []byte) { b[52] = 7 }} {
		b := makeCabinet(t, 1, names, bodies)
		spoil(b)
		if _, err := unpack(t, b); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// The cabinets of another program are read, and it reads ours.
func TestCabinetsOfOtherPrograms(t *testing.T) {
	for _, tool := range []string{"gcab", "cabextract"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: %s is not installed, so nothing referees cabinets: scripts/needs test installs it", tool)
		}
	}
	dir := t.TempDir()
	names, bodies := someFiles()
	run := func(name string, args ...string) {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", name, err, out)
		}
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), bodies[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, flags := range [][]string{{"-c", "-n"}, {"-c", "-z", "-n"}} {
		run("gcab", append(append(flags, "theirs.cab"), names...)...)
		b, err := os.ReadFile(filepath.Join(dir, "theirs.cab"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpack(t, b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(bodies, got); d != "" {
			t.Errorf("%v: %s", flags, d[:min(len(d), 500)])
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "ours.cab"), makeCabinet(t, 1, names, bodies), 0o600); err != nil {
		t.Fatal(err)
	}
	run("cabextract", "-q", "-d", "out", "ours.cab")
	for _, name := range names {
		if b, err := os.ReadFile(filepath.Join(dir, "out", name)); err != nil || !bytes.Equal(b, bodies[name]) {
			t.Errorf("cabextract has another %s: %v", name, err)
		}
	}
}

func FuzzCabinet(f *testing.F) {
	names, bodies := someFiles()
	bodies["large.sdp"] = bodies["large.sdp"][:40_000]
	f.Add(makeCabinet(f, 0, names, bodies))
	f.Add(makeCabinet(f, 1, names, bodies))
	r := rand.New(rand.NewPCG(1, 6))
	lzx, _ := lzxFolder(r, 16, 9_000, 40_000, map[string]bool{})
	lzx.split(r, "f")
	f.Add(lzx.cabinet())
	f.Fuzz(func(t *testing.T, b []byte) {
		total := int64(0)
		_ = cabinet(bytes.NewReader(b), func(_ string, r io.Reader) error {
			n, err := io.Copy(io.Discard, io.LimitReader(r, 1<<24))
			total += n
			return err
		})
		if total > int64(len(b))*1100+1<<20 {
			t.Errorf("%d bytes became %d", len(b), total)
		}
	})
}
