package debian

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const maxKeyring = 8 << 20

// ReadKeyring reads OpenPGP public keys from files, binary (.gpg) or armoured (.asc), and from directories of such files, as
// /etc/apt/trusted.gpg.d is one. An empty result is an error: with no key nothing can be trusted.
func ReadKeyring(paths ...string) (openpgp.EntityList, error) {
	var all openpgp.EntityList
	for _, path := range paths {
		files, err := keyringFiles(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			keys, err := readKeyFile(file)
			if err != nil {
				return nil, err
			}
			all = append(all, keys...)
		}
	}
	if len(all) == 0 {
		return nil, &patch.Error{
			Kind: patch.Invalid, What: phrase.Of("there is no key in {1}", strings.Join(paths, ", ")),
			Do: "Name a keyring that holds the vendor's signing keys; on Debian the package debian-archive-keyring brings one.",
		}
	}
	return all, nil
}

func keyringFiles(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, keyringError(path, err)
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	for _, pattern := range []string{"*.gpg", "*.asc"} {
		found, err := filepath.Glob(filepath.Join(path, pattern))
		if err != nil {
			return nil, keyringError(path, err)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return files, nil
}

func keyringError(path string, err error) error {
	kind := patch.Invalid
	if errors.Is(err, fs.ErrNotExist) {
		kind = patch.NotFound
	}
	return &patch.Error{Kind: kind, What: phrase.Of("cannot read the keyring {1}", path), Err: err}
}

func readKeyFile(path string) (openpgp.EntityList, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, keyringError(path, err)
	}
	if info.Size() > maxKeyring {
		return nil, keyringError(path, fault("it is larger than %d bytes", maxKeyring))
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, keyringError(path, err)
	}
	keys, err := ParseKeyring(b)
	if err != nil {
		return nil, keyringError(path, err)
	}
	return keys, nil
}

// ParseKeyring reads OpenPGP public keys, binary or armoured.
func ParseKeyring(b []byte) (openpgp.EntityList, error) {
	read := openpgp.ReadKeyRing
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("-----BEGIN PGP")) {
		read = openpgp.ReadArmoredKeyRing
	}
	keys, err := read(bytes.NewReader(b))
	if err != nil {
		return nil, fault("it holds no OpenPGP keys that can be read: %w", err)
	}
	return keys, nil
}
