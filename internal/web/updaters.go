package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/updater"
)

// Updaters knows other patch services, and what people want of them.
type Updaters interface {
	List(ctx context.Context) ([]updater.Overview, error)
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
	Explain(ctx context.Context, id string) (deploy.Explanation, error)
}

// updatersPage lists other patch services, and takes what is wanted of them.
type updatersPage struct {
	Services []updater.Overview
	Labels   []string
	Form     rulingForm
}

// rulingForm is what was typed.
type rulingForm struct {
	Updater, Label, Verb, Why string
	Fault                     *faultPage
}

func (c *console) updaters(v *visit) error {
	return c.updatersAgain(v, http.StatusOK, rulingForm{Updater: v.get("service"), Label: patch.LabelAll, Verb: string(patch.AlertOn)})
}

func (c *console) updatersAgain(v *visit, status int, f rulingForm) (err error) {
	p := updatersPage{Form: f}
	if p.Services, err = c.Updaters.List(v.ctx); err != nil {
		return err
	}
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
