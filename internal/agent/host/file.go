package host

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/fettle-project/fettle/internal/patch"
)

// CheckFile reads a kept file once more and refuses it unless it is a regular file of exactly this size and SHA-256.
func CheckFile(path string, size int64, want patch.Hash) error {
	f, err := os.OpenFile(path, os.O_RDONLY|noFollow, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() || st.Size() != size {
		return patch.Errorf(patch.Untrusted, "%s has %d bytes and not %d", path, st.Size(), size)
	}
	_, got, err := digest(f)
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", path, err)
	}
	if got != want {
		return patch.Errorf(patch.Untrusted, "%s hashes to %s and not to %s", path, got, want)
	}
	return nil
}

// digest reads a file through.
func digest(r io.Reader) (n int64, sum patch.Hash, err error) {
	h := sha256.New()
	n, err = io.Copy(h, r)
	return n, patch.Hash(hex.EncodeToString(h.Sum(nil))), err
}
