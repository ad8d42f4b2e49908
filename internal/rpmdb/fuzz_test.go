package rpmdb

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// memory is a file in memory.
type memory struct{ *bytes.Reader }

func (m memory) Close() error               { return nil }
func (m memory) Stat() (fs.FileInfo, error) { return info{size: m.Size()}, nil }

type info struct {
	fs.FileInfo
	size int64
}

func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return time.Time{} }

// sample is a header with every tag that is read.
func sample() []byte {
	var index, data []byte
	add := func(tag, typ, count uint32, value string) {
		for _, n := range []uint32{tag, typ, uint32(len(data)), count} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
		data = append(data, value...)
	}
	add(tagName, typeString, 1, "nodejs\x00")
	add(tagVersion, typeString, 1, "18.1\x00")
	add(tagRelease, typeString, 1, "1.el9\x00")
	add(tagEpoch, typeInt32, 1, "\x00\x00\x00\x01")
	add(tagArch, typeString, 1, "x86_64\x00")
	add(tagSourceRPM, typeString, 1, "nodejs-18.1-1.el9.src.rpm\x00")
	add(tagModule, typeString, 1, "nodejs:18:9:rhel9\x00")
	add(tagRSAHeader, typeBinary, 17, "\xc2\x0f\x03\x05\x00abcd\x11\x22\x33\x44\x55\x66\x77\x88")
	return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(len(index)/16)), uint32(len(data))), append(index, data...)...)
}

func FuzzParseHeader(f *testing.F) {
	f.Add(sample())
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := parseHeader(b); err == nil && (p.Name == "" || p.Version == "" || p.Arch == "" || p.Source == "") {
			t.Errorf("%+v", p)
		}
	})
}

func FuzzHeaderFiles(f *testing.F) {
	f.Add(withFiles())
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := openHeader(b)
		if err != nil {
			return
		}
		files, err := h.files(func(string) bool { return true })
		if err != nil && files != nil {
			t.Error(files, err)
		}
	})
}

// withFiles is a header of two files.
func withFiles() []byte {
	var index, data []byte
	add := func(tag, typ, count uint32, value string) {
		for _, n := range []uint32{tag, typ, uint32(len(data)), count} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
		data = append(data, value...)
	}
	add(tagBaseNames, typeArray, 2, "a\x00b\x00")
	add(tagDirNames, typeArray, 1, "/etc/\x00")
	add(tagDirIndexes, typeInt32, 2, "\x00\x00\x00\x00\x00\x00\x00\x00")
	add(tagFileModes, 3, 2, "\x81\xa4\x81\xa4")
	add(tagFileStates, 1, 2, "\x00\x02")
	add(tagFileSizes, typeInt32, 2, "\x00\x00\x00\x05\x00\x00\x00\x06")
	return append(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(len(index)/16)), uint32(len(data))), append(index, data...)...)
}

func TestHeaderFiles(t *testing.T) {
	h, err := openHeader(withFiles())
	if err != nil {
		t.Fatal(err)
	}
	got, err := h.files(func(path string) bool { return path == "/etc/b" })
	if want := (InstalledFile{Path: "/etc/b", Size: 6, Mode: 0o100644, State: 2}); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzKeyID(f *testing.F) {
	f.Add([]byte("\xc2\x0f\x03\x05\x00abcd\x11\x22\x33\x44\x55\x66\x77\x88"))
	f.Add([]byte("\x89\x00\x14\x04\x00\x01\x08\x00\x00\x00\x0a\x09\x10\x11\x22\x33\x44\x55\x66\x77\x88\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id := keyID(b); id != "" && len(id) != 16 {
			t.Error(id)
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add("rpmdb.sqlite", []byte("SQLite format 3\x00\x10\x00\x02\x02\x00"), []byte("\x37\x7f\x06\x82"))
	f.Add("Packages.db", []byte("RpmP\x00\x00\x00\x00"), []byte(nil))
	f.Add("Packages", make([]byte, 512), []byte(nil))
	f.Fuzz(func(t *testing.T, name string, b, wal []byte) {
		packages, err := Read(func(n string) (File, error) {
			switch n {
			case name:
				return memory{bytes.NewReader(b)}, nil
			case name + "-wal":
				return memory{bytes.NewReader(wal)}, nil
			}
			return nil, fs.ErrNotExist
		})
		if (err == nil) != (len(packages) > 0) {
			t.Error(len(packages), err)
		}
	})
}

func TestParseHeader(t *testing.T) {
	want := patch.Package{Name: "nodejs", Arch: "x86_64", Version: "1:18.1-1.el9", Source: "nodejs", SourceVersion: "18.1-1.el9",
		State: patch.Installed, Module: "nodejs:18", Signer: "1122334455667788"}
	if got, err := parseHeader(sample()); err != nil || got != want {
		t.Error(got, err)
	}
	for i := range sample() {
		if _, err := parseHeader(sample()[:i]); err == nil {
			t.Errorf("a header cut at byte %d passes", i)
		}
	}
	for id, b := range map[string]string{
		"1122334455667788": "\x89\x00\x14\x04\x00\x01\x08\x00\x00\x00\x0a\x09\x10\x11\x22\x33\x44\x55\x66\x77\x88\x00\x00",
		"aabbccddeeff0011": "\xc2\x1e\x04\x00\x16\x08\x00\x17\x16\x21\x04012345678901\xaa\xbb\xcc\xdd\xee\xff\x00\x11\x00\x00",
		"":                 "\xc2\x03\x04\x00\x16",
	} {
		if got := keyID([]byte(b)); got != id {
			t.Errorf("%q: %s and not %s", b, got, id)
		}
	}
}
