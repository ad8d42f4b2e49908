package approval

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/patch"
)

// candidate is what a rule's expression sees as "patch".
type candidate struct {
	ID       string    `cel:"id"`
	Title    string    `cel:"title"`
	Source   string    `cel:"source"`
	Version  string    `cel:"version"`
	Suite    string    `cel:"suite"`
	OS       string    `cel:"os"`
	Category string    `cel:"category"` // "security", "update"
	Severity string    `cel:"severity"` // "critical", "high", "medium", "low", ""
	CVEs     []string  `cel:"cves"`
	Released time.Time `cel:"released"`
	AgeDays  int64     `cel:"age_days"`
}

func language() expr.Language {
	return expr.Language{What: "a rule", Example: `patch.category == "security" && patch.severity in ["critical", "high"]`,
		Variables: []expr.Variable{{Name: "patch", Type: reflect.TypeFor[candidate]()}}}
}

// condition is a rule that can be asked.
type condition struct {
	rule patch.Rule
	expr *expr.Condition // nil: every patch
}

func compile(r patch.Rule) (condition, error) {
	if strings.TrimSpace(r.Expr) == "" {
		return condition{rule: r}, nil
	}
	c, err := language().Compile(r.Expr)
	return condition{rule: r, expr: c}, err
}

// meets reports whether a patch is one of the rule's; a condition that cannot be judged for a patch does not hold for it.
func (c condition) meets(p patch.Patch, os patch.HostOS, now time.Time) bool {
	if c.expr == nil {
		return true
	}
	yes, err := c.expr.Holds(map[string]any{"patch": candidate{ID: string(p.ID), Title: p.Title, Source: p.Source, Version: p.Version, Suite: p.Suite, OS: string(os),
		Category: string(p.Category), Severity: string(p.Severity), CVEs: slices.Clone(p.CVEs), Released: p.Released, AgeDays: int64(now.Sub(p.Released) / (24 * time.Hour))}})
	return err == nil && yes
}

// due is when a patch has been out for long enough. A patch whose release is not known counts from now on, and so never comes due by
// itself.
func (c condition) due(p patch.Patch, now time.Time) time.Time {
	from := p.Released
	if from.IsZero() {
		from = now
	}
	return from.AddDate(0, 0, c.rule.SoakDays)
}
