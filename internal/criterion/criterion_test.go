package criterion

import (
	"reflect"
	"testing"
	"time"

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

// Age and exploitation come by themselves; anything else about a patch stays as it is.
func TestSurveySeesWhatMayComeTrue(t *testing.T) {
	released := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	seen := Subject{Patch: patch.Patch{Source: "perl", Severity: patch.High, Category: patch.Security, CVEs: []string{"CVE-2026-1"}, Released: released}, OS: "debian-12-amd64", Now: released.AddDate(0, 0, 20)}
	for text, want := range map[string]bool{
		"":                                     true,
		"false":                                false,
		`patch.exploited`:                      true,
		`!patch.exploited`:                     true,
		`"CVE-2026-1" in patch.exploited_cves`: true,
		`"CVE-2026-2" in patch.exploited_cves`: false,
		`patch.age_days == 7`:                  true,
		`patch.age_days < 0`:                   false,
		`patch.age_days > 9999`:                true,
		`patch.age_days > 3 && patch.age_days < 3`: false,
		`patch.source == "perll"`:                  false,
		`patch.cvss >= 7.0`:                        false,
	} {
		s, err := NewSurvey("a rule", text)
		if err != nil {
			t.Fatal(err)
		}
		s.See(seen)
		if r, err := s.Reach(); err != nil || r.Meets != want || r.Looked != 1 {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
	}
	s, err := NewSurvey("a rule", `patch.severity in ["high", "urgent"] && ("bug" != patch.category || patch.vendor == "debian") && patch.title == "odd"`)
	if err != nil {
		t.Fatal(err)
	}
	s.See(seen)
	r, err := s.Reach()
	want := []Unknown{{"category", "bug", []string{"security"}}, {"severity", "urgent", []string{"high"}}}
	if err != nil || !reflect.DeepEqual(r.Unknown, want) {
		t.Errorf("%+v, %v", r.Unknown, err)
	}
}
