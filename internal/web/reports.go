package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
)

// reportsPage is how every label stands, with every machine in its denominator.
type reportsPage struct {
	At   time.Time
	Rows []reportRow
}

// reportRow is one label now, and over the days that are kept.
type reportRow struct {
	patch.Compliance
	Days []patch.Compliance
}

// All is the label that has every machine; nil where nothing is known of it.
func (p reportsPage) All() *reportRow {
	for i := range p.Rows {
		if p.Rows[i].Label == patch.LabelAll {
			return &p.Rows[i]
		}
	}
	return nil
}

const (
	stripDays   = 30
	stripWidth  = 120
	stripHeight = 24
)

// Strip is the confirmed share of each kept day as the points of a line, 120 by 24.
func (r reportRow) Strip() string {
	if len(r.Days) < 2 {
		return ""
	}
	var points []string
	for i, d := range r.Days {
		x := float64(i) * stripWidth / float64(len(r.Days)-1)
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, 1+(1-d.Low())*(stripHeight-2)))
	}
	return strings.Join(points, " ")
}

// dayRow is one kept day of a label, as its chart shows it.
type dayRow struct {
	At               time.Time
	Sure, May        string // percent of the machines that are certainly compliant, and that may be
	Missing, Overdue int    // security patches, over all severities
}

// Table is the kept days on which somebody carried the label, the oldest first; fewer than two make no chart.
func (r reportRow) Table() []dayRow {
	var rows []dayRow
	for _, d := range r.Days {
		if d.Machines == 0 {
			continue
		}
		row := dayRow{At: d.At, Sure: percentOf(d.Low()), May: percentOf(d.High())}
		for _, e := range d.Exposures {
			if e.Severity != patch.Exploited { // those count in their severity as well
				row.Missing += e.Patches
				row.Overdue += e.Overdue
			}
		}
		rows = append(rows, row)
	}
	if len(rows) < 2 {
		return nil
	}
	return rows
}

// Share is the interval of compliance in percent; empty where nobody carries the label.
func (r reportRow) Share() string {
	low, high := percentOf(r.Low()), percentOf(r.High())
	switch {
	case r.Machines == 0:
		return ""
	case low == high:
		return low + " %"
	}
	return low + "–" + high + " %"
}

func percentOf(share float64) string { return fmt.Sprintf("%.1f", 100*share) }

func (c *console) reports(v *visit) error {
	all, err := c.Reporter.Compliance(v.ctx)
	if err != nil {
		return err
	}
	p := reportsPage{At: c.Now()}
	for _, one := range all {
		r := reportRow{Compliance: one}
		if r.Days, err = c.Reporter.History(v.ctx, one.Label, c.Now().AddDate(0, 0, -stripDays)); err != nil {
			return err
		}
		p.Rows = append(p.Rows, r)
	}
	f, err := c.frame(v, "reports", "Reports")
	if err != nil {
		return err
	}
	f.Charts = true
	return c.write(v, http.StatusOK, "reports", "layout", view[reportsPage]{Frame: f, Body: p})
}

// checksPage is what is set up and cannot do what was meant.
type checksPage struct {
	Problems, Notices []lint.Finding
}

func (c *console) checks(v *visit) error {
	all, err := c.Reporter.Lint(v.ctx)
	if err != nil {
		return err
	}
	is := func(l lint.Level) []lint.Finding {
		return keep(all, func(f lint.Finding) bool { return f.Level == l })
	}
	return show(c, v, "checks", "checks", "Checks", checksPage{Problems: is(lint.Problem), Notices: is(lint.Notice)})
}
