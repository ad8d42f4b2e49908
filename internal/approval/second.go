package approval

import (
	"context"
	"slices"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// TwoPerson says which decisions a second person has to confirm: those that can bring a patch onto a machine. Declining and holding back
// need nobody else. The zero value asks for nobody.
type TwoPerson struct {
	On bool
	// Labels narrows it to decisions that reach a machine of one of these labels; none: all decisions.
	Labels []string
}

// Proposals is the storage of decisions that wait for a second person.
type Proposals interface {
	PutProposal(ctx context.Context, caller patch.Caller, p patch.Proposal) error
	FindProposal(ctx context.Context, id string) (patch.Proposal, error)
	ListProposals(ctx context.Context, open bool) ([]patch.Proposal, error)
	AnswerProposal(ctx context.Context, caller patch.Caller, p patch.Proposal, ds []patch.Decision) error
}

// Outcome is what became of a request: decisions that were made, and what waits for a second person.
type Outcome struct {
	Decisions []patch.Decision
	Proposal  *patch.Proposal
}

// Submit makes the decisions that one person may make, and proposes the others.
func (d *Desk) Submit(ctx context.Context, caller patch.Caller, r Request) (Outcome, error) {
	ds, err := d.request(ctx, caller.Name, r)
	if err != nil {
		return Outcome{}, err
	}
	return d.enact(ctx, caller, caller.Name, ds)
}

// enact stores drafted decisions, and proposes those that need a second person. author is the person behind the caller.
func (d *Desk) enact(ctx context.Context, caller patch.Caller, author string, ds []patch.Decision) (out Outcome, err error) {
	alone, second, err := d.parted(ctx, ds)
	if err != nil {
		return out, err
	}
	if len(second) > 0 {
		p := proposal(second, author)
		if err := d.Proposals.PutProposal(ctx, caller, p); err != nil {
			return out, err
		}
		out.Proposal = &p
	}
	if len(alone) > 0 {
		out.Decisions, err = alone, d.store(ctx, caller, alone)
	}
	return out, err
}

// parted splits decisions into those that one person makes and those that need a second one.
func (d *Desk) parted(ctx context.Context, ds []patch.Decision) (alone, second []patch.Decision, err error) {
	if !d.TwoPerson.On || len(ds) == 0 {
		return ds, nil, nil
	}
	controlled := map[string]bool{}
	counting := map[string]map[patch.ID]patch.Decision{}
	for _, x := range ds {
		if _, known := controlled[x.Label]; !known {
			if controlled[x.Label], err = d.controlled(ctx, x.Label); err != nil {
				return nil, nil, err
			}
			if counting[x.Label], err = d.counting(ctx, x.Label); err != nil {
				return nil, nil, err
			}
		}
		if controlled[x.Label] && loosens(x, counting[x.Label][x.Patch]) {
			second = append(second, x)
		} else {
			alone = append(alone, x)
		}
	}
	return alone, second, nil
}

// loosens reports whether a decision can let a patch through that the one before it, if any, kept back.
func loosens(d, before patch.Decision) bool {
	kept := before.Verb == patch.Decline || before.Verb == patch.Hold
	switch d.Verb {
	case patch.Approve:
		return true
	case patch.Clear:
		return kept
	case patch.Hold:
		return before.Verb == patch.Decline || before.Verb == patch.Hold && d.Until.Before(before.Until)
	}
	return false
}

// controlled reports whether decisions for a label need a second person: it is one of those named, or shares a machine with one.
func (d *Desk) controlled(ctx context.Context, label string) (bool, error) {
	if len(d.TwoPerson.Labels) == 0 || slices.Contains(d.TwoPerson.Labels, label) {
		return true, nil
	}
	members, err := d.World.Labels.Members(ctx, label)
	if err != nil {
		return false, err
	}
	for _, name := range d.TwoPerson.Labels {
		theirs, err := d.World.Labels.Members(ctx, name)
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return false, err
		}
		if slices.ContainsFunc(theirs, func(id patch.MachineID) bool { return slices.Contains(members, id) }) {
			return true, nil
		}
	}
	return false, nil
}

// counting gives the decisions that count for a label, by patch.
func (d *Desk) counting(ctx context.Context, label string) (map[patch.ID]patch.Decision, error) {
	all, err := d.World.Store.ListDecisions(ctx, patch.DecisionFilter{Label: label})
	out := make(map[patch.ID]patch.Decision, len(all))
	for _, x := range all {
		out[x.Patch] = x
	}
	return out, err
}

// proposal makes one of decisions of one request: they differ in their patches only.
func proposal(ds []patch.Decision, author string) patch.Proposal {
	first := ds[0]
	p := patch.Proposal{ID: ulid.Make().String(), Label: first.Label, Verb: first.Verb, Until: first.Until, Owner: first.Owner, Via: first.Via, By: first.By, Author: author, At: first.At, Why: first.Why, State: patch.Proposed}
	for _, d := range ds {
		p.Patches = append(p.Patches, d.Patch)
		if d.Via != p.Via {
			p.Via = ""
		}
	}
	return p
}

