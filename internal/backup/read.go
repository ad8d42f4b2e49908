package backup

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	maxRatio  = 1000 // how much a backup may grow, beyond a free first part
	freeBytes = 64 << 20
	window    = 8 << 20
)

// Reader reads a backup. What it gives is proven only when Next has given io.EOF: nothing may be believed before.
type Reader struct {
	Manifest Manifest
	s        signed
	body     io.LimitedReader
	last     string
	files    int64
	bytes    int64
	err      error // the first one: nothing is read after it
	packed   *zstd.Decoder
}

// Open begins to read a backup with the keys that open it. signer, if any, is the fingerprint of the appliance that must have made it.
// A passphrase or key that does not fit is Unauthenticated, a damaged file Untrusted. The caller closes the Reader.
func Open(r io.Reader, identities []age.Identity, signer string) (*Reader, error) {
	in := &counter{r: bufio.NewReaderSize(r, 256<<10)}
	plain, err := age.Decrypt(in, identities...)
	var no *age.NoIdentityMatchError
	switch {
	case errors.As(err, &no):
		return nil, &patch.Error{Kind: patch.Unauthenticated, What: "cannot open the backup", Why: "the passphrase or the key is not the one that it was made with",
			Do: "Give the passphrase with --passphrase-file, or the key file with --identity."}
	case err != nil:
		return nil, damaged(err)
	}
	d, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, damaged(err)
	}
	b, err := openPlain(&bounded{r: d, in: in}, signer)
	if err != nil {
		d.Close()
		return nil, err
	}
	b.packed = d
	return b, nil
}

// Close gives its memory back.
func (b *Reader) Close() {
	if b.packed != nil {
		b.packed.Close()
	}
}

func openPlain(r io.Reader, signer string) (*Reader, error) {
	b := &Reader{s: signed{sum: sha512.New(), r: r}}
	start := make([]byte, len(magic))
	if _, err := io.ReadFull(b.s, start); err != nil {
		return nil, damaged(err)
	}
	if string(start) != magic {
		return nil, &patch.Error{Kind: patch.Invalid, What: "this is not a backup of an appliance that this version knows"}
	}
	name, size, err := b.head()
	if err != nil {
		return nil, err
	}
	if name != manifestName || size > maxManifest {
		return nil, untrusted("it does not begin with what it holds")
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(b.s, text); err != nil {
		return nil, damaged(err)
	}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&b.Manifest); err != nil {
		return nil, damaged(err)
	}
	m := b.Manifest
	if len(m.Signer) != ed25519.PublicKeySize || m.Files < 0 || m.Files > maxFiles || m.Bytes < 0 || m.Bytes > maxBytes {
		return nil, untrusted("its manifest cannot be right")
	}
	if signer != "" && signer != m.Fingerprint() {
		return nil, &patch.Error{Kind: patch.Untrusted, What: "cannot use the backup", Why: phrase.Of("the appliance {1} made it, and not {2}", m.Fingerprint(), signer),
			Do: "Look where the file comes from; fettle backup printed its appliance's fingerprint."}
	}
	return b, nil
}

// Next goes to the next file, whose bytes are then read from r up to its size. At the end it verifies the signature, and gives io.EOF only if
// all that was read is what the appliance signed.
func (b *Reader) Next() (name string, size int64, r io.Reader, err error) {
	if b.err != nil {
		return "", 0, nil, b.err
	}
	defer func() { b.err = err }()
	if b.body.N > 0 {
		if _, err := io.Copy(io.Discard, &b.body); err != nil || b.body.N > 0 {
			return "", 0, nil, damaged(err)
		}
	}
	if name, size, err = b.head(); err != nil {
		return "", 0, nil, err
	}
	if name == "" {
		return "", 0, nil, b.finish()
	}
	b.files, b.bytes = b.files+1, b.bytes+size
	switch {
	case !validName(name):
		return "", 0, nil, untrusted("it holds a file that no appliance has")
	case name <= b.last:
		return "", 0, nil, untrusted("it holds a file twice, or not in its place")
	case b.files > b.Manifest.Files || size > b.Manifest.Bytes || b.bytes > b.Manifest.Bytes:
		return "", 0, nil, untrusted("it holds more than it says")
	}
	b.last = name
	b.body = io.LimitedReader{R: b.s, N: size}
	return name, size, &body{b}, nil
}

// head reads a name and a size; no name is the end.
func (b *Reader) head() (string, int64, error) {
	var two [2]byte
	if _, err := io.ReadFull(b.s, two[:]); err != nil {
		return "", 0, damaged(err)
	}
	n := binary.BigEndian.Uint16(two[:])
	if n == 0 {
		return "", 0, nil
	}
	if n > maxName {
		return "", 0, untrusted("a name in it is too long")
	}
	rest := make([]byte, int(n)+8)
	if _, err := io.ReadFull(b.s, rest); err != nil {
		return "", 0, damaged(err)
	}
	size := binary.BigEndian.Uint64(rest[n:])
	if size > maxBytes {
		return "", 0, untrusted("a file in it is too large")
	}
	return string(rest[:n]), int64(size), nil
}

func (b *Reader) finish() error {
	message := b.s.message()
	signature := make([]byte, ed25519.SignatureSize+1)
	n, err := io.ReadFull(b.s.r, signature) // one byte more than there may be: the stream must end, and be whole
	if !errors.Is(err, io.ErrUnexpectedEOF) || n != ed25519.SignatureSize {
		return damaged(err)
	}
	if b.files != b.Manifest.Files || b.bytes != b.Manifest.Bytes {
		return untrusted("it holds less than it says")
	}
	if !ed25519.Verify(b.Manifest.Signer, message, signature[:n]) {
		return untrusted("its signature is not that of the appliance which it names")
	}
	return io.EOF
}

// body reads a file, and says what is wrong with the backup in its own words.
type body struct{ b *Reader }

func (r *body) Read(p []byte) (int, error) {
	if r.b.err != nil {
		return 0, r.b.err
	}
	n, err := r.b.body.Read(p)
	switch {
	case errors.Is(err, io.EOF) && r.b.body.N > 0:
		r.b.err = damaged(io.ErrUnexpectedEOF)
	case err != nil && !errors.Is(err, io.EOF):
		r.b.err = damaged(err)
	default:
		return n, err
	}
	return n, r.b.err
}

func untrusted(why string) error {
	return &patch.Error{Kind: patch.Untrusted, What: "cannot use the backup", Why: phrase.Verbatim(why), Do: "Take another backup; this file was changed or is damaged."}
}

func damaged(err error) error {
	var known *patch.Error
	if errors.As(err, &known) {
		return err
	}
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return untrusted("it is cut off or goes on behind its end")
	}
	return &patch.Error{Kind: patch.Untrusted, What: "cannot use the backup", Why: "it was changed or is damaged", Err: err, Do: "Take another backup."}
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

// bounded ends a stream that grows as only a bomb's does.
type bounded struct {
	r  io.Reader
	in *counter
	n  int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.n += int64(n); b.n > freeBytes && b.n/maxRatio > b.in.n {
		return 0, &patch.Error{Kind: patch.Exhausted, What: "cannot use the backup", Why: "it grows as no appliance's does"}
	}
	return n, err
}
