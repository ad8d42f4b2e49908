package sdp

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Cabinets ([MS-CAB]) are read from the front to the end: header, folders, files, then each folder's data, which is the files' bytes one
// after another. Folders are stored or packed with MSZIP or LZX; Quantum, which nobody has used for decades, is not read.

const (
	cabHeader    = 36
	maxCabBlock  = 32 << 10 // bytes of a block, unpacked
	maxCabFolder = 1 << 30  // bytes of a folder, unpacked; LZX translates calls no further than this
	maxCabFiles  = 65_535
	maxCabName   = 256
)

type cabFolder struct {
	at     uint32
	blocks int
	kind   uint16
}

type cabFile struct {
	name   string
	size   uint32
	at     uint32 // in its folder
	folder int
}

// cabinet calls each for every file of a cabinet, in the order of their data. Each need not read all of it.
func cabinet(in io.Reader, each func(name string, r io.Reader) error) error {
	c := &cabReader{in: bufio.NewReaderSize(in, 64<<10)}
	if err := c.head(); err != nil {
		return err
	}
	for _, i := range c.order() {
		f := &c.folders[i]
		if err := c.skipTo(int64(f.at)); err != nil {
			return err
		}
		if err := c.folder(i, each); err != nil {
			return err
		}
	}
	return nil
}

type cabReader struct {
	in      *bufio.Reader
	at      int64
	reserve [2]int // bytes beside each folder and each data block
	folders []cabFolder
	files   []cabFile
	lzx     *lzxDecoder // once a folder needed it
}

func (c *cabReader) read(b []byte) error {
	n, err := io.ReadFull(c.in, b)
	c.at += int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

func (c *cabReader) skipTo(at int64) error {
	if at < c.at {
		return errors.New("the cabinet's parts overlap")
	}
	n, err := io.CopyN(io.Discard, c.in, at-c.at)
	c.at += n
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// text reads up to a zero byte.
func (c *cabReader) text() (string, error) {
	var b []byte
	for {
		var one [1]byte
		if err := c.read(one[:]); err != nil {
			return "", err
		}
		if one[0] == 0 {
			return strings.ToValidUTF8(string(b), "?"), nil
		}
		if b = append(b, one[0]); len(b) > maxCabName {
			return "", errors.New("a name in the cabinet is too long")
		}
	}
}

func (c *cabReader) head() error {
	var h [cabHeader]byte
	if err := c.read(h[:]); err != nil {
		return err
	}
	le := binary.LittleEndian
	flags, folders, files := le.Uint16(h[30:]), int(le.Uint16(h[26:])), int(le.Uint16(h[28:]))
	switch {
	case string(h[:4]) != "MSCF" || h[25] != 1:
		return errors.New("it is not a cabinet")
	case flags&3 != 0:
		return errors.New("the cabinet is one of several that belong together")
	}
	reserved := 0
	if flags&4 != 0 {
		var r [4]byte
		if err := c.read(r[:]); err != nil {
			return err
		}
		reserved, c.reserve = int(le.Uint16(r[:])), [2]int{int(r[2]), int(r[3])}
	}
	if err := c.skipTo(c.at + int64(reserved)); err != nil {
		return err
	}
	for range folders {
		b := make([]byte, 8+c.reserve[0])
		if err := c.read(b); err != nil {
			return err
		}
		c.folders = append(c.folders, cabFolder{le.Uint32(b), int(le.Uint16(b[4:])), le.Uint16(b[6:])})
	}
	if err := c.skipTo(int64(le.Uint32(h[16:]))); err != nil {
		return err
	}
	return c.table(files)
}

func (c *cabReader) table(files int) error {
	le := binary.LittleEndian
	for range files {
		var b [16]byte
		if err := c.read(b[:]); err != nil {
			return err
		}
		name, err := c.text()
		if err != nil {
			return err
		}
		f := cabFile{name: name, size: le.Uint32(b[:]), at: le.Uint32(b[4:]), folder: int(le.Uint16(b[8:]))}
		if f.folder >= len(c.folders) || int64(f.at)+int64(f.size) > maxCabFolder {
			return errors.New("a file of the cabinet lies outside of it")
		}
		c.files = append(c.files, f)
	}
	return nil
}

// order gives the folders by where their data lie.
func (c *cabReader) order() []int {
	order := make([]int, len(c.folders))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return int(c.folders[a].at) - int(c.folders[b].at) })
	return order
}