// Confirm makes the decisions of a proposal. Whoever made it, or the rule behind it, cannot confirm it.
func (d *Desk) Confirm(ctx context.Context, caller patch.Caller, id, why string) ([]patch.Decision, error) {
	p, err := d.answerable(ctx, id, why)
	if err != nil {
		return nil, err
	}
	if caller.Name == p.By || caller.Name == p.Author {
		return nil, &patch.Error{Kind: patch.Forbidden, What: "you cannot confirm this", Why: phrase.Format("%s made the proposal, and a second person has to look at it", p.Author), Do: "Ask somebody else who may decide."}
	}
	if p.Verb == patch.TakeBack {
		return nil, d.confirmRollback(ctx, caller, p, why)
	}
	if err := d.stillMeant(ctx, p); err != nil {
		return nil, err
	}
	ds, err := d.Draft(ctx, p.By, Request{Patches: p.Patches, Label: p.Label, Verb: p.Verb, Until: p.Until, Owner: p.Owner, Why: p.Why})
	if err != nil {
		return nil, err
	}
	for i := range ds {
		ds[i].Second, ds[i].Via = caller.Name, p.Via
	}
	if ds, err = d.scoped(ctx, ds); err != nil {
		return nil, err
	}
	p.State, p.AnsweredBy, p.AnsweredAt, p.Answer = patch.Confirmed, caller.Name, d.Now().UTC(), strings.TrimSpace(why)
	if err := d.Proposals.AnswerProposal(ctx, caller, p, ds); err != nil {
		return nil, err
	}
	if d.Decided != nil {
		d.Decided(ds)
	}
	return ds, nil
}

// stillMeant refuses to confirm over what was decided after a proposal: two persons looked at it before they knew.
func (d *Desk) stillMeant(ctx context.Context, p patch.Proposal) error {
	all, err := d.World.Store.ListDecisions(ctx, patch.DecisionFilter{Label: p.Label, Cleared: true})
	if err != nil {
		return err
	}
	for _, x := range all {
		if same := x.Verb == p.Verb && x.Until.Equal(p.Until); x.At.After(p.At) && !same && slices.Contains(p.Patches, x.Patch) {
			return &patch.Error{Kind: patch.Conflict, What: phrase.Of("what was proposed is overtaken: {1} for {2}", string(x.Patch), x.Label),
				Why: phrase.Of("{1} decided otherwise {2}, and the newest decision counts", x.By, phrase.At(d.Now(), x.At)),
				Do:  phrase.Of("See it with fettle decisions history {1}; then reject the proposal, and propose what is still meant.", string(x.Patch))}
		}
	}
	return nil
}

// Reject ends a proposal without any decision. Whoever made it withdraws it.
func (d *Desk) Reject(ctx context.Context, caller patch.Caller, id, why string) (patch.Proposal, error) {
	p, err := d.answerable(ctx, id, why)
	if err != nil {
		return p, err
	}
	p.State, p.AnsweredBy, p.AnsweredAt, p.Answer = patch.Rejected, caller.Name, d.Now().UTC(), strings.TrimSpace(why)
	if caller.Name == p.By {
		p.State = patch.Withdrawn
	}
	return p, d.Proposals.AnswerProposal(ctx, caller, p, nil)
}

func (d *Desk) answerable(ctx context.Context, id, why string) (patch.Proposal, error) {
	p, err := d.Proposals.FindProposal(ctx, id)
	switch {
	case err != nil:
		return p, err
	case p.State != patch.Proposed:
		return p, patch.Errorf(patch.Conflict, "the proposal %s is %s already, by %s", id, p.State, p.AnsweredBy)
	case len(why) > maxWhy:
		return p, patch.Errorf(patch.Invalid, "the reason is longer than %d bytes", maxWhy)
	}
	return p, nil
}

// scoped records for decisions who carries their labels now.
func (d *Desk) scoped(ctx context.Context, ds []patch.Decision) ([]patch.Decision, error) {
	type membership struct {
		n     int
		scope patch.Hash
	}
	known := map[string]membership{}
	for i := range ds {
		m, ok := known[ds[i].Label]
		if !ok {
			members, err := d.World.Labels.Members(ctx, ds[i].Label)
			if err != nil && patch.KindOf(err) != patch.NotFound {
				return nil, err
			}
			m.n = len(members)
			if m.scope, err = d.Store.PutScope(ctx, members); err != nil {
				return nil, err
			}
			known[ds[i].Label] = m
		}
		ds[i].Members, ds[i].Scope = m.n, m.scope
	}
	return ds, nil
}

// store makes decisions durable and wakes what acts on them. A person's are made all or none; a rule's in portions.
func (d *Desk) store(ctx context.Context, caller patch.Caller, ds []patch.Decision) error {
	ds, err := d.scoped(ctx, ds)
	if err != nil {
		return err
	}
	portion := len(ds)
	if caller.Via == "appliance" {
		portion = maxAtOnce
	}
	for chunk := range slices.Chunk(ds, portion) {
		if err := d.Store.PutDecisions(ctx, caller, chunk); err != nil {
			return err
		}
	}
	if d.Decided != nil {
		d.Decided(ds)
	}
	return nil
}
