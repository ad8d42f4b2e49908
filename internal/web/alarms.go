package web

import (
	"net/url"
	"strings"

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
	case "detect", "proof", "restart":
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
