package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/notify"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	newcomerTime = time.Hour      // a machine that enrolled may take so long to its first detect
	stuckAfter   = time.Hour      // a deployment may wait so long for somebody
	holdNotice   = 48 * time.Hour // a hold is told of so long before it ends
)

// urgentSource tells what alarms say about halts, feeds, and evidence that does not agree. It is cheap, and looked at all the time.
func (a *appliance) urgentSource() notify.Source {
	return notify.Source{Subjects: []patch.Subject{patch.AboutHalt, patch.AboutAlarm, patch.AboutFeed}, Look: func(ctx context.Context) ([]patch.Notice, error) {
		alarms, err := a.Store.ListAlarms(ctx, true)
		if err != nil {
			return nil, err
		}
		var out []patch.Notice
		for _, x := range alarms {
			n := alarmNotice(x)
			switch x.Kind {
			case "ring":
				n.Subject, n.Path = patch.AboutHalt, page("patches", strings.TrimPrefix(x.Key, "ring/"))
			case "feed":
				n.Subject, n.Path = patch.AboutFeed, "/feeds"
			case "mismatch", "suspect", "notify", "restart":
				n.Subject = patch.AboutAlarm
			default:
				continue
			}
			out = append(out, n)
		}
		return out, nil
	}}
}

func alarmNotice(x patch.Alarm) patch.Notice {
	return patch.Notice{Key: "alarm/" + x.Key, Text: x.Text, Reason: x.Do, Path: "/alarms", At: x.RaisedAt}
}

// page is a page of the console about something whose name may hold slashes.
func page(kind, name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return "/" + kind + "/" + strings.Join(parts, "/")
}

// fleetSource tells what the ledger, deployments and decisions say.
func (a *appliance) fleetSource() notify.Source {
	return notify.Source{
		Subjects: []patch.Subject{patch.AboutExploited, patch.AboutDecision, patch.AboutStuck, patch.AboutMachine, patch.AboutHold},
		Look: func(ctx context.Context) (out []patch.Notice, err error) {
			for _, look := range []func(context.Context) ([]patch.Notice, error){a.patchNotices, a.proposalNotices, a.machineNotices, a.stuckNotices, a.holdNotices, a.slowAlarms} {
				some, err := look(ctx)
				if err != nil {
					return nil, err
				}
				out = append(out, some...)
			}
			return out, nil
		},
	}
}

// patchNotices tells of patches that machines lack: those that nobody decided about, and those for what is being exploited.
func (a *appliance) patchNotices(ctx context.Context) ([]patch.Notice, error) {
	kev, err := a.KEV(ctx)
	if err != nil {
		return nil, err
	}
	oses, err := a.Store.ListOSes(ctx)
	if err != nil {
		return nil, err
	}
	var out []patch.Notice
	for _, os := range oses {
		counts, _, err := a.Ledger.PatchCounts(ctx, os, ledger.RowFilter{Verdicts: []patch.Verdict{patch.NotPatched}, Quick: true})
		if err != nil {
			return nil, err
		}
		for _, n := range counts {
			out = append(out, countNotices(os, n, kev.Among(n.Patch.CVEs))...)
		}
	}
	return out, nil
}

func countNotices(os patch.HostOS, n ledger.PatchCount, exploited []string) (out []patch.Notice) {
	lack, at := n.Verdicts[patch.NotPatched], page("patches", string(n.Patch.ID))
	about := phrase.Count(lack, "{1}: {n} machine of {2} lacks it", "{1}: {n} machines of {2} lack it", n.Patch.Title, string(os))
	if len(exploited) > 0 {
		names, reason := strings.Join(exploited, ", "), phrase.Phrase("")
		if n.Undecided == 0 {
			reason = phrase.Of("{1} is known to be exploited. Somebody has decided about it for each of them.", names)
		} else {
			reason = phrase.Format("%s is known to be exploited. Nobody has decided yet for %d of them.", names, n.Undecided)
		}
		out = append(out, patch.Notice{Key: "exploited/" + string(os) + "/" + string(n.Patch.ID), Subject: patch.AboutExploited, Text: about, Path: at, Reason: reason})
	}
	if n.Undecided > 0 {
		out = append(out, patch.Notice{Key: "decision/" + string(os) + "/" + string(n.Patch.ID), Subject: patch.AboutDecision, Text: about, Path: at, Reason: undecided(n)})
	}
	return out
}

// undecided says for how many machines nobody has decided.
func undecided(n ledger.PatchCount) phrase.Phrase {
	switch n.Patch.Category {
	case patch.Security:
		return phrase.Count(n.Undecided, "Nobody has decided about this security patch for {n} machine.", "Nobody has decided about this security patch for {n} machines.")
	case patch.Update:
		return phrase.Count(n.Undecided, "Nobody has decided about this update patch for {n} machine.", "Nobody has decided about this update patch for {n} machines.")
	}
	return phrase.Count(n.Undecided, "Nobody has decided about this {1} patch for {n} machine.", "Nobody has decided about this {1} patch for {n} machines.", string(n.Patch.Category))
}

// proposalNotices tells of what a second person has to confirm.
func (a *appliance) proposalNotices(ctx context.Context) ([]patch.Notice, error) {
	all, err := a.Store.ListProposals(ctx, true)
	if err != nil {
		return nil, err
	}
	var out []patch.Notice
	for _, p := range all {
		out = append(out, patch.Notice{Key: "proposal/" + p.ID, Subject: patch.AboutDecision, Path: "/proposals", At: p.At, Reason: "A second person has to confirm or reject it.",
			Text: wanted(p)})
	}
	return out, nil
}

