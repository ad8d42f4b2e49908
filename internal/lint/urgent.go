package lint

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/schedule"
	"github.com/fettle-project/fettle/internal/world"
)

// exploited looks for patches that mend a CVE which is known to be exploited, that a machine needs, and that it will not get as things are
// decided.
func (x *look) exploited(ctx context.Context) error {
	if x.KEV == nil {
		return nil
	}
	kev, err := x.KEV(ctx)
	if err != nil || len(kev) == 0 {
		return err
	}
	waiting, exposed := map[patch.ID]bool{}, roaring.New()
	err = x.needs(ctx, func(n need) error {
		if len(kev.Among(n.patch.CVEs)) == 0 {
			return nil
		}
		for _, set := range [][]*roaring.Bitmap{n.undecided, n.refused} {
			for _, seats := range set {
				waiting[n.patch.ID] = true
				exposed.Or(seats)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	machines := int(exposed.GetCardinality())
	if len(waiting) == 0 {
		return nil
	}
	x.find(Problem, Exploited, "all", phrase.Of("{1}, {2} and not approved there: {3}", phrase.Count(len(waiting), "{n} patch mends a CVE that is known to be exploited", "{n} patches mend a CVE that is known to be exploited"),
		phrase.Count(machines, "needed on {n} machine", "needed on {n} machines"), few(sorted(waiting))), phrase.Of("fettle approve {1} --label all --preview, or a rule: fettle rules put exploited --label all --expr patch.exploited", string(sorted(waiting)[0])))
	return nil
}

// proposals looks for decisions that wait for a second person, and for labels that the second person was to guard and that are not there.
func (x *look) proposals(ctx context.Context) error {
	open, err := x.Store.ListProposals(ctx, true)
	if err != nil {
		return err
	}
	if n := len(open); n > 0 {
		x.find(Notice, SecondPerson, "all", phrase.Count(n, "{n} decision waits for a second person, the oldest since {1}", "{n} decisions wait for a second person, the oldest since {1}",
			phrase.At(x.view.Now.In(x.zone()), open[n-1].At)), command("fettle proposals"))
	}
	for _, label := range x.Controlled {
		if _, err := x.carry(ctx, label); err != nil {
			return err
		}
		if x.gone[label] {
			x.find(Problem, LabelGone, label, phrase.Of(`decisions for "{1}" are to need a second person, and there is no such label: one person decides alone`, label), "Make the label, or correct [two_person] in the appliance's configuration.")
		}
	}
	return nil
}

// zones looks for schedules in machines' own time zones with machines whose zone is not known.
func (x *look) zones(ctx context.Context, p patch.Schedule, rule schedule.Rule) error {
	if !rule.OfMachine() {
		return nil
	}
	ids, err := x.carry(ctx, p.Label)
	if err != nil {
		return err
	}
	look, err := x.view.Look(ctx)
	if err != nil {
		return err
	}
	var without []string
	for _, id := range ids {
		seat := look.Find(id)
		if seat == nil {
			continue
		}
		if _, known := world.ZoneOf(rule, seat.Machine, x.zone()); !known {
			without = append(without, seat.Machine.Name)
		}
	}
	if len(without) > 0 {
		x.find(Notice, ZoneUnknown, p.Name, phrase.Count(len(without), "the windows of the schedule {1} are in each machine's own time zone, which is not known of {n} machine: {2}; the organisation's is taken",
			"the windows of the schedule {1} are in each machine's own time zone, which is not known of {n} machines: {2}; the organisation's is taken", p.Name, few(without)),
			"Set the machine's time zone, and update its agent.")
	}
	return nil
}
