package osv

import (
	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/patch"
)

// rate gives the qualitative rating of a CVSS 3 vector's base score; NotGiven where it is none.
func rate(vector string) patch.Severity {
	score, ok := advisory.BaseScore(vector)
	switch {
	case !ok || score == 0:
		return patch.NotGiven
	case score < 4:
		return patch.Low
	case score < 7:
		return patch.Medium
	case score < 9:
		return patch.High
	}
	return patch.Critical
}

// score is the highest CVSS 3 base score that the advisory gives; 0 where it gives none.
func (a *Advisory) score() (worst float64) {
	for _, s := range a.Severity {
		if s.Type == "CVSS_V3" {
			worst = max(worst, advisory.ScoreOf(s.Score))
		}
	}
	return worst
}
