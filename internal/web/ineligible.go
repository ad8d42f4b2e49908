package web

import (
	"context"
	"net/url"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// Beyond says what is approved and not eligible.
type Beyond interface {
	Ineligible(ctx context.Context, f ledger.IneligibleFilter) (ledger.Ineligible, error)
	IneligiblePairs(ctx context.Context, f ledger.IneligibleFilter, offset, limit int) (ledger.IneligibleGroup, []ledger.IneligiblePair, error)
	IneligibleMachines(ctx context.Context, f ledger.IneligibleFilter) (ledger.IneligibleGroup, []patch.MachineID, error)
}

// ineligiblePage is what people approved and machines will not get as they are.
type ineligiblePage struct {
	ledger.Ineligible
	ineligibleOf
	Labels []string
}

// ineligibleOf is how a question about what is approved and not eligible is narrowed.
type ineligibleOf struct{ ledger.IneligibleFilter }

func (v *visit) ineligibleOf() ineligibleOf {
	return ineligibleOf{ledger.IneligibleFilter{Label: v.get("label"), OS: patch.HostOS(v.get("os")), Patch: patch.ID(v.get("patch")), Gate: gate.Name(v.get("gate")), Code: v.get("code")}}
}

// ListURL is the address of a group's pairs, or of its patches.
func (f ineligibleOf) ListURL(g ledger.IneligibleGroup, show string) string {
	q := f.query(g)
	q.Set("show", show)
	return "/ineligible?" + q.Encode()
}

// MachinesURL is the address of a group's machines, or of those of one of its patches.
func (f ineligibleOf) MachinesURL(g ledger.IneligibleGroup, only patch.ID) string {
	q := f.query(g)
	q.Set("ineligible", q.Get("code"))
	q.Del("code")
	if only != "" {
		q.Set("patch", string(only))
	}
	return "/machines?" + q.Encode()
}

func (f ineligibleOf) query(g ledger.IneligibleGroup) url.Values {
	q := url.Values{"gate": {string(g.Gate)}, "code": {g.Code}}
	for name, value := range map[string]string{"label": f.Label, "os": string(f.OS), "patch": string(f.Patch)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// ineligibleGroupPage is what one group counts: its pairs of a machine and a patch, or its patches.
type ineligibleGroupPage struct {
	ledger.IneligibleGroup
	ineligibleOf
	Tabs    []tab
	Pairs   []ledger.IneligiblePair
	Patches []ledger.IneligiblePatch
	Pager   pager
	Back    string
}

const ineligibleSize = 100

// ineligibleGroup lists what one number of the page counts.
func (c *console) ineligibleGroup(v *visit) error {
	p, what, at := ineligibleGroupPage{ineligibleOf: v.ineligibleOf()}, v.get("show"), v.offset(ineligibleSize)
	g, pairs, err := c.Beyond.IneligiblePairs(v.ctx, p.IneligibleFilter, at, ineligibleSize)
	if err != nil {
		return err
	}
	p.IneligibleGroup, p.Back = g, v.with("show", "", "gate", "", "code", "")
	p.Tabs = []tab{{Word: "Each patch on each machine", URL: v.with("show", "pairs"), Count: g.Pairs, Current: what == "pairs"},
		{Word: "Patches", URL: v.with("show", "patches"), Count: len(g.Patches), Current: what != "pairs"}}
	if what == "pairs" {
		p.Pairs, p.Pager = pairs, v.pager(at, ineligibleSize, len(pairs), g.Pairs)
	} else {
		p.Patches = page(g.Patches, at, ineligibleSize)
		p.Pager = v.pager(at, ineligibleSize, len(p.Patches), len(g.Patches))
	}
	return show(c, v, "ineligible-group", "patches", "Approved, not eligible", p)
}

func (c *console) ineligible(v *visit) (err error) {
	if v.get("show") != "" {
		return c.ineligibleGroup(v)
	}
	f := v.ineligibleOf()
	p := ineligiblePage{ineligibleOf: f}
	if p.Ineligible, err = c.Beyond.Ineligible(v.ctx, f.IneligibleFilter); err != nil {
		return err
	}
	if p.Labels, err = c.labelNames(v); err != nil {
		return err
	}
	return show(c, v, "ineligible", "patches", "Approved, not eligible", p)
}
