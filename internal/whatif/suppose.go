package whatif

import (
	"context"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// supposition is a change as the two sides of a comparison see it.
type supposition struct {
	decisions  []patch.Decision // newer than all that are stored
	schedules  func([]patch.Schedule) []patch.Schedule
	blackouts  func([]patch.Blackout) []patch.Blackout
	members    map[string][]patch.MachineID // of labels that have others than now
	gone       string                       // a label that is not there any more
	revision   *supposedRevision
	label      *LabelDiff
	labels     []string // whose members it concerns
	machines   []patch.MachineID
	anyVerdict bool
}

func (s *Supposer) suppose(ctx context.Context, c Change) (*supposition, error) {
	p := &supposition{}
	var err error
	switch {
	case len(c.Decide) > 0:
		p.decisions = c.Decide
	case c.Label != nil:
		return p, s.supposeLabel(ctx, *c.Label, p)
	case c.RemoveLabel != "":
		return p, s.supposeNoLabel(ctx, c.RemoveLabel, p)
	case c.Rule != nil:
		p.decisions, err = s.Rules.Draft(ctx, *c.Rule)
	case c.RemoveRule != "" && c.TakeBack:
		p.decisions, err = s.Rules.TakenBack(ctx, c.RemoveRule)
	case c.RemoveRule != "":
	case c.Schedule != nil:
		return p, s.supposeSchedule(ctx, *c.Schedule, p)
	case c.RemoveSchedule != "":
		return p, s.supposeNoSchedule(ctx, c.RemoveSchedule, p)
	case c.Blackout != nil:
		return p, s.supposeBlackout(ctx, *c.Blackout, p)
	case c.RemoveBlackout != "":
		return p, s.supposeNoBlackout(ctx, c.RemoveBlackout, p)
	case c.Publish != nil:
		return p, s.supposeRevision(ctx, *c.Publish, p)
	default:
		return nil, patch.Errorf(patch.Invalid, "nothing is supposed")
	}
	p.concern(p.decisions)
	return p, err
}

// concern notes the labels that decisions are for.
func (p *supposition) concern(ds []patch.Decision) {
	for _, d := range ds {
		if !slices.Contains(p.labels, d.Label) {
			p.labels = append(p.labels, d.Label)
		}
	}
}

func (s *Supposer) supposeLabel(ctx context.Context, l patch.Label, p *supposition) error {
	machines, patches, err := s.Labels.Would(ctx, l)
	if err != nil {
		return err
	}
	if l.Of == patch.OfPatches {
		before, err := s.Labels.Patches(ctx, l.Name)
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return err
		}
		p.label = between(l, before, patches, func(id patch.ID) string { return string(id) })
		p.decisions, err = s.Rules.DraftWith(ctx, l.Name, patches)
		p.concern(p.decisions)
		return err
	}
	return s.moved(ctx, l, machines, p)
}

func (s *Supposer) supposeNoLabel(ctx context.Context, name string, p *supposition) error {
	l, err := s.Labels.FindLabel(ctx, name)
	if err != nil {
		return err
	}
	if l.Name == patch.LabelAll {
		return patch.Errorf(patch.Invalid, "the label %q is built in and cannot be removed", patch.LabelAll)
	}
	if l.Of == patch.OfPatches {
		before, err := s.Labels.Patches(ctx, name)
		p.label = between(l, before, nil, func(id patch.ID) string { return string(id) })
		return err
	}
	p.gone = name
	return s.moved(ctx, l, nil, p)
}

// moved supposes that a label of machines has other members.
func (s *Supposer) moved(ctx context.Context, l patch.Label, after []patch.MachineID, p *supposition) error {
	before, err := s.Labels.Members(ctx, l.Name)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return err
	}
	all, err := s.World.Store.ListMachines(ctx, patch.MachineFilter{})
	if err != nil {
		return err
	}
	names := make(map[patch.MachineID]string, len(all))
	for _, m := range all {
		names[m.ID] = m.Name
	}
	p.label = between(l, before, after, func(id patch.MachineID) string { return names[id] })
	p.members = map[string][]patch.MachineID{l.Name: after}
	p.machines = slices.Concat(missing(before, after), missing(after, before))
	return nil
}

// between compares who carries a label; both are sorted.
func between[T ~string](l patch.Label, before, after []T, name func(T) string) *LabelDiff {
	d := &LabelDiff{Name: l.Name, Of: l.Of, Before: len(before), After: len(after)}
	for _, id := range missing(after, before) {
		d.Enter.add(name(id))
	}
	for _, id := range missing(before, after) {
		d.Leave.add(name(id))
	}
	return d
}

