package approval

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Look says what a rule would do, without storing it.
func (x *Rules) Look(ctx context.Context, r patch.Rule) (Outlook, error) {
	c, err := x.check(ctx, r)
	if err != nil {
		return Outlook{}, err
	}
	out, err := x.look(ctx, c)
	if err != nil {
		return out, err
	}
	if len(out.Now) > 0 {
		p, err := x.Desk.Preview(ctx, Request{Patches: out.Now, Label: r.Label, Verb: r.Verb})
		if err != nil {
			return out, err
		}
		out.Preview = &p
	}
	out.Sentence = outlookSentence(out)
	return out, nil
}

func outlookSentence(o Outlook) phrase.Phrase {
	s := phrase.Count(len(o.Now), `{1} approves {n} patch for "{2}" now`, `{1} approves {n} patches for "{2}" now`, o.Rule.Name, o.Rule.Label)
	if o.Rule.Verb == patch.Decline {
		s = phrase.Count(len(o.Now), `{1} declines {n} patch for "{2}" now`, `{1} declines {n} patches for "{2}" now`, o.Rule.Name, o.Rule.Label)
	}
	if n := len(o.Waiting); n > 0 {
		days := phrase.Count(o.Rule.SoakDays, "{n} day", "{n} days")
		switch {
		case o.Rule.AfterRing == "":
			s = phrase.Count(n, "{1}, and {n} when it has been out for {2}", "{1}, and {n} when they have been out for {2}", s, days)
		case o.Rule.SoakDays == 0:
			s = phrase.Count(n, "{1}, and {n} when it has passed the ring {2}", "{1}, and {n} when they have passed the ring {2}", s, o.Rule.AfterRing)
		default:
			s = phrase.Count(n, "{1}, and {n} when it passed the ring {2} {3} ago", "{1}, and {n} when they passed the ring {2} {3} ago", s, o.Rule.AfterRing, days)
		}
	}
	if o.Settled > 0 {
		s = phrase.Count(o.Settled, "{1}; {n} is decided already", "{1}; {n} are decided already", s)
	}
	return phrase.Of("{1}.", s)
}

func (x *Rules) look(ctx context.Context, c condition) (Outlook, error) {
	out := Outlook{Rule: c.rule, Now: []patch.ID{}, Waiting: []Waiting{}}
	v, err := x.Desk.World.View(ctx)
	if err != nil {
		return out, err
	}
	decided, err := x.Store.ListDecisions(ctx, patch.DecisionFilter{Label: c.rule.Label, Cleared: true})
	if err != nil {
		return out, err
	}
	settled := make(map[patch.ID]bool, len(decided))
	for _, d := range decided {
		settled[d.Patch] = true
	}
	if err := x.proposed(ctx, c.rule, settled); err != nil {
		return out, err
	}
	oses, err := x.OSes(ctx)
	if err != nil {
		return out, err
	}
	for _, os := range oses {
		shelf, err := v.Shelf(ctx, os, "")
		if err != nil {
			return out, err
		}
		if shelf != nil {
			c.over(shelf, os, v.Now, settled, &out)
		}
	}
	slices.SortFunc(out.Waiting, func(a, b Waiting) int { return cmp.Or(after(a.Due, b.Due), cmp.Compare(a.Patch, b.Patch)) })
	seen := map[patch.ID]bool{} // one patch may stand on the lists of several OSes, and is decided once
	again := func(id patch.ID) bool {
		was := seen[id]
		seen[id] = true
		return was
	}
	out.Now = slices.DeleteFunc(out.Now, again)
	out.Waiting = slices.DeleteFunc(out.Waiting, func(w Waiting) bool { return again(w.Patch) })
	return out, nil
}

// after orders moments of which the zero one is not known, and comes last.
func after(a, b time.Time) int {
	if a.IsZero() != b.IsZero() {
		return cmp.Compare(b.Unix(), a.Unix())
	}
	return a.Compare(b)
}

// proposed notes the patches that wait for a second person, and those of which one has rejected what the rule proposed: neither is proposed
// again.
func (x *Rules) proposed(ctx context.Context, r patch.Rule, settled map[patch.ID]bool) error {
	if !x.Desk.TwoPerson.On {
		return nil
	}
	all, err := x.Desk.Proposals.ListProposals(ctx, false)
	for _, p := range all {
		if p.Label == r.Label && (p.State == patch.Proposed || p.State == patch.Rejected && ruleOf(p.By) == r.Name) {
			for _, id := range p.Patches {
				settled[id] = true
			}
		}
	}
	return err
}

// over sorts the patches of one list. A patch that a newer one replaces is decided only while the newer one still waits.
func (c condition) over(shelf *world.Shelf, os patch.HostOS, now time.Time, settled map[patch.ID]bool, out *Outlook) {
	ripe := map[patch.ID]bool{}
	for _, p := range shelf.List.Patches() {
		if !c.meets(p, os, now) {
			continue
		}
		if due := c.due(p, now); due.IsZero() || due.After(now) {
			if !settled[p.ID] {
				out.Waiting = append(out.Waiting, Waiting{p.ID, due})
			}
			continue
		}
		ripe[p.ID] = true
	}
	for _, p := range shelf.List.Patches() {
		switch {
		case !ripe[p.ID]:
		case settled[p.ID]:
			out.Settled++
		case !slices.ContainsFunc(shelf.Newer(p.ID), func(id patch.ID) bool { return ripe[id] }):
			out.Now = append(out.Now, p.ID)
		}
	}
}
