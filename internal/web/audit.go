package web

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// auditPage is what people did in a time, and whether the log's chain holds.
type auditPage struct {
	period
	Months  []month
	Entries []auditRow
	Chain   Chain
	Cut     bool
	Text    string
	Further string // the address of the same question over all times
}

// auditRow is one entry with the names and the address of what it is about.
type auditRow struct {
	patch.AuditEntry
	URL, Name string // of its object; without an address where it has no page
	By        string // who, machines by their names
}

const auditShown = 100

func (c *console) audit(v *visit) error {
	p := auditPage{Text: v.get("q")}
	f := patch.AuditFilter{Text: p.Text, Limit: auditShown}
	var err error
	if v.get("from")+v.get("until") == "" {
		f.From = c.Now().AddDate(0, 0, -auditDays)
	} else if p.period, f.From, f.Until, err = c.span(v); err != nil {
		return err
	}
	list, err := c.Records.SearchAudit(v.ctx, f)
	if err != nil {
		return err
	}
	p.Cut = len(list) == auditShown
	if p.Entries, err = c.auditRows(v, list); err != nil {
		return err
	}
	p.Months = c.months("/audit", p.period)
	p.Further = v.with("from", "2000-01-01", "until", c.Now().In(c.Zone).Format(typedDay))
	if p.Chain, err = c.Chain(v.ctx); err != nil {
		return err
	}
	return show(c, v, "audit", "audit", "Audit", p)
}

// auditDays are looked at where nobody asks for a time.
const auditDays = 30

func (c *console) auditRows(v *visit, list []patch.AuditEntry) ([]auditRow, error) {
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[string]string, len(roll.Machines))
	for i := range roll.Machines {
		names[string(roll.Machines[i].ID)] = roll.Machines[i].Name
	}
	rows := make([]auditRow, 0, len(list))
	for _, e := range list {
		e.Detail = beginning(e.Detail)
		r := auditRow{AuditEntry: e, Name: e.Object, By: e.Who}
		if name := names[strings.TrimPrefix(e.Who, "machine:")]; name != "" {
			r.By = name
		}
		if name := names[e.Object]; name != "" {
			r.Name, r.URL = name, machineURL(patch.MachineID(e.Object))
		} else {
			r.URL = pageOf(e)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// pageOf is the address of what an entry is about, other than a machine.
func pageOf(e patch.AuditEntry) string {
	kind, _, _ := strings.Cut(e.Action, ".")
	switch {
	case e.Object == "":
		return ""
	case kind == "deploy":
		return deploymentURL(e.Object)
	case kind == "decide" && strings.Contains(e.Object, "/"):
		return patchURL(patch.ID(e.Object))
	case kind == "decide", kind == "label":
		return labelURL(e.Object)
	case kind == "rule":
		return "/rules"
	case kind == "ring":
		return "/rings"
	case kind == "schedule":
		return "/calendar"
	case kind == "feed", kind == "catalog":
		return "/feeds"
	}
	return ""
}

// beginning is as much of a detail as a page shows: a label's may name 10,000 machines. The whole is in fettle audit.
func beginning(detail string) string {
	const most = 400
	if len(detail) <= most {
		return detail
	}
	return strings.ToValidUTF8(detail[:most], "") + "…"
}

// deedWord says an audited action in words; one that has none is said by its name.
func deedWord(action string) phrase.Phrase {
	kind, what, _ := strings.Cut(action, ".")
	for _, say := range []func(kind, what string) phrase.Phrase{patchDeed, machineDeed, personDeed, setDeed} {
		if p := say(kind, what); p != "" {
			return p
		}
	}
	return phrase.Verbatim(action)
}

func patchDeed(kind, what string) phrase.Phrase {
	switch kind + "." + what {
	case "decide.approve":
		return "deed\x04approved"
	case "decide.decline":
		return "deed\x04declined"
	case "decide.hold":
		return "deed\x04held"
	case "decide.clear":
		return "deed\x04took the decision back"
	case "proposal.put":
		return "deed\x04proposed"
	case "proposal.confirmed":
		return "deed\x04confirmed a proposal"
	case "proposal.rejected":
		return "deed\x04rejected a proposal"
	case "deploy.apply":
		return "deed\x04began a deployment"
	case "deploy.halt", "deploy.halted":
		return "deed\x04halted a deployment"
	case "deploy.finished":
		return "deed\x04finished a deployment"
	case "ring.halt":
		return "deed\x04halted a patch in its rings"
	case "ring.resume":
		return "deed\x04let a halted patch go on"
	case "ring.pass":
		return "deed\x04passed a patch on to the next ring"
	case "attempts.reset":
		return "deed\x04gave new attempts"
	}
	return ""
}

func machineDeed(kind, what string) phrase.Phrase {
	switch kind + "." + what {
	case "machine.enrol":
		return "deed\x04enrolled"
	case "machine.admit", "machine.admitted":
		return "deed\x04admitted the machine"
	case "machine.revoke", "machine.revoked":
		return "deed\x04revoked the machine"
	case "machine.detect":
		return "deed\x04asked for a detect"
	}
	return ""
}

func personDeed(kind, what string) phrase.Phrase {
	switch kind + "." + what {
	case "session.start":
		return "deed\x04signed in"
	case "session.end":
		return "deed\x04signed out"
	case "session.refused", "login.failed":
		return "deed\x04was refused at sign-in"
	case "catalog.sync":
		return "deed\x04had the feeds read"
	case "catalog.accept", "feed.accept":
		return "deed\x04accepted what was quarantined"
	}
	return ""
}

// setDeed says that something was put or taken away.
func setDeed(kind, what string) phrase.Phrase {
	noun, ok := map[string]phrase.Phrase{"token": "deed\x04a token", "feed": "deed\x04a feed", "label": "deed\x04a label", "rule": "deed\x04a rule", "ring": "deed\x04a ring",
		"schedule": "deed\x04a schedule", "blackout": "deed\x04a blackout", "channel": "deed\x04a channel", "user": "deed\x04an account", "view": "deed\x04a view", "updater": "deed\x04a ruling about an updater"}[kind]
	switch {
	case ok && what == "put":
		return phrase.Of("deed\x04set {1}", noun)
	case ok && what == "remove":
		return phrase.Of("deed\x04removed {1}", noun)
	}
	return ""
}
