package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/plan"
)

// PlanRequest asks what a deployment would do now. Machines and patches may be named as people name them.
type PlanRequest struct {
	Label    string       `json:"label,omitempty"`
	Machines []string     `json:"machines,omitempty"`
	Patches  []string     `json:"patches,omitempty"`
	Window   patch.Window `json:"window,omitzero"`
	// Reboot says when the machines may be restarted after it; nil: never.
	Reboot *patch.RebootPolicy `json:"reboot,omitempty"`
	// Manner is how the machines go about it; nil: nothing beside installing.
	Manner *patch.Manner `json:"manner,omitempty"`
	// Restarts asks for a plan of restarts alone: of the machines that owe one, or with force of all.
	Restarts bool `json:"restarts,omitempty"`
}

// Watched is a deployment's progress; Version changes with it: give it back as ?after= to wait for the next one.
type Watched struct {
	deploy.Progress
	Version string `json:"version"`
}

func (s *people) makePlan(c *call) (any, error) {
	in, err := decode[PlanRequest](c)
	if err != nil {
		return nil, err
	}
	r, err := s.planned(c, in)
	if err != nil {
		return nil, err
	}
	return s.Planner.Make(c.Context(), c.caller, r)
}

// planned finds the machines and patches that a request names.
func (s *people) planned(c *call, in PlanRequest) (plan.Request, error) {
	r := plan.Request{Label: in.Label, Window: in.Window, Reboot: in.Reboot, Manner: in.Manner, Restarts: in.Restarts}
	for _, text := range in.Machines {
		m, err := s.Ledger.Resolve(c.Context(), text)
		if err != nil {
			return r, err
		}
		r.Machines = append(r.Machines, m.ID)
	}
	for _, text := range in.Patches {
		row, err := s.patch(c, text)
		if err != nil {
			return r, err
		}
		r.Patches = append(r.Patches, row.ID)
	}
	return r, nil
}

// RollbackRequest asks what taking patches back would do now: those that a deployment installed, or the named ones for a label or machines.
type RollbackRequest struct {
	PlanRequest
	Deployment string `json:"deployment,omitempty"`
	Why        string `json:"why"`
	// HoldUntil is until when the patches are held afterwards; 90 days where it is left out.
	HoldUntil time.Time `json:"hold_until,omitzero"`
	NoHold    bool      `json:"no_hold,omitempty"` // they may be deployed again at once
}

// planRollback makes a plan that takes patches back. It is applied as every plan is.
func (s *people) planRollback(c *call) (any, error) {
	in, err := decode[RollbackRequest](c)
	if err != nil {
		return nil, err
	}
	if in.NoHold && !in.HoldUntil.IsZero() {
		return nil, patch.Errorf(patch.Invalid, "the patches are either held until a moment, or not held")
	}
	r, err := s.planned(c, in.PlanRequest)
	if err != nil {
		return nil, err
	}
	r.Rollback = &patch.Rollback{Deployment: in.Deployment, Why: in.Why, HoldUntil: in.HoldUntil.UTC()}
	if in.HoldUntil.IsZero() && !in.NoHold {
		r.Rollback.HoldUntil = s.Now().Add(patch.HoldAfterRollback).UTC().Truncate(time.Second)
	}
	return s.Planner.Make(c.Context(), c.caller, r)
}

// ApplyRequest is a plan to carry out, or what a plan is wanted for: then it is worked out here and carried out at once, and nobody sends it to and fro.
type ApplyRequest struct {
	patch.Plan
	// Request asks for the plan as of now.
	Request *PlanRequest `json:"request,omitempty"`
}

// toApply gives the plan that a request brings, or the one that it asks for; with a hash only if it is still that very plan.
func (s *people) toApply(c *call) (patch.Plan, error) {
	in, err := decode[ApplyRequest](c)
	if err != nil || in.Request == nil {
		return in.Plan, err
	}
	r, err := s.planned(c, *in.Request)
	if err != nil {
		return in.Plan, err
	}
	p, err := s.Planner.Make(c.Context(), c.caller, r)
	if err == nil && in.Hash != "" && in.Hash != p.Hash {
		return p, &patch.Error{Kind: patch.Conflict, What: "the plan is another one by now", Why: phrase.Format("its hash was %s and is %s: a machine, a decision, a label or the catalog has changed", in.Hash, p.Hash),
			Do: "Make the plan again and look at it: fettle deploy plan"}
	}
	return p, err
}

