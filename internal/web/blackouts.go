package web

import (
	"context"
	"net/http"
	"strings"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/patch"
)

// Freezes keeps blackouts.
type Freezes interface {
	ListBlackouts(ctx context.Context) ([]calendar.Freeze, error)
	DraftBlackout(ctx context.Context, caller patch.Caller, in calendar.BlackoutDraft) (patch.Blackout, error)
	PutBlackout(ctx context.Context, caller patch.Caller, in calendar.BlackoutDraft) (patch.Blackout, error)
	RemoveBlackout(ctx context.Context, caller patch.Caller, name string) (patch.Blackout, error)
}

// blackoutsPage is when nothing is deployed.
type blackoutsPage struct {
	Freezes []calendar.Freeze
	Labels  []string
	Form    blackoutForm
	// Gone is a blackout that was just removed, as it can be put back; nil else.
	Gone *patch.Blackout
}

// Now is the blackout that covers most machines at this moment; nil where none does.
func (p blackoutsPage) Now() *calendar.Freeze {
	var most *calendar.Freeze
	for i := range p.Freezes {
		if f := &p.Freezes[i]; f.Active && (most == nil || f.Machines > most.Machines) {
			most = f
		}
	}
	return most
}

// blackoutForm is a blackout as it was typed.
type blackoutForm struct {
	calendar.BlackoutDraft
	Fault *faultPage
}

func (v *visit) blackoutDraft() calendar.BlackoutDraft {
	return calendar.BlackoutDraft{Name: strings.TrimSpace(v.get("name")), From: v.get("from"), Until: v.get("until"), Label: v.get("label"), Reason: v.get("reason"), Owner: v.get("owner")}
}

func (c *console) blackouts(v *visit) error {
	return c.blackoutsAgain(v, http.StatusOK, blackoutsPage{Form: blackoutForm{BlackoutDraft: calendar.BlackoutDraft{Label: patch.LabelAll}}})
}

func (c *console) blackoutsAgain(v *visit, status int, p blackoutsPage) (err error) {
	if p.Freezes, err = c.Freezes.ListBlackouts(v.ctx); err != nil {
		return err
	}
	if p.Labels, err = c.labelNames(v); err != nil {
		return err
	}
	frame, err := c.frame(v, "calendar", "Blackouts")
	if err != nil {
		return err
	}
	return c.write(v, status, "blackouts", "layout", view[blackoutsPage]{Frame: frame, Body: p})
}

// putBlackout announces a blackout. What fails keeps what was typed.
func (c *console) putBlackout(v *visit) error {
	in := v.blackoutDraft()
	_, err := c.Freezes.PutBlackout(v.ctx, v.caller, in)
	if err == nil {
		return v.see("/blackouts")
	}
	p := faultOf(err)
	if p.Status == http.StatusInternalServerError {
		return err
	}
	return c.blackoutsAgain(v, p.Status, blackoutsPage{Form: blackoutForm{BlackoutDraft: in, Fault: &p}})
}

// removeBlackout ends a blackout; the page offers to put it back.
func (c *console) removeBlackout(v *visit) error {
	gone, err := c.Freezes.RemoveBlackout(v.ctx, v.caller, v.r.PathValue("blackout"))
	if err != nil {
		return err
	}
	return c.blackoutsAgain(v, http.StatusOK, blackoutsPage{Form: blackoutForm{BlackoutDraft: calendar.BlackoutDraft{Label: patch.LabelAll}}, Gone: &gone})
}
