package version

import (
	"cmp"
	"strings"
)

// macOS names a release twice: a product version of two or three numbers, with a letter in brackets after a Rapid Security Response
// ("13.4.1 (a)"), and a build made of the Darwin release, the letter of the minor release and a number ("23E214"). Product
// versions and builds are ordered among themselves, never against each other.
type macBuild struct {
	darwin, train, number, suffix string
}

// parseMacBuild reads digits, a capital letter, digits and, for seeds and Rapid Security Responses, one small letter.
func parseMacBuild(s string) (macBuild, bool) {
	n := run(s, digit)
	if n == 0 || n == len(s) || s[n] < 'A' || s[n] > 'Z' {
		return macBuild{}, false
	}
	b := macBuild{darwin: s[:n], train: s[n : n+1]}
	s = s[n+1:]
	n = run(s, digit)
	b.number, b.suffix = s[:n], s[n:]
	return b, n > 0 && (b.suffix == "" || len(b.suffix) == 1 && lower(b.suffix[0]))
}

// seed tells builds that Apple gives to testers before the release: a number from 5000 to 5999 and a small letter.
func (b macBuild) seed() bool { return len(b.number) == 4 && b.number[0] == '5' && b.suffix != "" }

func splitResponse(s string) (product, response string) {
	if n := len(s) - len(" (a)"); n > 0 && s[n] == ' ' && s[n+1] == '(' && lower(s[n+2]) && s[n+3] == ')' {
		return s[:n], s[n+2 : n+3]
	}
	return s, ""
}

func macosValid(s string) error {
	if len(s) > maxLength {
		return invalid(MacOS, s, "it is longer than 1,024 bytes")
	}
	if _, ok := parseMacBuild(s); ok {
		return nil
	}
	if product, _ := splitResponse(s); windowsValid(product) != nil {
		return invalid(MacOS, s, "it is neither a product version as 14.4.1 or 13.4.1 (a) nor a build as 23E224")
	}
	return nil
}

// macosAlike refuses to order a product version against a build.
func macosAlike(a, b string) error {
	_, buildA := parseMacBuild(a)
	if _, buildB := parseMacBuild(b); buildA != buildB {
		return invalid(MacOS, b, "a product version and a build have no order between them")
	}
	return nil
}

func macosCompare(a, b string) int {
	x, ok := parseMacBuild(a)
	if y, both := parseMacBuild(b); ok && both {
		return x.compare(y)
	}
	pa, ra := splitResponse(a)
	pb, rb := splitResponse(b)
	if c := windowsCompare(pa, pb); c != 0 {
		return c
	}
	return strings.Compare(ra, rb)
}

func (b macBuild) compare(other macBuild) int {
	seeds := 0
	switch {
	case b.seed() && !other.seed():
		seeds = -1
	case other.seed() && !b.seed():
		seeds = 1
	}
	return cmp.Or(
		compareNumbers(b.darwin, other.darwin),
		strings.Compare(b.train, other.train),
		seeds,
		compareNumbers(b.number, other.number),
		strings.Compare(b.suffix, other.suffix))
}
