package lint

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/schedule"
)

// labels looks for decisions, rules and schedules whose label reaches no machine.
func (x *look) labels(ctx context.Context) error {
	users := map[string][]string{}
	decided := map[string]int{}
	for _, d := range x.decisions {
		decided[d.Label]++
	}
	for label, n := range decided {
		users[label] = append(users[label], gate.Count(n, "decision", "decisions"))
	}
	for _, r := range x.ruleList {
		users[r.Label] = append(users[r.Label], "the rule "+r.Name)
		if err := x.patchLabel(ctx, r); err != nil {
			return err
		}
	}
	for _, s := range x.plans {
		users[s.Label] = append(users[s.Label], "the schedule "+s.Name)
	}
	for _, b := range x.blackouts {
		if b.Until.After(x.view.Now) {
			users[b.Label] = append(users[b.Label], "the blackout "+b.Name)
		}
	}
	for _, label := range slices.Sorted(maps.Keys(users)) {
		ids, err := x.carry(ctx, label)
		if err != nil {
			return err
		}
		by := strings.Join(users[label], ", ")
		switch {
		case x.gone[label]:
			x.find(Problem, LabelGone, label, fmt.Sprintf("the label %q does not exist any more, and %s still count on it", label, by),
				"Make the label again, or remove what names it.")
		case len(ids) == 0 && len(x.all) > 0:
			x.find(Notice, LabelEmpty, label, fmt.Sprintf("no machine carries %q, so %s reach nobody", label, by), "fettle labels show "+label)
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
		x.find(Problem, LabelGone, r.Patches, fmt.Sprintf("the label %q does not exist any more, and the rule %s keeps to its patches: it decides about none", r.Patches, r.Name), "Make the label again, or change the rule.")
	case err != nil:
		return err
	case len(ids) == 0:
		x.find(Notice, LabelEmpty, r.Patches, fmt.Sprintf("no patch carries %q, so the rule %s decides about none", r.Patches, r.Name), "fettle labels show "+r.Patches)
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
		n := gate.Count(machines[os], "machine runs", "machines run")
		fed := slices.ContainsFunc(x.feeds, func(f patch.FeedStatus) bool { return f.OS == os })
		if _, published := x.World.Catalog.Meta(os); published {
			continue
		}
		if !fed {
			x.find(Problem, NoFeed, string(os), fmt.Sprintf("%s %s, and no feed covers it: nothing is known about their patches", n, os), "fettle feeds add --help")
			continue
		}
		x.find(Problem, NoCatalog, string(os), fmt.Sprintf("%s %s, and its feeds have not had a good run yet", n, os), "fettle catalog sync")
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
		x.find(Notice, MatchesNothing, label, fmt.Sprintf("%s approved for %q, and no machine that carries it has them on its list: %s",
			gate.Count(len(ids), "patch is", "patches are"), label, few(ids)), "They left the list or are for another OS. fettle clear PATCH --label "+label+" takes an approval back.")
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
		x.find(Notice, NotScheduled, "all", fmt.Sprintf("approved patches are ready on %s that no schedule covers: they wait until somebody deploys", gate.Count(idle, "machine", "machines")),
			`fettle deploy plan --label all, or: fettle schedules put nightly --label all --window "every day 22:00-04:00"`)
	}
	if n := len(waiting); n > 0 {
		x.find(Notice, Waiting, "all", fmt.Sprintf("%s needed somewhere, and nobody has decided about %s; %s security", gate.Count(n, "patch is", "patches are"),
			map[bool]string{true: "it", false: "them"}[n == 1], gate.Count(security, "is", "are")), "fettle approve PATCH --label all --preview, or a rule: fettle rules put --help")
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
				x.find(Problem, RulesClash, yes.Name, fmt.Sprintf("the rule %s approves and the rule %s declines %s for the same machines; declined beats approved: %s",
					yes.Name, no.Name, gate.Count(len(both), "patch", "patches"), few(both)), "Narrow one of them: fettle rules")
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
					x.find(Problem, TooShort, p.Name, fmt.Sprintf("the windows of the schedule %s last %s, and nothing is begun in a window's last %s: it never deploys", p.Name, gate.Span(n), gate.Span(schedule.Shortest)), "fettle schedules put "+p.Name+" --help")
				}
				continue
			}
		}
		x.find(Problem, NeverAgain, p.Name, fmt.Sprintf("the window of the schedule %s never opens again: %s", p.Name, p.Window), "fettle schedules put "+p.Name+" --help")
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
			x.find(Notice, HoldEnding, string(d.Patch), fmt.Sprintf("the hold on %s for %q ends %s; then it is undecided unless another label approves it", d.Patch, d.Label, d.Until.UTC().Format("2006-01-02 15:04 UTC")),
				"Decide, or hold it again.")
		case left <= 0:
			x.find(Notice, HoldEnded, string(d.Patch), fmt.Sprintf("the hold on %s for %q ended %s, and nothing is decided since", d.Patch, d.Label, d.Until.UTC().Format("2006-01-02")),
				"fettle approve, decline or hold it; fettle clear ends the matter.")
		}
	}
	return nil
}

func (x *look) machines(ctx context.Context) error {
	var never []string
	for _, m := range x.all {
		s, err := x.sight(ctx, m.ID)
		if err != nil {
			return err
		}
		if s.Receipt == nil {
			never = append(never, m.Name)
		}
	}
	if len(never) > 0 {
		x.find(Problem, NeverDetected, "all", fmt.Sprintf("%s never completed a detect: %s", gate.Count(len(never), "admitted machine has", "admitted machines have"), few(never)),
			"fettle explain MACHINE says why.")
	}
	if n := len(x.pending); n > 0 {
		names := make([]string, 0, n)
		for _, m := range x.pending {
			names = append(names, m.Name)
		}
		x.find(Notice, WaitsAdmission, "all", fmt.Sprintf("%s to be admitted: %s", gate.Count(n, "machine waits", "machines wait"), few(names)), "fettle machines admit MACHINE")
	}
	return nil
}

// few names the first of some things.
func few[T ~string](all []T) string {
	const shown = 4
	names := make([]string, 0, shown)
	for _, v := range all[:min(shown, len(all))] {
		names = append(names, string(v))
	}
	text := strings.Join(names, ", ")
	if n := len(all) - shown; n > 0 {
		text += fmt.Sprintf(" and %s more", gate.Number(n))
	}
	return text
}

func sorted(ids map[patch.ID]bool) []patch.ID { return slices.Sorted(maps.Keys(ids)) }
