package wire

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// A compact snapshot is: magic, length of the receipt (uint32 big endian), the receipt as JSON, and the packed verdicts as one zstd frame.
var snapshotMagic = []byte("FTLSNAP1")

// MaxSnapshot bounds an encoded snapshot in bytes; 1,000,000 patches fit with room.
const MaxSnapshot = 4 << 20

const maxReceipt = 16 << 10

// EncodeSnapshot gives the bytes that agents upload and `detect --snapshot` writes.
func EncodeSnapshot(s patch.Snapshot) ([]byte, error) {
	head, err := json.Marshal(s.Receipt)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot encode a receipt: %w", err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(16<<10))
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot compress a snapshot: %w", err)
	}
	out := append([]byte{}, snapshotMagic...)
	out = binary.BigEndian.AppendUint32(out, uint32(len(head)))
	out = append(out, head...)
	return enc.EncodeAll(s.Verdicts.Bits(), out), enc.Close()
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
	dec, err := zstd.NewReader(bytes.NewReader(b[n:]), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(8<<20))
	if err != nil {
		return s, patch.Errorf(patch.Invalid, "cannot decompress the snapshot: %w", err)
	}
	defer dec.Close()
	bits := make([]byte, want+1)
	got, err := io.ReadFull(dec, bits)
	if got != want || (err != io.ErrUnexpectedEOF && err != io.EOF) {
		return s, patch.Errorf(patch.Invalid, "the snapshot carries %d bytes of verdicts, not the %d that %d definitions need", got, want, s.Expected)
	}
	s.Verdicts, err = patch.VectorFrom(s.Expected, bits[:want])
	return s, err
}
