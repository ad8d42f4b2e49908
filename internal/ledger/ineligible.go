package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Ineligible is what people approved and machines will not get as they are, by why. A pair is one machine and one patch.
type Ineligible struct {
	At       time.Time     `json:"at"`
	Sentence phrase.Phrase `json:"sentence"`
	Approved int           `json:"approved"` // pairs that an approval covers now; the four numbers below add up to it
	Patched  int           `json:"patched"`
	Eligible int           `json:"eligible"` // deployable, or waiting for a ring, a window, the machine, a file or another try
	Pairs    int           `json:"pairs"`    // approved and not eligible: those of Groups
	// Unsaid: so many do not apply that Groups do not tell why each does not. Narrower questions (a label, a patch) do.
	Unsaid bool              `json:"unsaid,omitempty"`
	Groups []IneligibleGroup `json:"groups"` // biggest first
}

// IneligibleGroup is the pairs whose first closed gate is the same for the same reason.
type IneligibleGroup struct {
	Gate     gate.Name         `json:"gate"`
	Code     string            `json:"code"`
	Title    phrase.Phrase     `json:"title"` // "not applicable: not installed"
	Text     phrase.Phrase     `json:"text"`  // the gate's own words for one of the pairs
	Next     phrase.Phrase     `json:"next"`
	Actor    gate.Actor        `json:"actor,omitempty"`
	Pairs    int               `json:"pairs"`
	Machines int               `json:"machines"` // distinct
	Named    []Named           `json:"named"`    // of these, up to 50
	Patches  []IneligiblePatch `json:"patches"`  // those with most machines first, up to 50
	Of       int               `json:"of"`       // patches in all
}

// IneligiblePatch is one patch of a group.
type IneligiblePatch struct {
	Patch    patch.ID `json:"patch"`
	Title    string   `json:"title"`
	Machines int      `json:"machines"`

	seats *roaring.Bitmap // nil where only numbers were asked for
}

// IneligibleFilter narrows Ineligible. Zero fields do not narrow.
type IneligibleFilter struct {
	Label string // machines that carry it
	OS    patch.HostOS
	Patch patch.ID
	Gate  gate.Name // groups with this gate
	Code  string    // groups with this code
}

func (f IneligibleFilter) has(g *ineligibleGroup) bool {
	return (f.Gate == "" || g.Gate == f.Gate) && (f.Code == "" || g.Code == f.Code)
}

// IneligiblePair is one machine of a group and one of its patches.
type IneligiblePair struct {
	Machine Named
	Patch   patch.ID
}

// maxReasoned bounds the pairs whose reason for not being applicable is looked up in one question.
const maxReasoned = 1_000_000

// Ineligible lists the approvals that count now with the machines that they cover and that are not eligible, as the gates say: every admitted
// machine of the approval's label is patched, eligible, or in exactly one group.
func (l *Ledger) Ineligible(ctx context.Context, f IneligibleFilter) (Ineligible, error) {
	x, err := l.ineligible(ctx, f, false)
	if err != nil {
		return Ineligible{}, err
	}
	return x.sum(f), nil
}

// IneligiblePairs gives the one group that f names, with all its patches, and of its pairs, patch by patch, limit after the first offset. The group
// is zero where nothing stands so any more.
func (l *Ledger) IneligiblePairs(ctx context.Context, f IneligibleFilter, offset, limit int) (IneligibleGroup, []IneligiblePair, error) {
	x, g, err := l.ineligibleGroup(ctx, f, true)
	if g == nil {
		return IneligibleGroup{}, nil, err
	}
	pairs := make([]IneligiblePair, 0, min(limit, g.Pairs))
	for _, p := range g.Patches {
		if offset >= p.Machines {
			offset -= p.Machines
			continue
		}
		it := p.seats.Iterator()
		for ; offset > 0; offset-- {
			it.Next()
		}
		for it.HasNext() && len(pairs) < limit {
			m := x.look.At(it.Next()).Machine
			pairs = append(pairs, IneligiblePair{Machine: Named{ID: m.ID, Name: m.Name}, Patch: p.Patch})
		}
	}
	return g.IneligibleGroup, pairs, nil
}

// IneligibleMachines are the machines of the one group that f names.
func (l *Ledger) IneligibleMachines(ctx context.Context, f IneligibleFilter) (IneligibleGroup, []patch.MachineID, error) {
	x, g, err := l.ineligibleGroup(ctx, f, false)
	if g == nil {
		return IneligibleGroup{}, nil, err
	}
	ids := make([]patch.MachineID, 0, g.Machines)
	for it := g.seats.Iterator(); it.HasNext(); {
		ids = append(ids, x.look.At(it.Next()).Machine.ID)
	}
	return g.IneligibleGroup, ids, nil
}

