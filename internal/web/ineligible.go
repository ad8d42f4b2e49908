package web

import (
	"context"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// Beyond says what is approved and not eligible.
type Beyond interface {
	Ineligible(ctx context.Context, f ledger.IneligibleFilter) (ledger.Ineligible, error)
}

// ineligiblePage is what people approved and machines will not get as they are.
type ineligiblePage struct {
	ledger.Ineligible
	Label  string
	Labels []string
}

func (c *console) ineligible(v *visit) (err error) {
	f := ledger.IneligibleFilter{Label: v.get("label"), OS: patch.HostOS(v.get("os")), Patch: patch.ID(v.get("patch")), Code: v.get("code")}
	p := ineligiblePage{Label: f.Label}
	if p.Ineligible, err = c.Beyond.Ineligible(v.ctx, f); err != nil {
		return err
	}
	if p.Labels, err = c.labelNames(v); err != nil {
		return err
	}
	return show(c, v, "ineligible", "patches", "Approved, not eligible", p)
}
