package plan

import (
	"cmp"
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// draft is one machine's part of a plan while it is made.
type draft struct {
	sight *world.Sight
	items []ranked
	left  []patch.LeftOut
}

type ranked struct {
	patch.PlanItem
	category patch.Category
}

// drafts is a plan for many machines while it is made, patch by patch: machines that no gate can tell apart are judged once.
type drafts struct {
	view *world.View
	of   Request
	by   map[uint32]*draft // by number of the seat
}

// onMachines makes the machines' parts, in no order; those without anything to say are left out.
func onMachines(ctx context.Context, v *world.View, machines *roaring.Bitmap, patches []patch.ID, r Request) ([]patch.MachinePlan, error) {
	d := &drafts{view: v, of: r, by: map[uint32]*draft{}}
	for _, id := range patches {
		if err := d.patch(ctx, id, machines); err != nil {
			return nil, err
		}
		v.Forget()
	}
	out := make([]patch.MachinePlan, 0, len(d.by))
	for _, one := range d.by {
		out = append(out, d.finish(one))
	}
	return out, nil
}

// patch plans one patch on every machine that somebody approved it for, or on all where the plan was asked for it.
func (d *drafts) patch(ctx context.Context, id patch.ID, among *roaring.Bitmap) error {
	ask := world.Ask{Patch: id, Start: d.of.start(d.view.Now), Window: d.of.Window, Reason: true}
	if len(d.of.Patches) == 0 {
		cells, err := d.view.Policies(ctx, ask, among)
		if err != nil {
			return err
		}
		among = roaring.New()
		for _, c := range cells {
			if c.Approved {
				among.Or(c.Seats)
			}
		}
	}
	if among.IsEmpty() {
		return nil
	}
	cohorts, err := d.view.Cohorts(ctx, ask, among)
	if err != nil {
		return err
	}
	for _, c := range cohorts {
		if err := d.cohort(ctx, ask, c); err != nil {
			return err
		}
	}
	return nil
}

func (d *drafts) cohort(ctx context.Context, ask world.Ask, c world.Cohort) error {
	look, err := d.view.Look(ctx)
	if err != nil {
		return err
	}
	waits := c.Answer.Queues()
	for it := c.Seats.Iterator(); it.HasNext(); {
		n := it.Next()
		one := d.by[n]
		if one == nil {
			s, err := d.view.SightAt(ctx, look.At(n))
			if err != nil {
				return err
			}
			one = &draft{sight: s}
			d.by[n] = one
		}
		var text phrase.Phrase
		if c.Answer.Closed != nil {
			g, err := one.sight.Closing(ctx, ask, c)
			if err != nil {
				return err
			}
			text = g.Text
		}
		if !c.Answer.Deployable && !waits {
			one.left = append(one.left, patch.LeftOut{Patch: ask.Patch, Gate: string(c.Answer.Closed.Name) + "/" + c.Answer.Closed.Code, Text: text, Outcome: outcomeOf(*c.Answer.Closed)})
			continue
		}
		item, err := install(ctx, one.sight, c.World)
		if err != nil {
			return err
		}
		if waits {
			item.Outcome, item.Text = patch.WillWait, text
		}
		one.items = append(one.items, ranked{item, c.World.Patch.Category})
	}
	return nil
}

// finish puts what was found for a machine in order and foretells what comes of it.
func (d *drafts) finish(one *draft) patch.MachinePlan {
	s := one.sight
	m := patch.MachinePlan{Machine: s.Machine.ID, Name: s.Machine.Name, OS: s.OS, Items: make([]patch.PlanItem, 0, len(one.items)), Left: one.left}
	if s.Receipt != nil {
		m.Snapshot, m.Revision = s.Receipt.Seq, s.Receipt.Revision
	}
	slices.SortStableFunc(one.items, func(a, b ranked) int { return cmp.Compare(a.category, b.category) })
	for _, i := range one.items {
		m.Items = append(m.Items, i.PlanItem)
	}
	foretell(&m, d.of, d.view.Now)
	return m
}
