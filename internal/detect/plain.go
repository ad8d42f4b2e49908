package detect

import (
	"github.com/fettle-project/fettle/internal/patch"
)

// IsSignatures tells a signature file by its first bytes.
func IsSignatures(b []byte) bool {
	return len(b) > len(magic) && string(b[:len(magic)-1]) == magic[:len(magic)-1]
}

// Unpack gives a signature file's decompressed form, for comparing files byte by byte: definitions that are alike in two files are
// alike in their forms, wherever they stand.
func Unpack(b []byte) ([]byte, error) {
	h, sections, err := unseal(b)
	if err != nil {
		return nil, err
	}
	for i, s := range h.sections {
		n := len(sections[s.kind])
		h.sections[i].raw, h.sections[i].stored = n, n
	}
	plain := h.append(nil)
	for _, s := range h.sections {
		plain = append(plain, sections[s.kind]...)
	}
	return plain, nil
}

// Pack is Unpack's inverse: it gives the same bytes, if the file was made by the same version of the compressor.
func Pack(plain []byte) ([]byte, error) {
	if !IsSignatures(plain) || plain[len(magic)-1] != magic[len(magic)-1] {
		return nil, &patch.Error{Kind: patch.Invalid, What: "this is not a signature file"}
	}
	var h header
	rest, err := h.parse(plain)
	if err != nil {
		return nil, err
	}
	sections := make(map[int][]byte, len(h.sections))
	for _, s := range h.sections {
		if _, twice := sections[s.kind]; twice || s.raw > len(rest) {
			return nil, damaged("its columns are cut")
		}
		sections[s.kind], rest = rest[:s.raw], rest[s.raw:]
	}
	if len(rest) > 0 {
		return nil, damaged("bytes follow its last column")
	}
	h.sections = nil
	return seal(h, sections)
}
