package debian

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	// maxWindow bounds the memory that a compressed file may ask for: xz -9 asks for 64 MiB.
	maxWindow = 128 << 20
	// maxRatio bounds how much a file may grow, beyond a free first part. Real indexes reach 12, real packages 30.
	maxRatio  = 1000
	freeBytes = 16 << 20
)

// Decompress gives the plain bytes of r by the ending of name: .xz, .gz, .zst, .lz4, .bz2, else r as it is. Reading fails with an
// Exhausted error beyond limit plain bytes, or where the bytes grow as only a bomb's do.
func Decompress(name string, r io.Reader, limit int64) io.Reader {
	in := &counter{r: r}
	b := &bounded{name: path.Base(name), in: in, limit: limit}
	var err error
	switch path.Ext(name) {
	case ".xz":
		b.r, err = openXZ(in)
	case ".gz":
		b.r, err = gzip.NewReader(bufio.NewReaderSize(in, 64<<10))
	case ".zst":
		b.r, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	case ".lz4":
		b.r = newLZ4(in)
	case ".bz2":
		b.r = bzip2.NewReader(in)
	default:
		b.r = in
	}
	if err != nil {
		b.err = b.cannot(err)
	}
	return b
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

type bounded struct {
	name  string
	r     io.Reader
	in    *counter
	limit int64
	n     int64
	err   error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	switch {
	case b.n > b.limit:
		b.err = b.tooLarge(fmt.Sprintf("it holds more than the %d bytes it may", b.limit))
	case b.n > freeBytes && b.n/maxRatio > b.in.n:
		b.err = b.tooLarge(fmt.Sprintf("it grows more than %d times", maxRatio))
	case err != nil && !errors.Is(err, io.EOF):
		b.err = b.cannot(err)
	default:
		return n, err
	}
	return 0, b.err
}

func (b *bounded) tooLarge(why string) error {
	return &patch.Error{Kind: patch.Exhausted, What: phrase.Of("cannot decompress {1}", b.name), Why: phrase.Verbatim(why)}
}

func (b *bounded) cannot(err error) error {
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot decompress {1}", b.name), Err: err}
}

// openXZ refuses a first block that asks for more memory than maxWindow before the decoder allocates it.
func openXZ(r io.Reader) (io.Reader, error) {
	br := bufio.NewReaderSize(r, 256<<10)
	head, err := br.Peek(12 + 8)
	if err == nil {
		// Block header: its size, flags, two optional sizes; then the filter LZMA2 (0x21) with one byte of properties.
		if code, ok := dictionary(br, int(head[12])*4+4); ok && code > 40 || ok && window(code) > maxWindow {
			return nil, fmt.Errorf("it asks for more than %d bytes of memory", maxWindow)
		}
	}
	return xz.NewReader(br)
}

func dictionary(br *bufio.Reader, size int) (code byte, ok bool) {
	head, err := br.Peek(12 + size)
	if err != nil || size < 8 {
		return 0, false
	}
	block := head[12:]
	flags, i := block[1], 2
	for _, bit := range []byte{0x40, 0x80} {
		if flags&bit == 0 {
			continue
		}
		for i < len(block) && block[i]&0x80 != 0 {
			i++
		}
		i++
	}
	if i+2 >= len(block) || block[i] != 0x21 || block[i+1] != 1 {
		return 0, false
	}
	return block[i+2], true
}

func window(code byte) int64 { return int64(2|code&1) << (code/2 + 11) }