// leftOut is the first reason why a plan installs nothing, and what ends it where the plan knows that. What somebody can mend comes before what is there
// already, or is for other machines.
func leftOut(p patch.Plan) (why, ends phrase.Phrase) {
	at, first := 0, 0
	var found *patch.LeftOut
	for n, m := range p.Machines {
		for i := range m.Left {
			rank := 1
			if o := m.Left[i].Outcome; o == patch.IsBlocked || o == patch.NeedsDecision {
				rank = 2
			}
			if rank > first {
				at, first, found = n, rank, &m.Left[i]
			}
		}
	}
	switch {
	case found == nil:
		return "nothing is both approved and needed", ""
	case p.Restarts:
		return phrase.Of("{1}: {2}", p.Machines[at].Name, found.Text), found.Next
	}
	return phrase.Of("{1} on {2}: {3}", string(found.Patch), p.Machines[at].Name, found.Text), found.Next
}

// nothingToDo refuses a plan that does nothing, and says what ends that.
func nothingToDo(p patch.Plan) error {
	why, ends := leftOut(p)
	what, do := phrase.Phrase("there is nothing to deploy"), phrase.Phrase("Look at `fettle deploy plan` and `fettle explain`.")
	switch {
	case p.Restarts:
		what, do = "there is no machine to restart", "Look at `fettle deploy restart`."
	case p.Rollback != nil:
		what, do = "there is nothing to take back", "Look at `fettle deploy rollback`."
	}
	if ends != "" {
		do = phrase.Of("What ends it: {1}.", ends)
	}
	return &patch.Error{Kind: patch.Conflict, What: what, Why: why, Do: do}
}

// applyPlan carries a plan out. A rollback that needs a second person becomes a proposal, which the answer then has.
func (s *people) applyPlan(c *call) (any, error) {
	p, err := s.toApply(c)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(p.Machines, func(m patch.MachinePlan) bool { return len(m.Items) > 0 }) {
		return nil, nothingToDo(p)
	}
	d, err := s.Deploy.Apply(c.Context(), c.caller, p)
	if err != nil {
		return nil, err
	}
	if p.Rollback != nil {
		s.Wanted.Beat() // older files
	}
	s.Pulse.Beat(patch.TopicDeployments, patch.TopicDecisions)
	if d.Proposal != nil {
		return outcome{http.StatusAccepted, d}, nil
	}
	return outcome{http.StatusCreated, d}, nil
}

func (s *people) listDeployments(c *call) (any, error) {
	limit, err := c.number("limit", 50, 10_000)
	if err != nil {
		return nil, err
	}
	l, err := s.Deploy.List(c.Context(), limit)
	return listOf(l), err
}

// explainDeployment says what a deployment waits for.
func (s *people) explainDeployment(c *call) (any, error) {
	return s.Deploy.Explain(c.Context(), c.PathValue("deployment"))
}

// ResetRequest asks for new attempts of a patch, on a machine or wherever they are used up under a label.
type ResetRequest struct {
	Patch   string `json:"patch"`
	Machine string `json:"machine,omitempty"`
	Label   string `json:"label,omitempty"`
	Why     string `json:"why"`
}

func (s *people) resetAttempts(c *call) (any, error) {
	in, err := decode[ResetRequest](c)
	if err != nil {
		return nil, err
	}
	row, err := s.patch(c, in.Patch)
	if err != nil {
		return nil, err
	}
	r := deploy.ResetRequest{Patch: row.ID, Label: in.Label, Why: in.Why}
	if in.Machine != "" {
		m, err := s.Ledger.Resolve(c.Context(), in.Machine)
		if err != nil {
			return nil, err
		}
		r.Machine = m.ID
	}
	l, err := s.Deploy.ResetAttempts(c.Context(), c.caller, r)
	return listOf(l), err
}

func (s *people) haltDeployment(c *call) (any, error) {
	d, err := s.Deploy.Halt(c.Context(), c.caller, c.PathValue("deployment"))
	if err != nil {
		return nil, err
	}
	s.Pulse.Beat(patch.TopicDeployments)
	return d, nil
}

const (
	longestWait = 50              // seconds
	watchEvery  = 2 * time.Second // looks again though nobody reported: windows open, orders expire
)

// watchDeployment gives the progress; with ?after=VERSION&wait=SECONDS it waits until it differs.
func (s *people) watchDeployment(c *call) (any, error) {
	wait, err := c.number("wait", 0, longestWait)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.Context(), time.Duration(wait)*time.Second)
	defer cancel()
	after := c.text("after")
	for {
		next := s.Pulse.Next()
		p, err := s.Deploy.Watch(c.Context(), c.PathValue("deployment"))
		if err != nil {
			return nil, err
		}
		w := Watched{Progress: p, Version: versionOf(p)}
		if w.Version != after || wait == 0 || (p.Ended && p.Counts.Unproven == 0) {
			return w, nil
		}
		select {
		case <-next:
		case <-time.After(watchEvery):
		case <-ctx.Done():
			return w, nil
		}
	}
}

func versionOf(p deploy.Progress) string {
	b, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8])
}
