package lint

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/schedule"
)

// labels looks for decisions, rules and schedules whose label reaches no machine.
func (x *look) labels(ctx context.Context) error {
	users := map[string][]phrase.Phrase{}
	decided := map[string]int{}
	for _, d := range x.decisions {
		decided[d.Label]++
	}
	for label, n := range decided {
		users[label] = append(users[label], phrase.Count(n, "{n} decision", "{n} decisions"))
	}
	for _, r := range x.ruleList {
		users[r.Label] = append(users[r.Label], phrase.Of("the rule {1}", r.Name))
		if err := x.patchLabel(ctx, r); err != nil {
			return err
		}
		if r.AfterRing != "" && !slices.ContainsFunc(x.view.Rings(), func(g patch.Ring) bool { return g.Name == r.AfterRing }) {
			x.find(Problem, RingGone, r.AfterRing, phrase.Of(`the ring "{1}" does not exist any more, and the rule {2} waits until patches have passed it: it decides about none`, r.AfterRing, r.Name),
				"Make the ring again, or change the rule.")
		}
	}
	for _, s := range x.plans {
		users[s.Label] = append(users[s.Label], phrase.Of("the schedule {1}", s.Name))
	}
	for _, b := range x.blackouts {
		if b.Until.After(x.view.Now) {
			users[b.Label] = append(users[b.Label], phrase.Of("the blackout {1}", b.Name))
		}
	}
	for _, label := range slices.Sorted(maps.Keys(users)) {
		ids, err := x.carry(ctx, label)
		if err != nil {
			return err
		}
		by := phrase.Join(users[label], ", ")
		switch {
		case x.gone[label]:
			x.find(Problem, LabelGone, label, phrase.Of(`the label "{1}" does not exist any more, and {2} still count on it`, label, by),
				"Make the label again, or remove what names it.")
		case len(ids) == 0 && len(x.all) > 0:
			x.find(Notice, LabelEmpty, label, phrase.Of(`no machine carries "{1}", so {2} reach nobody`, label, by), command("fettle labels show "+label))
		}
	}
	return nil
}

// patchLabel looks at the label of patches that a rule keeps to.
func (x *look) patchLabel(ctx context.Context, r patch.Rule) error {
	if r.Patches == "" {
		return nil
	}
	ids, err := x.PatchLabels.Patches(ctx, r.Patches)
	switch {
	case err != nil && patch.KindOf(err) == patch.NotFound:
		x.find(Problem, LabelGone, r.Patches, phrase.Of(`the label "{1}" does not exist any more, and the rule {2} keeps to its patches: it decides about none`, r.Patches, r.Name), "Make the label again, or change the rule.")
	case err != nil:
		return err
	case len(ids) == 0:
		x.find(Notice, LabelEmpty, r.Patches, phrase.Of(`no patch carries "{1}", so the rule {2} decides about none`, r.Patches, r.Name), command("fettle labels show "+r.Patches))
	}
	return nil
}

// oses looks for host OSes of which nothing can be known.
func (x *look) oses(context.Context) error {
	machines := map[patch.HostOS]int{}
	for _, m := range x.all {
		if m.OS != "" {
			machines[m.OS]++
		}
	}
	for _, os := range slices.Sorted(maps.Keys(machines)) {
		n := machines[os]
		fed := slices.ContainsFunc(x.feeds, func(f patch.FeedStatus) bool { return f.OS == os })
		if _, published := x.World.Catalog.Meta(os); published {
			continue
		}
		if !fed {
			x.find(Problem, NoFeed, string(os), phrase.Count(n, "{n} machine runs {1}, and no feed covers it: nothing is known about their patches",
				"{n} machines run {1}, and no feed covers it: nothing is known about their patches", string(os)), command("fettle feeds add --help"))
			continue
		}
		x.find(Problem, NoCatalog, string(os), phrase.Count(n, "{n} machine runs {1}, and its feeds have not had a good run yet", "{n} machines run {1}, and its feeds have not had a good run yet", string(os)),
			command("fettle catalog sync"))
	}
	return nil
}

