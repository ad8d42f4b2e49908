package rpmdb

import (
	"encoding/binary"
	"encoding/hex"
)

// keyID gives the 16 hexadecimal digits of the key that made an OpenPGP signature (RFC 4880, 5.2); empty where b is none or does not
// say. It verifies nothing: rpm did so, or not, when it installed the package.
func keyID(b []byte) string {
	if len(b) < 2 || b[0]&0x80 == 0 {
		return ""
	}
	tag, body := packet(b)
	if tag != 2 || len(body) < 1 {
		return ""
	}
	switch body[0] {
	case 3:
		if len(body) >= 15 {
			return hex.EncodeToString(body[7:15])
		}
	case 4:
		hashed, rest := section(body, 4, 2)
		unhashed, _ := section(rest, 0, 2)
		return firstOf(issuer(hashed), issuer(unhashed))
	case 6:
		hashed, rest := section(body, 4, 4)
		unhashed, _ := section(rest, 0, 4)
		return firstOf(issuer(hashed), issuer(unhashed))
	}
	return ""
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// packet gives the tag and body of the first packet; nothing where it is cut.
func packet(b []byte) (tag byte, body []byte) {
	var size uint64
	if b[0]&0x40 != 0 { // new format
		n, rest, ok := length(b[1:])
		if !ok || n > uint64(len(rest)) {
			return 0, nil
		}
		return b[0] & 0x3f, rest[:n]
	}
	width := 1 << (b[0] & 3)
	if b[0]&3 == 3 {
		return b[0] >> 2 & 0xf, b[1:]
	}
	if len(b) < 1+width {
		return 0, nil
	}
	for _, c := range b[1 : 1+width] {
		size = size<<8 | uint64(c)
	}
	if body = b[1+width:]; size > uint64(len(body)) {
		return 0, nil
	}
	return b[0] >> 2 & 0xf, body[:size]
}

// length reads a length of one, two or five bytes.
func length(b []byte) (n uint64, rest []byte, ok bool) {
	switch {
	case len(b) >= 1 && b[0] < 192:
		return uint64(b[0]), b[1:], true
	case len(b) >= 2 && b[0] < 255:
		return uint64(b[0]-192)<<8 + uint64(b[1]) + 192, b[2:], true
	case len(b) >= 5 && b[0] == 255:
		return uint64(binary.BigEndian.Uint32(b[1:])), b[5:], true
	}
	return 0, nil, false
}

// section gives the subpackets that begin at a place, behind their size of some bytes, and what follows them.
func section(b []byte, at, width int) (inside, rest []byte) {
	if len(b) < at+width {
		return nil, nil
	}
	var size uint64
	for _, c := range b[at : at+width] {
		size = size<<8 | uint64(c)
	}
	if rest = b[at+width:]; size > uint64(len(rest)) {
		return nil, nil
	}
	return rest[:size], rest[size:]
}

// issuer finds the key ID among subpackets: issuer (16), or issuer fingerprint (33), of whose 20 bytes the last 8 are the key ID and
// of whose 32 bytes the first.
func issuer(b []byte) string {
	for len(b) > 0 {
		n, rest, ok := length(b)
		if !ok || n == 0 || n > uint64(len(rest)) {
			return ""
		}
		switch sub := rest[:n]; {
		case sub[0]&0x7f == 16 && n == 9:
			return hex.EncodeToString(sub[1:])
		case sub[0]&0x7f == 33 && n == 22:
			return hex.EncodeToString(sub[14:])
		case sub[0]&0x7f == 33 && n == 34:
			return hex.EncodeToString(sub[2:10])
		}
		b = rest[n:]
	}
	return ""
}
