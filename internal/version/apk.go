package version

import (
	"cmp"
	"strings"
)

// An apk version is digit{.digit}…{letter}{_suffix{number}}…{~hash}{-r#}. A token's kind also orders versions of which one ends
// earlier: the kind that comes later in this list makes the older version.
type apkKind uint8

const (
	apkFirst apkKind = iota // the first number: always by value
	apkNumber
	apkLetter
	apkSuffix
	apkSuffixNumber
	apkHash
	apkRevision
	apkEnd
	apkBad
)

// apkFinal is the rank of "no suffix" between pre-release and post-release suffixes.
const apkFinal = 5

func apkRank(suffix string) int {
	switch suffix {
	case "alpha":
		return 1
	case "beta":
		return 2
	case "pre":
		return 3
	case "rc":
		return 4
	case "cvs":
		return 6
	case "svn":
		return 7
	case "git":
		return 8
	case "hg":
		return 9
	case "p":
		return 10
	}
	return 0
}

type apkToken struct {
	kind apkKind
	text string
}

func run(s string, in func(byte) bool) int {
	n := 0
	for n < len(s) && in(s[n]) {
		n++
	}
	return n
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func hex(c byte) bool   { return digit(c) || c >= 'a' && c <= 'f' }

func apkStart(s string) (apkToken, string) {
	n := run(s, digit)
	if n == 0 {
		return apkToken{kind: apkBad}, ""
	}
	return apkToken{apkFirst, s[:n]}, s[n:]
}

// apkNext takes the next token off s, given the kind before it.
func apkNext(before apkKind, s string) (apkToken, string) {
	if s == "" {
		return apkToken{kind: apkEnd}, ""
	}
	bad := apkToken{kind: apkBad}
	take := func(kind apkKind, skip int, in func(byte) bool) (apkToken, string) {
		n := run(s[skip:], in)
		if n == 0 {
			return bad, ""
		}
		return apkToken{kind, s[skip : skip+n]}, s[skip+n:]
	}
	switch c := s[0]; {
	case lower(c) && before <= apkNumber:
		return apkToken{apkLetter, s[:1]}, s[1:]
	case c == '.' && before <= apkNumber:
		return take(apkNumber, 1, digit)
	case digit(c) && before == apkSuffix:
		return take(apkSuffixNumber, 0, digit)
	case c == '_' && before <= apkSuffixNumber:
		t, rest := take(apkSuffix, 1, lower)
		if apkRank(t.text) == 0 {
			return bad, ""
		}
		return t, rest
	case c == '~' && before < apkHash:
		return take(apkHash, 1, hex)
	case strings.HasPrefix(s, "-r") && before < apkRevision:
		return take(apkRevision, 2, digit)
	}
	return bad, ""
}

func apkValid(s string) error {
	if len(s) > maxLength {
		return invalid(APK, s, "it is longer than 1,024 bytes")
	}
	t, rest := apkStart(s)
	for t.kind < apkEnd {
		t, rest = apkNext(t.kind, rest)
	}
	if t.kind == apkBad {
		return invalid(APK, s, "it is not of the form 1.2.3a_suffix1~hash-r1")
	}
	return nil
}

func apkTokenCompare(a, b apkToken) int {
	switch a.kind {
	case apkNumber:
		// A leading zero makes it a fraction, ordered as text.
		if a.text[0] == '0' || b.text[0] == '0' {
			return strings.Compare(a.text, b.text)
		}
		return compareNumbers(a.text, b.text)
	case apkFirst, apkSuffixNumber, apkRevision:
		return compareNumbers(a.text, b.text)
	case apkSuffix:
		return cmp.Compare(apkRank(a.text), apkRank(b.text))
	}
	return strings.Compare(a.text, b.text)
}

func apkCompare(a, b string) int {
	ta, ra := apkStart(a)
	tb, rb := apkStart(b)
	for ta.kind == tb.kind && ta.kind < apkEnd {
		if c := apkTokenCompare(ta, tb); c != 0 {
			return c
		}
		ta, ra = apkNext(ta.kind, ra)
		tb, rb = apkNext(tb.kind, rb)
	}
	switch {
	case ta.kind == tb.kind:
		return 0
	case ta.kind == apkSuffix && apkRank(ta.text) < apkFinal:
		return -1
	case tb.kind == apkSuffix && apkRank(tb.text) < apkFinal:
		return 1
	}
	return cmp.Compare(tb.kind, ta.kind)
}
