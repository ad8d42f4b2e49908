package detect

import "github.com/fettle-project/fettle/internal/patch"

// IsSignatures tells a signature file by its first bytes.
func IsSignatures(b []byte) bool {
	return len(b) > len(magic) && string(b[:len(magic)-1]) == magic[:len(magic)-1]
}

// Unpack gives a signature file's decompressed form, for comparing files byte by byte.
func Unpack(b []byte) ([]byte, error) {
	h, columns, err := unseal(b)
	if err != nil {
		return nil, err
	}
	for i := range h.sections {
		h.sections[i].stored = h.sections[i].raw
	}
	plain := h.append(nil)
	for _, s := range h.sections {
		plain = append(plain, columns[s.kind]...)
	}
	return plain, nil
}

// Pack is Unpack's inverse: it gives the same bytes, if the file was made by the same version of the compressor.
func Pack(plain []byte) ([]byte, error) {
	if !IsSignatures(plain) || plain[len(magic)-1] != magic[len(magic)-1] {
		return nil, &patch.Error{Kind: patch.Invalid, What: "this is no signature file"}
	}
	var h header
	rest, err := h.parse(plain)
	if err != nil {
		return nil, err
	}
	columns := make(map[int][]byte, len(h.sections))
	for _, s := range h.sections {
		if _, twice := columns[s.kind]; twice || s.raw > len(rest) {
			return nil, damaged("its columns are cut")
		}
		columns[s.kind], rest = rest[:s.raw], rest[s.raw:]
	}
	if len(rest) > 0 {
		return nil, damaged("bytes follow its last column")
	}
	h.sections = nil
	return seal(h, columns)
}