// missing lists those that are not among others, which are sorted.
func missing[T ~string](of, others []T) []T {
	var out []T
	for _, id := range of {
		if _, in := slices.BinarySearch(others, id); !in {
			out = append(out, id)
		}
	}
	return out
}

func (s *Supposer) supposeSchedule(ctx context.Context, v patch.Schedule, p *supposition) error {
	v, err := s.Schedules.Draft(ctx, v)
	if err != nil {
		return err
	}
	all, err := s.World.Store.ListSchedules(ctx)
	if err != nil {
		return err
	}
	for _, old := range all {
		if old.Name == v.Name {
			p.labels = append(p.labels, old.Label)
		}
	}
	p.labels = append(p.labels, v.Label)
	p.schedules = func(all []patch.Schedule) []patch.Schedule {
		out := append(without(all, v.Name), v)
		slices.SortFunc(out, func(a, b patch.Schedule) int { return strings.Compare(a.Name, b.Name) })
		return out
	}
	return nil
}

func (s *Supposer) supposeNoSchedule(ctx context.Context, name string, p *supposition) error {
	all, err := s.World.Store.ListSchedules(ctx)
	if err != nil {
		return err
	}
	for _, v := range all {
		if v.Name == name {
			p.labels = append(p.labels, v.Label)
			p.schedules = func(all []patch.Schedule) []patch.Schedule { return without(all, name) }
			return nil
		}
	}
	return patch.NothingCalled("schedule", name)
}

func without(all []patch.Schedule, name string) []patch.Schedule {
	return slices.DeleteFunc(slices.Clone(all), func(v patch.Schedule) bool { return v.Name == name })
}

// reader reads the world as it would be.
func (p *supposition) reader(r *world.Reader) *world.Reader {
	supposed := &world.Reader{Store: supposedStore{r.Store, p}, Fleet: r.Fleet, Catalog: r.Catalog, Lists: r.Lists, Parts: r.Parts, Labels: supposedLabels{r.Labels, p},
		Limits: r.Limits, Now: r.Now, Zone: r.Zone}
	if p.revision != nil {
		supposed.Catalog = supposedCatalog{r.Catalog, p.revision}
		supposed.Lists, supposed.Suppose = p.revision.lists(r.Lists), p.revision.predicted(r.Store)
	}
	return supposed
}

// supposedStore is storage with the change made. Nothing is written through it.
type supposedStore struct {
	world.Store
	p *supposition
}

func (s supposedStore) ListDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error) {
	all, err := s.Store.ListDecisions(ctx, f)
	if err != nil || len(s.p.decisions) == 0 {
		return all, err
	}
	type about struct {
		patch patch.ID
		label string
	}
	newer := make(map[about]bool, len(s.p.decisions))
	var out []patch.Decision
	for _, d := range s.p.decisions {
		newer[about{d.Patch, d.Label}] = true
		if (f.Patch == "" || f.Patch == d.Patch) && (f.Label == "" || f.Label == d.Label) && (f.Cleared || d.Verb != patch.Clear) {
			out = append(out, d)
		}
	}
	for _, d := range all {
		if !newer[about{d.Patch, d.Label}] {
			out = append(out, d)
		}
	}
	return out, nil
}

func (s supposedStore) ListSchedules(ctx context.Context) ([]patch.Schedule, error) {
	all, err := s.Store.ListSchedules(ctx)
	if err != nil || s.p.schedules == nil {
		return all, err
	}
	return s.p.schedules(all), nil
}

// supposedLabels is membership with the change made.
type supposedLabels struct {
	world.Labels
	p *supposition
}

func (l supposedLabels) Members(ctx context.Context, name string) ([]patch.MachineID, error) {
	if name == l.p.gone && name != "" {
		return nil, patch.NothingCalled("label", name)
	}
	if ids, moved := l.p.members[name]; moved {
		return ids, nil
	}
	return l.Labels.Members(ctx, name)
}

func (l supposedLabels) Carriers(ctx context.Context, name string, look *fleet.Look) (*roaring.Bitmap, error) {
	if name == l.p.gone && name != "" {
		return nil, patch.NothingCalled("label", name)
	}
	ids, moved := l.p.members[name]
	if !moved {
		return l.Labels.Carriers(ctx, name, look)
	}
	set := roaring.New()
	for _, id := range ids {
		if s := look.Find(id); s != nil {
			set.Add(s.Number)
		}
	}
	return set, nil
}