// ineligibleGroup is the one group that f names, counted; nil where there is none, or where err says why nobody knows.
func (l *Ledger) ineligibleGroup(ctx context.Context, f IneligibleFilter, pairs bool) (*ineligible, *ineligibleGroup, error) {
	x, err := l.ineligible(ctx, f, pairs)
	if err != nil {
		return nil, nil, err
	}
	g := x.groups[GroupRef{Gate: f.Gate, Code: f.Code}]
	if g != nil {
		g.close(x.look)
	}
	return x, g, nil
}

// ineligible adds up all groups; pairs says whether each patch keeps its machines.
func (l *Ledger) ineligible(ctx context.Context, f IneligibleFilter, pairs bool) (*ineligible, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, err
	}
	among, err := admitted(ctx, v, f.Label, f.OS)
	if err != nil {
		return nil, err
	}
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	x := &ineligible{view: v, look: look, groups: map[GroupRef]*ineligibleGroup{}, left: maxReasoned, pairs: pairs}
	ids := v.Decided()
	if f.Patch != "" {
		ids = []patch.ID{f.Patch}
	}
	slices.Sort(ids)
	for _, id := range ids {
		if err := x.patch(ctx, id, among); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// admitted are the admitted machines, of a label and of an OS where these are named.
func admitted(ctx context.Context, v *world.View, label string, os patch.HostOS) (*roaring.Bitmap, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	out := roaring.New()
	for seat := range look.All() {
		if seat.Machine.State == patch.Admitted && (os == "" || seat.OS() == os) {
			out.Add(seat.Number)
		}
	}
	if label == "" || label == patch.LabelAll {
		return out, nil
	}
	seats, err := v.Carriers(ctx, label)
	if err != nil {
		return nil, err
	}
	in := roaring.New()
	for _, s := range seats {
		in.Add(s.Number)
	}
	out.And(in)
	return out, nil
}

// ineligible adds the question up, patch by patch.
type ineligible struct {
	view   *world.View
	look   *fleet.Look
	answer Ineligible
	groups map[GroupRef]*ineligibleGroup
	left   int  // of maxReasoned
	pairs  bool // each patch keeps its machines
}

type ineligibleGroup struct {
	IneligibleGroup
	seats *roaring.Bitmap
	by    map[patch.ID]IneligiblePatch
}

func (x *ineligible) patch(ctx context.Context, id patch.ID, among *roaring.Bitmap) error {
	defer x.view.Forget()
	ask := world.Ask{Patch: id, Eligible: true}
	cells, err := x.view.Policies(ctx, ask, among)
	if err != nil {
		return err
	}
	covered := roaring.New()
	for _, c := range cells {
		if c.Approved {
			covered.Or(c.Seats)
		}
	}
	if covered.IsEmpty() {
		return nil
	}
	cohorts, err := x.view.Cohorts(ctx, ask, covered)
	if err != nil {
		return err
	}
	for _, c := range cohorts {
		if c.World.Verdict != patch.NotApplicable && c.World.Verdict != patch.Faulty || c.Answer.Gate(gate.Snapshot).State != gate.Open {
			x.add(c)
			continue
		}
		if err := x.reasoned(ctx, ask, c); err != nil {
			return err
		}
	}
	return nil
}

// reasoned adds machines by why the patch does not apply to them or could not be judged.
func (x *ineligible) reasoned(ctx context.Context, ask world.Ask, c world.Cohort) error {
	n := int(c.Seats.GetCardinality())
	if n > x.left {
		x.answer.Unsaid = true
		x.add(c)
		return nil
	}
	x.left -= n
	ask.Reason = true
	parts, err := x.view.Cohorts(ctx, ask, c.Seats)
	for _, p := range parts {
		x.add(p)
	}
	return err
}

func (x *ineligible) add(c world.Cohort) {
	n := int(c.Seats.GetCardinality())
	x.answer.Approved += n
	switch {
	case c.Answer.Closed != nil && c.Answer.Closed.Settled():
		x.answer.Patched += n
		return
	case c.Answer.Eligible():
		x.answer.Eligible += n
		return
	}
	x.answer.Pairs += n
	closed := c.Answer.Closed
	k := GroupRef{Gate: closed.Name, Code: closed.Code}
	g := x.groups[k]
	if g == nil {
		g = &ineligibleGroup{seats: roaring.New(), by: map[patch.ID]IneligiblePatch{}, IneligibleGroup: IneligibleGroup{Gate: closed.Name, Code: closed.Code,
			Title: ineligibleTitle(closed.Name, closed.Code), Text: closed.Text, Next: closed.Next, Actor: closed.Actor}}
		x.groups[k] = g
	}
	g.Pairs += n
	g.seats.Or(c.Seats)
	p := g.by[c.World.Patch.ID]
	p.Patch, p.Title, p.Machines = c.World.Patch.ID, c.World.Patch.Title, p.Machines+n
	if x.pairs {
		if p.seats == nil {
			p.seats = roaring.New()
		}
		p.seats.Or(c.Seats)
	}
	g.by[p.Patch] = p
}

// close counts a group and names its patches, those with most machines first.
func (g *ineligibleGroup) close(look *fleet.Look) {
	g.Machines, g.Of = int(g.seats.GetCardinality()), len(g.by)
	g.Named = named50(look, g.seats)
	for _, p := range g.by {
		g.Patches = append(g.Patches, p)
	}
	slices.SortFunc(g.Patches, func(a, b IneligiblePatch) int {
		return cmp.Or(cmp.Compare(b.Machines, a.Machines), cmp.Compare(a.Patch, b.Patch))
	})
}

// sum makes the answer, with the groups that f selects.
func (x *ineligible) sum(f IneligibleFilter) Ineligible {
	a := x.answer
	a.At, a.Groups = x.view.Now, []IneligibleGroup{}
	for _, g := range x.groups {
		if !f.has(g) {
			continue
		}
		g.close(x.look)
		g.Patches = g.Patches[:min(maxNamed, len(g.Patches))]
		a.Groups = append(a.Groups, g.IneligibleGroup)
	}
	slices.SortFunc(a.Groups, func(a, b IneligibleGroup) int {
		return cmp.Or(cmp.Compare(b.Pairs, a.Pairs), cmp.Compare(a.Title.String(), b.Title.String()))
	})
	a.Sentence = a.sentence()
	return a
}

// named50 names the first machines of a set, by name.
func named50(look *fleet.Look, set *roaring.Bitmap) []Named {
	out := make([]Named, 0, maxNamed)
	for it := set.Iterator(); it.HasNext() && len(out) < maxNamed; {
		m := look.At(it.Next()).Machine
		out = append(out, Named{ID: m.ID, Name: m.Name})
	}
	slices.SortFunc(out, func(a, b Named) int { return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return out
}

func (a *Ineligible) sentence() phrase.Phrase {
	if a.Approved == 0 {
		return "No approval covers any of these machines now."
	}
	return phrase.Count(a.Approved, "{n} pair of a machine and a patch is approved: {1} patched, {2} eligible, {3} not eligible.",
		"{n} pairs of a machine and a patch are approved: {1} patched, {2} eligible, {3} not eligible.", a.Patched, a.Eligible, a.Pairs)
}

// notApplicable names the reasons that detection gives.
func notApplicable(code string) phrase.Phrase {
	switch code {
	case patch.ReasonNotInstalled:
		return "not applicable: not installed"
	case patch.ReasonPrerequisite:
		return "not applicable: prerequisite"
	case patch.ReasonPinned:
		return "not applicable: pinned"
	case patch.ReasonPhased:
		return "not applicable: phased"
	case patch.ReasonOptIn:
		return "not applicable: opt in"
	case patch.ReasonNotEntitled:
		return "not applicable: not entitled"
	case patch.ReasonExcluded:
		return "not applicable: excluded"
	case patch.ReasonModuleOther:
		return "not applicable: module other"
	case patch.ReasonModuleOff:
		return "not applicable: module disabled"
	}
	return phrase.Of("not applicable: {1}", strings.ReplaceAll(code, "-", " "))
}

// ineligibleTitle says in few words why a machine is not eligible for what is approved for it.
func ineligibleTitle(g gate.Name, code string) phrase.Phrase {
	switch code {
	case gate.CodeNotApplicable:
		return "not applicable"
	case gate.CodeHeldOnMachine:
		return "not applicable: held on the machine by its administrator"
	case gate.CodeError:
		return "could not be judged"
	case gate.CodeSuperseded:
		return "superseded by a newer patch that is deployable"
	case gate.CodeHeld:
		return "held back by a decision"
	case gate.CodeSuspect:
		return "held back: the definition is suspect"
	case gate.CodeOtherOS, gate.CodeNotListed:
		return "OS without the patch"
	case gate.CodeLeftList:
		return "the vendor took it off the list"
	case gate.CodeUpgraded:
		return "satisfied by upgrade: the machine's OS is another one now"
	case gate.CodeNever:
		return "unknown: never detected"
	case gate.CodeStale:
		return "unknown: the newest detect is too old"
	case gate.CodeDetectFailed:
		return "unknown: the newest detect failed"
	case gate.CodeNoFeed, gate.CodeNeverSync, gate.CodeNoCatalog:
		return "unknown: nothing is known about the machine's OS"
	}
	if g == gate.Snapshot {
		return "unknown: not detected with the newest list yet"
	}
	return notApplicable(code)
}
