package ledger

import (
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/workbook"
)

// ComplianceSheets are compliance as tables for other programs: the labels, and what is missing on each by severity.
func ComplianceSheets(all []patch.Compliance) []workbook.Sheet {
	labels := workbook.Sheet{Name: "Compliance", Columns: []string{"label", "at", "machines", "confirmed", "missing", "errors", "behind", "stale", "failed", "never", "compliant at least", "compliant at most"}}
	exposure := workbook.Sheet{Name: "Exposure", Columns: []string{"label", "at", "severity", "patches", "machines", "machine × patch", "oldest days", "median days", "allowed days", "overdue"}}
	for _, c := range all {
		var low, high any // of no machine there is no share
		if c.Machines > 0 {
			low, high = workbook.Share(c.Low()), workbook.Share(c.High())
		}
		labels.Rows = append(labels.Rows, []any{c.Label, c.At, c.Machines, c.Confirmed, c.Needing, c.Erring, c.Behind, c.Stale, c.Failed, c.Never, low, high})
		for _, e := range c.Exposures {
			severity := string(e.Severity)
			if e.Severity == patch.NotGiven {
				severity = "not given"
			}
			var allowed any
			if e.Allowed > 0 {
				allowed = e.Allowed
			}
			exposure.Rows = append(exposure.Rows, []any{c.Label, c.At, severity, e.Patches, e.Machines, e.Pairs, e.OldestDays, e.MedianDays, allowed, e.Overdue})
		}
	}
	return []workbook.Sheet{labels, exposure}
}

// InstalledSheet is what Fettle installed, a line for each patch on each machine, with the approval that it was installed under.
func InstalledSheet(all []patch.Installation, names map[patch.MachineID]string, approvals map[string]patch.Decision) workbook.Sheet {
	sheet := workbook.Sheet{Name: "Installed", Columns: []string{"machine", "machine id", "patch", "installed at", "effect", "proven by snapshot", "deployment", "approved by", "approved at", "for label", "why"}}
	for _, x := range all {
		d := approvals[x.Decision]
		var at, proof any
		if !d.At.IsZero() {
			at = d.At
		}
		if x.VerifiedSeq > 0 {
			proof = int(x.VerifiedSeq)
		}
		sheet.Rows = append(sheet.Rows, []any{names[x.Machine], string(x.Machine), string(x.Patch), x.EndedAt, string(x.Effect), proof, x.Deployment, d.By, at, d.Label, d.Why})
	}
	return sheet
}
