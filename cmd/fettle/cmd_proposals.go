package main

import (
	"context"
	"io"
	"net/http"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

type proposalsCmd struct {
	List    proposalsListCmd    `cmd:"" default:"withargs" help:"List what waits for a second person."`
	Show    proposalsShowCmd    `cmd:"" help:"Show a proposal with its patches."`
	Confirm proposalsConfirmCmd `cmd:"" help:"Confirm what somebody else proposed; its decisions count from then on."`
	Reject  proposalsRejectCmd  `cmd:"" help:"Reject a proposal, or withdraw your own."`
}

type proposalsListCmd struct {
	All bool `help:"Also those that were answered."`
}

func (proposalsListCmd) Help() string {
	return `Whether decisions need a second person is set in the appliance's configuration file: [two_person] on = true, and labels = ["production"] to
narrow it.

Examples:
  fettle proposals
  fettle proposals --all --json`
}

func (c proposalsListCmd) Run(ctx context.Context, s *screen) error {
	q := query{}
	if c.All {
		q = q.set("all", "true")
	}
	return ask(ctx, s, api.Path("proposals"), q, func(w io.Writer, l api.List[patch.Proposal]) {
		if len(l.Items) == 0 {
			line(w, "Nothing waits for a second person.")
			return
		}
		t := table{columns: []column{{title: "proposal"}, {title: "what", flex: true}, {title: "label"}, {title: "by"}, {title: "at"}, {title: "state"}, {title: "why", flex: true}}}
		for _, p := range l.Items {
			t.add(p.ID, proposalText(p), p.Label, p.By, when(p.At), proposalState(p), p.Why)
		}
		t.print(w, s.width)
	})
}

func proposalText(p patch.Proposal) string {
	text := string(p.Verb) + " "
	if len(p.Patches) == 1 {
		text += string(p.Patches[0])
	} else {
		text += plural(len(p.Patches), "patch", "patches")
	}
	if !p.Until.IsZero() {
		text += " until " + when(p.Until) + with(", owner ", otherThan(p.By, p.Owner))
	}
	return text
}

func proposalState(p patch.Proposal) string {
	if p.State == patch.Proposed {
		return "waits"
	}
	return string(p.State) + " by " + p.AnsweredBy
}

type proposalsShowCmd struct {
	Proposal string `arg:"" help:"Its id."`
}

func (proposalsShowCmd) Help() string {
	return "Example:\n  fettle proposals show 01JD3Q4T7YB2M8Z1N6X5V0C9AK"
}

func (c proposalsShowCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("proposals", c.Proposal), nil, printProposal)
}

func printProposal(w io.Writer, p patch.Proposal) {
	line(w, "%s for %q: %s", clean(proposalText(p)), clean(p.Label), clean(proposalState(p)))
	f := fields{w}
	f.put("id", p.ID)
	f.put("proposed by", p.By+", "+when(p.At))
	f.put("why", p.Why)
	f.put("answer", p.Answer)
	for _, id := range p.Patches {
		f.put("patch", string(id))
	}
}

type proposalsConfirmCmd struct {
	Proposal string `arg:"" help:"Its id."`
	Why      string `help:"What you looked at, kept with the proposal." placeholder:"TEXT"`
}

func (proposalsConfirmCmd) Help() string {
	return "Whoever made a proposal, or changed the rule that did, cannot confirm it.\n\nExample:\n  fettle proposals confirm 01JD3Q4T7YB2M8Z1N6X5V0C9AK"
}

func (c proposalsConfirmCmd) Run(ctx context.Context, s *screen) error {
	return tell(ctx, s, http.MethodPost, api.Path("proposals", c.Proposal, "confirm"), api.ProposalAnswer{Why: c.Why}, func(w io.Writer, l api.List[patch.Decision]) {
		if len(l.Items) == 0 {
			line(w, "The rollback has begun. Follow it with: fettle deploy list")
		}
		for _, d := range l.Items {
			line(w, "%s: %s", clean(string(d.Patch)), clean(decisionText(d)))
		}
	})
}

type proposalsRejectCmd struct {
	Proposal string `arg:"" help:"Its id."`
	Why      string `help:"Why, kept with the proposal." placeholder:"TEXT"`
}

func (proposalsRejectCmd) Help() string {
	return "Example:\n  fettle proposals reject 01JD3Q4T7YB2M8Z1N6X5V0C9AK --why \"after the sale\""
}

func (c proposalsRejectCmd) Run(ctx context.Context, s *screen) error {
	return tell(ctx, s, http.MethodPost, api.Path("proposals", c.Proposal, "reject"), api.ProposalAnswer{Why: c.Why}, printProposal)
}
