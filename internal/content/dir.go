// Package content owns directories whose files are named by the SHA-256 of their bytes: raw vendor indexes, catalog files,
// payloads.
//
// A file appears under its name complete, verified and durable, or not at all. The package refuses names that are no hash, never
// follows a path out of its directory, and never overwrites: equal names are equal bytes.
package content

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const tempPrefix = ".part-"

// Dir is one such directory. Its methods are safe for concurrent use, also by several processes.
type Dir struct {
	root *os.Root
	path string
}

// Open makes the directory if needed and sweeps what a killed writer left behind. The caller closes it.
// Only one process may open a directory for writing at a time: the sweep takes unfinished files for left-overs.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot make the directory {1}", path), Err: err}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot open the directory {1}", path), Err: err}
	}
	d := &Dir{root: root, path: path}
	if err := d.sweep(); err != nil {
		root.Close()
		return nil, err
	}
	return d, nil
}

// Close releases the directory.
func (d *Dir) Close() error { return d.root.Close() }

// Path is where the directory lies, for messages.
func (d *Dir) Path() string { return d.path }

func (d *Dir) sweep() error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot list {1}", d.path), Err: err}
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			continue
		}
		if err := d.root.Remove(e.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot remove the unfinished file {1} in {2}", e.Name(), d.path), Err: err}
		}
	}
	return nil
}

func notFound(h patch.Hash) error {
	return &patch.Error{Kind: patch.NotFound, What: phrase.Format("there is no file with the hash %.64q", string(h)), Err: fs.ErrNotExist}
}

// Has tells whether the file is there, and its size.
func (d *Dir) Has(h patch.Hash) (int64, bool) {
	if !h.Valid() {
		return 0, false
	}
	info, err := d.root.Lstat(string(h))
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

// Open opens a file for reading; NotFound where it is missing or h is no hash. Its bytes were verified when it was put.
func (d *Dir) Open(h patch.Hash) (*os.File, error) {
	if _, ok := d.Has(h); !ok {
		return nil, notFound(h)
	}
	f, err := d.root.Open(string(h))
	if err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot open {1} in {2}", string(h), d.path), Err: err}
	}
	return f, nil
}

// Read gives a whole file of at most limit bytes and verifies it once more.
func (d *Dir) Read(h patch.Hash, limit int64) ([]byte, error) {
	f, err := d.Open(h)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read {1} in {2}", string(h), d.path), Err: err}
	}
	if int64(len(b)) > limit || Sum(b) != h {
		return nil, &patch.Error{Kind: patch.Untrusted, What: phrase.Of("the file {1} in {2} is damaged", string(h), d.path), Why: "its bytes do not have the hash that is its name", Do: "Remove it; it will be fetched again."}
	}
	return b, nil
}

// Sum is the content address of b.
func Sum(b []byte) patch.Hash {
	h := sha256.Sum256(b)
	return patch.Hash(hex.EncodeToString(h[:]))
}

// Trim keeps the newest files: at most n, that have at most size bytes together.
func (d *Dir) Trim(n int, size int64) error {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot list {1}", d.path), Err: err}
	}
	var put []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && patch.Hash(e.Name()).Valid() {
			put = append(put, info)
		}
	}
	slices.SortFunc(put, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for i, f := range put {
		if size -= f.Size(); i < n && size >= 0 {
			continue
		}
		if err := d.Remove(patch.Hash(f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes a file; one that is missing is no error.
func (d *Dir) Remove(h patch.Hash) error {
	if !h.Valid() {
		return notFound(h)
	}
	if err := d.root.Remove(string(h)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot remove {1} from {2}", string(h), d.path), Err: err}
	}
	return nil
}

// Want is what a file must be. Size 0 means that the size is not known and Limit alone bounds it; an empty SHA256 accepts any bytes.
type Want struct {
	SHA256 patch.Hash
	Size   int64
	Limit  int64
}

// PutBytes stores b.
func (d *Dir) PutBytes(ctx context.Context, b []byte) (patch.Hash, error) {
	h := Sum(b)
	if size, ok := d.Has(h); ok && size == int64(len(b)) {
		return h, nil
	}
	return d.Put(ctx, bytes.NewReader(b), Want{SHA256: h, Size: int64(len(b))})
}

// Put streams r into a new file, counting and hashing while it writes, and gives it its name only when size and hash are right,
// after fsync of file and directory. On any error nothing is left behind. A full disk is Exhausted, wrong bytes are Untrusted,
// a reader's error is passed on.
func (d *Dir) Put(ctx context.Context, r io.Reader, want Want) (patch.Hash, error) {
	name := tempPrefix + rand.Text()
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return "", d.writeError(err)
	}
	h, err := d.fill(ctx, f, r, want)
	if err == nil {
		err = d.settle(f, name, h)
	}
	if err != nil {
		f.Close()
		d.root.Remove(name)
		return "", err
	}
	return h, nil
}

func (d *Dir) fill(ctx context.Context, f *os.File, r io.Reader, want Want) (patch.Hash, error) {
	limit := want.Limit
	if want.Size > 0 {
		limit = want.Size
	}
	sum := sha256.New()
	w := &fileWriter{ctx: ctx, f: f}
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, limit+1))
	switch {
	case w.err != nil:
		return "", d.writeError(w.err)
	case err != nil:
		return "", err
	case want.Size > 0 && n < want.Size:
		return "", &patch.Error{Kind: patch.Untrusted, What: phrase.Format("the file ended after %d of %d bytes", n, want.Size)}
	case n > limit:
		return "", &patch.Error{Kind: patch.Untrusted, What: phrase.Format("the file is longer than the %d bytes it may have", limit)}
	}
	h := patch.Hash(hex.EncodeToString(sum.Sum(nil)))
	if want.SHA256 != "" && h != want.SHA256 {
		return "", &patch.Error{Kind: patch.Untrusted, What: phrase.Format("the bytes have the SHA-256 %s, not %s", h, want.SHA256)}
	}
	return h, nil
}

func (d *Dir) settle(f *os.File, name string, h patch.Hash) error {
	if err := f.Sync(); err != nil {
		return d.writeError(err)
	}
	if err := f.Close(); err != nil {
		return d.writeError(err)
	}
	if err := d.root.Rename(name, string(h)); err != nil {
		return d.writeError(err)
	}
	top, err := d.root.Open(".")
	if err != nil {
		return d.writeError(err)
	}
	defer top.Close()
	if err := top.Sync(); err != nil {
		return d.writeError(err)
	}
	return nil
}

// fileWriter tells a failed write from a failed read, and stops when the context ends.
type fileWriter struct {
	ctx context.Context
	f   *os.File
	err error
}

func (w *fileWriter) Write(b []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.f.Write(b)
	w.err = err
	return n, err
}

func (d *Dir) writeError(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &patch.Error{Kind: patch.Exhausted, What: phrase.Of("cannot write to {1}", d.path), Why: "the disk is full", Do: "Free space there; it goes on by itself.", Err: err}
	}
	return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot write to {1}", d.path), Err: err}
}
