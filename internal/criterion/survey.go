package criterion

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Reach is what a look at many patches has shown of a condition.
type Reach struct {
	Looked int  // patches that were looked at
	Meets  bool // one of them meets it, or will when it is older or its CVEs become exploited
	// Unknown are the words that it compares with what patches are, and that none of those looked at is.
	Unknown []Unknown
}

// Unknown is a word that no patch has in a field.
type Unknown struct {
	Field string // "severity"
	Word  string
	Given []string // the words that there are, sorted; none where there are too many to choose from
}

// Survey looks at patches, one after the other, for whether any could ever meet a condition.
type Survey struct {
	is    Criterion
	text  string
	reach Reach
	given map[string]map[string]bool // by field: the words that patches have
}

// surveyed are the fields of which people write the words that they expect, and what a patch has there.
func (s Subject) surveyed() map[string]string {
	vendor, _, _ := strings.Cut(string(s.OS), "-")
	return map[string]string{"severity": string(s.Patch.Severity), "category": string(s.Patch.Category), "suite": s.Patch.Suite, "source": s.Patch.Source, "os": string(s.OS), "vendor": vendor}
}

// NewSurvey begins a look for a use such as "a rule".
func NewSurvey(what phrase.Phrase, text string) (*Survey, error) {
	c, err := Compile(what, text)
	return &Survey{is: c, text: text, given: map[string]map[string]bool{}}, err
}

// See looks at one more patch.
func (s *Survey) See(x Subject) {
	s.reach.Looked++
	for field, word := range x.surveyed() {
		if s.given[field] == nil {
			s.given[field] = map[string]bool{}
		}
		s.given[field][word] = true
	}
	s.reach.Meets = s.reach.Meets || s.could(x)
}

// could reports whether a patch meets the condition now, at some age, or once its CVEs are known to be exploited.
func (s *Survey) could(x Subject) bool {
	kevs := []patch.Exploits{x.KEV}
	if strings.Contains(s.text, "exploited") {
		all := patch.Exploits{}
		if len(x.Patch.CVEs) == 0 {
			x.Patch.CVEs = []string{"CVE-0000-0000"} // advisories come after patches
		}
		for _, cve := range x.Patch.CVEs {
			all[cve] = patch.Exploit{CVE: cve}
		}
		kevs = append(kevs, all)
	}
	moments := []time.Time{x.Now}
	if strings.Contains(s.text, "age_days") {
		for _, days := range ages(s.text) {
			moments = append(moments, x.Patch.Released.AddDate(0, 0, days).Add(time.Hour))
		}
	}
	for _, x.KEV = range kevs {
		for _, x.Now = range moments {
			if yes, err := s.is.Holds(x); err == nil && yes {
				return true
			}
		}
	}
	return false
}

// ages are those at which a condition about a patch's age may turn: the numbers in it, and those beside them.
func ages(text string) (days []int) {
	for _, digits := range regexp.MustCompile(`\d{1,5}`).FindAllString(text, -1) {
		if n, err := strconv.Atoi(digits); err == nil {
			days = append(days, max(n-1, 0), n, n+1)
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// Reach tells what has been seen.
func (s *Survey) Reach() (Reach, error) {
	const choice = 12
	r := s.reach
	for _, field := range []string{"category", "severity", "suite", "vendor", "os", "source"} {
		if s.is.condition == nil {
			break
		}
		words, err := language("a rule").Words(s.text, Variable+"."+field)
		if err != nil {
			return r, err
		}
		for _, w := range words {
			if s.given[field][w] {
				continue
			}
			u := Unknown{Field: field, Word: w}
			for g := range s.given[field] {
				if g != "" && len(s.given[field]) <= choice {
					u.Given = append(u.Given, g)
				}
			}
			slices.Sort(u.Given)
			r.Unknown = append(r.Unknown, u)
		}
	}
	return r, nil
}
