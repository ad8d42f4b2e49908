// Package criterion holds the conditions that people write about patches: CEL expressions over what a list says of a patch, and over what is
// known of its CVEs. Rules and labels of patches are made of them.
//
// It owns the language and refuses to decide anything: what follows from a condition is for those who asked.
package criterion

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// candidate is what an expression sees as "patch".
type candidate struct {
	ID       string    `cel:"id"`
	Title    string    `cel:"title"`
	Source   string    `cel:"source"`
	Version  string    `cel:"version"`
	Suite    string    `cel:"suite"`
	OS       string    `cel:"os"`
	Vendor   string    `cel:"vendor"`   // the distribution of the host OS: "debian"
	Category string    `cel:"category"` // "security", "update"
	Severity string    `cel:"severity"` // "critical", "high", "medium", "low", ""
	CVSS     float64   `cel:"cvss"`     // 0.1 to 10; not a number where none is known
	Advisory string    `cel:"advisory"` // "DSA-5678-1"
	CVEs     []string  `cel:"cves"`
	Packages []string  `cel:"packages"` // names of its installable packages
	Released time.Time `cel:"released"`
	AgeDays  int64     `cel:"age_days"`
	// Exploited says that at least one of its CVEs is known to be exploited; ExploitedCVEs are these.
	Exploited     bool     `cel:"exploited"`
	ExploitedCVEs []string `cel:"exploited_cves"`
}

// Variable is the name under which expressions know the patch.
const Variable = "patch"

func language(what phrase.Phrase) expr.Language {
	return expr.Language{What: what, Example: `patch.category == "security" && patch.severity in ["critical", "high"]`,
		Variables: []expr.Variable{{Name: Variable, Type: reflect.TypeFor[candidate]()}}}
}

// Subject is a patch to be judged.
type Subject struct {
	Patch patch.Patch
	OS    patch.HostOS // whose list carries it
	Now   time.Time
	KEV   patch.Exploits // CVEs known to be exploited; nil where no source is subscribed
}

func (s Subject) candidate() *candidate {
	p := &s.Patch
	c := &candidate{ID: string(p.ID), Title: p.Title, Source: p.Source, Version: p.Version, Suite: p.Suite, OS: string(s.OS), Category: string(p.Category),
		Severity: string(p.Severity), CVSS: p.CVSS, Advisory: p.Advisory, CVEs: slices.Clone(p.CVEs), Released: p.Released, AgeDays: int64(s.Now.Sub(p.Released) / (24 * time.Hour))}
	if c.CVSS == 0 {
		c.CVSS = math.NaN()
	}
	c.Vendor, _, _ = strings.Cut(string(s.OS), "-")
	for _, f := range p.Payloads {
		if !slices.Contains(c.Packages, f.Name) {
			c.Packages = append(c.Packages, f.Name)
		}
	}
	c.ExploitedCVEs = s.KEV.Among(p.CVEs)
	c.Exploited = len(c.ExploitedCVEs) > 0
	return c
}

// Criterion is a condition about patches that can be asked. The zero Criterion holds for every patch.
type Criterion struct {
	condition *expr.Condition
	scored    bool // it speaks of scores
}

// Compile checks a condition for a use such as "a rule"; an empty text holds for every patch.
func Compile(what phrase.Phrase, text string) (Criterion, error) {
	if strings.TrimSpace(text) == "" {
		return Criterion{}, nil
	}
	c, err := language(what).Compile(text)
	return Criterion{c, strings.Contains(text, "cvss")}, err
}

// Holds judges a patch; an error says why it could not be judged. For a patch whose score is not known a condition holds if it does whatever the
// score may be.
func (c Criterion) Holds(s Subject) (bool, error) {
	if c.condition == nil {
		return true, nil
	}
	if s.Patch.CVSS > 0 || !c.scored {
		return c.holds(s.candidate())
	}
	x := s.candidate()
	for _, tenths := range scores() {
		x.CVSS = float64(tenths) / 10
		if yes, err := c.holds(x); err != nil || !yes {
			return false, err
		}
	}
	return true, nil
}

func (c Criterion) holds(x *candidate) (bool, error) {
	t := language("").Thing(x)
	return c.condition.Holds(&t)
}

// scores are all that a patch may have, in tenths, the lowest and the highest first: most conditions fail at one of these.
func scores() []int {
	all := []int{1, 100}
	for n := 2; n < 100; n++ {
		all = append(all, n)
	}
	return all
}

// Dissect judges patches piece by piece, for people.
func Dissect(what phrase.Phrase, text string) (func(Subject) (expr.Part, error), error) {
	a, err := language(what).Dissect(text)
	if err != nil {
		return nil, err
	}
	c, err := Compile(what, text)
	if err != nil {
		return nil, err
	}
	return func(s Subject) (expr.Part, error) {
		t := language(what).Thing(s.candidate())
		part, err := a.Of(&t)
		if holds, judged := c.Holds(s); err == nil && judged == nil && part.Holds && !holds {
			part.Holds, part.Fault = false, "it depends on the CVSS score, which is not known"
		}
		return part, err
	}, nil
}
