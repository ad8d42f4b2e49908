package advisory

import (
	"math"
	"strconv"
	"strings"
)

// weights of CVSS 3.1's base metrics (specification, section 7.4); privileges weigh more where the scope changes.
var weights = map[string]float64{
	"AV:N": 0.85, "AV:A": 0.62, "AV:L": 0.55, "AV:P": 0.2, "AC:L": 0.77, "AC:H": 0.44, "UI:N": 0.85, "UI:R": 0.62,
	"PR:N": 0.85, "PR:L": 0.62, "PR:H": 0.27, "PR:L!": 0.68, "PR:H!": 0.5,
	"C:H": 0.56, "C:L": 0.22, "C:N": 0, "I:H": 0.56, "I:L": 0.22, "I:N": 0, "A:H": 0.56, "A:L": 0.22, "A:N": 0,
}

// Score puts a number that a feed gives for a CVSS base score into ours: one decimal, from 0.1 to 10; 0, unknown, where it is none.
func Score(v float64) float64 {
	if !(v > 0 && v <= 10) {
		return 0
	}
	return math.Round(v*10) / 10
}

// ScoreOf reads a score as feeds write it: a number, a vector of CVSS 3, or both with a slash between them; 0, unknown, where it is none.
func ScoreOf(text string) float64 {
	if len(text) > 200 {
		return 0
	}
	number, _, _ := strings.Cut(strings.TrimSpace(text), "/")
	if v, err := strconv.ParseFloat(number, 64); err == nil {
		return Score(v)
	}
	v, _ := BaseScore(strings.TrimSpace(text))
	return Score(v)
}

// BaseScore is section 7.1 of the CVSS 3.1 specification; ok is false where the vector is none of CVSS 3.
func BaseScore(vector string) (score float64, ok bool) {
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
