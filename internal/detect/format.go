package detect

import (
	"encoding/binary"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	magic = "FTLSIGS\x03"

	maxDefinitions = 4_000_000 // as many as a snapshot can carry
	maxRaw         = 24 << 20  // all sections together, decompressed
	maxSections    = 32
	maxDepth       = 200
	maxEntries     = 1 << 19 // strings, objects, tests or nodes of the trees, each
	maxRuns        = 2 * maxEntries
	maxTemplates   = maxEntries / 2
	maxWork        = 1 << 25 // nodes of all pairs of trees, written out
	maxText        = 512     // one decoded head, tail, name, version or string
	maxID          = 255     // one patch.ID
	maxLabels      = 1 << 12 // names of architectures and module streams
)

// Kinds of sections; see the package comment.
const (
	secCounts    = 1
	secHeads     = 2
	secTails     = 3
	secNames     = 4
	secOps       = 5
	secVersions  = 6
	secShares    = 7
	secLabels    = 8
	secArches    = 9
	secStreams   = 10
	secStrings   = 16
	secObjects   = 17
	secTests     = 18
	secNodes     = 19
	secTemplates = 20
	secPairs     = 21
	secShapes    = 22
	secItems     = 23
	secWants     = 24
	secRuns      = 25
	secArchives  = 32
	secOrigins   = 33
	secPhases    = 34
	secBrings    = 35
)

// Classes of objects.
const (
	classPackage = 1 // name, architecture, module
	classInfo    = 2 // name, shape
)

const (
	opTail     = 0
	opPrevious = 1
	opText     = 2
)

const (
	sourceMark = 0x01 // in names: the last part of head
	shareMark  = 0x80
	maxShare   = 0x7f
)

// header is what stands before the sections.
type header struct {
	scheme      scheme
	os          patch.HostOS
	definitions int
	rules       int
	names       uint32 // of the definitions, as namesOf sums them up
	sections    []section
}

type section struct {
	kind, raw, stored int
}

func damaged(why string) error {
	return &patch.Error{Kind: patch.Untrusted, What: "the signature file is damaged", Why: phrase.Verbatim(why),
		Do: "Fetch or build the catalog again."}
}

func (h *header) append(b []byte) []byte {
	b = append(b, magic...)
	b = append(b, byte(h.scheme))
	b = binary.AppendUvarint(b, uint64(len(h.os)))
	b = append(b, h.os...)
	b = binary.AppendUvarint(b, uint64(h.definitions))
	b = binary.AppendUvarint(b, uint64(h.rules))
	b = binary.LittleEndian.AppendUint32(b, h.names)
	b = binary.AppendUvarint(b, uint64(len(h.sections)))
	for _, s := range h.sections {
		b = binary.AppendUvarint(b, uint64(s.kind))
		b = binary.AppendUvarint(b, uint64(s.raw))
		b = binary.AppendUvarint(b, uint64(s.stored))
	}
	return b
}

// parse reads the header and gives what follows it.
func (h *header) parse(b []byte) ([]byte, error) {
	h.scheme = scheme(b[len(magic)])
	r := numbers{b: b[len(magic)+1:]}
	n := r.upTo(200)
	if r.bad || n > len(r.b) {
		return nil, damaged("its header is cut")
	}
	h.os, r.b = patch.HostOS(r.b[:n]), r.b[n:]
	h.definitions, h.rules = r.upTo(maxDefinitions), r.upTo(maxRaw)
	if r.bad || len(r.b) < 4 {
		return nil, damaged("its header is cut")
	}
	h.names, r.b = binary.LittleEndian.Uint32(r.b), r.b[4:]
	total := 0
	for count := r.upTo(maxSections); count > 0 && !r.bad; count-- {
		s := section{kind: r.upTo(255), raw: r.upTo(maxRaw), stored: r.upTo(maxRaw)}
		total += s.raw
		h.sections = append(h.sections, s)
	}
	if r.bad || total > maxRaw {
		return nil, damaged("its header is cut or claims too much")
	}
	return r.b, nil
}

// numbers reads unsigned LEB128 numbers and remembers whether one was missing or too large.
type numbers struct {
	b   []byte
	bad bool
}

