package web

import (
	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/phrase"
)

// entry is one line of the rail. Key opens it after g; Waits is how many things behind it wait for somebody.
type entry struct {
	Name, URL string
	Word      phrase.Phrase
	Key       string
	Waits     int
	Waiting   phrase.Phrase // what waits, for those who do not see the number's place
	Apart     bool          // a line above it
	Current   bool
}

// rail lists the console's parts: the first group is the day's work, the second what it stands on.
func (c *console) rail(v *visit, nav string, f Frame) []entry {
	list := []entry{
		{Name: "home", URL: "/", Word: "Home", Key: "h"},
		{Name: "machines", URL: "/machines", Word: "Machines", Key: "m", Waits: f.Pending, Waiting: "pending"},
		{Name: "patches", URL: "/patches", Word: "Patches", Key: "p"},
		{Name: "labels", URL: "/labels", Word: "Labels", Key: "l"},
		{Name: "rules", URL: "/rules", Word: "Rules", Key: "r"},
		{Name: "calendar", URL: "/calendar", Word: "Calendar", Key: "c"},
		{Name: "deployments", URL: "/deployments", Word: "Deployments", Key: "d"},
		{Name: "reports", URL: "/reports", Word: "Reports", Key: "e"},
		{Name: "alarms", URL: "/alarms", Word: "Alarms", Key: "w", Waits: f.Alarms, Waiting: "open", Apart: true},
		{Name: "checks", URL: "/checks", Word: "Checks", Key: "k"},
		{Name: "feeds", URL: "/feeds", Word: "Feeds", Key: "f"},
		{Name: "updaters", URL: "/updaters", Word: "Other updaters", Key: "u"},
		{Name: "enrol", URL: "/enrol", Word: "Enrol", Key: "n"},
	}
	if auth.Allow(v.caller, auth.ReadAudit) == nil {
		list = append(list, entry{Name: "audit", URL: "/audit", Word: "Audit", Key: "a"})
	}
	if auth.Allow(v.caller, auth.ManageUsers) == nil {
		list = append(list, entry{Name: "settings", URL: "/settings", Word: "Settings", Key: "t"})
	}
	if nav == "start" || mayStart(v.caller) && c.isNew(v.ctx) {
		list = append([]entry{{Name: "start", URL: "/start", Word: "Getting started", Key: "s"}}, list...)
	}
	for i := range list {
		list[i].Current = list[i].Name == nav
	}
	return list
}
