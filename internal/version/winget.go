package version

import (
	"cmp"
	"strings"
)

// wingetPart is what stands between two dots: a number, and text after it. Text makes it older than the number alone.
type wingetPart struct{ number, text string }

// wingetValid accepts any printable text: winget's manifests and Windows' list of programs hold whatever a publisher wrote.
func wingetValid(s string) error {
	switch {
	case strings.TrimSpace(s) == "":
		return invalid(Winget, s, "it is empty")
	case len(s) > maxLength:
		return invalid(Winget, s, "it is longer than 1,024 bytes")
	case s[0] == '<' || s[0] == '>':
		return invalid(Winget, s, "it is a bound, not a version")
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return invalid(Winget, s, "it has a control character")
		}
	}
	return nil
}

// wingetBare cuts off what stands before the first number, as "v" or "Version ", unless a dot comes first.
func wingetBare(s string) string {
	s = strings.TrimSpace(s)
	first, _, _ := strings.Cut(s, ".")
	return s[max(0, strings.IndexAny(first, "0123456789")):]
}

func wingetNext(s string) (wingetPart, string) {
	part, rest, _ := strings.Cut(s, ".")
	part = strings.TrimSpace(part)
	n := run(part, digit)
	if n > 20 || n == 20 && part[:n] > "18446744073709551615" {
		n = 0 // winget reads a number that does not fit 64 bits as text
	}
	return wingetPart{part[:n], strings.ToLower(strings.TrimSpace(part[n:]))}, rest
}

func (p wingetPart) compare(other wingetPart) int {
	switch c := compareNumbers(p.number, other.number); {
	case c != 0:
		return c
	case p.text == "" && other.text != "":
		return 1
	case p.text != "" && other.text == "":
		return -1
	}
	return strings.Compare(p.text, other.text)
}

// wingetRank puts the word "unknown" below and "latest" above every version.
func wingetRank(s string) int {
	switch strings.ToLower(s) {
	case "unknown":
		return -1
	case "latest":
		return 1
	}
	return 0
}

// wingetCompare orders as winget does: part by part, missing parts being zero.
func wingetCompare(a, b string) int {
	a, b = wingetBare(a), wingetBare(b)
	ra, rb := wingetRank(a), wingetRank(b)
	if ra != 0 || rb != 0 {
		return cmp.Compare(ra, rb)
	}
	for a != "" || b != "" {
		var x, y wingetPart
		x, a = wingetNext(a)
		y, b = wingetNext(b)
		if c := x.compare(y); c != 0 {
			return c
		}
	}
	return 0
}
