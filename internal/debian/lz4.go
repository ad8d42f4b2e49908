package debian

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// lz4Reader reads the LZ4 frame format, in which apt keeps its lists. Checksums are skipped: whoever reads a list checks its
// SHA-256 against the signed Release.
type lz4Reader struct {
	r        *bufio.Reader
	started  bool
	done     bool
	linked   bool // blocks refer to bytes of the ones before
	blockSum bool
	sum      bool
	max      int
	in       []byte
	window   []byte // plain bytes: up to 64 KiB of history, then the current block
	out      []byte // unread part of window
}

const (
	lz4Magic   = 0x184D2204
	lz4History = 64 << 10
)

var errLZ4 = errors.New("the LZ4 data is malformed")

func newLZ4(r io.Reader) *lz4Reader { return &lz4Reader{r: bufio.NewReaderSize(r, 256<<10)} }

func (z *lz4Reader) Read(p []byte) (int, error) {
	for len(z.out) == 0 {
		if z.done {
			return 0, io.EOF
		}
		if err := z.advance(); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
	}
	n := copy(p, z.out)
	z.out = z.out[n:]
	return n, nil
}

func (z *lz4Reader) advance() error {
	if !z.started {
		z.started = true
		return z.header()
	}
	size, err := z.uint32()
	if err != nil {
		return err
	}
	if size == 0 {
		z.done = true
		return z.skip(z.sum)
	}
	plain := size&(1<<31) != 0
	if size &^= 1 << 31; int(size) > z.max {
		return errLZ4
	}
	z.in = z.in[:size]
	if _, err := io.ReadFull(z.r, z.in); err != nil {
		return err
	}
	if err := z.skip(z.blockSum); err != nil {
		return err
	}
	return z.block(plain)
}

func (z *lz4Reader) header() error {
	magic, err := z.uint32()
	if err != nil {
		return err
	}
	var head [2]byte
	if _, err := io.ReadFull(z.r, head[:]); err != nil {
		return err
	}
	flags, size := head[0], head[1]>>4&7
	if magic != lz4Magic || flags>>6 != 1 || flags&1 != 0 || size < 4 {
		return fmt.Errorf("it is not an LZ4 frame that apt writes")
	}
	z.linked, z.blockSum, z.sum = flags&0x20 == 0, flags&0x10 != 0, flags&0x04 != 0
	z.max = 1 << (8 + 2*size)
	z.in = make([]byte, z.max)
	z.window = make([]byte, 0, lz4History+z.max)
	rest := 1
	if flags&0x08 != 0 {
		rest += 8
	}
	_, err = z.r.Discard(rest)
	return err
}

func (z *lz4Reader) uint32() (uint32, error) {
	var b [4]byte
	_, err := io.ReadFull(z.r, b[:])
	return binary.LittleEndian.Uint32(b[:]), err
}

func (z *lz4Reader) skip(has bool) error {
	if !has {
		return nil
	}
	_, err := z.r.Discard(4)
	return err
}

func (z *lz4Reader) block(plain bool) error {
	if keep := min(len(z.window), lz4History); z.linked {
		copy(z.window, z.window[len(z.window)-keep:])
		z.window = z.window[:keep]
	} else {
		z.window = z.window[:0]
	}
	start := len(z.window)
	if plain {
		z.window = append(z.window, z.in...)
	} else if err := z.expand(start + z.max); err != nil {
		return err
	}
	z.out = z.window[start:]
	return nil
}

// expand decodes sequences of literals and matches until the block ends; the window never grows beyond limit.
func (z *lz4Reader) expand(limit int) error {
	src, dst := z.in, z.window
	for len(src) > 0 {
		token := src[0]
		literals, rest, ok := lz4Length(src[1:], int(token>>4))
		if !ok || literals > len(rest) || len(dst)+literals > limit {
			return errLZ4
		}
		dst = append(dst, rest[:literals]...)
		if src = rest[literals:]; len(src) == 0 {
			break
		}
		if len(src) < 2 {
			return errLZ4
		}
		offset := int(src[0]) | int(src[1])<<8
		length, rest, ok := lz4Length(src[2:], int(token&15))
		length += 4
		if !ok || offset == 0 || offset > len(dst) || len(dst)+length > limit {
			return errLZ4
		}
		for src = rest; length > 0; {
			n := min(length, offset)
			dst = append(dst, dst[len(dst)-offset:len(dst)-offset+n]...)
			length -= n
		}
	}
	z.window = dst
	return nil
}

func lz4Length(src []byte, n int) (length int, rest []byte, ok bool) {
	if n < 15 {
		return n, src, true
	}
	for i, b := range src {
		if n += int(b); n > 1<<30 {
			return 0, nil, false
		}
		if b != 255 {
			return n, src[i+1:], true
		}
	}
	return 0, nil, false
}
