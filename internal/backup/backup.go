// Package backup owns the file that an appliance is kept in, and gets back out of it only what was put in.
//
// A backup is one stream, encrypted with age (age-encryption.org/v1) to a passphrase or to recipients' keys. Inside, zstd: a magic, entries
// (length of the name, name, size, bytes; the first one is the manifest, the others follow by name), an empty name, and an Ed25519 signature
// by the appliance over everything before it. Reading and writing need constant memory. The package refuses a stream that was changed,
// cut, continued or put together by another appliance than the expected one, names that no appliance has, and what grows as only a bomb's
// does. It knows nothing of databases.
package backup

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"regexp"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	magic        = "fettle-backup-1\n"
	context      = "fettle backup 1" // what the signature is about
	manifestName = "manifest.json"
	maxManifest  = 1 << 20
	maxName      = 128
	maxFiles     = 20_000_000
	maxBytes     = 64 << 40
)

// Manifest says what a backup holds. It is its first entry.
type Manifest struct {
	Version  string    `json:"version"` // of the program that made it
	At       time.Time `json:"at"`      // of the database's state
	Host     string    `json:"host"`
	Database string    `json:"database"` // "sqlite": it is in here; "postgres": it is not
	Payloads bool      `json:"payloads"` // whether files of patches are in here
	Counts   []Count   `json:"counts"`   // what the database knows
	Files    int64     `json:"files"`    // that follow
	Bytes    int64     `json:"bytes"`    // of them together
	// Signer is the public key of the signature. Fingerprint says it as people compare it.
	Signer []byte `json:"signer"`
}

// Count is how many of something the appliance has.
type Count struct {
	Of string `json:"of"` // "machines"
	N  int64  `json:"n"`
}

// Fingerprint names the appliance that signed: the beginning of its key's hash.
func (m Manifest) Fingerprint() string { return Fingerprint(m.Signer) }

// Fingerprint names a public key.
func Fingerprint(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:16])
}

// File is a file to keep: its name in the backup, and its bytes.
type File struct {
	Name string
	Size int64
	Open func() (io.ReadCloser, error)
}

// validName accepts what lies in an appliance's directory, and nothing else. It makes paths safe: no part of a name is a word of its own.
func validName(name string) bool {
	return len(name) <= maxName && regexp.MustCompile(`^(?:fettle\.(?:toml|db)|keys/[a-z][a-z-]{0,40}\.(?:key|pem|pub)|(?:feeds|catalogs|payloads)/[0-9a-f]{64}|agents/fettle-agent-[a-z0-9]+-[a-z0-9]+(?:\.[a-z]{3})?)$`).MatchString(name)
}

// signed is a stream whose bytes are hashed on their way.
type signed struct {
	sum hash.Hash
	w   io.Writer
	r   io.Reader
}

func (s signed) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	s.sum.Write(p[:n])
	return n, err
}

func (s signed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	return n, err
}

func (s signed) message() []byte { return append([]byte(context), s.sum.Sum(nil)...) }

// Write makes a backup of files, which must be sorted by name and as large as they say. m's Files, Bytes and Signer are filled in. progress
// may be nil.
func Write(w io.Writer, m Manifest, files []File, recipients []age.Recipient, key ed25519.PrivateKey, progress func(done int64)) error {
	sealed, err := age.Encrypt(w, recipients...)
	if err != nil {
		return patch.Errorf(patch.Invalid, "cannot encrypt the backup: %w", err)
	}
	packed, err := zstd.NewWriter(sealed, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return patch.Errorf(patch.Internal, "cannot compress the backup: %w", err)
	}
	if err := writePlain(packed, m, files, key, progress); err != nil {
		return err
	}
	if err := packed.Close(); err != nil {
		return err
	}
	return sealed.Close()
}

func writePlain(w io.Writer, m Manifest, files []File, key ed25519.PrivateKey, progress func(int64)) error {
	m.Files, m.Bytes, m.Signer = int64(len(files)), 0, key.Public().(ed25519.PublicKey)
	for i, f := range files {
		if !validName(f.Name) || i > 0 && f.Name <= files[i-1].Name {
			return patch.Errorf(patch.Internal, "%.200q cannot be in a backup, or not there", f.Name)
		}
		m.Bytes += f.Size
	}
	head, err := json.Marshal(m)
	if err != nil {
		return patch.Errorf(patch.Internal, "cannot write the manifest: %w", err)
	}
	s := signed{sum: sha512.New(), w: w}
	if _, err := io.WriteString(s, magic); err != nil {
		return err
	}
	if err := writeHead(s, manifestName, int64(len(head))); err != nil {
		return err
	}
	if _, err := s.Write(head); err != nil {
		return err
	}
	done := int64(0)
	for _, f := range files {
		if err := writeFile(s, f); err != nil {
			return err
		}
		if done += f.Size; progress != nil {
			progress(done)
		}
	}
	if _, err := s.Write([]byte{0, 0}); err != nil {
		return err
	}
	_, err = w.Write(ed25519.Sign(key, s.message()))
	return err
}

func writeHead(w io.Writer, name string, size int64) error {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(name)))
	b = append(b, name...)
	_, err := w.Write(binary.BigEndian.AppendUint64(b, uint64(size)))
	return err
}

func writeFile(w io.Writer, f File) error {
	if err := writeHead(w, f.Name, f.Size); err != nil {
		return err
	}
	r, err := f.Open()
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read {1}", f.Name), Err: err}
	}
	defer r.Close()
	n, err := io.Copy(w, io.LimitReader(r, f.Size))
	if err == nil && n != f.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return patch.Errorf(patch.Unavailable, "cannot back %s up: %w", f.Name, err)
	}
	return nil
}
