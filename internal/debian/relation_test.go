package debian_test

import (
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestParseClauses(t *testing.T) {
	for field, want := range map[string][]debian.Clause{
		"": nil,
		"core:any (>= 1.0-2) | core-old (= 1) , other(>>3),\n last": {{{Name: "core", Op: ">=", Version: "1.0-2"}, {Name: "core-old", Op: "=", Version: "1"}},
			{{Name: "other", Op: ">>", Version: "3"}}, {{Name: "last"}}},
		"base (<< 9), base | bad name, x (>= a b), yy (~ 1), zz (>= 1, ww (>=), aa:A, bb () ": {{{Name: "base", Op: "<<", Version: "9"}}},
	} {
		if d := cmp.Diff(want, debian.ParseClauses(field)); d != "" {
			t.Errorf("%q:\n%s", field, d)
		}
	}
	if got := debian.ParseClauses("a1 (>=1)|b1")[0].String(); got != "a1 (>= 1) | b1" {
		t.Error(got)
	}
}

func TestProvides(t *testing.T) {
	const field = "mail-agent, libfoo-abi (= 2.1), libold (>= 3)"
	for r, want := range map[patch.Relation]bool{
		{Name: "mail-agent"}:                            true,
		{Name: "mail-agent", Op: ">=", Version: "1"}:    false, // it provides none of a version
		{Name: "mail"}:                                  false,
		{Name: "libfoo-abi"}:                            true,
		{Name: "libfoo-abi", Op: ">=", Version: "2.1"}:  true,
		{Name: "libfoo-abi", Op: ">>", Version: "2.1"}:  false,
		{Name: "libold", Op: ">=", Version: "3"}:        false, // Debian knows exact ones only
		{Name: "libfoo-abi", Op: "<<", Version: "2.1~"}: false,
	} {
		if got := debian.Provides(field, r); got != want {
			t.Errorf("%s: %v", debian.Written(r), got)
		}
	}
}

// FuzzHolds holds the operators against dpkg's own, which run where it is installed.
func FuzzHolds(f *testing.F) {
	dpkg, err := exec.LookPath("dpkg")
	if err != nil {
		f.Skip("SKIPPED: the referee is dpkg itself")
	}
	ops := []string{"=", ">=", ">", ">>", "<=", "<", "<<"}
	for i := range ops {
		f.Add(uint8(i), "1.0-1", "1.0-1")
		f.Add(uint8(i), "1.0-1", "1.0-1+b1")
		f.Add(uint8(i), "1:0~rc", "0.9")
	}
	f.Fuzz(func(t *testing.T, op uint8, a, b string) {
		if !debian.ValidVersion(a) || !debian.ValidVersion(b) {
			t.Skip()
		}
		r := patch.Relation{Name: "xx", Op: ops[int(op)%len(ops)], Version: b}
		want := exec.Command(dpkg, "--compare-versions", a, r.Op, b).Run() == nil
		if got := debian.Holds(r, a); got != want {
			t.Errorf("%s %s %s: %v, and dpkg says %v", a, r.Op, b, got, want)
		}
	})
}

func FuzzParseClauses(f *testing.F) {
	f.Add("core:any (>= 1.0-2) | core-old (= 1) , other(>>3)")
	f.Fuzz(func(t *testing.T, field string) {
		for _, c := range debian.ParseClauses(field) {
			if again := debian.ParseClauses(c.String()); len(again) != 1 || cmp.Diff(c, again[0]) != "" {
				t.Errorf("%q is read as %q", c, again)
			}
			debian.Provides(field, c[0])
		}
	})
}
