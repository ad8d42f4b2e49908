package version

import (
	"strconv"
	"strings"
)

// maxLength bounds what any scheme accepts; the longest real version is under 100 bytes.
const maxLength = 1024

// quote shows hostile text on one line and bounded.
func quote(s string) string {
	if len(s) > 80 {
		return strconv.Quote(s[:80]) + "…"
	}
	return strconv.Quote(s)
}

// DpkgValid says why s is no Debian version; nil when it is one. It refuses what `dpkg --validate-version` refuses.
func DpkgValid(s string) error {
	if why := dpkgFault(s); why != "" {
		return invalid(Dpkg, s, why)
	}
	return nil
}

func dpkgFault(s string) string {
	if s == "" {
		return "it is empty"
	}
	if len(s) > maxLength {
		return "it is longer than 1,024 bytes"
	}
	rest := s
	if i := strings.IndexByte(s, ':'); i >= 0 {
		if why := epochFault(s[:i]); why != "" {
			return why
		}
		rest = s[i+1:]
		if rest == "" {
			return "nothing follows the epoch"
		}
	}
	upstream, revision := rest, ""
	if i := strings.LastIndexByte(rest, '-'); i >= 0 {
		upstream, revision = rest[:i], rest[i+1:]
		if revision == "" {
			return "its revision is empty"
		}
	}
	switch {
	case upstream == "":
		return "its upstream version is empty"
	case !digit(upstream[0]):
		return "its upstream version does not start with a digit"
	case !only(upstream, ".-+~:"):
		return "its upstream version has a character other than letters, digits and . + - ~ :"
	case !only(revision, ".+~"):
		return "its revision has a character other than letters, digits and . + ~"
	}
	return ""
}

func epochFault(s string) string {
	if s == "" {
		return "its epoch is empty"
	}
	n := 0
	for i := range len(s) {
		if !digit(s[i]) {
			return "its epoch is not a number"
		}
		if n = n*10 + int(s[i]-'0'); n > 1<<31-1 {
			return "its epoch is too large"
		}
	}
	return ""
}

func only(s, extra string) bool {
	for i := range len(s) {
		if !digit(s[i]) && !letter(s[i]) && strings.IndexByte(extra, s[i]) < 0 {
			return false
		}
	}
	return true
}

func digit(c byte) bool  { return c-'0' < 10 }
func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// DpkgCompare orders two valid Debian versions as dpkg does: epoch, upstream version, revision. It allocates nothing.
// For strings that DpkgValid refuses the result is some total order and means nothing; check first.
func DpkgCompare(a, b string) int {
	if a == b {
		return 0
	}
	ea, ua, ra := dpkgSplit(a)
	eb, ub, rb := dpkgSplit(b)
	if c := compareNumbers(ea, eb); c != 0 {
		return c
	}
	if c := compareParts(ua, ub); c != 0 {
		return c
	}
	return compareParts(ra, rb)
}

func dpkgSplit(s string) (epoch, upstream, revision string) {
	if i := strings.IndexByte(s, ':'); i >= 0 {
		epoch, s = s[:i], s[i+1:]
	}
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		return epoch, s[:i], s[i+1:]
	}
	return epoch, s, ""
}

// compareNumbers orders two runs of decimal digits of any length; an empty one is zero.
func compareNumbers(a, b string) int {
	for len(a) > 0 && a[0] == '0' {
		a = a[1:]
	}
	for len(b) > 0 && b[0] == '0' {
		b = b[1:]
	}
	if len(a) != len(b) {
		if len(a) < len(b) {
			return -1
		}
		return 1
	}
	return strings.Compare(a, b)
}

// weight is dpkg's order of a character outside digits: tilde before the end, the end before letters, letters before the rest.
func weight(s string, i int) int {
	if i >= len(s) || digit(s[i]) {
		return 0
	}
	switch c := s[i]; {
	case c == '~':
		return -1
	case letter(c):
		return int(c)
	default:
		return int(c) + 256
	}
}

// compareParts is dpkg's verrevcmp: alternating runs of non-digits, by weight, and digits, by value.
func compareParts(a, b string) int {
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		for (i < len(a) && !digit(a[i])) || (j < len(b) && !digit(b[j])) {
			if x, y := weight(a, i), weight(b, j); x != y {
				if x < y {
					return -1
				}
				return 1
			}
			i, j = i+1, j+1
		}
		p, q := i, j
		for i < len(a) && digit(a[i]) {
			i++
		}
		for j < len(b) && digit(b[j]) {
			j++
		}
		if c := compareNumbers(a[p:i], b[q:j]); c != 0 {
			return c
		}
	}
	return 0
}
