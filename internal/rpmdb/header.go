package rpmdb

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Tags of a package's header (rpm's rpmtag.h).
const (
	tagSigPGP    = 259
	tagSigGPG    = 262
	tagDSAHeader = 267
	tagRSAHeader = 268
	tagOpenPGP   = 278
	tagName      = 1000
	tagVersion   = 1001
	tagRelease   = 1002
	tagEpoch     = 1003
	tagArch      = 1022
	tagSourceRPM = 1044
	tagModule    = 5096

	tagInstallTime = 1008
)

// Types of a header's values.
const (
	typeInt32  = 4
	typeString = 6
	typeBinary = 7
	typeArray  = 8
)

// maxTags is rpm's own bound on the entries of a header.
const maxTags = 0xffff

// header is a package's header: an index of 16 bytes an entry, then the values.
type header struct {
	index, data []byte
	at          map[uint32]int // entry of each wanted tag; the last of several, as rpm takes it
}

// parseHeader gives the package that a header describes.
func parseHeader(b []byte) (patch.Package, error) {
	h, err := openHeader(b)
	if err != nil {
		return patch.Package{}, err
	}
	p := patch.Package{State: patch.Installed}
	var release string
	for tag, to := range map[uint32]*string{tagName: &p.Name, tagVersion: &p.Version, tagRelease: &release} {
		if *to, err = h.text(tag); err == nil && *to == "" {
			err = fault("a package has no tag %d", tag)
		}
		if err != nil {
			return patch.Package{}, err
		}
	}
	if strings.Trim(p.Name, nameLetters) != "" {
		return patch.Package{}, fault("%.60q is not a package name", p.Name)
	}
	p.Version += "-" + release
	p.Source, p.SourceVersion = p.Name, p.Version
	if err := h.rest(&p); err != nil {
		return patch.Package{}, patch.Errorf(patch.Invalid, "the entry of %s: %w", p.Name, err)
	}
	return p, nil
}

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-%{}~^:@!&()[],'"

// rest reads what a package need not have.
func (h *header) rest(p *patch.Package) error {
	if epoch, found, err := h.number(tagEpoch); err != nil {
		return err
	} else if found {
		p.Version = strconv.FormatUint(uint64(epoch), 10) + ":" + p.Version
	}
	source, err := h.text(tagSourceRPM)
	if err != nil {
		return err
	}
	if name, evr, ok := splitSource(source); ok {
		p.Source, p.SourceVersion = name, evr
	}
	if p.Arch, err = h.text(tagArch); err != nil {
		return err
	}
	if p.Arch == "" {
		p.Arch = "(none)" // as rpm says of public keys, which it keeps as packages
	}
	label, err := h.text(tagModule)
	if err != nil {
		return err
	}
	p.Module = moduleOf(label, p.Version)
	if p.Signer, err = h.signer(); err != nil {
		return err
	}
	p.Provides, err = h.provides(p)
	return err
}

// splitSource parts "perl-5.32.1-480.el9.src.rpm" into name and version-release.
func splitSource(s string) (name, evr string, ok bool) {
	s = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(s, ".rpm"), ".src"), ".nosrc")
	release := strings.LastIndexByte(s, '-')
	if release <= 0 {
		return "", "", false
	}
	at := strings.LastIndexByte(s[:release], '-')
	if at <= 0 {
		return "", "", false
	}
	return s[:at], s[at+1:], true
}

// moduleOf gives name and stream of a modularity label "nodejs:18:9020020230301:rhel9". A package without a label whose release is that
// of a module's build ("1.module_el8+1") is of a stream that nobody tells.
func moduleOf(label, version string) string {
	if release := version[strings.LastIndexByte(version, '-')+1:]; label == "" && strings.Contains(release, ".module") {
		return "*:*"
	}
	if parts := strings.SplitN(label, ":", 3); len(parts) > 2 {
		return parts[0] + ":" + parts[1]
	}
	return label
}

