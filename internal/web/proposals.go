package web

import (
	"net/http"

	"github.com/fettle-project/fettle/internal/patch"
)

// proposalsPage lists decisions that wait for a second person, and what became of the others.
type proposalsPage struct {
	Open, Answered []patch.Proposal
	Me             string
	Fault          *faultPage
}

func (c *console) proposals(v *visit) error {
	return c.proposalsAgain(v, http.StatusOK, nil)
}

func (c *console) proposalsAgain(v *visit, status int, fault *faultPage) error {
	all, err := c.Records.ListProposals(v.ctx, false)
	if err != nil {
		return err
	}
	p := proposalsPage{Me: v.caller.Name, Fault: fault}
	for _, x := range all {
		if x.State == patch.Proposed {
			p.Open = append(p.Open, x)
		} else if len(p.Answered) < 50 {
			p.Answered = append(p.Answered, x)
		}
	}
	frame, err := c.frame(v, "patches", "Proposals")
	if err != nil {
		return err
	}
	return c.write(v, status, "proposals", "layout", view[proposalsPage]{Frame: frame, Body: p})
}

// answerProposal confirms what somebody else proposed, or rejects it.
func (c *console) answerProposal(v *visit) (err error) {
	id := v.r.PathValue("proposal")
	switch v.get("answer") {
	case "confirm":
		_, err = c.Seconds.Confirm(v.ctx, v.caller, id, v.get("why"))
	case "reject":
		_, err = c.Seconds.Reject(v.ctx, v.caller, id, v.get("why"))
	default:
		err = patch.Errorf(patch.Invalid, "a proposal is confirmed or rejected")
	}
	if err == nil {
		c.Changed()
		return v.see("/proposals")
	}
	f := faultOf(err)
	if f.Status == http.StatusInternalServerError {
		return err
	}
	return c.proposalsAgain(v, f.Status, &f)
}
