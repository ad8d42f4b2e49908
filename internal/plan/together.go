package plan

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// draft is one machine's part of a plan while it is made.
type draft struct {
	seat  *fleet.Seat
	items []ranked
	left  []uint32   // see lefts
	needy []patch.ID // items that need what is not on the machine
}

type ranked struct {
	patch.PlanItem
	category patch.Category
}

// drafts is a plan for many machines while it is made, patch by patch: machines that no gate can tell apart are judged once.
type drafts struct {
	view *world.View
	of   Request
	by   []*draft    // by number of the seat; nil where there is nothing to say
	at   world.Sight // turned from machine to machine
	left lefts
}

// lefts are what is left out on any machine, each once: of a large fleet most is said of thousands, and whoever reads a plan would go through
// hundreds of thousands of the same words.
type lefts struct {
	all    []patch.LeftOut
	number map[patch.LeftOut]uint32
	lists  map[string][]patch.LeftOut // by their numbers
	key    []byte
}

func (l *lefts) add(one patch.LeftOut) uint32 {
	n, known := l.number[one]
	if !known {
		n = uint32(len(l.all))
		l.all, l.number[one] = append(l.all, one), n
	}
	return n
}

// of gives what some numbers stand for: equal ones the same list, which has no room to be added to.
func (l *lefts) of(numbers []uint32) []patch.LeftOut {
	if len(numbers) == 0 {
		return nil
	}
	l.key = l.key[:0]
	for _, n := range numbers {
		l.key = binary.NativeEndian.AppendUint32(l.key, n)
	}
	list, known := l.lists[string(l.key)]
	if !known {
		list = make([]patch.LeftOut, len(numbers))
		for i, n := range numbers {
			list[i] = l.all[n]
		}
		l.lists[string(l.key)] = list
	}
	return list
}

// onMachines makes the machines' parts, in no order; those without anything to say are left out.
func onMachines(ctx context.Context, v *world.View, machines *roaring.Bitmap, patches []patch.ID, r Request) ([]patch.MachinePlan, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	d := &drafts{view: v, of: r, by: make([]*draft, look.Len()), left: lefts{number: map[patch.LeftOut]uint32{}, lists: map[string][]patch.LeftOut{}}}
	for _, id := range patches {
		if err := d.patch(ctx, id, machines); err != nil {
			return nil, err
		}
		v.Forget()
	}
	out := []patch.MachinePlan{}
	for i, one := range d.by {
		if one != nil {
			m, err := d.finish(ctx, one)
			if err != nil {
				return nil, err
			}
			out = append(out, m)
			d.by[i] = nil
		}
	}
	return out, nil
}

// patch plans one patch on every machine that somebody approved it for, or on all where the plan was asked for it.
func (d *drafts) patch(ctx context.Context, id patch.ID, among *roaring.Bitmap) error {
	ask := world.Ask{Patch: id, Start: d.of.start(d.view.Now), Window: d.of.Window, Manner: d.of.Manner, Reason: true}
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
	out := !c.Answer.Deployable && !waits
	var said phrase.Phrase // of every machine, where they are alike
	var same uint32
	if c.Alike() {
		said = c.Answer.Closed.Text
		if out {
			same = d.left.add(leftOut(ask.Patch, c, said))
		}
	}
	for it := c.Seats.Iterator(); it.HasNext(); {
		one := d.draft(look.At(it.Next()))
		if out && said != "" {
			one.left = append(one.left, same)
			continue
		}
		s := &d.at
		if err := d.view.Turn(ctx, s, one.seat); err != nil {
			return err
		}
		text := said
		if c.Answer.Closed != nil && said == "" {
			g, err := s.Closing(ctx, ask, c)
			if err != nil {
				return err
			}
			text = g.Text
		}
		if out {
			one.left = append(one.left, d.left.add(leftOut(ask.Patch, c, text)))
			continue
		}
		if needy, err := s.Lacks(ctx, ask.Patch); err != nil {
			return err
		} else if needy {
			one.needy = append(one.needy, ask.Patch)
		}
		item, err := install(ctx, s, c.World)
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

func (d *drafts) draft(seat *fleet.Seat) *draft {
	one := d.by[seat.Number]
	if one == nil {
		one = &draft{seat: seat}
		d.by[seat.Number] = one
	}
	return one
}

// finish puts what was found for a machine in order and foretells what comes of it.
func (d *drafts) finish(ctx context.Context, one *draft) (patch.MachinePlan, error) {
	s := one.seat
	m := patch.MachinePlan{Machine: s.Machine.ID, Name: s.Machine.Name, OS: s.OS(), Items: make([]patch.PlanItem, 0, len(one.items)), Left: d.left.of(one.left)}
	if s.Receipt != nil {
		m.Snapshot, m.Revision = s.Receipt.Seq, s.Receipt.Revision
	}
	slices.SortStableFunc(one.items, func(a, b ranked) int { return cmp.Compare(a.category, b.category) })
	for _, i := range one.items {
		m.Items = append(m.Items, i.PlanItem)
	}
	if len(one.needy) > 0 {
		sight, err := d.view.SightAt(ctx, s)
		if err == nil {
			err = outside(ctx, d.view, sight, d.of, one.needy, &m)
		}
		if err != nil {
			return m, err
		}
	}
	foretell(&m, d.of, d.view.Now)
	return m, nil
}
