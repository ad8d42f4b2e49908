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

// makeCabinet packs files into one folder: kind 0 as they are, 1 with MSZIP.
func makeCabinet(t testing.TB, kind uint16, names []string, bodies map[string][]byte) []byte {
	t.Helper()
	le := binary.LittleEndian
	var all, table, data, window []byte
	for _, name := range names {
		table = le.AppendUint32(table, uint32(len(bodies[name])))
		table = le.AppendUint32(table, uint32(len(all)))
		table = append(table, 0, 0, 0, 0, 0, 0, 0x20, 0)
		table = append(append(table, name...), 0)
		all = append(all, bodies[name]...)
	}
	blocks := 0
	for rest := all; len(rest) > 0; blocks++ {
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
		head := le.AppendUint16(le.AppendUint16(nil, uint16(len(packed))), uint16(n))
		data = le.AppendUint32(data, cabSum(head, cabSum(packed, 0)))
		data = append(append(data, head...), packed...)
		rest = rest[n:]
	}
	h := make([]byte, cabHeader+8)
	copy(h, "MSCF")
	le.PutUint32(h[16:], cabHeader+8)
	h[24], h[25], h[26] = 3, 1, 1
	le.PutUint16(h[28:], uint16(len(names)))
	le.PutUint32(h[36:], uint32(len(h)+len(table)))
	le.PutUint16(h[40:], uint16(blocks))
	le.PutUint16(h[42:], kind)
	le.PutUint32(h[8:], uint32(len(h)+len(table)+len(data)))
	return append(append(h, table...), data...)
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
	for why, spoil := range map[string]func([]byte){"LZX": func(b []byte) { b[42] = 3 }, "Quantum": func(b []byte) { b[42] = 2 }, "unknown way": func(b []byte) { b[42] = 9 },
		"one of several": func(b []byte) { b[30] = 1 }, "no cabinet": func(b []byte) { b[0] = 'X' }, "outside": func(b []byte) { b[52] = 7 }} {
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
