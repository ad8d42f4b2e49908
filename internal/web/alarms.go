package web

import (
	"net/url"
	"strings"

	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
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

// findingDo is what to do about a finding where its page does it; what the finding itself says is a command then, which is for the terminal.
func findingDo(f lint.Finding) phrase.Phrase {
	switch f.Code {
	case lint.LabelEmpty:
		return "See what should carry the label."
	case lint.MatchesNothing:
		return "They left the list or are for another OS. A patch's page takes an approval back."
	case lint.NoFeed:
		return "See what is subscribed to."
	case lint.NoCatalog:
		return "See why the feeds have had no good run, and have them read again."
	case lint.NotScheduled:
		return "Make a schedule, or plan a deployment."
	case lint.NeverAgain, lint.TooShort:
		return "Give the schedule another window."
	case lint.Swallowed:
		return "Shorten the blackout, or let the schedule make up for its windows."
	case lint.RulesClash:
		return "Narrow one of them."
	case lint.MeetsNothing, lint.WordUnknown:
		return "Change the rule's conditions."
	case lint.Waiting:
		return "Decide about them, or make a rule that does."
	case lint.Exploited:
		return "Decide about them first."
	case lint.NeverDetected:
		return "Each machine's page says why."
	case lint.WaitsAdmission:
		return "Admit those that you know."
	case lint.SecondPerson:
		return "Confirm or reject them."
	}
	return f.Do
}
