package main

import (
	"context"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/web"
)

// consoleConfig gives the console the same stages and the same rules as the API.
func (a *appliance) consoleConfig() web.Config {
	return web.Config{
		Roll:   a.kept.roll.Newest,
		Ledger: a.Ledger, Explainer: a.Ledger, Approvals: a.Approval, Seconds: a.Approval, WhatIf: a.WhatIf, Planner: a.Planner, Deployments: a.Deploy, Labels: a.Labels,
		Calendar: a.Calendar, Freezes: a.Calendar, Rules: a.Rules, Updaters: a.Updaters, Beside: a.Ledger, Beyond: a.Ledger, Stuck: a.Deploy, Rings: a.Rings, Reporter: reporter{a},
		Records: records{roster{a.Store, a.Ledger.World.Fleet}, a.Ledger}, Door: a.Door,
		Chain: a.kept.chain.Newest,
		Diff:  a.compared(a.Catalog.DiffHead), DiffWhole: a.compared(a.Catalog.Diff),
		NewToken:  func() (string, patch.Hash, error) { return auth.NewToken(a.Issuer.Certificate) },
		Enrolment: a.Enrolment,
		People:    people{a.Store, a.Door}, Channels: a.Notify, DeliveryLog: a.Notify.Deliveries, Installation: a.Installer, Offers: offers, Subscribe: a.subscribe,
		AskDetect: a.askDetect, AskDetects: a.askDetects,
		Sync: func(ctx context.Context, c patch.Caller) error {
			_, err := a.Sync(ctx, c, nil)
			return err
		},
		KeepList: a.keepList, List: func(h patch.Hash) ([]byte, error) { return a.lists.Read(h, web.MaxList) },
		Changed: a.changed, Listen: a.Pulse.Listen,
		Now: a.Now, Zone: time.Local, Log: a.Log,
	}
}

// The newest lists are kept: what has become old is asked about no more, and whoever may only look cannot fill the disk.
const (
	listsKept = 500
	listBytes = 64 << 20
)

func (a *appliance) keepList(ctx context.Context, list []byte) (patch.Hash, error) {
	h, err := a.lists.PutBytes(ctx, list)
	if err != nil {
		return "", err
	}
	return h, a.lists.Trim(listsKept, listBytes)
}

// compared compares two revisions among those that an OS has.
func (a *appliance) compared(compare func(context.Context, patch.HostOS, patch.RevisionID, patch.RevisionID, []patch.RevisionMeta) (catalog.Diff, error)) func(context.Context, patch.HostOS, patch.RevisionID, patch.RevisionID) (catalog.Diff, error) {
	return func(ctx context.Context, os patch.HostOS, from, to patch.RevisionID) (catalog.Diff, error) {
		all, err := a.Store.ListRevisions(ctx, os)
		if err != nil {
			return catalog.Diff{}, err
		}
		return compare(ctx, os, from, to, all)
	}
}

// registers are answers about the whole fleet that the console's readers share.
type registers struct {
	roll       *ledger.Register[*ledger.Roll]
	compliance *ledger.Register[[]patch.Compliance]
	lint       *ledger.Register[[]lint.Finding]
	chain      *ledger.Register[web.Chain]
}

func (a *appliance) keepRegisters(deeds func(context.Context) (uint64, error)) {
	a.kept = registers{
		roll:       ledger.NewRegister(a.Ledger.Roll, deeds, a.Now),
		compliance: ledger.NewRegister(a.compliances, deeds, a.Now),
		lint:       ledger.NewRegister(a.Linter.Lint, deeds, a.Now),
		chain:      ledger.NewRegister(a.chain, deeds, a.Now),
	}
}

func (a *appliance) compliances(ctx context.Context) ([]patch.Compliance, error) {
	all, err := a.Compliances(ctx, nil)
	out := make([]patch.Compliance, 0, len(all))
	for _, c := range all {
		out = append(out, c.Compliance)
	}
	return out, err
}

// chain says whether the audit log's chain holds now.
func (a *appliance) chain(ctx context.Context) (web.Chain, error) {
	c := web.Chain{At: a.Now()}
	err := a.Store.VerifyAudit(ctx)
	if patch.KindOf(err) == patch.Untrusted {
		c.Broken, err = err.Error(), nil
	}
	return c, err
}

// records are the storage's, searched where that is quickest.
type records struct {
	roster
	ledger *ledger.Ledger
}

func (r records) SearchPatches(ctx context.Context, f patch.PatchFilter) ([]patch.PatchRow, int, error) {
	return r.ledger.SearchPatches(ctx, f)
}

// reporter joins what the console's reports read.
type reporter struct{ a *appliance }

func (r reporter) Compliance(ctx context.Context) ([]patch.Compliance, error) {
	return r.a.kept.compliance.Newest(ctx)
}

func (r reporter) ComplianceKnown() bool { return r.a.kept.compliance.Known() }

func (r reporter) Exposed(ctx context.Context, label string, s patch.Severity) ([]ledger.Exposed, error) {
	return r.a.Ledger.Exposed(ctx, label, s, r.a.Allowance)
}

func (r reporter) History(ctx context.Context, label string, since time.Time) ([]patch.Compliance, error) {
	return r.a.Store.ListCompliance(ctx, label, since)
}

func (r reporter) Lint(ctx context.Context) ([]lint.Finding, error) { return r.a.kept.lint.Newest(ctx) }

func (r reporter) Exploited(ctx context.Context) (patch.Exploits, error) { return r.a.KEV(ctx) }

func (a *appliance) askDetect(ctx context.Context, caller patch.Caller, id patch.MachineID) (online bool, err error) {
	if err := a.Store.PutAudit(ctx, caller, "machine.detect", string(id), nil); err != nil {
		return false, err
	}
	online = a.Hub.Online(id)
	a.Hub.AskDetect(id)
	return online, nil
}

// askDetects asks many machines at once, with one entry in the audit log that names them.
func (a *appliance) askDetects(ctx context.Context, caller patch.Caller, ids []patch.MachineID) (online int, err error) {
	if err := a.Store.PutAudit(ctx, caller, "machine.detect", strconv.Itoa(len(ids))+" machines", map[string]any{"machines": ids}); err != nil {
		return 0, err
	}
	for _, id := range ids {
		if a.Hub.Online(id) {
			online++
		}
		a.Hub.AskDetect(id)
	}
	return online, nil
}

// changed wakes what acts on decisions, labels, machines and deployments.
func (a *appliance) changed() {
	a.Wanted.Beat()
	a.Pulse.Beat()
}
