package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/workbook"
)

type reportCmd struct {
	Label   []string `short:"l" help:"Only these labels; default: all, or with --history the label all."`
	History bool     `help:"How one label stood, day by day."`
	Days    int      `default:"30" help:"How many days of history."`
	XLSX    string   `name:"xlsx" help:"Write a workbook to this file: compliance, and what is missing by severity." placeholder:"FILE"`
	CSV     bool     `help:"Print comma-separated values, one line for each label (or day) and severity."`
}

func (reportCmd) Help() string {
	return `Compliance is about security patches. Every admitted machine of a label is counted once; machines that were never detected, or not lately, stay in
the denominator. So the share of compliant machines is an interval: from those that are confirmed to those that are not known to lack anything.

Examples:
  fettle report
  fettle report --label web --csv > web.csv
  fettle report --xlsx compliance.xlsx
  fettle report --label web --history --days 90`
}

func (c reportCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	path, q := api.Path("compliance"), query{}.set("label", c.Label...)
	if c.History {
		if len(c.Label) > 1 {
			return usagef("with --history, name one label")
		}
		path, q = api.Path("compliance", "history"), q.set("days", strconv.Itoa(c.Days))
	}
	l, err := api.Get[api.List[api.Complying]](ctx, client, path, q.values())
	if err != nil {
		return err
	}
	if c.XLSX != "" {
		return c.workbook(s, l.Items)
	}
	if c.CSV {
		return writeCSV(s.out, l.Items)
	}
	return s.show(l, func(w io.Writer) { printReport(w, s.width, l.Items, c.History) })
}

// workbook writes the report for a spreadsheet.
func (c reportCmd) workbook(s *screen, all []api.Complying) error {
	kept := make([]patch.Compliance, 0, len(all))
	for _, x := range all {
		kept = append(kept, x.Compliance)
	}
	f, err := os.Create(c.XLSX)
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot write {1}", c.XLSX), Err: err}
	}
	if err := errors.Join(workbook.Write(f, ledger.ComplianceSheets(kept)), f.Close()); err != nil {
		return err
	}
	return s.show(done{c.XLSX}, func(w io.Writer) { line(w, "Written: %s", clean(c.XLSX)) })
}

func printReport(w io.Writer, width int, all []api.Complying, history bool) {
	if len(all) == 0 {
		line(w, "Nothing is kept for these days yet. The appliance looks once an hour.")
		return
	}
	first := column{title: "label"}
	if history {
		first.title = "day"
	}
	t := table{columns: []column{first, {title: "compliant"}, {title: "machines", right: true}, {title: "confirmed", right: true}, {title: "missing", right: true}, {title: "errors", right: true},
		{title: "behind", right: true}, {title: "stale", right: true}, {title: "failed", right: true}, {title: "never", right: true}}}
	for _, c := range all {
		name := c.Label
		if history {
			name = c.At.UTC().Format(time.DateOnly)
		}
		t.add(name, interval(c), strconv.Itoa(c.Machines), strconv.Itoa(c.Confirmed), strconv.Itoa(c.Needing), strconv.Itoa(c.Erring), strconv.Itoa(c.Behind), strconv.Itoa(c.Stale), strconv.Itoa(c.Failed), strconv.Itoa(c.Never))
	}
	t.print(w, width)
	line(w, "Counts security patches alone, over every admitted machine; a share is an interval where nothing is known of some of them now.")
	if !history {
		printExposures(w, width, all)
	}
}

// interval writes the share of compliant machines: "92.1 %", or "92.1–95.0 %" where something is not known.
func interval(c api.Complying) string {
	if c.Machines == 0 {
		return "–"
	}
	low, high := fmt.Sprintf("%.1f", 100*c.Low), fmt.Sprintf("%.1f", 100*c.High)
	if low == high {
		return low + " %"
	}
	return low + "–" + high + " %"
}

func printExposures(w io.Writer, width int, all []api.Complying) {
	t := table{columns: []column{{title: "missing for"}, {title: "severity"}, {title: "patches", right: true}, {title: "machines", right: true}, {title: "oldest", right: true}, {title: "median", right: true}, {title: "allowed", right: true}, {title: "overdue", right: true}}}
	rows := 0
	for _, c := range all {
		for _, e := range c.Exposures {
			rows++
			allowed := "–"
			if e.Allowed > 0 {
				allowed = plural(e.Allowed, "day", "days")
			}
			t.add(c.Label, severity(e.Severity), strconv.Itoa(e.Patches), strconv.Itoa(e.Machines), plural(e.OldestDays, "day", "days"), plural(e.MedianDays, "day", "days"), allowed, strconv.Itoa(e.Overdue))
		}
	}
	if rows > 0 {
		line(w, "")
		t.print(w, width)
	}
}

func severity(s patch.Severity) string {
	if s == patch.NotGiven {
		return "not given"
	}
	return string(s)
}

// writeCSV writes a line for each label and moment, and one more for each severity of it. Text that a spreadsheet would take for a formula is
// quoted as text.
func writeCSV(w io.Writer, all []api.Complying) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"label", "at", "machines", "confirmed", "needing", "erring", "behind", "stale", "failed", "never", "low", "high", "severity", "patches", "machines_missing", "pairs", "oldest_days",
		"median_days", "allowed_days", "overdue"}}
	for _, c := range all {
		head := []string{cell(c.Label), c.At.UTC().Format(time.RFC3339), strconv.Itoa(c.Machines), strconv.Itoa(c.Confirmed), strconv.Itoa(c.Needing), strconv.Itoa(c.Erring), strconv.Itoa(c.Behind), strconv.Itoa(c.Stale),
			strconv.Itoa(c.Failed), strconv.Itoa(c.Never), fmt.Sprintf("%.4f", c.Low), fmt.Sprintf("%.4f", c.High)}
		if len(c.Exposures) == 0 {
			rows = append(rows, append(head, "", "0", "0", "0", "", "", "", "0"))
		}
		for _, e := range c.Exposures {
			rows = append(rows, append(head[:len(head):len(head)], severity(e.Severity), strconv.Itoa(e.Patches), strconv.Itoa(e.Machines), strconv.Itoa(e.Pairs), strconv.Itoa(e.OldestDays), strconv.Itoa(e.MedianDays),
				strconv.Itoa(e.Allowed), strconv.Itoa(e.Overdue)))
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: "cannot write the report", Err: err}
	}
	return nil
}

// cell keeps spreadsheets from running what a name contains.
func cell(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] < ' ') {
		return "'" + s
	}
	return s
}
