package catalog

import (
	"archive/zip"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Built is what one build made for one host OS.
type Built struct {
	Meta       patch.RevisionMeta
	List       []byte
	Signatures []byte
	Payloads   []byte // the payload index; never part of a bundle

	replaced map[patch.ID]bool // patches that are on no list and that others are said to supersede
}

// A bundle is a zip file of stored members: bundleIndex, a JSON array of patch.RevisionMeta, and the lists and signatures under
// their hashes. It is not signed: whoever builds one trusts it as far as the file.
const (
	bundleIndex    = "fettle-catalog.json"
	maxBundleIndex = 4 << 20
)

// Member is a further file in a bundle, of its writer's own concern.
type Member struct {
	Name  string
	Bytes []byte
}

// WriteBundle writes built catalogs as one file for stand-alone use, replacing path atomically. The same catalogs give the same
// bytes, except for the time of building in their metas.
func WriteBundle(path string, built []Built, more ...Member) (err error) {
	defer func() {
		if err != nil {
			err = &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot write the bundle {1}", path), Err: err}
		}
	}()
	f, err := os.CreateTemp(filepath.Dir(path), ".bundle-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := writeMembers(f, built, more); err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o644), f.Sync(), f.Close(), os.Rename(f.Name(), path))
}

func writeMembers(w io.Writer, built []Built, more []Member) error {
	built = slices.SortedFunc(slices.Values(built), func(a, b Built) int { return cmp.Compare(a.Meta.OS, b.Meta.OS) })
	metas := make([]patch.RevisionMeta, len(built))
	for i := range built {
		metas[i] = built[i].Meta
	}
	index, err := json.MarshalIndent(metas, "", " ")
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	add := func(name string, b []byte, method uint16) error {
		m, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: time.Unix(0, 0).UTC()})
		if err != nil {
			return err
		}
		_, err = m.Write(b)
		return err
	}
	if err := add(bundleIndex, index, zip.Store); err != nil {
		return err
	}
	for _, b := range built {
		if err := errors.Join(add(string(b.Meta.List), b.List, zip.Store), add(string(b.Meta.Signatures), b.Signatures, zip.Store)); err != nil {
			return err
		}
	}
	for _, m := range more {
		if err := add(m.Name, m.Bytes, zip.Deflate); err != nil {
			return err
		}
	}
	return z.Close()
}

// Bundle is an opened bundle file. Its parts are read when asked for and verified by hash.
type Bundle struct {
	path  string
	zip   *zip.ReadCloser
	metas []patch.RevisionMeta
}

// OpenBundle opens a bundle file; the caller closes it.
func OpenBundle(path string) (*Bundle, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		kind, do := patch.Invalid, "Build one with `fettle catalog build -o FILE --apt …`."
		if errors.Is(err, fs.ErrNotExist) {
			kind = patch.NotFound
		}
		return nil, &patch.Error{Kind: kind, What: phrase.Of("cannot open the catalog bundle {1}", path), Err: err, Do: phrase.Verbatim(do)}
	}
	b := &Bundle{path: path, zip: z}
	index, err := b.member(bundleIndex, maxBundleIndex)
	if err == nil {
		err = json.Unmarshal(index, &b.metas)
	}
	if err != nil {
		z.Close()
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("{1} is not a catalog bundle", path), Err: err}
	}
	return b, nil
}

// Close releases the file.
func (b *Bundle) Close() error { return b.zip.Close() }

// OSes lists the host OSes of the bundle, sorted.
func (b *Bundle) OSes() []patch.HostOS {
	oses := make([]patch.HostOS, len(b.metas))
	for i := range b.metas {
		oses[i] = b.metas[i].OS
	}
	slices.Sort(oses)
	return oses
}

// Meta gives the revision of an OS, or else the one for any.
func (b *Bundle) Meta(os patch.HostOS) (patch.RevisionMeta, bool) {
	for _, wanted := range []patch.HostOS{os, patch.AnyOS} {
		for _, m := range b.metas {
			if m.OS == wanted {
				return m, true
			}
		}
	}
	return patch.RevisionMeta{}, false
}

