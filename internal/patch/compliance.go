package patch

import "time"

// Compliance is how the machines of one label stood at one moment. Every one of them is counted exactly once in Confirmed, Needing, Erring,
// Behind, Stale, Failed or Never, so that those of which nothing is known stay in the denominator.
type Compliance struct {
	Label    string    `json:"label"`
	At       time.Time `json:"at"`
	Machines int       `json:"machines"` // admitted ones that carry the label: the denominator

	Confirmed int `json:"confirmed"` // a fresh complete detect says that no security patch is missing and none could not be judged
	Needing   int `json:"needing"`   // … that at least one security patch is missing
	Erring    int `json:"erring"`    // … that none is missing as far as it could be judged, and some could not
	Behind    int `json:"behind"`    // the newest detect used an older list
	Stale     int `json:"stale"`     // … is too old to speak of now
	Failed    int `json:"failed"`    // a detect failed since
	Never     int `json:"never"`     // no detect ever completed

	// Exposures are the security patches that are missing, by severity, the most severe first; before all, where a source tells which CVEs are
	// exploited, those that mend one (Exploited), which count in their severity as well. A patch that a newer missing one replaces is
	// not counted again.
	Exposures []Exposure `json:"exposures"`
}

// Low is the share of machines that are certainly compliant; High the share that may be: those of which nothing is known now count for High
// only. Both are 1 where there is no machine.
func (c Compliance) Low() float64 { return share(c.Confirmed, c.Machines) }

// High is the other end of the interval that begins with Low.
func (c Compliance) High() float64 { return share(c.Machines-c.Needing, c.Machines) }

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

// Exploited stands in the place of a severity for patches that mend a CVE that is known to be exploited. Their clock is the date by which the
// source wants the CVE mended.
const Exploited Severity = "exploited"

// Exposure is what is missing of one severity.
type Exposure struct {
	Severity Severity `json:"severity"` // empty: the vendor gives none
	Patches  int      `json:"patches"`  // distinct ones
	Machines int      `json:"machines"` // that miss at least one
	Pairs    int      `json:"pairs"`    // machine × patch
	// OldestDays is how long the oldest of them has been out; MedianDays is over pairs.
	OldestDays int `json:"oldest_days"`
	MedianDays int `json:"median_days"`
	// Allowed is how many days a patch of this severity may be missing; Overdue counts the pairs that are beyond.
	Allowed int `json:"allowed_days"`
	Overdue int `json:"overdue"`
}

// Allowance is how many days a security patch may be missing, by severity. A severity that is not in it has no clock.
type Allowance map[Severity]int

// DefaultAllowance is what holds where nobody chose otherwise.
func DefaultAllowance() Allowance {
	return Allowance{Critical: 7, High: 14, Medium: 30, Low: 90, NotGiven: 30}
}