// approvals looks for approvals that can match nothing, and for those that are ready and that nothing deploys.
func (x *look) approvals(ctx context.Context) error {
	nowhere := map[string][]patch.ID{}
	for _, d := range x.decisions {
		if d.Verb != patch.Approve {
			continue
		}
		ids, err := x.carry(ctx, d.Label)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			continue // said about the label
		}
		listed, err := x.listed(ctx, ids, d.Patch)
		if err != nil {
			return err
		}
		if !listed {
			nowhere[d.Label] = append(nowhere[d.Label], d.Patch)
		}
	}
	for _, label := range slices.Sorted(maps.Keys(nowhere)) {
		ids := nowhere[label]
		x.find(Notice, MatchesNothing, label, phrase.Count(len(ids), `{n} patch is approved for "{1}", and no machine that carries it has them on its list: {2}`,
			`{n} patches are approved for "{1}", and no machine that carries it has them on its list: {2}`, label, few(ids)),
			phrase.Of("They left the list or are for another OS. fettle clear {1} --label {2} takes an approval back.", string(ids[0]), label))
	}
	return x.unscheduled(ctx)
}

// unscheduled counts what is ready on machines that no schedule covers, and what nobody has decided.
func (x *look) unscheduled(ctx context.Context) error {
	covered := map[patch.MachineID]bool{}
	for _, p := range x.plans {
		ids, err := x.carry(ctx, p.Label)
		if err != nil {
			return err
		}
		for _, id := range ids {
			covered[id] = covered[id] || !p.Paused && !p.Detect
		}
	}
	waiting, security := map[patch.ID]bool{}, 0
	ready := roaring.New()
	err := x.needs(ctx, func(n need) error {
		for _, c := range n.undecided {
			waiting[n.patch.ID] = waiting[n.patch.ID] || !c.IsEmpty() && n.patch.Category == patch.Security
		}
		return x.deployable(ctx, n, ready)
	})
	if err != nil {
		return err
	}
	idle := 0
	for it := ready.Iterator(); it.HasNext(); {
		if !covered[x.seats.At(it.Next()).Machine.ID] {
			idle++
		}
	}
	for id := range waiting {
		if waiting[id] {
			security++
		}
	}
	if idle > 0 {
		x.find(Notice, NotScheduled, "all", phrase.Count(idle, "approved patches are ready on {n} machine that no schedule covers: they wait until somebody deploys",
			"approved patches are ready on {n} machines that no schedule covers: they wait until somebody deploys"),
			`fettle deploy plan --label all, or: fettle schedules put nightly --label all --window "every day 22:00-04:00"`)
	}
	if n := len(waiting); n > 0 {
		x.find(Notice, Waiting, "all", phrase.Of("{1}; {2}", phrase.Count(n, "{n} patch is needed somewhere, and nobody has decided about it",
			"{n} patches are needed somewhere, and nobody has decided about them"), phrase.Count(security, "{n} is security", "{n} are security")), phrase.Of("fettle approve {1} --label all --preview, or a rule: fettle rules put --help", string(first(waiting))))
	}
	return nil
}

// rules looks for pairs that contradict each other.
func (x *look) rules(ctx context.Context) error {
	for _, yes := range x.ruleList {
		for _, no := range x.ruleList {
			if yes.Verb != patch.Approve || no.Verb != patch.Decline || yes.Paused || no.Paused {
				continue
			}
			share, err := x.share(ctx, yes.Label, no.Label)
			if err != nil {
				return err
			}
			if !share {
				continue
			}
			both, err := x.Clash(ctx, yes, no)
			if patch.KindOf(err) == patch.NotFound && err != nil {
				continue // a label of patches is gone, which is said about the label
			}
			if err != nil {
				return err
			}
			if len(both) > 0 {
				x.find(Problem, RulesClash, yes.Name, phrase.Count(len(both), "the rule {1} approves and the rule {2} declines {n} patch for the same machines; declined beats approved: {3}",
					"the rule {1} approves and the rule {2} declines {n} patches for the same machines; declined beats approved: {3}", yes.Name, no.Name, few(both)), "Narrow one of them: fettle rules")
			}
		}
	}
	return nil
}

// share reports whether some machine carries both labels.
func (x *look) share(ctx context.Context, a, b string) (bool, error) {
	one, err := x.carry(ctx, a)
	if err != nil {
		return false, err
	}
	other, err := x.carry(ctx, b)
	return slices.ContainsFunc(one, func(id patch.MachineID) bool { _, in := slices.BinarySearch(other, id); return in }), err
}

// zone is the organisation's.
func (x *look) zone() *time.Location {
	if x.Zone == nil {
		return time.UTC
	}
	return x.Zone
}