// folder gives the files of one folder.
func (c *cabReader) folder(n int, each func(string, io.Reader) error) error {
	var files []cabFile
	for _, f := range c.files {
		if f.folder == n {
			files = append(files, f)
		}
	}
	slices.SortStableFunc(files, func(a, b cabFile) int { return int(int64(a.at) - int64(b.at)) })
	if len(files) == 0 {
		return nil
	}
	data := &cabData{c: c, left: c.folders[n].blocks, kind: c.folders[n].kind & 15}
	switch data.kind {
	case 0, 1:
	case 2:
		return errors.New("the cabinet is packed with Quantum, which this program does not unpack")
	case 3:
		if c.lzx == nil {
			c.lzx = new(lzxDecoder)
		}
		if err := c.lzx.reset(int(c.folders[n].kind >> 8 & 31)); err != nil {
			return err
		}
	default:
		return errors.New("the cabinet is packed in an unknown way")
	}
	at := int64(0)
	for _, f := range files {
		if int64(f.at) < at {
			return errors.New("the cabinet's files overlap")
		}
		if _, err := io.CopyN(io.Discard, data, int64(f.at)-at); err != nil {
			return cut(err)
		}
		body := &io.LimitedReader{R: data, N: int64(f.size)}
		if err := each(f.name, body); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return err
		}
		if at = int64(f.at) + int64(f.size); body.N > 0 {
			return io.ErrUnexpectedEOF
		}
	}
	return nil
}

func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// cabData is the unpacked data of a folder.
type cabData struct {
	c      *cabReader
	left   int // blocks
	kind   uint16
	rest   []byte
	window []byte // the block before: MSZIP refers to it
	packed []byte
}

func (d *cabData) Read(p []byte) (int, error) {
	for len(d.rest) == 0 {
		if d.left == 0 {
			return 0, io.EOF
		}
		d.left--
		if err := d.block(); err != nil {
			return 0, cut(err)
		}
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}

func (d *cabData) block() error {
	head := make([]byte, 8+d.c.reserve[1])
	if err := d.c.read(head); err != nil {
		return err
	}
	le := binary.LittleEndian
	size, plain := int(le.Uint16(head[4:])), int(le.Uint16(head[6:]))
	if plain > maxCabBlock || plain == 0 {
		return errors.New("a block of the cabinet is too large or empty")
	}
	if cap(d.packed) < size {
		d.packed = make([]byte, 1<<16)
	}
	b := d.packed[:size]
	if err := d.c.read(b); err != nil {
		return err
	}
	if sum := le.Uint32(head); sum != 0 && sum != cabSum(head[4:], cabSum(b, 0)) {
		return errors.New("a block of the cabinet is damaged")
	}
	if d.kind == 3 {
		var err error
		d.rest, err = d.c.lzx.frame(b, plain)
		return err
	}
	out := make([]byte, plain)
	switch {
	case d.kind == 0 && size != plain:
		return errors.New("a block of the cabinet has two sizes")
	case d.kind == 0:
		copy(out, b)
	case size < 2 || b[0] != 'C' || b[1] != 'K':
		return errors.New("a block of the cabinet is not of MSZIP")
	default:
		f := flate.NewReaderDict(strings.NewReader(string(b[2:])), d.window)
		if _, err := io.ReadFull(f, out); err != nil {
			return fmt.Errorf("a block of the cabinet cannot be unpacked: %w", cut(err))
		}
	}
	d.window, d.rest = out, out
	return nil
}

// cabSum is the checksum of a block: its words joined by exclusive or; the last bytes of a word that is not whole come highest first.
func cabSum(b []byte, sum uint32) uint32 {
	for ; len(b) >= 4; b = b[4:] {
		sum ^= binary.LittleEndian.Uint32(b)
	}
	last := uint32(0)
	for _, c := range b {
		last = last<<8 | uint32(c)
	}
	return sum ^ last
}
