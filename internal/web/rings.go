package web

import (
	"context"
	"net/http"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/ring"
)

// Rings takes patches through the fleet ring by ring, and people's decisions about that.
type Rings interface {
	List(ctx context.Context, id patch.ID) ([]ring.Standing, error)
	Who(ctx context.Context, ring string, id patch.ID, number string) (map[patch.MachineID]phrase.Phrase, error)
	Halt(ctx context.Context, caller patch.Caller, id patch.ID, why string) error
	Resume(ctx context.Context, caller patch.Caller, id patch.ID, why string) error
	Pass(ctx context.Context, caller patch.Caller, id patch.ID, ring, why string) error
}

// ringsPage is every ring with the patches that are in it.
type ringsPage struct {
	Rings          []ringView
	Halted, Moving int // patches
}

// ringView is one ring as it is drawn.
type ringView struct {
	ring.Standing
	Rows []rolloutView
	More int // patches that are not shown
}

// rolloutView is one patch in one ring.
type rolloutView struct {
	patch.RingProgress
	Machines int
	State    string
	Says     phrase.Phrase // what the sequential test and the soak are at, in words
	Soaked   time.Time
}

// rolloutsShown bounds the patches of one ring on the page.
const rolloutsShown = 100

// Reached is how many machines have been given the patch.
func (p rolloutView) Reached() int { return p.Tried() + p.Pending }

func (c *console) rings(v *visit) error {
	p, err := c.readRings(v)
	if err != nil {
		return err
	}
	if v.partial() {
		return showPart(c, v, "rings", "live", p)
	}
	return show(c, v, "rings", "deployments", "Rings", p)
}

func (c *console) readRings(v *visit) (ringsPage, error) {
	all, err := c.Rings.List(v.ctx, "")
	if err != nil {
		return ringsPage{}, err
	}
	var p ringsPage
	halted, moving := map[patch.ID]bool{}, map[patch.ID]bool{}
	for _, s := range all {
		one := ringView{Standing: s, More: max(0, len(s.Patches)-rolloutsShown)}
		for _, x := range s.Patches {
			row := rollout(s, x, c.Now())
			switch row.State {
			case "halted":
				halted[x.Patch] = true
			case "under way", "soaks":
				moving[x.Patch] = true
			}
			if len(one.Rows) < rolloutsShown {
				one.Rows = append(one.Rows, row)
			}
		}
		p.Rings = append(p.Rings, one)
	}
	p.Halted, p.Moving = len(halted), len(moving)
	return p, nil
}

// rollout says how one patch stands in a ring.
func rollout(s ring.Standing, x patch.RingProgress, now time.Time) rolloutView {
	r := rolloutView{RingProgress: x, Machines: s.Machines, State: "not begun"}
	switch {
	case !x.HaltedAt.IsZero():
		r.State, r.Says = "halted", x.Text
	case !x.PassedAt.IsZero():
		r.State, r.Says = "passed", x.Text
	case !x.EnoughAt.IsZero():
		r.State, r.Soaked = "soaks", x.EnoughAt.Add(time.Duration(s.Soak))
		r.Says = phrase.Of("soaks for {1} more", seconds(int(max(r.Soaked.Sub(now), 0).Seconds())))
	case r.Reached()+x.Waiting+x.Away > 0:
		r.State = "under way"
		r.Says = phrase.Of("{1} of {2} proofs that let the next ring begin", x.Proven, x.Need)
	case !x.FreshAt.IsZero():
		r.State, r.Says = "resumed", phrase.Of("by {1}: {2}; no machine has proven it since", x.By, x.Text)
	}
	if r.State == "under way" || r.State == "soaks" {
		r.Says = phrase.Of("{1}; {2} of {3} failed", r.Says, x.Failed, x.Tried())
		if x.Margin > 0 {
			r.Says = phrase.Of("{1}, {2} more in a row halt it", r.Says, x.Margin)
		}
	}
	return r
}

// Where is the state in words.
func (p rolloutView) Where() phrase.Phrase {
	switch p.State {
	case "halted":
		return "rollout\x04halted"
	case "passed":
		return "rollout\x04passed"
	case "soaks":
		return "rollout\x04soaks"
	case "under way":
		return "rollout\x04under way"
	case "resumed":
		return "rollout\x04resumed"
	}
	return "rollout\x04not begun"
}

// rolloutPage asks once more before a patch is halted, resumed or let pass, in numbers.
type rolloutPage struct {
	Verb, Ring, Why string
	Patch           patch.ID
	Fault           *faultPage

	Reached, Waiting, Failed, Proven int
	Here                             *rolloutView // where it is now
}

// Words is the verb as a button says it.
func (p rolloutPage) Words() phrase.Phrase {
	switch p.Verb {
	case "resume":
		return "Resume it"
	case "pass":
		return "Let the next ring begin"
	}
	return "Halt it everywhere"
}

func (c *console) rolloutPage(v *visit) error {
	p, err := c.rolloutOf(v)
	if err != nil {
		return err
	}
	return show(c, v, "rollout", "deployments", p.Words(), p)
}

func (c *console) rolloutOf(v *visit) (rolloutPage, error) {
	p := rolloutPage{Verb: v.get("verb"), Ring: v.get("ring"), Why: v.get("why"), Patch: patch.ID(v.get("patch"))}
	if p.Verb != "halt" && p.Verb != "resume" && p.Verb != "pass" {
		return p, patch.Errorf(patch.Invalid, "a patch on its way is halted, resumed or let pass")
	}
	all, err := c.Rings.List(v.ctx, p.Patch)
	if err != nil {
		return p, err
	}
	known := false
	for _, s := range all {
		for _, x := range s.Patches {
			if x.Patch != p.Patch {
				continue
			}
			known = true
			row := rollout(s, x, c.Now())
			p.Reached, p.Waiting = p.Reached+row.Reached(), p.Waiting+x.Waiting+x.Away
			p.Failed, p.Proven = p.Failed+x.Failed, p.Proven+x.Proven
			if p.Here == nil && row.State != "passed" {
				p.Here = &row
			}
		}
	}
	if !known {
		return p, patch.Errorf(patch.NotFound, "no ring knows of %s", p.Patch)
	}
	return p, nil
}

// decideRollout takes a decision about a patch on its way; without a reason the page comes again.
func (c *console) decideRollout(v *visit) error {
	p, err := c.rolloutOf(v)
	if err != nil {
		return err
	}
	switch p.Verb {
	case "halt":
		err = c.Rings.Halt(v.ctx, v.caller, p.Patch, p.Why)
	case "resume":
		err = c.Rings.Resume(v.ctx, v.caller, p.Patch, p.Why)
	case "pass":
		err = c.Rings.Pass(v.ctx, v.caller, p.Patch, p.Ring, p.Why)
	}
	if err == nil {
		c.Changed()
		return v.see("/rings")
	}
	f := faultOf(err)
	if f.Status == http.StatusInternalServerError {
		return err
	}
	p.Fault = &f
	frame, err := c.frame(v, "deployments", p.Words())
	if err != nil {
		return err
	}
	return c.write(v, f.Status, "rollout", "layout", view[rolloutPage]{Frame: frame, Body: p})
}