// wanted says what a proposal is.
func wanted(p patch.Proposal) phrase.Phrase {
	n := len(p.Patches)
	switch p.Verb {
	case patch.Approve:
		return phrase.Count(n, "{1} wants to approve {n} patch for {2}", "{1} wants to approve {n} patches for {2}", p.By, p.Label)
	case patch.Decline:
		return phrase.Count(n, "{1} wants to decline {n} patch for {2}", "{1} wants to decline {n} patches for {2}", p.By, p.Label)
	case patch.Hold:
		return phrase.Count(n, "{1} wants to hold {n} patch for {2}", "{1} wants to hold {n} patches for {2}", p.By, p.Label)
	case patch.Clear:
		return phrase.Count(n, "{1} wants to clear {n} patch for {2}", "{1} wants to clear {n} patches for {2}", p.By, p.Label)
	}
	return phrase.Count(n, "{1} wants to roll back {n} patch for {2}", "{1} wants to roll back {n} patches for {2}", p.By, p.Label)
}

// machineNotices tells of machines whose newest detect says little about now, and of those that wait to be admitted.
func (a *appliance) machineNotices(ctx context.Context) ([]patch.Notice, error) {
	roll, err := a.kept.roll.Newest(ctx)
	if err != nil {
		return nil, err
	}
	var out []patch.Notice
	for _, m := range roll.Machines {
		n := patch.Notice{Key: "machine/" + string(m.ID), Subject: patch.AboutMachine, Path: page("machines", string(m.ID)), Text: phrase.Of("{1}: {2}", m.Name, m.Text)}
		switch {
		case m.State == patch.Pending:
			n.Key, n.Subject, n.Text = "pending/"+string(m.ID), patch.AboutDecision, phrase.Of("{1} waits to be admitted", m.Name)
			n.Reason, n.At = phrase.Of("It enrolled with the token {1} from {2}.", m.EnrolledBy, m.Address), m.EnrolledAt
		case m.State != patch.Admitted || m.Freshness == ledger.Fresh || m.Freshness == ledger.Behind:
			continue
		case m.Freshness == ledger.Never && a.Now().Sub(m.EnrolledAt) < newcomerTime:
			continue
		case m.SeenAt.IsZero():
			n.Reason = "It has not been seen since it enrolled."
		default:
			n.Reason, n.At = phrase.Of("It was last seen {1}.", when(m.SeenAt)), m.SeenAt
		}
		out = append(out, n)
	}
	return out, nil
}

// stuckNotices tells of deployments that have waited for somebody for a while.
func (a *appliance) stuckNotices(ctx context.Context) ([]patch.Notice, error) {
	all, err := a.Deploy.List(ctx, 100)
	if err != nil {
		return nil, err
	}
	var out []patch.Notice
	for _, p := range all {
		if p.Ended || a.Now().Sub(p.Deployment.At) < stuckAfter {
			continue
		}
		ex, err := a.Deploy.Explain(ctx, p.Deployment.ID)
		if err != nil {
			return nil, err
		}
		for _, g := range ex.Groups {
			if g.Actor != gate.Person && g.Actor != gate.Owner && g.Code != "silent-under-way" {
				continue
			}
			out = append(out, patch.Notice{Key: "stuck/" + ex.Deployment + "/" + g.Code, Subject: patch.AboutStuck, Path: page("deployments", ex.Deployment), At: p.Deployment.At,
				Text: phrase.Count(g.Count, "{n} install of the deployment for {1}: {2}", "{n} installs of the deployment for {1}: {2}", p.Deployment.Plan.Label, g.Text), Reason: g.Next})
		}
	}
	return out, nil
}

// holdNotices tells of holds that end soon: then the patch is deployed if it is approved as well.
func (a *appliance) holdNotices(ctx context.Context) ([]patch.Notice, error) {
	all, err := a.Store.ListDecisions(ctx, patch.DecisionFilter{})
	if err != nil {
		return nil, err
	}
	var out []patch.Notice
	for _, d := range all {
		if left := d.Until.Sub(a.Now()); d.Verb != patch.Hold || left <= 0 || left > holdNotice {
			continue
		}
		out = append(out, patch.Notice{Key: "hold/" + d.ID, Subject: patch.AboutHold, Path: page("patches", string(d.Patch)), At: d.At,
			Text: phrase.Of("{1} is held for {2} until {3}", string(d.Patch), d.Label, when(d.Until)), Reason: heldBy(d)})
	}
	return out, nil
}

func heldBy(d patch.Decision) phrase.Phrase {
	said := phrase.Of("Held by {1}.", d.By)
	if d.Why != "" {
		said = phrase.Of("Held by {1}: {2}.", d.By, d.Why)
	}
	if d.Owner != "" && d.Owner != d.By {
		said = phrase.Of("{1} Ask {2}.", said, d.Owner)
	}
	return said
}

// slowAlarms tells what the other alarms say.
func (a *appliance) slowAlarms(ctx context.Context) ([]patch.Notice, error) {
	alarms, err := a.Store.ListAlarms(ctx, true)
	if err != nil {
		return nil, err
	}
	var out []patch.Notice
	for _, x := range alarms {
		n := alarmNotice(x)
		switch x.Kind {
		case "catalog":
			n.Subject, n.Path = patch.AboutDecision, "/feeds"
		case "payload":
			n.Subject = patch.AboutStuck
		case "updater", "detect":
			n.Subject = patch.AboutMachine
		default:
			continue
		}
		out = append(out, n)
	}
	return out, nil
}
