package rpmdb

import (
	"encoding/binary"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Tags of what a package relates to (rpm's rpmtag.h): names, flags and versions side by side.
const (
	tagProvides         = 1047
	tagObsoletes        = 1090
	tagProvideFlags     = 1112
	tagProvideVersions  = 1113
	tagObsoleteFlags    = 1114
	tagObsoleteVersions = 1115
)

// maxHeader bounds a header of a package file in bytes, as rpm itself does.
const maxHeader = 256 << 20

// fileGhost marks a file that is the package's and not in it (RPMFILE_GHOST). Of those below /boot the header has the size that they will have about.
const fileGhost = 1 << 6

// maxFileSize bounds what a header says of one file, in bytes.
const maxFileSize = 1 << 40

// PackageFile is what a package file says of itself. Nothing in it is verified.
type PackageFile struct {
	patch.Package
	Provides  []patch.Relation
	Obsoletes []patch.Relation
	Files     []string // paths, which are provided too
	Sizes     []int64  // of Files, in bytes; none for what is no regular file, or is made on the machine elsewhere than below /boot
}

// ReadPackageFile reads the beginning of an .rpm file: lead, signature header and header (rpm's docs/manual/format.md).
func ReadPackageFile(r io.Reader) (PackageFile, error) {
	var f PackageFile
	lead := make([]byte, 96)
	if _, err := io.ReadFull(r, lead); err != nil || binary.BigEndian.Uint32(lead) != 0xedabeedb {
		return f, fault("it is not an rpm package")
	}
	signature, err := readHeader(r)
	if err != nil {
		return f, err
	}
	if pad := int64(-len(signature) & 7); pad > 0 {
		if _, err := io.CopyN(io.Discard, r, pad); err != nil {
			return f, fault("it is cut off behind its signature")
		}
	}
	blob, err := readHeader(r)
	if err != nil {
		return f, err
	}
	if f.Package, err = parseHeader(blob); err != nil {
		return f, err
	}
	if h, err := openHeader(signature); err == nil {
		f.Signer, _ = h.signer() // for people: what is no signature is none
	}
	h, err := openHeader(blob)
	if err != nil {
		return f, err
	}
	if f.Provides, err = h.relations(tagProvides, tagProvideFlags, tagProvideVersions); err != nil {
		return f, err
	}
	if f.Obsoletes, err = h.relations(tagObsoletes, tagObsoleteFlags, tagObsoleteVersions); err != nil {
		return f, err
	}
	files, err := h.files(func(string) bool { return true })
	for _, x := range files {
		size := int64(0)
		if x.Mode&0o170000 == 0o100000 && x.Size <= maxFileSize && (x.Flags&fileGhost == 0 || strings.HasPrefix(x.Path, "/boot/")) {
			size = int64(x.Size)
		}
		f.Files, f.Sizes = append(f.Files, x.Path), append(f.Sizes, size)
	}
	return f, err
}

// readHeader gives a header without the eight bytes of its magic.
func readHeader(r io.Reader) ([]byte, error) {
	var magic [16]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil || binary.BigEndian.Uint32(magic[:]) != 0x8eade801 {
		return nil, fault("it has no header where one must be")
	}
	n, size := uint64(binary.BigEndian.Uint32(magic[8:])), uint64(binary.BigEndian.Uint32(magic[12:]))
	if n == 0 || n > maxTags || size > maxHeader {
		return nil, fault("a header cannot have %d entries and %d bytes of values", n, size)
	}
	// The buffer grows with what is really there: a small file that claims much takes little memory.
	rest, err := io.ReadAll(io.LimitReader(r, int64(16*n+size)))
	if err != nil || uint64(len(rest)) != 16*n+size {
		return nil, fault("its header is cut off")
	}
	return append(magic[8:16:16], rest...), nil
}

// relations reads three arrays side by side.
func (h *header) relations(names, flags, versions uint32) ([]patch.Relation, error) {
	n, err := h.texts(names)
	if err != nil || len(n) == 0 {
		return nil, err
	}
	f, err := h.numbers(flags, len(n))
	if err != nil {
		return nil, err
	}
	v, err := h.texts(versions)
	if err != nil {
		return nil, err
	}
	if len(f) != len(n) || len(v) != len(n) {
		return nil, fault("%d relations have %d flags and %d versions", len(n), len(f), len(v))
	}
	out := make([]patch.Relation, len(n))
	for i := range n {
		out[i] = patch.Relation{Name: clean([]byte(n[i])), Op: senses[f[i]>>1&7], Version: clean([]byte(v[i]))}
		if out[i].Op == "" || out[i].Version == "" {
			out[i].Op, out[i].Version = "", ""
		}
	}
	return out, nil
}

// senses are the operators of RPMSENSE_LESS (2), _GREATER (4) and _EQUAL (8).
var senses = [8]string{0: "", 1: "<", 2: ">", 4: "=", 5: "<=", 6: ">="}
