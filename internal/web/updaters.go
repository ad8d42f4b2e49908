package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/updater"
)

// Updaters knows other patch services, and what people want of them.
type Updaters interface {
	List(ctx context.Context) ([]updater.Overview, error)
	Machines(ctx context.Context, service, state string, offset, limit int) ([]patch.MachineUpdater, int, error)
	On(ctx context.Context, id patch.MachineID) ([]updater.Here, error)
	Put(ctx context.Context, caller patch.Caller, r patch.Ruling) (patch.Ruling, error)
	Release(ctx context.Context, caller patch.Caller, updater, label string) error
}

// Beside lays a machine's own account beside detection, and tells what it was before.
type Beside interface {
	Reconcile(ctx context.Context, id patch.MachineID) (ledger.Reconciliation, error)
	Formerly(ctx context.Context, id patch.MachineID) ([]ledger.Former, error)
}

// Stuck says what a deployment waits for.
type Stuck interface {
	ExplainFirst(ctx context.Context, id string, named int) (deploy.Explanation, error)
	ExplainWait(ctx context.Context, id string, at gate.Name, code string, offset, limit int) (deploy.Explanation, error)
}

// updatersPage lists other patch services, and takes what is wanted of them.
type updatersPage struct {
	Services []updater.Overview
	Labels   []string
	Form     rulingForm
}

// Acting is how many services act on some machine; Again is how often one that was taken over was turned on again.
func (p updatersPage) Acting() int {
	return len(keep(p.Services, func(o updater.Overview) bool { return o.On > 0 }))
}

func (p updatersPage) Again() (n int) {
	for _, o := range p.Services {
		n += o.Undone
	}
	return n
}

// rulingForm is what was typed.
type rulingForm struct {
	Updater, Label, Verb, Why string
	Fault                     *faultPage
}

// updaterPage is the machines on which one service stands in one way.
type updaterPage struct {
	Service, State string
	Rows           []patch.MachineUpdater
	Pager          pager
}

// Says is how it stands on them.
func (p updaterPage) Says() phrase.Phrase {
	switch p.State {
	case updater.On:
		return phrase.Count(p.Pager.Total, "{1} acts on {n} machine.", "{1} acts on {n} machines.", p.Service)
	case updater.Off:
		return phrase.Count(p.Pager.Total, "{1} is off on {n} machine.", "{1} is off on {n} machines.", p.Service)
	case updater.Taken:
		return phrase.Count(p.Pager.Total, "{1} is taken over on {n} machine.", "{1} is taken over on {n} machines.", p.Service)
	case updater.Undone:
		return phrase.Count(p.Pager.Total, "Somebody has turned {1} on again on {n} machine.", "Somebody has turned {1} on again on {n} machines.", p.Service)
	}
	return phrase.Count(p.Pager.Total, "{1} is not taken over yet on {n} machine.", "{1} is not taken over yet on {n} machines.", p.Service)
}

func (c *console) updaterMachines(v *visit) error {
	p := updaterPage{Service: v.get("service"), State: v.get("state")}
	at := v.offset(rowsSize)
	rows, total, err := c.Updaters.Machines(v.ctx, p.Service, p.State, at, rowsSize)
	if err != nil {
		return err
	}
	p.Rows, p.Pager = rows, v.pager(at, rowsSize, len(rows), total)
	return show(c, v, "updater", "updaters", "Other updaters", p)
}

func (c *console) updaters(v *visit) error {
	if v.get("state") != "" {
		return c.updaterMachines(v)
	}
	return c.updatersAgain(v, http.StatusOK, rulingForm{Updater: v.get("service"), Label: patch.LabelAll, Verb: string(patch.AlertOn)})
}

func (c *console) updatersAgain(v *visit, status int, f rulingForm) (err error) {
	p := updatersPage{Form: f}
	if p.Services, err = c.Updaters.List(v.ctx); err != nil {
		return err
	}
	slices.SortStableFunc(p.Services, func(a, b updater.Overview) int { return cmp.Compare(min(b.On+b.Undone, 1), min(a.On+a.Undone, 1)) }) // those that act come first
	if p.Labels, err = c.labelNames(v); err != nil {
		return err
	}
	frame, err := c.frame(v, "updaters", "Other updaters")
	if err != nil {
		return err
	}
	return c.write(v, status, "updaters", "layout", view[updatersPage]{Frame: frame, Body: p})
}

// putRuling takes what is wanted. What fails keeps what was typed.
func (c *console) putRuling(v *visit) error {
	f := rulingForm{Updater: v.get("service"), Label: v.get("label"), Verb: v.get("verb"), Why: strings.TrimSpace(v.get("why"))}
	_, err := c.Updaters.Put(v.ctx, v.caller, patch.Ruling{Updater: f.Updater, Label: f.Label, Verb: patch.RulingVerb(f.Verb), Why: f.Why})
	if err == nil {
		c.Changed()
		return v.see("/updaters")
	}
	p := faultOf(err)
	if p.Status == http.StatusInternalServerError {
		return err
	}
	f.Fault = &p
	return c.updatersAgain(v, p.Status, f)
}

func (c *console) releaseRuling(v *visit) error {
	if err := c.Updaters.Release(v.ctx, v.caller, v.get("service"), v.get("label")); err != nil {
		return err
	}
	c.Changed()
	return v.see("/updaters")
}