func openHeader(b []byte) (*header, error) {
	if len(b) < 8 {
		return nil, fault("a header of %d bytes is none", len(b))
	}
	n, size := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if n == 0 || n > maxTags || uint64(len(b)) != 8+16*uint64(n)+uint64(size) {
		return nil, fault("a header of %d bytes cannot have %d entries and %d bytes of values", len(b), n, size)
	}
	h := &header{index: b[8 : 8+16*n], data: b[8+16*n:], at: make(map[uint32]int, 32)}
	for i := range int(n) {
		if tag := binary.BigEndian.Uint32(h.index[16*i:]); known(tag) {
			h.at[tag] = i
		}
	}
	return h, nil
}

// known tells the tags that anything here reads.
func known(tag uint32) bool {
	switch tag {
	case tagSigPGP, tagSigGPG, tagDSAHeader, tagRSAHeader, tagOpenPGP, tagName, tagVersion, tagRelease, tagEpoch, tagArch, tagSourceRPM, tagModule, tagInstallTime,
		tagFileSizes, tagFileModes, tagFileDevices, tagFileTimes, tagFileDigests, tagFileLinks, tagFileFlags, tagFileUsers, tagFileGroups, tagFileVerify,
		tagDirIndexes, tagBaseNames, tagDirNames, tagLongFileSizes, tagFileDigestAlgo, tagFileStates, tagFileCaps,
		tagProvides, tagProvideFlags, tagProvideVersions, tagObsoletes, tagObsoleteFlags, tagObsoleteVersions:
		return true
	}
	return false
}

// value gives the bytes from where a tag's value begins.
func (h *header) value(tag uint32) (b []byte, typ, count uint32, found bool, err error) {
	i, found := h.at[tag]
	if !found {
		return nil, 0, 0, false, nil
	}
	e := h.index[16*i:]
	typ, count = binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[12:])
	offset := binary.BigEndian.Uint32(e[8:])
	if uint64(offset) >= uint64(len(h.data)) {
		return nil, 0, 0, true, fault("the value of tag %d is beyond the header's end", tag)
	}
	return h.data[offset:], typ, count, true, nil
}

// text gives a string without control characters; empty where there is none.
func (h *header) text(tag uint32) (string, error) {
	b, typ, _, found, err := h.value(tag)
	if err != nil || !found {
		return "", err
	}
	end := bytes.IndexByte(b, 0)
	if typ != typeString || end < 0 {
		return "", fault("the value of tag %d is not a text", tag)
	}
	return clean(b[:end]), nil
}

func (h *header) number(tag uint32) (n uint32, found bool, err error) {
	b, typ, count, found, err := h.value(tag)
	if err != nil || !found {
		return 0, found, err
	}
	if typ != typeInt32 || count != 1 || len(b) < 4 {
		return 0, true, fault("the value of tag %d is not a number", tag)
	}
	return binary.BigEndian.Uint32(b), true, nil
}

// signer gives the key ID of the first signature that names one.
func (h *header) signer() (string, error) {
	for _, tag := range []uint32{tagRSAHeader, tagDSAHeader, tagOpenPGP, tagSigPGP, tagSigGPG} {
		b, typ, count, found, err := h.value(tag)
		switch {
		case err != nil:
			return "", err
		case !found:
			continue
		case typ == typeBinary && uint64(count) <= uint64(len(b)):
			b = b[:count]
		case typ == typeArray:
			end := max(0, bytes.IndexByte(b, 0))
			if b, err = base64.StdEncoding.DecodeString(string(b[:end])); err != nil {
				return "", fault("the value of tag %d is not a signature", tag)
			}
		default:
			return "", fault("the value of tag %d is not a signature", tag)
		}
		if id := keyID(b); id != "" {
			return id, nil
		}
	}
	return "", nil
}

// clean makes hostile bytes storable text: valid UTF-8, no control character, bounded.
func clean(b []byte) string {
	s := strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(b), "\uFFFD"))
	if len(s) > 256 {
		s = strings.ToValidUTF8(s[:256], "")
	}
	return s
}
