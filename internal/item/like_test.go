package item

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLike(t *testing.T) {
	for _, c := range []struct {
		text, pattern string
		want          Value
	}{
		{"HP Compaq 8200", "%compaq%", True}, {"HP Compaq 8200", "compaq", False}, {"HP", "hp", True}, {"", "%", True}, {"", "_", False},
		{"", "", True}, {"x", "", False}, {"PCI\\VEN_1002&DEV_9900&SUBSYS", "%PCI\\VEN_1002&DEV_9900%", True},
		{"PCI\\VENx1002&DEV_9900", "%VEN_1002%", True}, {"abab", "%ab", True}, {"abc", "a%c", True}, {"ac", "a%c", True}, {"a", "a%a", False},
		{"100%", "100[%]", True}, {"1000", "100[%]", False}, {"b", "[a-c]", True}, {"B", "[a-c]", True}, {"d", "[a-c]", False}, {"d", "[^a-c]", True},
		{"a_b", "a[_]b", True}, {"axb", "a[_]b", False}, {"]", "[]]", True}, {"ÄB", "äb", True}, {"x", "[a", Error}, {"aXbXc", "a%x%c", True},
	} {
		if got, why := Compare(Like, String, c.text, c.pattern); got != c.want {
			t.Errorf("%q like %q is %v (%s)", c.text, c.pattern, got, why)
		}
		if got, _ := Compare(NotLike, String, c.text, c.pattern); got != c.want.Not() {
			t.Errorf("%q not like %q is %v", c.text, c.pattern, got)
		}
	}
	if v, _ := Compare(Like, Int, "1", "1"); v != Error {
		t.Error("numbers have no likeness")
	}
}

// A LIKE pattern means what the regular expression with the same parts means.
func TestLikeIsItsRegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.SampledFrom([]string{"%", "_", "a", "B", "[ab]", "[^a]", "%"})).Draw(t, "pattern")
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", "b", "A", "B", "c", "\n"})).Draw(t, "text"), "")
		expr := strings.NewReplacer("%", ".*", "_", ".").Replace(strings.Join(parts, ""))
		want := regexp.MustCompile("(?is)^(" + expr + ")$").MatchString(text)
		if got, _ := Compare(Like, String, text, strings.Join(parts, "")); got != Truth(want) {
			t.Fatalf("%q like %q is %v", text, strings.Join(parts, ""), got)
		}
		if s := strings.Join(parts, ""); s != "" {
			if got, _ := Compare(Like, String, s, EscapeLike(s)); got != True {
				t.Fatalf("%q is not like itself", s)
			}
		}
	})
}

func TestMoments(t *testing.T) {
	for _, c := range []struct {
		seen, want string
		op         Operation
		v          Value
	}{
		{"20151014000000.000000+000", "20151014", GreaterThanOrEqual, True}, {"20151013235959.999999+000", "20151014", GreaterThanOrEqual, False},
		{"20151014010000.000000+060", "20151014", Equals, True}, {"20151014", "20151014000000", Equals, True},
		{"20151014000000.000000-300", "20151014", GreaterThan, True}, {"14.10.2015", "20151014", Equals, Error}, {"20151014", "201510", Equals, Error},
		{"20151314", "20151014", Equals, Error}, {"", "20151014", Equals, Error}, {"20151014000000.000000+6", "20151014", Equals, Error},
	} {
		if v, why := Compare(c.op, DateTime, c.seen, c.want); v != c.v {
			t.Errorf("%s %v %s is %v (%s)", c.seen, c.op, c.want, v, why)
		}
	}
}
