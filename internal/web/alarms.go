package web

import (
	"net/url"
	"strings"

	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
)

// alarmURL is the page about what an alarm is about, as its key names it; "" where there is none, as of a full disk.
func alarmURL(a patch.Alarm) string {
	about, subject, _ := strings.Cut(a.Key, "/")
	machine, of, pair := strings.Cut(subject, "/")
	switch about {
	case "feed":
		return "/feeds"
	case "catalog", "catalog-faults":
		return "/catalogs/" + url.PathEscape(subject)
	case "detect", "proof", "restart", "restart-loop":
		return machineURL(patch.MachineID(subject))
	case "updater":
		return machineURL(patch.MachineID(machine)) + "#others"
	case "mismatch", "suspect":
		if pair {
			return explainURL(patch.MachineID(machine), patch.ID(of))
		}
	case "ring":
		return "/rings"
	case "notify":
		return "/settings?channel=" + url.QueryEscape(subject)
	}
	return ""
}

// findingURL is the page where what a finding names is mended, or seen where only the terminal mends it.
func findingURL(f lint.Finding) string {
	switch f.Code {
	case lint.LabelGone:
		return "/labels"
	case lint.LabelEmpty, lint.MatchesNothing:
		return labelURL(f.Subject)
	case lint.RingGone, lint.WordUnknown, lint.RulesClash, lint.MeetsNothing:
		return "/rules"
	case lint.NoFeed, lint.NoCatalog:
		return "/feeds"
	case lint.NotScheduled, lint.NeverAgain, lint.TooShort, lint.ZoneUnknown:
		return "/calendar"
	case lint.Swallowed:
		return "/blackouts"
	case lint.HoldEnding, lint.HoldEnded:
		return patchURL(patch.ID(f.Subject))
	case lint.Waiting:
		return "/patches?show=undecided"
	case lint.Exploited:
		return "/patches?show=needed&category=security"
	case lint.NeverDetected:
		return "/machines?show=never"
	case lint.WaitsAdmission:
		return "/machines?show=pending"
	case lint.SecondPerson:
		return "/proposals"
	}
	return ""
}
