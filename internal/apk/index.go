package apk

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rsa"
	"errors"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Index is what a repository offers: of every package the newest version.
type Index struct {
	Description string // the repository's own words, "v3.20.3-80-g1b4c…"
	Packages    []Package
	// Signer is the name of the key that the index was verified with, "alpine-devel@lists.alpinelinux.org-4a6a0840.rsa.pub"; empty
	// where it was read without keys, and so is vouched for by nobody.
	Signer string
	// Unclear are the entries that could not be understood, in words.
	Unclear []string
}

// maxUnclear bounds how many complaints about one file are kept.
const maxUnclear = 100

// ReadIndex reads an APKINDEX.tar.gz: a gzip member that holds signatures of all bytes after it, then the members that hold the index.
// With keys, a signature by one of them must verify before anything else is looked at (Untrusted); without, signatures are skipped.
func ReadIndex(packed []byte, keys Keys) (Index, error) {
	if len(packed) > MaxIndex {
		return Index{}, fault("it is larger than %d MiB", MaxIndex>>20)
	}
	signatures, signed, err := splitSignatures(packed)
	if err != nil {
		return Index{}, err
	}
	var x Index
	if len(keys) > 0 {
		if x.Signer, err = keys.verify(signatures, signed); err != nil {
			return Index{}, err
		}
	}
	if err := x.unpack(signed); err != nil {
		return Index{}, err
	}
	return x, nil
}

// unpack reads the archive with the index.
func (x *Index) unpack(packed []byte) error {
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fault("its index is not packed with gzip: %v", err)
	}
	files := tar.NewReader(&limited{r: plain, left: maxIndexText})
	found := false
	for range 16 {
		head, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fault("its index is not an archive: %v", err)
		}
		switch head.Name {
		case "DESCRIPTION":
			b, _ := io.ReadAll(io.LimitReader(files, 200))
			x.Description = strings.ToValidUTF8(strings.TrimSpace(string(b)), "?")
		case "APKINDEX":
			if found {
				return fault("it holds two indexes")
			}
			found = true
			if err := x.read(files); err != nil {
				return err
			}
		}
	}
	if !found {
		return fault("it holds no file APKINDEX")
	}
	return nil
}

func (x *Index) read(r io.Reader) error {
	return scan(r, false, func(p Package) error {
		if !ValidName(p.Name) || !ValidName(p.Origin) || !ValidName(p.Arch) {
			if len(x.Unclear) < maxUnclear {
				x.Unclear = append(x.Unclear, "an entry's name cannot be one: "+short(p.Name)+" of "+short(p.Origin))
			}
			return nil
		}
		x.Packages = append(x.Packages, p)
		return nil
	})
}

// signature is one file of the first member.
type signature struct {
	hash  crypto.Hash
	key   string // the key's file name
	bytes []byte
}

// splitSignatures cuts the first gzip member off where it holds signatures. Its archive has no end mark: the index's follows.
func splitSignatures(packed []byte) (signatures []signature, signed []byte, err error) {
	rest := bytes.NewReader(packed)
	member, err := gzip.NewReader(rest)
	if err != nil {
		return nil, nil, fault("it is not packed with gzip: %v", err)
	}
	member.Multistream(false)
	text, err := io.ReadAll(io.LimitReader(member, 64<<10))
	if err != nil {
		return nil, nil, fault("its first part cannot be unpacked: %v", err)
	}
	files := tar.NewReader(bytes.NewReader(text))
	for head, err := files.Next(); err == nil; head, err = files.Next() {
		s := signature{hash: crypto.SHA1}
		name, ok := strings.CutPrefix(head.Name, ".SIGN.RSA.")
		if !ok {
			name, ok = strings.CutPrefix(head.Name, ".SIGN.RSA256.")
			s.hash = crypto.SHA256
		}
		if !ok {
			if len(signatures) == 0 && !strings.HasPrefix(head.Name, ".SIGN.") {
				return nil, packed, nil // the index itself: it is not signed
			}
			continue
		}
		s.key = name
		if s.bytes, err = io.ReadAll(io.LimitReader(files, 4096)); err == nil && len(signatures) < 16 {
			signatures = append(signatures, s)
		}
	}
	if n, _ := io.Copy(io.Discard, io.LimitReader(member, 1)); n > 0 {
		return nil, nil, fault("its signatures take more than 64 KiB")
	}
	return signatures, packed[len(packed)-rest.Len():], nil
}

// verify gives the name of the key that signed.
func (k Keys) verify(signatures []signature, signed []byte) (string, error) {
	var names []string
	for _, s := range signatures {
		names = append(names, short(s.key))
		key, known := k[s.key]
		if !known {
			continue
		}
		h := s.hash.New()
		h.Write(signed)
		if rsa.VerifyPKCS1v15(key, s.hash, h.Sum(nil), s.bytes) == nil {
			return s.key, nil
		}
	}
	why := "it carries no signature"
	if len(names) > 0 {
		why = "none of its signatures verifies with a given key; it names " + strings.Join(names, ", ")
	}
	return "", &patch.Error{Kind: patch.Untrusted, What: "the index is not signed by a trusted key", Why: phrase.Verbatim(why),
		Do: "Give the vendor's public keys, as in /etc/apk/keys, or fetch the index again."}
}

// limited fails beyond left bytes instead of ending.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, fault("its unpacked index is larger than %d MiB", maxIndexText>>20)
	}
	return n, err
}
