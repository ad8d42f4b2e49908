package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// A compact snapshot is: magic, length of the receipt (uint32 big endian), the receipt as JSON, and the packed verdicts as one zstd frame.
var snapshotMagic = []byte("FTLSNAP1")

// MaxSnapshot bounds an encoded snapshot in bytes; 1,000,000 patches fit with room.
const MaxSnapshot = 4 << 20

const maxReceipt = 16 << 10

// packer and unpacker work on several snapshots at once; making one takes longer than most of them. What unpacks to more than there is room
// for is refused.
var (
	packer = sync.OnceValues(func() (*zstd.Encoder, error) {
		return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(2), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(16<<10))
	})
	unpacker = sync.OnceValues(func() (*zstd.Decoder, error) {
		return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(8<<20), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
	})
)

// PackLimit is the size in bytes of documents that Pack takes.
const PackLimit = 16 << 10

// Pack compresses a small document as EncodeSnapshot does verdicts: with what is made once, because making it takes longer than its use.
func Pack(b []byte) ([]byte, error) {
	enc, err := packer()
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot compress a document: %w", err)
	}
	return enc.EncodeAll(b, nil), nil
}

// EncodeSnapshot gives the bytes that agents upload and `detect --snapshot` writes.
func EncodeSnapshot(s patch.Snapshot) ([]byte, error) {
	packed, err := PackVerdicts(s.Verdicts)
	if err != nil {
		return nil, err
	}
	return JoinSnapshot(s.Receipt, packed)
}

// PackVerdicts is the part of EncodeSnapshot that can be done before the receipt is known.
func PackVerdicts(v patch.Vector) ([]byte, error) {
	enc, err := packer()
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot compress a snapshot: %w", err)
	}
	return enc.EncodeAll(v.Bits(), nil), nil
}

// JoinSnapshot is the rest of EncodeSnapshot.
func JoinSnapshot(r patch.Receipt, packed []byte) ([]byte, error) {
	head, err := json.Marshal(r)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot encode a receipt: %w", err)
	}
	out := append([]byte{}, snapshotMagic...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(head)))
	return slices.Concat(out, head, packed), nil
}

// DecodeSnapshot reads EncodeSnapshot's bytes. It checks shape and size, not meaning: see patch.Snapshot.Check.
func DecodeSnapshot(b []byte) (patch.Snapshot, error) {
	var s patch.Snapshot
	if len(b) > MaxSnapshot || len(b) < len(snapshotMagic)+4 || !bytes.Equal(b[:len(snapshotMagic)], snapshotMagic) {
		return s, patch.Errorf(patch.Invalid, "this is not a compact snapshot")
	}
	b = b[len(snapshotMagic):]
	n := int(binary.BigEndian.Uint32(b))
	b = b[4:]
	if n > maxReceipt || n > len(b) {
		return s, patch.Errorf(patch.Invalid, "the snapshot is cut within its receipt")
	}
	if err := json.Unmarshal(b[:n], &s.Receipt); err != nil {
		return s, patch.Errorf(patch.Invalid, "cannot decode the snapshot's receipt: %w", err)
	}
	if s.Expected < 0 || s.Expected > 4_000_000 {
		return s, patch.Errorf(patch.Invalid, "the snapshot claims %d definitions", s.Expected)
	}
	want := (s.Expected + 3) / 4
	dec, err := unpacker()
	if err != nil {
		return s, patch.Errorf(patch.Invalid, "cannot decompress the snapshot: %w", err)
	}
	bits, err := dec.DecodeAll(b[n:], make([]byte, 0, want))
	if err != nil || len(bits) != want {
		return s, patch.Errorf(patch.Invalid, "the snapshot does not carry the %d bytes of verdicts that %d definitions need", want, s.Expected)
	}
	s.Verdicts, err = patch.VectorFrom(s.Expected, bits)
	return s, err
}
