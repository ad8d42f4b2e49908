package detect

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// The tables of the OVAL language, columns and rows in the order false, true, unknown, error.
func TestLogicIsOVALs(t *testing.T) {
	and := []string{"FFFF", "FTUE", "FUUE", "FEEE"}
	or := []string{"FTUE", "TTTT", "UTUE", "ETEE"}
	letters := "FTUE"
	for a := range Value(4) {
		for b := range Value(4) {
			if got := letters[a.and(b)]; got != and[a][b] {
				t.Errorf("%s and %s is %c, want %c", a, b, got, and[a][b])
			}
			if got := letters[a.or(b)]; got != or[a][b] {
				t.Errorf("%s or %s is %c, want %c", a, b, got, or[a][b])
			}
		}
	}
	for a, want := range "TFUE" {
		if got := letters[Value(a).not()]; rune(got) != want {
			t.Errorf("not %s is %c", Value(a), got)
		}
	}
}

func TestVerdictTable(t *testing.T) {
	for p := range Value(4) {
		for i := range Value(4) {
			want := patch.Faulty
			switch {
			case p == False:
				want = patch.NotApplicable
			case p == True && i == False:
				want = patch.NotPatched
			case p == True && i == True:
				want = patch.Patched
			}
			if got := verdict(p, i); got != want {
				t.Errorf("prerequisite %s, installed %s: %s, want %s", p, i, got, want)
			}
		}
	}
}

func TestEnumerate(t *testing.T) {
	names := strings.Fields("a b c d e f")
	for n, want := range map[int]string{2: "a and b", 5: "a, b, c, d and e", 6: "a, b, c, d and 2 more"} {
		if got := enumerate(names[:n]); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
