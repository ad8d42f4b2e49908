package criterion

import (
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// A score that nobody has given is neither high nor low.
func TestScoresInConditions(t *testing.T) {
	known, unknown := Subject{Patch: patch.Patch{CVSS: 7.5, Severity: patch.High}}, Subject{Patch: patch.Patch{Severity: patch.Critical}}
	for text, want := range map[string][2]bool{
		`patch.cvss >= 7.0`:    {true, false},
		`patch.cvss < 7.0`:     {false, false},
		`patch.cvss < 8.0`:     {true, false},
		`!(patch.cvss >= 8.0)`: {true, false},
		`patch.cvss == 0.0`:    {false, false},
		`patch.severity == "critical" || patch.cvss >= 7.0`: {true, true},
		`patch.severity == "critical" && patch.cvss < 4.0`:  {false, false},
		`patch.severity == "critical"`:                      {false, true},
		`patch.severity != "low" && !(patch.cvss < 4.0)`:    {true, false},
	} {
		c, err := Compile("a rule", text)
		if err != nil {
			t.Fatal(err)
		}
		dissect, err := Dissect("a rule", text)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range []Subject{known, unknown} {
			part, err := dissect(s)
			if err != nil || part.Holds != want[i] {
				t.Errorf("%s of %v, taken apart: %+v, %v", text, s.Patch.CVSS, part, err)
			}
			if got, err := c.Holds(s); err != nil || got != want[i] {
				t.Errorf("%s of %v: %v, %v", text, s.Patch.CVSS, got, err)
			}
		}
	}
}
