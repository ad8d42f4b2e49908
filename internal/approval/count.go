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
	c, err := d.counter(ctx, r)
	if err != nil {
		return Preview{}, err
	}
	members, err := d.World.Labels.Members(ctx, r.Label)
	if err != nil {
		return Preview{}, err
	}
	seats, err := c.view.Carriers(ctx, r.Label)
	if err != nil {
		return Preview{}, err
	}
	for i := range c.patches {
		if err := c.patch(ctx, &c.patches[i], seats); err != nil {
			return Preview{}, err
		}
		c.view.Forget()
	}
	return c.preview(len(members)), nil
}

// counter begins to count what a request would do.
func (d *Desk) counter(ctx context.Context, r Request) (*counter, error) {
	now := d.Now()
	chosen, err := d.chosen(ctx, r, now)
	if err != nil {
		return nil, err
	}
	v, err := d.World.View(ctx)
	if err != nil {
		return nil, err
	}
	c := &counter{view: v, request: r, patches: make([]PatchPreview, len(chosen)), oses: map[patch.HostOS]*Tally{}, files: map[patch.Hash]int64{}, got: roaring.New()}
	for _, x := range chosen {
		c.assume = append(c.assume, patch.Decision{ID: "preview", Patch: x.id, Label: r.Label, Verb: r.Verb, Until: r.Until, By: "you", At: now})
	}
	for i, x := range chosen {
		row, err := d.Store.FindPatch(ctx, x.id)
		if err != nil {
			return nil, err
		}
		c.patches[i] = PatchPreview{Patch: row.Patch, OS: row.OS}
	}
	return c, nil
}

// counter adds a preview up, patch by patch. Machines that no gate can tell apart are judged once.
type counter struct {
	view    *world.View
	request Request
	assume  []patch.Decision
	patches []PatchPreview
	oses    map[patch.HostOS]*Tally
	files   map[patch.Hash]int64 // still to fetch
	got     *roaring.Bitmap
}

