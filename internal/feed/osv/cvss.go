package osv

import (
	"math"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// weights of CVSS 3.1's base metrics (specification, section 7.4); privileges weigh more where the scope changes.
var weights = map[string]float64{
	"AV:N": 0.85, "AV:A": 0.62, "AV:L": 0.55, "AV:P": 0.2, "AC:L": 0.77, "AC:H": 0.44, "UI:N": 0.85, "UI:R": 0.62,
	"PR:N": 0.85, "PR:L": 0.62, "PR:H": 0.27, "PR:L!": 0.68, "PR:H!": 0.5,
	"C:H": 0.56, "C:L": 0.22, "C:N": 0, "I:H": 0.56, "I:L": 0.22, "I:N": 0, "A:H": 0.56, "A:L": 0.22, "A:N": 0,
}

// rate gives the qualitative rating of a CVSS 3 vector's base score; NotGiven where it is none.
func rate(vector string) patch.Severity {
	score, ok := baseScore(vector)
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

// baseScore is section 7.1 of the CVSS 3.1 specification.
func baseScore(vector string) (score float64, ok bool) {
	rest, ok := strings.CutPrefix(vector, "CVSS:3")
	if !ok || len(vector) > 200 {
		return 0, false
	}
	metrics := map[string]string{}
	for part := range strings.SplitSeq(rest, "/") {
		if name, _, ok := strings.Cut(part, ":"); ok {
			metrics[name] = part
		}
	}
	changed := metrics["S"] == "S:C"
	if changed && (metrics["PR"] == "PR:L" || metrics["PR"] == "PR:H") {
		metrics["PR"] += "!"
	}
	w := map[string]float64{}
	for _, name := range []string{"AV", "AC", "PR", "UI", "C", "I", "A"} {
		if w[name], ok = weights[metrics[name]]; !ok {
			return 0, false
		}
	}
	lost := 1 - (1-w["C"])*(1-w["I"])*(1-w["A"])
	impact := 6.42 * lost
	if changed {
		impact = 7.52*(lost-0.029) - 3.25*math.Pow(lost-0.02, 15)
	}
	if impact <= 0 {
		return 0, true
	}
	sum := impact + 8.22*w["AV"]*w["AC"]*w["PR"]*w["UI"]
	if changed {
		sum *= 1.08
	}
	return math.Ceil(math.Round(min(sum, 10)*100000)/10000) / 10, true
}
