package item

import (
	"strings"
	"testing"
	"time"
)

// comparisons is every datatype × operation. For one wanted value and several seen ones it gives the answers of each operation:
// t, f, or e for error. An operation that is not named must be an error for all of them.
var comparisons = []struct {
	as      Datatype
	want    string
	seen    []string
	answers map[Operation]string
}{
	{String, "abc", []string{"ABC", "abc", "abd", "", "xabcx"}, map[Operation]string{Equals: "ftfff", NotEqual: "tfttt",
		CaseInsensitiveEquals: "ttfff", CaseInsensitiveNotEqual: "ffttt", PatternMatch: "ftfft"}},
	{Int, "6", []string{"5", "6", "+6", "007", "-3", " 6 ", "x", "", "0x6", "1_0"}, map[Operation]string{Equals: "fttffteeee",
		NotEqual: "tffttfeeee", GreaterThan: "ffftffeeee", LessThan: "tffftfeeee", GreaterThanOrEqual: "ftttfteeee",
		LessThanOrEqual: "tttftteeee", BitwiseAnd: "ftttfteeee", BitwiseOr: "fttffteeee"}},
	{Int, "18446744073709551616", []string{"18446744073709551615", "18446744073709551616", "18446744073709551617", "1", "-18446744073709551617"},
		map[Operation]string{Equals: "ftfff", NotEqual: "tfttt", GreaterThan: "fftff", LessThan: "tfftt", GreaterThanOrEqual: "fttff",
			LessThanOrEqual: "ttftt", BitwiseAnd: "fttff", BitwiseOr: "ftfff"}},
	{Float, "1.5", []string{"1.5", "15e-1", "1.50000000001", "1.6", "-INF", "INF", "NaN", "1,5", "0x1p2", "Infinity", ""},
		map[Operation]string{Equals: "tttffffeeee", NotEqual: "ffftttteeee", GreaterThan: "ffftftfeeee", LessThan: "fffftffeeee",
			GreaterThanOrEqual: "ttttftfeeee", LessThanOrEqual: "tttftffeeee"}},
	{Boolean, "true", []string{"true", "1", "false", "0", "yes", ""}, map[Operation]string{Equals: "ttffee", NotEqual: "ffttee"}},
	{Boolean, "0", []string{"true", "1", "false", "0", "TRUE"}, map[Operation]string{Equals: "fftte", NotEqual: "ttffe"}},
	{Binary, "00ff", []string{"00FF", "00ff", "ff", "0f", "00f", "zz"}, map[Operation]string{Equals: "ttffee", NotEqual: "ffttee"}},
	{Version, "1.2.10", []string{"1.2.9", "1-2-10", "1c2c10.0", "1.2.10.1", "01.02.0010", "1.2", "99999999999999999999", "1..2", "v1", "1.2 (x)", ""},
		map[Operation]string{Equals: "fttftffeeee", NotEqual: "tfftftteeee", GreaterThan: "ffftffteeee",
			LessThan: "tfffftfeeee", GreaterThanOrEqual: "fttttfteeee", LessThanOrEqual: "tttfttfeeee"}},
	{EVR, "1.2-3", []string{"0:1.2-3", "(none):1.2-3", "1.2-3", "1:1.0-1", "0:1.2~rc1-3", "0:1.2-3.1", "0:1.10-1", "0:1.2^a-3", "1.2", ""},
		map[Operation]string{Equals: "tttffffffe", NotEqual: "ffftttttte", GreaterThan: "ffftftttfe",
			LessThan: "fffftfffte", GreaterThanOrEqual: "ttttftttfe", LessThanOrEqual: "tttftfffte"}},
	{DebianEVR, "1.2-3", []string{"0:1.2-3", "(none):1.2-3", "1.2-3", "1:1.0-1", "1.2~rc1-3", "1.2-3+b1", "0:1.10-1", "", "x y"},
		map[Operation]string{Equals: "tttffffee", NotEqual: "fffttttee", GreaterThan: "ffftfttee", LessThan: "fffftffee",
			GreaterThanOrEqual: "ttttfttee", LessThanOrEqual: "tttftffee"}},
	{IOSVersion, "12.4(15)T3", []string{"12.4(15)T3", "12.4(15)T2", "12.4(15)T10", "12.3(20)T9", "12.4(16)", "12.4(15)t3", "15.0", "12", "x"},
		map[Operation]string{Equals: "tfffftfee", NotEqual: "fttttftee", GreaterThan: "fftftftee", LessThan: "ftftfffee",
			GreaterThanOrEqual: "tftftttee", LessThanOrEqual: "ttftftfee"}},
	{FilesetRevision, "B.11.31", []string{"B.11.31", "B.11.31.00", "B.11.9", "A.99", "C.1", "B.11.31a", "", "B 1"},
		map[Operation]string{Equals: "ttffffee", NotEqual: "ffttttee", GreaterThan: "ffffttee", LessThan: "ffttffee",
			GreaterThanOrEqual: "ttffttee", LessThanOrEqual: "ttttffee"}},
	{IPv4, "10.1.0.0/16", []string{"10.1.2.3/16", "10.1.0.0/255.255.0.0", "010.001.000.000/16", "10.2.0.0/16", "10.0.0.0/8", "10.1.2.3", "10.1.0.0/33", "10.1.0.0/255.0.255.0", "x", "::1"},
		map[Operation]string{Equals: "tttfffeeee", NotEqual: "fffttteeee", GreaterThan: "fffteeeeee", LessThan: "ffffeeeeee",
			GreaterThanOrEqual: "tttteeeeee", LessThanOrEqual: "tttfeeeeee", SubsetOf: "tttffteeee", SupersetOf: "tttftfeeee"}},
	{IPv6, "2001:db8::/32", []string{"2001:0DB8:1::/32", "2001:db8::/32", "2001:db9::/32", "2001:db8::1", "2000::/3", "1.2.3.4", "fe80::1%eth0", "::/129", "::ffff:1.2.3.4/x"},
		map[Operation]string{Equals: "ttfffeeee", NotEqual: "ffttteeee", GreaterThan: "ffteeeeee", LessThan: "fffeeeeee",
			GreaterThanOrEqual: "ttteeeeee", LessThanOrEqual: "ttfeeeeee", SubsetOf: "ttftfeeee", SupersetOf: "ttffteeee"}},
	{Record, "x", []string{"x", "y"}, nil},
}

