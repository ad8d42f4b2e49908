package item

import (
	"cmp"
	"strings"
)

// noEpoch drops what a package manager prints for no epoch: it equals 0. OpenSCAP takes no epoch for older than 0; OVAL 5.11 says that
// they are equal.
func noEpoch(s string) string { return strings.TrimPrefix(s, "(none):") }

// versions orders lists of numbers that single characters separate; missing numbers are 0.
func versions(seen, want string) (int, error) {
	for _, s := range [2]string{seen, want} {
		if !isVersion(s) {
			return 0, noValue(Version, s)
		}
	}
	order := 0
	for seen != "" || want != "" {
		var a, b string
		a, seen = component(seen)
		b, want = component(want)
		if order = digits(a, b); order != 0 {
			break
		}
	}
	return order, nil
}

func isVersion(s string) bool {
	for i := range len(s) {
		if !digit(s[i]) && (i == 0 || i == len(s)-1 || !digit(s[i-1])) {
			return false
		}
	}
	return s != "" && len(s) <= 1024
}

// component takes a number off the front, and the character behind it.
func component(s string) (number, rest string) {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return s[:n], s[min(n+1, len(s)):]
}

// digits orders two runs of digits by value; none is 0.
func digits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// filesets orders HP-UX revisions, "B.11.31.01": parts separated by dots, numbers by value and before words, words by their bytes.
func filesets(seen, want string) (int, error) {
	for _, s := range [2]string{seen, want} {
		if s == "" || len(s) > 1024 || strings.ContainsAny(s, " \t\r\n") {
			return 0, noValue(FilesetRevision, s)
		}
	}
	for seen != "" || want != "" {
		var a, b string
		a, seen, _ = strings.Cut(seen, ".")
		b, want, _ = strings.Cut(want, ".")
		if c := parts(a, b); c != 0 {
			return c, nil
		}
	}
	return 0, nil
}

func parts(a, b string) int {
	x, y := strings.Trim(a, "0123456789") == "", strings.Trim(b, "0123456789") == ""
	switch {
	case x && y:
		return digits(a, b)
	case x:
		return -1
	case y:
		return 1
	}
	return cmp.Compare(a, b)
}

// ios is a version of Cisco IOS: major.minor(maintenance)train rebuild, "12.4(15)XW9".
type ios struct{ major, minor, maintenance, interim, train, rebuild string }

func readIOS(s string) (v ios, ok bool) {
	rest := s
	number := func() (n string) {
		for len(rest) > 0 && digit(rest[0]) {
			n, rest = n+rest[:1], rest[1:]
		}
		return n
	}
	letters := func() (l string) {
		for len(rest) > 0 && (rest[0]|0x20 >= 'a' && rest[0]|0x20 <= 'z') {
			l, rest = l+rest[:1], rest[1:]
		}
		return l
	}
	take := func(c string) bool {
		after, ok := strings.CutPrefix(rest, c)
		rest = after
		return ok
	}
	if len(s) > 200 {
		return v, false
	}
	v.major = number()
	if v.major == "" || !take(".") {
		return v, false
	}
	if v.minor = number(); v.minor == "" {
		return v, false
	}
	if take("(") {
		v.maintenance = number()
		for take(".") { // interim builds: 12.2(13.1)
			v.interim = number()
		}
		v.interim += letters()
		if v.maintenance == "" || !take(")") {
			return v, false
		}
	}
	v.train, v.rebuild = letters(), number()
	v.rebuild += letters()
	return v, rest == ""
}

// iosVersions orders by release, then by the train's name, then by the rebuild within the train.
func iosVersions(seen, want string) (int, error) {
	a, ok := readIOS(seen)
	if !ok {
		return 0, noValue(IOSVersion, seen)
	}
	b, ok := readIOS(want)
	if !ok {
		return 0, noValue(IOSVersion, want)
	}
	return cmp.Or(digits(a.major, b.major), digits(a.minor, b.minor), digits(a.maintenance, b.maintenance), mixed(a.interim, b.interim),
		cmp.Compare(strings.ToUpper(a.train), strings.ToUpper(b.train)), mixed(a.rebuild, b.rebuild)), nil
}

// mixed orders a number followed by letters.
func mixed(a, b string) int {
	x, y := strings.TrimLeft(a, "0123456789"), strings.TrimLeft(b, "0123456789")
	return cmp.Or(digits(a[:len(a)-len(x)], b[:len(b)-len(y)]), cmp.Compare(x, y))
}
