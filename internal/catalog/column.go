package catalog

import (
	"encoding/binary"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// maxPlain bounds a decompressed list or payload index in bytes: ten times the largest real one.
const maxPlain = 256 << 20

// columns collects one column per kind of value, so that alike bytes stand together and compress well.
type columns [][]byte

func (c columns) number(i int, v uint64) { c[i] = binary.AppendUvarint(c[i], v) }
func (c columns) text(i int, s string) {
	c.number(i, uint64(len(s)))
	c[i] = append(c[i], s...)
}

// pack joins magic, the columns' lengths and their bytes, compressed.
func (c columns) pack(magic string, level zstd.EncoderLevel) ([]byte, error) {
	size := 0
	for _, col := range c {
		size += len(col) + 10
	}
	plain := binary.AppendUvarint(make([]byte, 0, size), uint64(len(c)))
	for _, col := range c {
		plain = binary.AppendUvarint(plain, uint64(len(col)))
	}
	for _, col := range c {
		plain = append(plain, col...)
	}
	return compress(magic, plain, level)
}

// small is the size in bytes of what is not worth the best compression.
const small = 32 << 10

// smallEncoder is made once: that takes longer than its use. What it gives does not depend on what it was used for before.
var smallEncoder = sync.OnceValues(func() (*zstd.Encoder, error) { return newEncoder(zstd.SpeedDefault) })

func newEncoder(level zstd.EncoderLevel) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(level), zstd.WithWindowSize(8<<20), zstd.WithEncoderCRC(true))
}

func compress(magic string, plain []byte, level zstd.EncoderLevel) ([]byte, error) {
	if len(plain) < small { // the tables of the best level alone take 40 ms
		enc, err := smallEncoder()
		if err != nil {
			return nil, patch.Errorf(patch.Internal, "cannot compress: %w", err)
		}
		return enc.EncodeAll(plain, []byte(magic)), nil
	}
	enc, err := newEncoder(level)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot compress: %w", err)
	}
	return enc.EncodeAll(plain, []byte(magic)), enc.Close()
}

// unpack is pack's inverse; the columns share one buffer.
func unpack(b []byte, magic string, want int) ([]cursor, error) {
	plain, err := decompress(b, magic)
	if err != nil {
		return nil, err
	}
	head := cursor{rest: string(plain)}
	if head.number() != uint64(want) {
		return nil, errFormat
	}
	lengths := make([]uint64, want)
	for i := range lengths {
		lengths[i] = head.number()
	}
	cols := make([]cursor, want)
	for i, n := range lengths {
		cols[i].rest = head.take(n)
	}
	if head.bad || head.rest != "" {
		return nil, errFormat
	}
	return cols, nil
}

func decompress(b []byte, magic string) ([]byte, error) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return nil, errFormat
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxPlain), zstd.WithDecoderMaxWindow(16<<20))
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot decompress: %w", err)
	}
	defer dec.Close()
	plain, err := dec.DecodeAll(b[len(magic):], nil)
	if err != nil {
		return nil, patch.Errorf(patch.Invalid, "the catalog file is damaged: %w", err)
	}
	return plain, nil
}

var errFormat = patch.Errorf(patch.Invalid, "this is not a catalog file that this version can read")

// cursor reads a column. After the first fault everything it gives is empty; the caller looks at bad once.
type cursor struct {
	rest string
	bad  bool
}

func (c *cursor) number() uint64 {
	var v uint64
	for i := range min(len(c.rest), binary.MaxVarintLen64) {
		b := c.rest[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.rest = c.rest[i+1:]
			return v
		}
	}
	c.bad, c.rest = true, ""
	return 0
}

// count is number for things of which each takes a byte somewhere: more than limit is a fault.
func (c *cursor) count(limit int) int {
	v := c.number()
	if v > uint64(limit) {
		c.bad, c.rest = true, ""
		return 0
	}
	return int(v)
}

func (c *cursor) take(n uint64) string {
	if n > uint64(len(c.rest)) {
		c.bad, c.rest = true, ""
		return ""
	}
	s := c.rest[:n]
	c.rest = c.rest[n:]
	return s
}

func (c *cursor) text() string { return c.take(c.number()) }

// done tells whether the column was read without fault to its end.
func (c *cursor) done() bool { return !c.bad && c.rest == "" }
