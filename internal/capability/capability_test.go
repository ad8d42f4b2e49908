package capability

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// What is asked for is read as rpm does, and written as it was.
func TestParse(t *testing.T) {
	for s, want := range map[string]string{
		"libfoo":                             "+libfoo",
		"libfoo >= 1:2.1-3":                  "+libfoo >= 1:2.1-3",
		"libc.so.6(GLIBC_2.34)(64bit)":       "+libc.so.6(GLIBC_2.34)(64bit)",
		"(a or b)":                           "+a +b",
		"(a if b)":                           "+a -b",
		"(a >= 2 if (b and c(x86-64) < 3))":  "+a >= 2 -b -c(x86-64) < 3",
		"(a if b else c)":                    "+a -b +b +c",
		"((a with b >= 1) or (c without d))": "+a +b >= 1 +c -d",
		"(font(:lang=en) or x)":              "+font(:lang=en) +x",
		"(a)":                                "+a",
		"(a or b and c)":                     "",
		"(a or b":                            "",
		"(a or)":                             "",
		"(a or b) c":                         "",
		"(a >= )":                            "",
		"a >= 2 x":                           "",
		"a ~ 2":                              "",
		"a b":                                "",
		"":                                   "",
		strings.Repeat("(", 40) + "a":        "",
		"(a if b else c else d)":             "",
		"(a or b\x1b)":                       "",
		"(" + strings.Repeat("a or ", 4096) + ")": "",
	} {
		n, ok := Parse(s)
		var got []string
		n.All(func(r patch.Relation, wanted bool) {
			got = append(got, map[bool]string{true: "+", false: "-"}[wanted]+Written(r))
		})
		if ok != (want != "") || ok && (strings.Join(got, " ") != want || n.String() != s) {
			t.Errorf("%.60q: %v %q", s, ok, got)
		}
	}
}

// What is not known for sure is Maybe.
func TestJudge(t *testing.T) {
	all := []Holder{{Name: "a", Version: "1.0-1", Provides: "bin/tool\nvirtual = 2\nold < 3\nopen"}, {Name: "b", Version: "2:1.0-1", Leaves: true}, {Name: "c", Version: "3-1", Provides: "cap"}}
	for s, want := range map[string]Answer{
		"a": Yes, "a >= 1.0": Yes, "a >= 1.1": No, "a = 1.0-1": Yes, "a = 1.0-2": No, "none": No, "a(x86-64) = 1.0-1": Maybe, "a(x86-64) > 1.0-1": No, "config(a) = 1.0-1": Maybe,
		"b": Maybe, "b < 2": No, "b >= 2:1": Maybe,
		"virtual": Yes, "virtual >= 2": Yes, "virtual >= 3": No, "old >= 2": Yes, "old >= 3": No, "open = 7": Yes,
		"/usr/bin/tool": Maybe, "/sbin/tool": Maybe, "/usr/bin/too": No, "/usr/lib/tool": Maybe, "rpmlib(X) <= 1": Maybe, "bundled(x)": Maybe,
		"(a and c)": Yes, "(a and none)": No, "(a and b)": Maybe, "(none or c)": Yes, "(none or none2)": No, "(none or b)": Maybe,
		"(none if a)": No, "(none if b)": Maybe, "(none if none2)": Yes, "(a if none)": Yes, "(c if a else none)": Yes, "(none if none2 else none3)": No, "(none if a else c)": No,
		"(a with virtual)": Yes, "(a with cap)": No, "(c without cap)": No, "(a without cap)": Yes, "(b without cap)": Maybe,
	} {
		n, ok := Parse(s)
		if got := n.Judge(all); !ok || got != want {
			t.Errorf("%s: %v, not %v", s, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a >= 1", "(a if (b or c(x) < 2) else d)", "((a", "(a with b) ", "(a or b))"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := Parse(s)
		if !ok {
			return
		}
		n.Judge([]Holder{{Name: "a", Version: "1-1", Provides: s}})
		if again, ok := Parse(n.String()); !ok || fmt.Sprint(again) != fmt.Sprint(n) {
			t.Errorf("%q is read once", s)
		}
	})
}
