package rpmdb

import (
	"bytes"
	"encoding/binary"

	"github.com/fettle-project/fettle/internal/patch"
)

// Tags of a package's files: arrays with one value for each file, but for the names of directories.
const (
	tagFileSizes      = 1028
	tagFileStates     = 1029
	tagFileModes      = 1030
	tagFileDevices    = 1033
	tagFileTimes      = 1034
	tagFileDigests    = 1035
	tagFileLinks      = 1036
	tagFileFlags      = 1037
	tagFileUsers      = 1039
	tagFileGroups     = 1040
	tagFileVerify     = 1045
	tagDirIndexes     = 1116
	tagBaseNames      = 1117
	tagDirNames       = 1118
	tagLongFileSizes  = 5008
	tagFileCaps       = 5010
	tagFileDigestAlgo = 5011
)

// InstalledFile is a file as the package that brought it describes it.
type InstalledFile struct {
	Path                      string
	Size                      uint64
	Mode                      uint32 // type and permissions, as stat(2) has them
	Device, Time              uint32
	Digest, Link, User, Group string
	Capabilities              string // as text; empty for none
	State                     uint32 // 0: it was installed and is this package's; else it is not expected there
	Flags                     uint32 // rpm's RPMFILE_* bits: configuration file, documentation, …
	Verify                    uint32 // RPMVERIFY_* bits: what may be compared
}

// PackageFiles is a package with the files that were asked for.
type PackageFiles struct {
	patch.Package
	DigestAlgorithm uint32 // OpenPGP's number: 1 is MD5, 8 is SHA-256
	Files           []InstalledFile
}

// maxFiles bounds the files of one package.
const maxFiles = 1_000_000

// ReadFiles gives the files of installed packages: of the packages, and of their files, that the caller wants.
func ReadFiles(open func(name string) (File, error), wanted func(patch.Package) bool, file func(path string) bool) ([]PackageFiles, error) {
	return readAll(open, func(blob []byte) (PackageFiles, bool, error) {
		p, err := parseHeader(blob)
		if err != nil || !wanted(p) {
			return PackageFiles{}, false, err
		}
		h, err := openHeader(blob)
		if err != nil {
			return PackageFiles{}, false, err
		}
		out := PackageFiles{Package: p, DigestAlgorithm: 1}
		if n, found, err := h.number(tagFileDigestAlgo); err == nil && found {
			out.DigestAlgorithm = n
		}
		if out.Files, err = h.files(file); err != nil {
			err = patch.Errorf(patch.Invalid, "the files of %s: %w", p.Name, err)
		}
		return out, err == nil && len(out.Files) > 0, err
	})
}

// files reads the arrays side by side.
func (h *header) files(wanted func(path string) bool) ([]InstalledFile, error) {
	names, err := h.texts(tagBaseNames)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	dirs, err := h.texts(tagDirNames)
	if err != nil {
		return nil, err
	}
	numbers, texts := map[uint32][]uint64{}, map[uint32][]string{}
	for _, tag := range []uint32{tagDirIndexes, tagFileSizes, tagLongFileSizes, tagFileModes, tagFileDevices, tagFileTimes, tagFileFlags, tagFileVerify, tagFileStates} {
		if numbers[tag], err = h.numbers(tag, len(names)); err != nil {
			return nil, err
		}
	}
	for _, tag := range []uint32{tagFileDigests, tagFileLinks, tagFileUsers, tagFileGroups, tagFileCaps} {
		if texts[tag], err = h.texts(tag); err != nil {
			return nil, err
		}
		if len(texts[tag]) != 0 && len(texts[tag]) != len(names) {
			return nil, fault("%d files have %d values of tag %d", len(names), len(texts[tag]), tag)
		}
	}
	number := func(tag uint32, i int) uint64 {
		if len(numbers[tag]) == 0 {
			return 0
		}
		return numbers[tag][i]
	}
	value := func(tag uint32, i int) string {
		if len(texts[tag]) == 0 {
			return ""
		}
		return texts[tag][i]
	}
	var out []InstalledFile
	for i, name := range names {
		dir := number(tagDirIndexes, i)
		if dir >= uint64(len(dirs)) {
			return nil, fault("the file %.60q is in no directory", name)
		}
		if path := dirs[dir] + name; wanted(path) {
			out = append(out, InstalledFile{Path: path, Size: number(tagFileSizes, i) + number(tagLongFileSizes, i), Mode: uint32(number(tagFileModes, i)),
				Device: uint32(number(tagFileDevices, i)), Time: uint32(number(tagFileTimes, i)), Digest: value(tagFileDigests, i), Link: value(tagFileLinks, i),
				User: value(tagFileUsers, i), Group: value(tagFileGroups, i), Flags: uint32(number(tagFileFlags, i)), Verify: uint32(number(tagFileVerify, i)),
				State: uint32(number(tagFileStates, i)), Capabilities: value(tagFileCaps, i)})
		}
	}
	return out, nil
}

// texts gives an array of strings; none where the tag is not there.
func (h *header) texts(tag uint32) ([]string, error) {
	b, typ, count, found, err := h.value(tag)
	if err != nil || !found {
		return nil, err
	}
	if typ != typeArray || count > maxFiles || uint64(count) > uint64(len(b)) {
		return nil, fault("the value of tag %d is not a list of texts", tag)
	}
	out := make([]string, count)
	for i := range out {
		end := bytes.IndexByte(b, 0)
		if end < 0 {
			return nil, fault("the value of tag %d is cut off", tag)
		}
		out[i], b = string(b[:end]), b[end+1:]
	}
	return out, nil
}

// numbers gives an array of as many numbers as there are files; none where the tag is not there.
func (h *header) numbers(tag uint32, want int) ([]uint64, error) {
	b, typ, count, found, err := h.value(tag)
	if err != nil || !found {
		return nil, err
	}
	width, known := map[uint32]int{1: 1, 2: 1, 3: 2, typeInt32: 4, 5: 8}[typ]
	if !known || uint64(count) != uint64(want) || len(b) < want*width {
		return nil, fault("the value of tag %d is not a list of %d numbers", tag, want)
	}
	out := make([]uint64, want)
	for i := range out {
		switch v := b[i*width:]; width {
		case 1:
			out[i] = uint64(v[0])
		case 2:
			out[i] = uint64(binary.BigEndian.Uint16(v))
		case 4:
			out[i] = uint64(binary.BigEndian.Uint32(v))
		default:
			out[i] = binary.BigEndian.Uint64(v)
		}
	}
	return out, nil
}