func TestEveryDatatypeUnderEveryOperation(t *testing.T) {
	letters := map[byte]Value{'t': True, 'f': False, 'e': Error}
	tried := map[Datatype]bool{}
	for _, c := range comparisons {
		tried[c.as] = true
		for op := Equals; op <= SupersetOf; op++ {
			answers, ok := c.answers[op]
			if !ok {
				answers = strings.Repeat("e", len(c.seen))
			}
			if len(answers) != len(c.seen) {
				t.Fatalf("%s %s: %d answers for %d values", c.as, op, len(answers), len(c.seen))
			}
			for i, seen := range c.seen {
				got, why := Compare(op, c.as, seen, c.want)
				if got != letters[answers[i]] {
					t.Errorf("%s: %q %s %q is %s, want %c (%s)", c.as, seen, op, c.want, got, answers[i], why)
				}
				if (got == Error) != (why != "") {
					t.Errorf("%s: %q %s %q is %s with the reason %q", c.as, seen, op, c.want, got, why)
				}
			}
		}
	}
	if len(tried) != int(Record)+1 {
		t.Errorf("only %d datatypes are tried", len(tried))
	}
}

func TestWantedValuesThatAreNoneAreErrors(t *testing.T) {
	for as, want := range map[Datatype]string{Int: "1.0", Float: "x", Boolean: "maybe", Binary: "0", Version: "a.b", EVR: "", DebianEVR: "",
		IOSVersion: "?", FilesetRevision: "", IPv4: "1.2.3", IPv6: "g::"} {
		if v, _ := Compare(Equals, as, "1", want); v != Error {
			t.Errorf("%s: %q is taken for a value: %s", as, want, v)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          Value
	}{
		{`^a.c$`, "abc", True},
		{`^a.c$`, "xabc", False},
		{`b`, "abc", True},
		{`^abc$`, "abc\n", True}, // Perl's $ stands before a last line feed
		{`^abc$`, "abc\n\n", False},
		{`^abc\z`, "abc\n", False},
		{`[$]$`, "x$\n", True},
		{`^(?!root)\w+$`, "user", True},
		{`^(?!root)\w+$`, "rooter", False},
		{`(?<=a)b`, "ab", True},
		{`^(.)\1$`, "aa", True},
		{`^(.)\1$`, "ab", False},
		{`^(?!x)\d$`, "٣", False}, // digits are 0 to 9 on both engines
		{`^\h*key\h*=\h*\S+$`, "  key\t= v", True},
		{`^[\h#]+x`, " # x", True},
		{`^[[:alpha:]_]+$`, "ab_c", True},
		{`^(?!x)[[:digit:]]+$`, "12", True},
		{`^[]a]+$`, "]a", True},
		{`(?m)^b$`, "a\nb\nc", True},
		{`^[^/]*\.conf$`, "x.conf", True},
		{`a{2,3}$`, "aaa", True},
		{`^(?:a{1,1000}){1,1}x{1000}` + strings.Repeat("y{0,900}", 60) + `$`, "a" + strings.Repeat("x", 1000), True}, // counted, not unrolled
		{strings.Repeat("a", 5000), "x", Error},
		{`(`, "x", Error},
		{`*`, "x", Error},
	} {
		v, why := Compare(PatternMatch, String, c.text, c.pattern)
		if v != c.want {
			t.Errorf("%q on %q is %s, want %s: %s", c.pattern, c.text, v, c.want, why)
		}
	}
}

// A pattern that would take for ever is given up.
func TestPatternsEnd(t *testing.T) {
	begin := time.Now()
	if v, why := Compare(PatternMatch, String, strings.Repeat("a", 40)+"b", `^(a+)+(?!x)$`); v != Error || time.Since(begin) > 5*time.Second {
		t.Errorf("%s after %s: %s", v, time.Since(begin), why)
	}
}

func TestPatternsGiveGroups(t *testing.T) {
	for _, expr := range []string{`(\w)(x)?=(\d+)`, `(?!q)(\w)(x)?=(\d+)`} {
		p, err := CompilePattern(expr, PatternOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all, err := p.All("é a=12 bx=3 c=4", 2)
		if err != nil || len(all) != 2 {
			t.Fatal(all, err)
		}
		if g := all[0]; g[0].Text != "a=12" || g[1].Text != "a" || g[2].In || g[3].Text != "12" {
			t.Errorf("%s: %v", expr, g)
		}
		if g := all[1]; g[0].Text != "bx=3" || !g[2].In || g[2].Text != "x" {
			t.Errorf("%s: %v", expr, g)
		}
	}
	multi, err := CompilePattern(`^B (.*)$`, PatternOptions{IgnoreCase: true, Multiline: true})
	if err != nil {
		t.Fatal(err)
	}
	if all, err := multi.All("a 1\nb 2\nb 3\n", 10); err != nil || len(all) != 2 || all[1][1].Text != "3" {
		t.Error(all, err)
	}
}

func FuzzCompare(f *testing.F) {
	for _, c := range comparisons {
		f.Add(uint8(Equals), uint8(c.as), c.seen[0], c.want)
	}
	f.Add(uint8(PatternMatch), uint8(String), "aa\n", `(?!x)[[:alpha:]\h$]$`)
	f.Fuzz(func(t *testing.T, op, as uint8, seen, want string) {
		o, d := Operation(op%13), Datatype(as%13)
		v, why := Compare(o, d, seen, want)
		if v != True && v != False && v != Error || (v == Error) != (why != "") {
			t.Fatalf("%q %s %q as %s: %s, %q", seen, o, want, d, v, why)
		}
		if o != Equals || v == Error {
			return
		}
		if back, _ := Compare(Equals, d, want, seen); back != v {
			t.Fatalf("equality of %q and %q as %s depends on the order", seen, want, d)
		}
		if d != FilesetRevision && d != Float {
			if ne, _ := Compare(NotEqual, d, seen, want); ne != v.Not() {
				t.Fatalf("%q and %q as %s are both equal and not", seen, want, d)
			}
		}
	})
}