// Signatures opens the signatures of an OS; NotFound names the OSes that the bundle is for.
func (b *Bundle) Signatures(os patch.HostOS) (*detect.Signatures, error) {
	return b.SignaturesAfter(os, func([]byte) {})
}

// SignaturesAfter is Signatures for who wants to look at the file before it is opened.
func (b *Bundle) SignaturesAfter(os patch.HostOS, look func(file []byte)) (*detect.Signatures, error) {
	meta, err := b.find(os)
	if err != nil {
		return nil, err
	}
	file, err := b.verified(meta.Signatures, maxSignatureFile)
	if err != nil {
		return nil, err
	}
	look(file)
	s, err := detect.Open(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the signatures in %s: %w", b.path, err)
	}
	if s.OS() != meta.OS || s.Len() != meta.Patches {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("the signatures in {1} are for another host OS or list", b.path)}
	}
	return s, nil
}

// List decodes the list of an OS; NotFound names the OSes that the bundle is for.
func (b *Bundle) List(os patch.HostOS) (*List, error) {
	meta, err := b.find(os)
	if err != nil {
		return nil, err
	}
	file, err := b.verified(meta.List, maxListFile)
	if err != nil {
		return nil, err
	}
	l, err := DecodeList(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the list in %s: %w", b.path, err)
	}
	if l.OS() != meta.OS || l.Len() != meta.Patches {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("the list in {1} is for another host OS or of another length", b.path)}
	}
	return l, nil
}

// Slice gives one host OS's part of the bundle, to be written into another.
func (b *Bundle) Slice(os patch.HostOS) (Built, error) {
	meta, err := b.find(os)
	if err != nil {
		return Built{}, err
	}
	built := Built{Meta: meta}
	if built.List, err = b.verified(meta.List, maxListFile); err == nil {
		built.Signatures, err = b.verified(meta.Signatures, maxSignatureFile)
	}
	return built, err
}

// Member reads a further file of at most limit bytes, as WriteBundle was given it.
func (b *Bundle) Member(name string, limit int64) ([]byte, error) {
	m, err := b.member(name, limit)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read {1} in {2}", name, b.path), Err: err}
	}
	return m, nil
}

func (b *Bundle) find(os patch.HostOS) (patch.RevisionMeta, error) {
	if m, ok := b.Meta(os); ok {
		return m, nil
	}
	var names []string
	for _, o := range b.OSes() {
		names = append(names, string(o))
	}
	return patch.RevisionMeta{}, &patch.Error{
		Kind: patch.NotFound, What: phrase.Format("the catalog %s is not for this host OS, %s", b.path, os),
		Why: phrase.Of("it is for {1}", strings.Join(names, ", ")), Do: phrase.Of("Build a catalog from feeds of {1}.", string(os)),
	}
}

func (b *Bundle) verified(h patch.Hash, limit int64) ([]byte, error) {
	file, err := b.member(string(h), limit)
	if err == nil && content.Sum(file) != h {
		err = errors.New("its bytes do not have the hash that is its name")
	}
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("the bundle {1} is damaged", b.path), Err: err, Do: "Build it again."}
	}
	return file, nil
}

func (b *Bundle) member(name string, limit int64) ([]byte, error) {
	for _, f := range b.zip.File {
		if f.Name != name {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		defer r.Close()
		if f.UncompressedSize64 > uint64(limit) {
			return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
		}
		data := make([]byte, f.UncompressedSize64)
		if _, err := io.ReadFull(r, data); err != nil {
			return nil, err
		}
		if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF { // the checksum is judged at the end
			return nil, fmt.Errorf("%s is not as long as it says or is damaged: %w", name, cmp.Or(err, io.ErrNoProgress))
		}
		return data, nil
	}
	return nil, fmt.Errorf("it has no member %s: %w", name, fs.ErrNotExist)
}
