package apk

import (
	"crypto/rsa"
	_ "crypto/sha1" // Alpine's signatures
	_ "crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Keys are public keys by their file names: an index names the key that signed it so.
type Keys map[string]*rsa.PublicKey

// ReadKeys reads files, or all files of directories such as /etc/apk/keys. A file that holds no RSA key is an error.
func ReadKeys(paths ...string) (Keys, error) {
	keys := Keys{}
	for _, path := range paths {
		files := []string{path}
		if entries, err := os.ReadDir(path); err == nil {
			files = files[:0]
			for _, e := range entries {
				files = append(files, filepath.Join(path, e.Name()))
			}
		}
		for _, file := range files {
			key, err := readKey(file)
			if err != nil {
				return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use the key {1}", file), Err: err, Do: "Name public keys as in /etc/apk/keys."}
			}
			keys[filepath.Base(file)] = key
		}
	}
	return keys, nil
}

func readKey(file string) (*rsa.PublicKey, error) {
	st, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > 64<<10 {
		return nil, &fs.PathError{Op: "read", Path: file, Err: fs.ErrInvalid}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fault("it is not a PEM file")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fault("it is not an RSA key")
	}
	return key, nil
}
