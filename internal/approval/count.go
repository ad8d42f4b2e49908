package approval

import (
	"cmp"
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// maxNames is how many machine names a bucket carries.
const maxNames = 50

// Preview says what a decision would do, without making it. A label without members and a patch that nobody needs are no errors.
func (d *Desk) Preview(ctx context.Context, r Request) (Preview, error) {
	now := d.Now()
	chosen, err := d.chosen(ctx, r, now)
	if err != nil {
		return Preview{}, err
	}
	members, err := d.World.Labels.Members(ctx, r.Label)
	if err != nil {
		return Preview{}, err
	}
	v, err := d.World.View(ctx)
	if err != nil {
		return Preview{}, err
	}
	c := &counter{view: v, request: r, patches: make([]PatchPreview, len(chosen)), oses: map[patch.HostOS]*Tally{}, files: map[patch.Hash]int64{}, got: map[patch.MachineID]bool{}}
	for _, x := range chosen {
		c.assume = append(c.assume, patch.Decision{ID: "preview", Patch: x.id, Label: r.Label, Verb: r.Verb, Until: r.Until, By: "you", At: now})
	}
	for i, x := range chosen {
		row, err := d.Store.FindPatch(ctx, x.id)
		if err != nil {
			return Preview{}, err
		}
		c.patches[i] = PatchPreview{Patch: row.Patch, OS: row.OS}
	}
	seats, err := v.Carriers(ctx, r.Label)
	if err != nil {
		return Preview{}, err
	}
	for i := range c.patches {
		if err := c.patch(ctx, &c.patches[i], seats); err != nil {
			return Preview{}, err
		}
		v.Forget()
	}
	return c.preview(len(members)), nil
}

// counter adds a preview up, patch by patch. Machines that no gate can tell apart are judged once.
type counter struct {
	view    *world.View
	request Request
	assume  []patch.Decision
	patches []PatchPreview
	oses    map[patch.HostOS]*Tally
	files   map[patch.Hash]int64 // still to fetch
	got     map[patch.MachineID]bool
}

func (c *counter) patch(ctx context.Context, p *PatchPreview, seats []*fleet.Seat) error {
	among := roaring.New()
	for _, s := range seats {
		among.Add(s.Number)
	}
	ask := world.Ask{Patch: p.Patch.ID, Assume: c.assume, Reason: true}
	cohorts, err := c.view.Cohorts(ctx, ask, among)
	if err != nil {
		return err
	}
	of := make(map[uint32]int, len(seats))
	for i := range cohorts {
		for it := cohorts[i].Seats.Iterator(); it.HasNext(); {
			of[it.Next()] = i
		}
	}
	for _, seat := range seats {
		if err := c.machine(ctx, p, seat, ask, &cohorts[of[seat.Number]]); err != nil {
			return err
		}
	}
	return nil
}

// machine counts one machine of a cohort.
func (c *counter) machine(ctx context.Context, p *PatchPreview, seat *fleet.Seat, ask world.Ask, of *world.Cohort) error {
	s, err := c.view.SightAt(ctx, seat)
	if err != nil {
		return err
	}
	w, a := of.World, of.Answer
	w.Machine = s.Machine
	if p.news(w, a) { // its own words stand for the others'
		if a, err = s.Walk(ctx, ask); err != nil {
			return err
		}
	}
	os := c.oses[s.OS]
	if os == nil {
		os = &Tally{}
		c.oses[s.OS] = os
	}
	p.add(w, a)
	os.add(w, a)
	if !would(a) {
		return nil
	}
	c.got[seat.Machine.ID] = true
	return c.fetch(ctx, s, p)
}

// news reports whether a machine is the first for which a gate stays closed in this way.
func (t *Tally) news(w gate.World, a gate.Answer) bool {
	return w.Verdict == patch.NotPatched && a.Closed != nil && !slices.ContainsFunc(t.StaysClosed, func(s Stays) bool { return s.Gate == a.Closed.Name && s.Code == a.Closed.Code })
}

// would reports whether the patch becomes deployable once the appliance has the files, which it fetches by itself on approval.
func would(a gate.Answer) bool {
	return a.Deployable || a.Closed.Name == gate.Payload && a.Closed.Code == gate.CodeFetching && len(a.AlsoClosed()) == 0
}

// fetch notes the files that the appliance has yet to get for this machine.
func (c *counter) fetch(ctx context.Context, s *world.Sight, p *PatchPreview) error {
	pkgs, _, err := s.Packages(ctx, p.Patch.ID)
	if err != nil {
		return err
	}
	for _, pkg := range pkgs {
		stored, err := c.view.Stored(ctx, p.Patch.ID, pkg.SHA256)
		if err != nil {
			return err
		}
		if _, counted := c.files[pkg.SHA256]; !counted && stored.State != patch.PayloadReady {
			c.files[pkg.SHA256] = pkg.Size
			p.Bytes += pkg.Size
		}
	}
	return nil
}

func (t *Tally) add(w gate.World, a gate.Answer) {
	name := w.Machine.Name
	t.Total++
	snapshot := a.Gate(gate.Snapshot)
	switch {
	case !w.Listed:
		t.OtherOS.add(name)
	case snapshot.Code == gate.CodeStale || snapshot.Code == gate.CodeDetectFailed:
		t.Stale.add(name)
	case snapshot.Code == gate.CodeNever || w.Verdict >= patch.Unknown:
		t.Unknown.add(name)
	case w.Verdict == patch.NotPatched:
		t.Eligible.add(name)
		t.eligible(name, a)
	case w.Verdict == patch.Patched:
		t.Patched.add(name)
	case w.Verdict == patch.Faulty:
		t.Error.add(name)
	default:
		t.notApplicable(name, a.Gate(gate.Prerequisites))
	}
}

func (t *Tally) eligible(name string, a gate.Answer) {
	if would(a) {
		t.Deployable.add(name)
		return
	}
	i := slices.IndexFunc(t.StaysClosed, func(s Stays) bool { return s.Gate == a.Closed.Name && s.Code == a.Closed.Code })
	if i < 0 {
		t.StaysClosed = append(t.StaysClosed, Stays{Gate: a.Closed.Name, Code: a.Closed.Code, Text: a.Closed.Text})
		i = len(t.StaysClosed) - 1
	}
	t.StaysClosed[i].add(name)
}

func (t *Tally) notApplicable(name string, g gate.Gate) {
	i := slices.IndexFunc(t.NotApplicable, func(r Reason) bool { return r.Code == g.Code })
	if i < 0 {
		t.NotApplicable = append(t.NotApplicable, Reason{Code: g.Code, Text: g.Text})
		i = len(t.NotApplicable) - 1
	}
	t.NotApplicable[i].add(name)
}

func (b *Bucket) add(name string) {
	b.Count++
	if len(b.Names) < maxNames && !slices.Contains(b.Names, name) {
		b.Names = append(b.Names, name)
	}
}

func (t *Tally) sort() {
	slices.SortFunc(t.NotApplicable, func(a, b Reason) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	slices.SortFunc(t.StaysClosed, func(a, b Stays) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
}

func (c *counter) preview(members int) Preview {
	p := Preview{Request: c.request, Members: members, Patches: c.patches, Machines: len(c.got), OSes: []OSPreview{}}
	var sum Tally
	for i := range p.Patches {
		p.Patches[i].sort()
	}
	for os, t := range c.oses {
		t.sort()
		p.OSes = append(p.OSes, OSPreview{OS: os, Tally: *t})
		sum.merge(*t)
	}
	slices.SortFunc(p.OSes, func(a, b OSPreview) int { return cmp.Compare(a.OS, b.OS) })
	for _, n := range c.files {
		p.Bytes += n
	}
	p.Sentence = sentence(p, sum)
	return p
}

func (t *Tally) merge(o Tally) {
	t.Eligible.Count += o.Eligible.Count
	t.Patched.Count += o.Patched.Count
	t.Error.Count += o.Error.Count
	t.Unknown.Count += o.Unknown.Count
	t.OtherOS.Count += o.OtherOS.Count
	t.Stale.Count += o.Stale.Count
	t.Deployable.Count += o.Deployable.Count
	for _, r := range o.NotApplicable {
		i := slices.IndexFunc(t.NotApplicable, func(x Reason) bool { return x.Code == r.Code })
		if i < 0 {
			t.NotApplicable = append(t.NotApplicable, Reason{Code: r.Code, Text: r.Text})
			i = len(t.NotApplicable) - 1
		}
		t.NotApplicable[i].Count += r.Count
	}
	t.StaysClosed = append(t.StaysClosed, o.StaysClosed...)
}
