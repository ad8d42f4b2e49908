package item

import (
	"net/netip"
	"strconv"
	"strings"
)

// addresses compares addresses and prefixes of addresses in OVAL's value space: bits outside the prefix count as 0. OpenSCAP compares
// them for equality too; the common schema says that they MUST be ignored.
func addresses(op Operation, as Datatype, seen, want string) (Value, string) {
	a, err := prefix(as, seen)
	if err != nil {
		return Error, err.Error()
	}
	b, err := prefix(as, want)
	if err != nil {
		return Error, err.Error()
	}
	switch op {
	case SubsetOf:
		return Truth(a.Bits() >= b.Bits() && b.Contains(a.Addr())), ""
	case SupersetOf:
		return Truth(a.Bits() <= b.Bits() && a.Contains(b.Addr())), ""
	case Equals, NotEqual:
		return Truth((a == b) == (op == Equals)), ""
	}
	if a.Bits() != b.Bits() {
		return Error, "prefixes of different lengths have no order"
	}
	return ordered(op, a.Addr().Compare(b.Addr()))
}

func prefix(as Datatype, s string) (netip.Prefix, error) {
	text, length, sliced := strings.Cut(strings.TrimSpace(s), "/")
	if as == IPv4 {
		text = noZeros(text)
	}
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Is4() != (as == IPv4) || addr.Zone() != "" {
		return netip.Prefix{}, noValue(as, s)
	}
	bits := addr.BitLen()
	if sliced {
		if bits, err = strconv.Atoi(length); err != nil || strings.ContainsAny(length, "+-") {
			bits = maskBits(as, length)
		}
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}, noValue(as, s)
	}
	return p, nil
}

// noZeros drops leading zeros of the four numbers, which OVAL permits.
func noZeros(s string) string {
	fields := strings.Split(s, ".")
	for i, f := range fields {
		if len(f) > 1 && len(f) <= 3 {
			if fields[i] = strings.TrimLeft(f, "0"); fields[i] == "" {
				fields[i] = "0"
			}
		}
	}
	return strings.Join(fields, ".")
}

// maskBits is the length of a netmask, -1 where it is none.
func maskBits(as Datatype, s string) int {
	mask, err := netip.ParseAddr(noZeros(s))
	if as != IPv4 || err != nil || !mask.Is4() {
		return -1
	}
	b := mask.As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	for bits := range 33 {
		if n == ^uint32(0)<<(32-bits) {
			return bits
		}
	}
	return -1
}
