package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Extract writes everything that is left of a backup into dir, which must be empty and private, and makes it durable. On any error dir holds
// something that must not be used: the caller removes it. progress may be nil.
func (b *Reader) Extract(dir string, progress func(done int64)) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return cannotWrite(err)
	}
	defer root.Close()
	folders := []string{"."}
	for _, name := range []string{"keys", "feeds", "catalogs", "payloads", "agents"} {
		if err := root.Mkdir(name, 0o700); err != nil {
			return cannotWrite(err)
		}
		folders = append(folders, name)
	}
	for {
		name, size, r, err := b.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if err := put(root, name, size, r); err != nil {
			return err
		}
		if progress != nil {
			progress(b.bytes)
		}
	}
	for _, f := range folders {
		d, err := root.Open(f)
		if err == nil {
			err = errors.Join(d.Sync(), d.Close())
		}
		if err != nil {
			return cannotWrite(err)
		}
	}
	return nil
}

// put writes one file. One that is named by its hash has that hash.
func put(root *os.Root, name string, size int64, r io.Reader) error {
	mode := os.FileMode(0o600)
	if ext := path.Ext(name); ext == ".pem" || ext == ".pub" {
		mode = 0o644
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return cannotWrite(err)
	}
	sum := sha256.New()
	w := &failing{w: f}
	n, err := io.Copy(io.MultiWriter(w, sum), r)
	if w.err != nil {
		err = cannotWrite(w.err)
	}
	if err == nil && n != size {
		err = untrusted("it is cut off")
	}
	if err == nil {
		if werr := f.Sync(); werr != nil {
			err = cannotWrite(werr)
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if folder, base, _ := strings.Cut(name, "/"); len(base) == 64 && folder != "keys" && base != hex.EncodeToString(sum.Sum(nil)) {
		return untrusted("the bytes of " + name + " do not have the hash that is its name")
	}
	return nil
}

func cannotWrite(err error) error {
	return &patch.Error{Kind: patch.Unavailable, What: "cannot write what the backup holds", Err: err}
}

// failing keeps a writer's error apart from a reader's.
type failing struct {
	w   io.Writer
	err error
}

func (f *failing) Write(p []byte) (n int, err error) {
	n, f.err = f.w.Write(p)
	return n, f.err
}
