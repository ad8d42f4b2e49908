package version

import (
	"cmp"
	"strings"
)

// windowsValid accepts one to four numbers up to 2³²-1, separated by dots: what file, product and OS versions carry.
func windowsValid(s string) error {
	if s == "" {
		return invalid(Windows, s, "it is empty")
	}
	parts := 0
	for part := range strings.SplitSeq(s, ".") {
		if parts++; parts > 4 {
			return invalid(Windows, s, "it has more than four numbers")
		}
		if part == "" || len(part) > 10 || run(part, digit) != len(part) || compareNumbers(part, "4294967295") > 0 {
			return invalid(Windows, s, "it is not made of numbers separated by dots")
		}
	}
	return nil
}

func windowsCompare(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareNumbers(x, y); c != 0 {
			return c
		}
	}
	return 0
}

// semverSplit cuts build metadata off and separates the core from the pre-release.
func semverSplit(s string) (core, pre, build string, hasPre, hasBuild bool) {
	s, build, hasBuild = strings.Cut(s, "+")
	core, pre, hasPre = strings.Cut(s, "-")
	return core, pre, build, hasPre, hasBuild
}

// semverValid accepts exactly the grammar of semver.org 2.0.0: three numbers, no leading "v", no leading zeros.
func semverValid(s string) error {
	core, pre, build, hasPre, hasBuild := semverSplit(s)
	n := 0
	for part := range strings.SplitSeq(core, ".") {
		if n++; !plainNumber(part) {
			return invalid(Semver, s, "its core is not three numbers without leading zeros")
		}
	}
	switch {
	case len(s) > maxLength:
		return invalid(Semver, s, "it is longer than 1,024 bytes")
	case n != 3:
		return invalid(Semver, s, "its core is not three numbers without leading zeros")
	case hasPre && !semverIdentifiers(pre, true):
		return invalid(Semver, s, "its pre-release is malformed")
	case hasBuild && !semverIdentifiers(build, false):
		return invalid(Semver, s, "its build metadata is malformed")
	}
	return nil
}

func plainNumber(s string) bool {
	return s != "" && run(s, digit) == len(s) && (s[0] != '0' || len(s) == 1)
}

func semverIdentifiers(s string, plain bool) bool {
	for id := range strings.SplitSeq(s, ".") {
		numeric := run(id, digit) == len(id)
		if id == "" || !only(id, "-") || plain && numeric && !plainNumber(id) {
			return false
		}
	}
	return true
}

func semverCompare(a, b string) int {
	ca, pa, _, hasA, _ := semverSplit(a)
	cb, pb, _, hasB, _ := semverSplit(b)
	if c := windowsCompare(ca, cb); c != 0 {
		return c
	}
	switch {
	case !hasA && !hasB:
		return 0
	case !hasA:
		return 1
	case !hasB:
		return -1
	}
	for pa != "" && pb != "" {
		var x, y string
		x, pa, _ = strings.Cut(pa, ".")
		y, pb, _ = strings.Cut(pb, ".")
		if c := semverIdentifier(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(pa), len(pb))
}

// semverIdentifier orders numbers before words.
func semverIdentifier(x, y string) int {
	nx, ny := run(x, digit) == len(x), run(y, digit) == len(y)
	switch {
	case nx && ny:
		return compareNumbers(x, y)
	case nx:
		return -1
	case ny:
		return 1
	}
	return strings.Compare(x, y)
}
