// Package pe reads which version a Windows program or library says it is ([PE format], its version resource), with few and small reads.
// It answers only where every reader of such files gives the same answer; the rest is left to Windows, as ErrUnclear.
//
// [PE format]: https://learn.microsoft.com/windows/win32/debug/pe-format
package pe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

var (
	// ErrNone is the answer for a file that has no version for certain.
	ErrNone = errors.New("the file has no version")
	// ErrUnclear says that Windows itself has to be asked: the file is none of those that are understood here, or has several versions.
	ErrUnclear = errors.New("the file's version is not plain to see")
)

const (
	headerSize   = 4096 // bytes that hold all headers of an ordinary file
	sectionSize  = 40
	maxSections  = 96 // as Windows' loader has it
	maxEntries   = 4096
	resources    = 2 // the resource directory's place among the data directories
	typeVersion  = 16
	idVersion    = 1
	versionBytes = 40 + 52 // VS_VERSIONINFO up to the end of its VS_FIXEDFILEINFO
)

// Version gives a file's version, from its VS_FIXEDFILEINFO: "10.0.19041.1".
func Version(r io.ReaderAt) (string, error) {
	f := file{r: r}
	if err := f.head(); err != nil {
		return "", err
	}
	at, err := f.find()
	if err != nil {
		return "", err
	}
	var b [versionBytes]byte
	if _, err := r.ReadAt(b[:], at); err != nil {
		return "", ErrUnclear
	}
	const fixed = 40
	if le16(b[:], 2) < versionBytes-fixed || string(b[6:36]) != key || le32(b[:], fixed) != 0xFEEF04BD {
		return "", ErrUnclear
	}
	return fmt.Sprintf("%d.%d.%d.%d", le16(b[:], fixed+10), le16(b[:], fixed+8), le16(b[:], fixed+14), le16(b[:], fixed+12)), nil
}

// key is what a version resource is called within itself.
const key = "V\x00S\x00_\x00V\x00E\x00R\x00S\x00I\x00O\x00N\x00_\x00I\x00N\x00F\x00O\x00"

// file is a program whose resources are looked through.
type file struct {
	r        io.ReaderAt
	sections []byte // the section table
	root     uint32 // where the resources begin in memory
	block    []byte // what was read of the resource section, from block0 in the file
	block0   int64
}

// head reads the headers: where the sections are, and where the resources begin.
func (f *file) head() error {
	b := make([]byte, headerSize)
	n, err := f.r.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return ErrUnclear
	}
	b = b[:n]
	if n < 64 || b[0] != 'M' || b[1] != 'Z' {
		return ErrUnclear
	}
	at := int(le32(b, 0x3c))
	if at < 4 || at > n-26 || string(b[at:at+4]) != "PE\x00\x00" {
		return ErrUnclear
	}
	count, optional := int(le16(b, at+6)), int(le16(b, at+20))
	b = b[at+24:]
	if count > maxSections || optional+count*sectionSize > len(b) {
		return ErrUnclear
	}
	f.sections = b[optional : optional+count*sectionSize]
	return f.resources(b[:optional])
}

// resources finds where an optional header, of either width, says that resources begin.
func (f *file) resources(optional []byte) error {
	if len(optional) < 2 {
		return ErrUnclear
	}
	at, ok := map[uint16]int{0x10b: 96, 0x20b: 112}[le16(optional, 0)]
	if !ok || len(optional) < at {
		return ErrUnclear
	}
	if le32(optional, at-4) <= resources {
		return ErrNone
	}
	if len(optional) < at+8*resources+8 {
		return ErrUnclear
	}
	if f.root = le32(optional, at+8*resources); f.root == 0 {
		return ErrNone
	}
	return nil
}

// find gives where in the file the version resource is.
func (f *file) find() (int64, error) {
	var err error
	if f.block0, err = f.place(f.root); err != nil {
		return 0, err
	}
	f.block = make([]byte, headerSize) // directories are in front
	if n, err := f.r.ReadAt(f.block, f.block0); err != nil && !errors.Is(err, io.EOF) {
		return 0, ErrUnclear
	} else {
		f.block = f.block[:n]
	}
	names, err := f.child(0, typeVersion)
	if err != nil {
		return 0, err
	}
	languages, err := f.child(names, idVersion)
	if err != nil {
		return 0, ErrUnclear // there are versions, and none by the usual name
	}
	leaf, err := f.only(languages)
	if err != nil {
		return 0, err
	}
	b, err := f.at(leaf, 8)
	if err != nil || le32(b, 4) < versionBytes {
		return 0, ErrUnclear
	}
	return f.place(le32(b, 0))
}

// child gives the directory below an entry of a directory: ErrNone where there is no such entry.
func (f *file) child(directory, id uint32) (uint32, error) {
	named, numbered, err := f.counts(directory)
	if err != nil {
		return 0, err
	}
	b, err := f.at(directory+16+8*named, 8*numbered)
	if err != nil {
		return 0, err
	}
	for ; len(b) > 0; b = b[8:] {
		if le32(b, 0) != id {
			continue
		}
		below := le32(b, 4)
		if below>>31 == 0 {
			return 0, ErrUnclear
		}
		return below &^ (1 << 31), nil
	}
	return 0, ErrNone
}

// only gives the leaf below a directory with one entry.
func (f *file) only(directory uint32) (uint32, error) {
	named, numbered, err := f.counts(directory)
	if err != nil || named+numbered != 1 {
		return 0, ErrUnclear
	}
	b, err := f.at(directory+16, 8)
	if err != nil || le32(b, 4)>>31 != 0 {
		return 0, ErrUnclear
	}
	return le32(b, 4), nil
}

func (f *file) counts(directory uint32) (named, numbered uint32, err error) {
	b, err := f.at(directory, 16)
	if err != nil {
		return 0, 0, err
	}
	named, numbered = uint32(le16(b, 12)), uint32(le16(b, 14))
	if named+numbered > maxEntries {
		return 0, 0, ErrUnclear
	}
	return named, numbered, nil
}

// at gives bytes of the resources, from their beginning.
func (f *file) at(offset, n uint32) ([]byte, error) {
	if from, to := uint64(offset), uint64(offset)+uint64(n); to <= uint64(len(f.block)) {
		return f.block[from:to], nil
	}
	b := make([]byte, n)
	if _, err := f.r.ReadAt(b, f.block0+int64(offset)); err != nil {
		return nil, ErrUnclear
	}
	return b, nil
}

// place gives where in the file an address in memory is.
func (f *file) place(address uint32) (int64, error) {
	for s := f.sections; len(s) > 0; s = s[sectionSize:] {
		begin, size, raw := le32(s, 12), le32(s, 16), le32(s, 20)
		if address >= begin && uint64(address) < uint64(begin)+uint64(size) {
			if raw%512 != 0 { // loaders round it
				return 0, ErrUnclear
			}
			return int64(raw) + int64(address-begin), nil
		}
	}
	return 0, ErrUnclear
}

func le16(b []byte, at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
func le32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