// patch counts the machines of each cohort together. Those that it names are looked at one by one, in the order of their IDs.
func (c *counter) patch(ctx context.Context, p *PatchPreview, seats []*fleet.Seat) error {
	ask := world.Ask{Patch: p.Patch.ID, Assume: c.assume, Reason: true}
	cohorts, err := c.cohorts(ctx, ask)
	if err != nil {
		return err
	}
	look, err := c.view.Look(ctx)
	if err != nil {
		return err
	}
	of := make([]int, look.Len()) // cohorts, by seat
	left := make([]int, len(cohorts))
	for i := range cohorts {
		left[i] = int(cohorts[i].Seats.GetCardinality())
		for it := cohorts[i].Seats.Iterator(); it.HasNext(); {
			of[it.Next()] = i
		}
	}
	named := make([]map[string]bool, len(cohorts))
	for _, seat := range seats {
		i := of[seat.Number]
		if len(named[i]) >= maxNames || named[i][seat.Machine.Name] {
			continue
		}
		if named[i] == nil {
			named[i] = map[string]bool{}
		}
		named[i][seat.Machine.Name] = true
		left[i]--
		if err := c.machine(ctx, p, seat, ask, &cohorts[i]); err != nil {
			return err
		}
	}
	for i := range cohorts {
		if err := c.rest(ctx, p, &cohorts[i], left[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *counter) cohorts(ctx context.Context, ask world.Ask) ([]world.Cohort, error) {
	among, err := c.view.Carrying(ctx, c.request.Label)
	if err != nil {
		return nil, err
	}
	return c.view.Cohorts(ctx, ask, among)
}

// machine counts one machine of a cohort, by name.
func (c *counter) machine(ctx context.Context, p *PatchPreview, seat *fleet.Seat, ask world.Ask, of *world.Cohort) error {
	w, a := of.World, of.Answer
	w.Machine = seat.Machine
	if p.news(w, a) { // its own words stand for the others'
		s, err := c.view.SightAt(ctx, seat)
		if err != nil {
			return err
		}
		if a, err = s.Walk(ctx, ask); err != nil {
			return err
		}
	}
	p.add(w, a, 1)
	c.os(w.OS).add(w, a, 1)
	return nil
}

// rest counts those of a cohort that are not named, and what all of it needs.
func (c *counter) rest(ctx context.Context, p *PatchPreview, of *world.Cohort, n int) error {
	w := of.World
	w.Machine.Name = ""
	if n > 0 {
		p.add(w, of.Answer, n)
		c.os(w.OS).add(w, of.Answer, n)
	}
	if !would(of.Answer) {
		return nil
	}
	c.got.Or(of.Seats)
	return c.view.Needs(ctx, p.Patch.ID, of.Seats, func(pkgs []patch.PlanPackage) error { return c.fetch(ctx, p, pkgs) })
}

func (c *counter) os(name patch.HostOS) *Tally {
	if c.oses[name] == nil {
		c.oses[name] = &Tally{}
	}
	return c.oses[name]
}

// news reports whether a machine is the first for which a gate stays closed in this way.
func (t *Tally) news(w gate.World, a gate.Answer) bool {
	return w.Verdict == patch.NotPatched && a.Closed != nil && !slices.ContainsFunc(t.StaysClosed, func(s Stays) bool { return s.Gate == a.Closed.Name && s.Code == a.Closed.Code })
}

// would reports whether the patch becomes deployable once the appliance has the files, which it fetches by itself on approval.
func would(a gate.Answer) bool {
	return a.Deployable || a.Closed.Name == gate.Payload && a.Closed.Code == gate.CodeFetching && len(a.AlsoClosed()) == 0
}

// fetch notes the files that the appliance has yet to get.
func (c *counter) fetch(ctx context.Context, p *PatchPreview, pkgs []patch.PlanPackage) error {
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

// add counts so many machines that are alike; only one that is alone has a name.
func (t *Tally) add(w gate.World, a gate.Answer, n int) {
	name := w.Machine.Name
	t.Total += n
	switch placeOf(w, a) {
	case OtherOS:
		t.OtherOS.add(name, n)
	case Stale:
		t.Stale.add(name, n)
	case Unknown:
		t.Unknown.add(name, n)
	case Eligible:
		t.Eligible.add(name, n)
		t.eligible(name, a, n)
		t.needs(name, w, a, n)
	case Patched:
		t.Patched.add(name, n)
	case Faulty:
		t.Error.add(name, n)
	default:
		t.notApplicable(name, n, a.Gate(gate.Prerequisites))
	}
}

func (t *Tally) eligible(name string, a gate.Answer, n int) {
	if would(a) {
		t.Deployable.add(name, n)
		return
	}
	i := slices.IndexFunc(t.StaysClosed, func(s Stays) bool { return s.Gate == a.Closed.Name && s.Code == a.Closed.Code })
	if i < 0 {
		t.StaysClosed = append(t.StaysClosed, Stays{Gate: a.Closed.Name, Code: a.Closed.Code, Text: a.Closed.Text})
		i = len(t.StaysClosed) - 1
	}
	t.StaysClosed[i].add(name, n)
}

func (t *Tally) notApplicable(name string, n int, g gate.Gate) {
	i := slices.IndexFunc(t.NotApplicable, func(r Reason) bool { return r.Code == g.Code })
	if i < 0 {
		t.NotApplicable = append(t.NotApplicable, Reason{Code: g.Code, Text: g.Text})
		i = len(t.NotApplicable) - 1
	}
	t.NotApplicable[i].add(name, n)
}

func (b *Bucket) add(name string, n int) {
	b.Count += n
	if name != "" && len(b.Names) < maxNames && !slices.Contains(b.Names, name) {
		b.Names = append(b.Names, name)
	}
}

func (t *Tally) sort() {
	slices.SortFunc(t.NotApplicable, func(a, b Reason) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	slices.SortFunc(t.StaysClosed, func(a, b Stays) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	t.sortNeeds()
}

func (c *counter) preview(members int) Preview {
	p := Preview{Request: c.request, Members: members, Patches: c.patches, Machines: int(c.got.GetCardinality()), OSes: []OSPreview{}}
	for i := range p.Patches {
		p.Patches[i].sort()
	}
	for os, t := range c.oses {
		t.sort()
		p.OSes = append(p.OSes, OSPreview{OS: os, Tally: *t})
	}
	slices.SortFunc(p.OSes, func(a, b OSPreview) int { return cmp.Compare(a.OS, b.OS) })
	for _, n := range c.files {
		p.Bytes += n
	}
	sum := p.Total()
	p.Sentence, p.Adds = sentence(p, sum), p.adds(sum)
	return p
}

// Total is the preview's numbers over all host OSes.
func (p Preview) Total() Tally {
	var t Tally
	for _, o := range p.OSes {
		t.merge(o.Tally)
	}
	t.sort()
	return t
}

func (t *Tally) merge(o Tally) {
	t.Total += o.Total
	t.Eligible.merge(o.Eligible)
	t.Patched.merge(o.Patched)
	t.Error.merge(o.Error)
	t.Unknown.merge(o.Unknown)
	t.OtherOS.merge(o.OtherOS)
	t.Stale.merge(o.Stale)
	t.Deployable.merge(o.Deployable)
	for _, r := range o.NotApplicable {
		i := slices.IndexFunc(t.NotApplicable, func(x Reason) bool { return x.Code == r.Code })
		if i < 0 {
			t.NotApplicable = append(t.NotApplicable, Reason{Code: r.Code, Text: r.Text})
			i = len(t.NotApplicable) - 1
		}
		t.NotApplicable[i].merge(r.Bucket)
	}
	for _, s := range o.StaysClosed {
		i := slices.IndexFunc(t.StaysClosed, func(x Stays) bool { return x.Gate == s.Gate && x.Code == s.Code })
		if i < 0 {
			t.StaysClosed = append(t.StaysClosed, Stays{Gate: s.Gate, Code: s.Code, Text: s.Text})
			i = len(t.StaysClosed) - 1
		}
		t.StaysClosed[i].merge(s.Bucket)
	}
	t.MergeNeeds(o)
}

func (b *Bucket) merge(o Bucket) {
	b.Count += o.Count
	for _, name := range o.Names {
		b.add(name, 0)
	}
}
