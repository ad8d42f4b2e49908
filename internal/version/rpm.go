package version

import "strings"

// rpmValid accepts [epoch:]version[-release]. rpm itself orders any bytes; what no tag can hold is refused.
func rpmValid(s string) error {
	if s == "" || len(s) > maxLength {
		return invalid(RPM, s, "it is empty or longer than 1,024 bytes")
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return invalid(RPM, s, "it has a blank or a control character")
		}
	}
	if n := run(s, digit); n > 0 && n < len(s) && s[n] == ':' {
		if why := epochFault(s[:n]); why != "" {
			return invalid(RPM, s, why)
		}
		s = s[n+1:]
	}
	if s == "" || s[0] == '-' {
		return invalid(RPM, s, "it has no version")
	}
	return nil
}

type evr struct {
	epoch, version, release string
	released                bool
}

// parseEVR splits as rpm's parseEVR does: what stands before a colon is an epoch only where it is a number, and the release
// follows the last dash.
func parseEVR(s string) evr {
	var v evr
	if n := run(s, digit); n < len(s) && s[n] == ':' {
		v.epoch, s = s[:n], s[n+1:]
	}
	v.version = s
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		v.version, v.release, v.released = s[:i], s[i+1:], true
	}
	return v
}

func rpmCompare(a, b string) int {
	x, y := parseEVR(a), parseEVR(b)
	if c := compareNumbers(x.epoch, y.epoch); c != 0 {
		return c
	}
	if c := rpmvercmp(x.version, y.version); c != 0 {
		return c
	}
	switch {
	case x.released && y.released:
		return rpmvercmp(x.release, y.release)
	case x.released:
		return 1
	case y.released:
		return -1
	}
	return 0
}

func rpmSeparator(c byte) bool { return !digit(c) && !letter(c) && c != '~' && c != '^' }

// rpmvercmp orders runs of digits and of letters; other characters only separate. A tilde sorts before the end, a caret after the
// end but before anything else.
func rpmvercmp(a, b string) int {
	for a != b {
		a, b = a[run(a, rpmSeparator):], b[run(b, rpmSeparator):]
		c, done := rpmMark(a, b, '~', -1)
		if !done {
			c, done = rpmMark(a, b, '^', 1)
		}
		switch {
		case c != 0:
			return c
		case done:
			a, b = a[1:], b[1:]
			continue
		case a == "" && b == "":
			return 0
		case a == "":
			return -1
		case b == "":
			return 1
		}
		if c, a, b = rpmSegment(a, b); c != 0 {
			return c
		}
	}
	return 0
}

// rpmMark judges a tilde or caret at the front: done where both have it, else decides where one has it. Against the end of the
// other string a mark counts as atEnd.
func rpmMark(a, b string, mark byte, atEnd int) (c int, done bool) {
	hasA, hasB := a != "" && a[0] == mark, b != "" && b[0] == mark
	switch {
	case hasA && hasB:
		return 0, true
	case hasA && b == "":
		return atEnd, true
	case hasB && a == "":
		return -atEnd, true
	case hasA:
		return -1, true
	case hasB:
		return 1, true
	}
	return 0, false
}

// rpmSegment compares the leading runs of two non-empty strings by the kind of a's run; numbers are newer than letters.
func rpmSegment(a, b string) (c int, restA, restB string) {
	if digit(a[0]) {
		n, m := run(a, digit), run(b, digit)
		if m == 0 {
			return 1, "", ""
		}
		return compareNumbers(a[:n], b[:m]), a[n:], b[m:]
	}
	n, m := run(a, letter), run(b, letter)
	if m == 0 {
		return -1, "", ""
	}
	return strings.Compare(a[:n], b[:m]), a[n:], b[m:]
}

// RPMOverlap tells whether two ranges of versions have one in common, by rpm's rules for dependencies: an operator "" means any version, a
// version without a release stands for all of its releases, one without an epoch has epoch 0.
func RPMOverlap(opA, a, opB, b string) bool {
	if opA == "" || opB == "" {
		return true
	}
	x, y := parseEVR(a), parseEVR(b)
	c := compareNumbers(x.epoch, y.epoch)
	if c == 0 {
		c = rpmvercmp(x.version, y.version)
	}
	if c == 0 && x.released && y.released {
		c = rpmvercmp(x.release, y.release)
	}
	has := strings.Contains
	switch {
	case c < 0:
		return has(opA, ">") || has(opB, "<")
	case c > 0:
		return has(opA, "<") || has(opB, ">")
	}
	return has(opA, "=") && has(opB, "=") || has(opA, "<") && has(opB, "<") || has(opA, ">") && has(opB, ">")
}