func (r *numbers) upTo(limit int) int {
	if len(r.b) > 0 && r.b[0] < 0x80 && int(r.b[0]) <= limit { // nearly always
		n := int(r.b[0])
		r.b = r.b[1:]
		return n
	}
	n, size := binary.Uvarint(r.b)
	if size <= 0 || limit < 0 || n > uint64(limit) {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

// near reads a number that was written by zigzag: as its distance from the one before in the same column.
func (r *numbers) near(previous *int, limit int) int {
	z := r.upTo(2*maxRaw + 1)
	n := *previous + (z>>1 ^ -(z & 1))
	if n < 0 || n > limit {
		r.bad, r.b = true, nil
		return 0
	}
	*previous = n
	return n
}

// zigzag is the inverse of near.
func zigzag(previous *int, n int) int {
	d := n - *previous
	*previous = n
	return d<<1 ^ d>>63
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// small is the size in bytes of columns that are not worth the best compression.
const small = 32 << 10

// What small files are made and read with is made once: that takes longer than its use. What it gives does not depend on what it was used for before.
var (
	smallEncoder = sync.OnceValues(func() (*zstd.Encoder, error) { return newEncoder(zstd.SpeedDefault) })
	smallDecoder = sync.OnceValues(newDecoder)
)

func newEncoder(level zstd.EncoderLevel) (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(level),
		zstd.WithWindowSize(zstd.MaxWindowSize>>6), zstd.WithEncoderCRC(false), zstd.WithSingleSegment(true))
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderMaxMemory(maxRaw))
}

// seal joins header and columns into a file. Empty columns are left out.
func seal(h header, columns map[int][]byte) ([]byte, error) {
	size := 0
	for _, raw := range columns {
		size += len(raw)
	}
	encoder := smallEncoder // the tables of the best level alone take 40 ms
	if size >= small {
		encoder = func() (*zstd.Encoder, error) { return newEncoder(zstd.SpeedBestCompression) }
	}
	enc, err := encoder()
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot compress signatures: %w", err)
	}
	var body []byte
	for kind := range 256 {
		raw := columns[kind]
		if len(raw) == 0 {
			continue
		}
		before := len(body)
		body = enc.EncodeAll(raw, body)
		h.sections = append(h.sections, section{kind: kind, raw: len(raw), stored: len(body) - before})
	}
	out := append(h.append(nil), body...)
	return binary.LittleEndian.AppendUint32(out, checksum(out)), nil
}

// unseal checks a file and decompresses its columns.
func unseal(b []byte) (header, map[int][]byte, error) {
	var h header
	if len(b) < len(magic)+1+4 || string(b[:len(magic)-1]) != magic[:len(magic)-1] {
		return h, nil, &patch.Error{Kind: patch.Invalid, What: "this is not a signature file", Do: "Build the catalog again."}
	}
	if b[len(magic)-1] != magic[len(magic)-1] || !scheme(b[len(magic)]).known() {
		return h, nil, &patch.Error{Kind: patch.Invalid, What: "the signature file was made by another generation of Fettle", Do: "Update this program."}
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if checksum(body) != sum {
		return h, nil, damaged("its checksum does not match")
	}
	rest, err := h.parse(body)
	if err != nil {
		return h, nil, err
	}
	columns, err := decompress(h.sections, rest)
	return h, columns, err
}

func decompress(sections []section, b []byte) (map[int][]byte, error) {
	size, decoder := 0, smallDecoder
	for _, s := range sections {
		size += s.raw
	}
	if size >= small { // its buffers are not kept
		decoder = newDecoder
	}
	dec, err := decoder()
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot decompress signatures: %w", err)
	}
	columns := make(map[int][]byte, len(sections))
	for _, s := range sections {
		if s.stored > len(b) {
			return nil, damaged("it is cut")
		}
		if _, twice := columns[s.kind]; twice {
			return nil, damaged("a section comes twice")
		}
		raw, err := dec.DecodeAll(b[:s.stored], make([]byte, 0, s.raw))
		if err != nil || len(raw) != s.raw {
			return nil, damaged("a section does not decompress")
		}
		columns[s.kind], b = raw, b[s.stored:]
	}
	if len(b) > 0 {
		return nil, damaged("bytes follow its last section")
	}
	return columns, nil
}
