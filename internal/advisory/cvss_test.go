package advisory

import "testing"

// The vectors and scores are those of the CVSS 3.1 examples and of advisories that vendors published.
func TestScoreOf(t *testing.T) {
	for text, want := range map[string]float64{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H":     9.8,
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N":     6.1,
		"CVSS:3.0/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H":     7.8,
		"7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H": 7.5,
		" 8.1 ": 8.1, "10": 10, "10.0": 10, "6.55": 6.6,
		"": 0, "0": 0, "0.0": 0, "-3": 0, "11": 0, "NaN": 0, "Inf": 0, "high": 0, "CVSS:4.0/AV:N/AC:L": 0, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N": 0,
	} {
		if got := ScoreOf(text); got != want {
			t.Errorf("%q: %v, not %v", text, got, want)
		}
	}
}

func FuzzScoreOf(f *testing.F) {
	f.Add("7.5/CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H")
	f.Fuzz(func(t *testing.T, text string) {
		if v := ScoreOf(text); !(v >= 0 && v <= 10) {
			t.Errorf("%q: %v", text, v)
		}
	})
}
