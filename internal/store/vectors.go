package store

import (
	"encoding/binary"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// vectorCodec packs verdicts for their column: a byte that names the form, the number of verdicts, and their bits.
// It is safe for concurrent use.
type vectorCodec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

const (
	vectorRaw   = 0
	vectorZstd  = 1
	vectorSteps = 2 // what differs from a base: see bases
)

func newVectorCodec() (*vectorCodec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(64<<10), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot compress verdicts: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(4<<20))
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot decompress verdicts: %w", err)
	}
	return &vectorCodec{enc: enc, dec: dec}, nil
}

func (c *vectorCodec) close() {
	c.enc.Close() // nothing is buffered: EncodeAll only
	c.dec.Close()
}

func (c *vectorCodec) encode(v patch.Vector) []byte {
	head := binary.AppendUvarint([]byte{vectorZstd}, uint64(v.Len()))
	out := c.enc.EncodeAll(v.Bits(), head)
	if len(out) < len(head)+len(v.Bits()) {
		return out
	}
	head[0] = vectorRaw
	return append(head, v.Bits()...)
}

// decodeIn reads what encode gave, into scratch if that is large enough.
func (c *vectorCodec) decodeIn(b, scratch []byte) (patch.Vector, error) {
	if len(b) < 2 || b[0] > vectorZstd {
		return patch.Vector{}, patch.Errorf(patch.Internal, "stored verdicts are cut")
	}
	n, width := binary.Uvarint(b[1:])
	if width <= 0 || n > 1<<24 {
		return patch.Vector{}, patch.Errorf(patch.Internal, "stored verdicts have no length")
	}
	if cap(scratch) < int(n+3)/4 {
		scratch = make([]byte, 0, (n+3)/4)
	}
	if b[0] == vectorRaw {
		return patch.VectorFrom(int(n), append(scratch[:0], b[1+width:]...))
	}
	bits, err := c.dec.DecodeAll(b[1+width:], scratch[:0])
	if err != nil {
		return patch.Vector{}, patch.Errorf(patch.Internal, "cannot decompress stored verdicts: %w", err)
	}
	return patch.VectorFrom(int(n), bits)
}
