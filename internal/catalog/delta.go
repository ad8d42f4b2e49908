package catalog

import (
	"context"
	"encoding/binary"
	"math/bits"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// A delta gives a list or signature file out of an older one of the same kind: deltaMagic, the lengths of the new file's decompressed
// form and of a recipe for it, and one zstd frame of the recipe with the old form as dictionary. Compressed bytes have nothing in common
// from one day to the next; what they decompress to nearly everything.
const (
	deltaMagic = "FTLDELT2"
	maxWindow  = 128 << 20 // old and new form together
	// MaxDelta bounds a delta in bytes: what is longer saves nothing.
	MaxDelta = 1 << 20
)

// Delta makes one. Exhausted means that the files are too large, or too different, for a delta to be worth its while.
func Delta(before, after []byte) ([]byte, error) {
	old, err := unpackFile(before)
	if err != nil {
		return nil, err
	}
	plain, err := unpackFile(after)
	if err != nil {
		return nil, err
	}
	window, ok := deltaWindow(old, plain)
	if !ok {
		return nil, noDelta()
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithWindowSize(window),
		zstd.WithEncoderDictRaw(0, old), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot make a delta: %w", err)
	}
	defer enc.Close()
	recipe := makeRecipe(old, plain)
	head := binary.AppendUvarint(binary.AppendUvarint([]byte(deltaMagic), uint64(len(plain))), uint64(len(recipe)))
	delta := enc.EncodeAll(recipe, head)
	if len(delta) > MaxDelta || len(delta) > len(after)/2 {
		return nil, noDelta()
	}
	return delta, nil
}

func noDelta() error {
	return &patch.Error{Kind: patch.Exhausted, What: "there is no delta between these files", Why: "it would save too little"}
}

// deltas remembers those that were asked for: a fleet asks for the same few. The zero value works.
type deltas struct {
	mu     sync.Mutex
	byPair map[[2]patch.Hash]madeDelta
}

type madeDelta struct {
	b   []byte
	err error // Exhausted
}

const keptDeltas = 256

// Delta gives what makes one file of Files out of another, made at the first question; Exhausted where it would save too little.
func (c *Catalog) Delta(_ context.Context, before, after patch.Hash) ([]byte, error) {
	pair := [2]patch.Hash{before, after}
	c.deltas.mu.Lock() // one is made at a time: it takes a processor for a second
	defer c.deltas.mu.Unlock()
	if d, ok := c.deltas.byPair[pair]; ok {
		return d.b, d.err
	}
	old, err := c.Files.Read(before, maxListFile)
	if err != nil {
		return nil, err
	}
	next, err := c.Files.Read(after, maxListFile)
	if err != nil {
		return nil, err
	}
	d := madeDelta{}
	if d.b, d.err = Delta(old, next); d.err != nil && patch.KindOf(d.err) != patch.Exhausted {
		return nil, d.err
	}
	if len(c.deltas.byPair) >= keptDeltas || c.deltas.byPair == nil {
		c.deltas.byPair = map[[2]patch.Hash]madeDelta{}
	}
	c.deltas.byPair[pair] = d
	return d.b, d.err
}

// Apply makes the new file out of the old one and a delta. What it gives has to be held against the new file's hash: a delta is not
// signed, and other versions of the compressor give other bytes for the same content.
func Apply(before, delta []byte) ([]byte, error) {
	bad := func(why string) error {
		return &patch.Error{Kind: patch.Untrusted, What: "cannot use the delta", Why: phrase.Verbatim(why)}
	}
	if len(delta) < len(deltaMagic) || len(delta) > MaxDelta || string(delta[:len(deltaMagic)]) != deltaMagic {
		return nil, bad("it is none")
	}
	delta = delta[len(deltaMagic):]
	size, n := binary.Uvarint(delta)
	length, m := binary.Uvarint(delta[max(n, 0):])
	old, err := unpackFile(before)
	if err != nil {
		return nil, err
	}
	if most := uint64(4*len(old) + 1<<20); n <= 0 || m <= 0 || size == 0 || size > most || length > most {
		return nil, bad("what it makes is not of a plausible size")
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderDictRaw(0, old), zstd.WithDecoderMaxMemory(maxWindow),
		zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot decompress a delta: %w", err)
	}
	defer dec.Close()
	recipe, err := dec.DecodeAll(delta[n+m:], make([]byte, 0, length))
	if err != nil || uint64(len(recipe)) != length {
		return nil, bad("it does not decompress to what it says")
	}
	plain, ok := followRecipe(old, recipe, int(size))
	if !ok {
		return nil, bad("its recipe does not give what it says")
	}
	return packFile(plain)
}

// deltaWindow is a window that reaches from the end of the new form to the beginning of the old one.
func deltaWindow(old, plain []byte) (int, bool) {
	total := len(old) + len(plain)
	window := max(1<<bits.Len(uint(total)), zstd.MinWindowSize)
	return window, len(plain) > 0 && window <= maxWindow && len(plain) <= 4*len(old)+1<<20
}

// unpackFile gives the decompressed form of a list or signature file, magic included.
func unpackFile(b []byte) ([]byte, error) {
	if detect.IsSignatures(b) {
		return detect.Unpack(b)
	}
	plain, err := decompress(b, listMagic)
	return append([]byte(listMagic), plain...), err
}

func packFile(plain []byte) ([]byte, error) {
	if detect.IsSignatures(plain) {
		return detect.Pack(plain)
	}
	if len(plain) < len(listMagic) || string(plain[:len(listMagic)]) != listMagic {
		return nil, errFormat
	}
	return compress(listMagic, plain[len(listMagic):], listLevel)
}