func (x *look) schedules(ctx context.Context) error {
	zone := x.zone()
	for _, p := range x.plans {
		rule, err := schedule.Parse(p.Window)
		if err == nil {
			if err := x.zones(ctx, p, rule); err != nil {
				return err
			}
			if o, ok := rule.At(x.view.Now, zone); ok {
				if n := o.End.Sub(o.Start); n < schedule.Shortest && !p.Detect {
					x.find(Problem, TooShort, p.Name, phrase.Of("the windows of the schedule {1} last {2}, and nothing is begun in a window's last {3}: it never deploys", p.Name, n, schedule.Shortest),
						command("fettle schedules put "+p.Name+" --help"))
				}
				continue
			}
		}
		x.find(Problem, NeverAgain, p.Name, phrase.Of("the window of the schedule {1} never opens again: {2}", p.Name, p.Window), command("fettle schedules put "+p.Name+" --help"))
	}
	return nil
}

const soon = 7 * 24 * time.Hour

// holds looks for those that end soon and those that have ended with nothing decided behind them.
func (x *look) holds(context.Context) error {
	for _, d := range x.decisions {
		switch left := d.Until.Sub(x.view.Now); {
		case d.Verb != patch.Hold:
		case left > 0 && left <= soon:
			x.find(Notice, HoldEnding, string(d.Patch), heldBecause(d, phrase.Of(`the hold on {1} for "{2}" ends {3}; then it is undecided unless another label approves it`, string(d.Patch), d.Label, phrase.At(x.view.Now.In(x.zone()), d.Until))),
				askOwner(d, "Decide, or hold it again."))
		case left <= 0:
			x.find(Notice, HoldEnded, string(d.Patch), heldBecause(d, phrase.Of(`the hold on {1} for "{2}" ended {3}, and nothing is decided since`, string(d.Patch), d.Label, phrase.At(x.view.Now.In(x.zone()), d.Until))),
				askOwner(d, "Approve, decline or hold it again; clearing it ends the matter."))
		}
	}
	return nil
}

// heldBecause adds the reason of a hold, which old ones may not have.
func heldBecause(d patch.Decision, said phrase.Phrase) phrase.Phrase {
	if d.Why == "" {
		return phrase.Of("{1}; no reason was given", said)
	}
	return phrase.Of("{1}; the reason was: {2}", said, d.Why)
}

// askOwner names whose hold it is, so that whoever reads it need not search.
func askOwner(d patch.Decision, do phrase.Phrase) phrase.Phrase {
	owner := d.Owner
	if owner == "" {
		owner = d.By
	}
	return phrase.Of("Ask {1}. {2}", owner, do)
}

func (x *look) machines(ctx context.Context) error {
	look, err := x.view.Look(ctx)
	if err != nil {
		return err
	}
	var never []string
	for _, m := range x.all {
		if seat := look.Find(m.ID); seat != nil && seat.Receipt == nil {
			never = append(never, m.Name)
		}
	}
	if len(never) > 0 {
		x.find(Problem, NeverDetected, "all", phrase.Count(len(never), "{n} admitted machine has never completed a detect: {1}", "{n} admitted machines have never completed a detect: {1}", few(never)),
			phrase.Of("fettle explain {1} says why.", never[0]))
	}
	if n := len(x.pending); n > 0 {
		names := make([]string, 0, n)
		for _, m := range x.pending {
			names = append(names, m.Name)
		}
		x.find(Notice, WaitsAdmission, "all", phrase.Count(n, "{n} machine waits to be admitted: {1}", "{n} machines wait to be admitted: {1}", few(names)), command("fettle machines admit "+strings.Join(names[:min(shown, n)], " ")))
	}
	return nil
}

const shown = 4 // of what few names

// few names the first of some things.
func few[T ~string](all []T) phrase.Phrase {
	names := make([]string, 0, shown)
	for _, v := range all[:min(shown, len(all))] {
		names = append(names, string(v))
	}
	text := strings.Join(names, ", ")
	if n := len(all) - shown; n > 0 {
		return phrase.Of("{1} and {2} more", text, n)
	}
	return phrase.Verbatim(text)
}

// command is what a person can type, in every language the same.
func command(line string) phrase.Phrase { return phrase.Verbatim(line) }

// first is the first of some patches, those that count before the others.
func first(ids map[patch.ID]bool) patch.ID {
	all := sorted(ids)
	return all[max(slices.IndexFunc(all, func(id patch.ID) bool { return ids[id] }), 0)]
}

func sorted(ids map[patch.ID]bool) []patch.ID { return slices.Sorted(maps.Keys(ids)) }
