package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// PatchCounts gives the patches of an OS with their numbers over its admitted machines, most needed first. Text, Category, Verdicts (some
// machine has one of them), Stands (some decision that counts has it), Sort, Limit and Offset of f apply. Patches that no machine has installed or needs are left
// out unless f.Closed or f.Text asks for all. The second value is how many match.
func (l *Ledger) PatchCounts(ctx context.Context, os patch.HostOS, f RowFilter) ([]PatchCount, int, error) {
	b, err := l.books(ctx, os)
	if err != nil {
		return nil, 0, err
	}
	if err := l.await(ctx, b.view, &f); err != nil {
		return nil, 0, err
	}
	hits := b.hits(f)
	slices.SortFunc(hits, b.order(f.Sort))
	out := []PatchCount{}
	for _, i := range page(hits, f.Limit, f.Offset) {
		p := b.shelf.List.Patches()[i]
		c := PatchCount{Patch: p, OS: os, Verdicts: b.counts[i], Decisions: b.view.Decisions(p.ID)}
		if err := l.judge(ctx, b.view, &c, f.Quick); err != nil {
			return nil, 0, err
		}
		out = append(out, c)
	}
	return out, len(hits), nil
}

// PatchTotals gives how many patches of an OS each of some filters selects, as PatchCounts does.
func (l *Ledger) PatchTotals(ctx context.Context, os patch.HostOS, filters []RowFilter) ([]int, error) {
	b, err := l.books(ctx, os)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(filters))
	for i, f := range filters {
		if err := l.await(ctx, b.view, &f); err != nil {
			return nil, err
		}
		out[i] = len(b.hits(f))
	}
	return out, nil
}

// await finds out which decided patches wait all the same, where a filter asks for it and does not know.
func (l *Ledger) await(ctx context.Context, v *world.View, f *RowFilter) error {
	if f.Waiting != nil || !slices.Contains(f.Stands, patch.Undecided) {
		return nil
	}
	c, err := l.count(ctx, v)
	if err != nil {
		return err
	}
	f.Waiting = c.waiting()
	return nil
}

// books are the patches of an OS with what is known of each in numbers.
type books struct {
	os      patch.HostOS
	view    *world.View
	shelf   *world.Shelf
	counts  []patch.Counts
	decided map[int][]patch.Decision
	said    map[string][]bool // by text: the patches that it speaks of
}

func (l *Ledger) books(ctx context.Context, os patch.HostOS) (*books, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, err
	}
	b := &books{os: os, view: v, decided: map[int][]patch.Decision{}, said: map[string][]bool{}}
	if b.shelf, err = v.Shelf(ctx, os, ""); err != nil {
		return nil, err
	}
	if b.shelf == nil {
		return nil, patch.Errorf(patch.NotFound, "no catalog is published for %s", os)
	}
	if b.counts, _, err = l.World.Fleet.Tally(ctx, os, b.shelf.Revision); err != nil {
		return nil, err
	}
	for _, id := range v.Decided() {
		if i, ok := b.shelf.List.Index(id); ok {
			b.decided[i] = v.Decisions(id)
		}
	}
	return b, nil
}

// hits are the patches that a filter selects, by column.
func (b *books) hits(f RowFilter) []int {
	patches, said := b.shelf.List.Patches(), b.speaks(f.Text)
	var out []int
	for i := range patches {
		if (said == nil || said[i]) && f.selects(&patches[i], b.counts[i], b.decided[i], f.Waiting[b.os]) {
			out = append(out, i)
		}
	}
	return out
}

// speaks are the patches that every word of a text speaks of; nil where it has no words.
func (b *books) speaks(text string) []bool {
	words := strings.Fields(strings.ToLower(text))
	if len(words) == 0 {
		return nil
	}
	if said, known := b.said[text]; known {
		return said
	}
	said := make([]bool, len(b.counts))
	for i, all := range b.shelf.Texts() {
		said[i] = !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(all, w) })
	}
	b.said[text] = said
	return said
}

// order compares columns by a sort; equal ones by need, security first, then by ID.
func (b *books) order(by patch.PatchSort) func(i, j int) int {
	name, most := strings.CutPrefix(string(by), "-")
	first := b.sorts(patch.PatchSort(name))
	return func(i, j int) int {
		c := first(i, j)
		if most {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(b.counts[j][patch.NotPatched], b.counts[i][patch.NotPatched]), cmp.Compare(b.patch(i).Category, b.patch(j).Category),
			strings.Compare(string(b.patch(i).ID), string(b.patch(j).ID)))
	}
}

func (b *books) sorts(by patch.PatchSort) func(i, j int) int {
	count := func(verdicts ...patch.Verdict) func(i, j int) int {
		return func(i, j int) (c int) {
			for _, v := range verdicts {
				c += b.counts[i][v] - b.counts[j][v]
			}
			return c
		}
	}
	switch by {
	case patch.ByScore:
		return func(i, j int) int { return cmp.Compare(b.patch(j).CVSS, b.patch(i).CVSS) }
	case patch.ByName:
		return func(i, j int) int { return strings.Compare(b.patch(i).Source, b.patch(j).Source) }
	case patch.ByReleased:
		return func(i, j int) int { return b.patch(i).Released.Compare(b.patch(j).Released) }
	case patch.ByNeed:
		return count(patch.NotPatched)
	case patch.ByPatched:
		return count(patch.Patched)
	case patch.ByNotApplicable:
		return count(patch.NotApplicable)
	case patch.ByUnsure:
		return count(patch.Faulty, patch.Unknown)
	}
	return func(int, int) int { return 0 }
}

func (b *books) patch(i int) *patch.Patch { return &b.shelf.List.Patches()[i] }

// selects applies a filter, but for its text, to a patch's numbers.
func (f *RowFilter) selects(p *patch.Patch, v patch.Counts, decisions []patch.Decision, waiting map[patch.ID]bool) bool {
	if f.Text == "" && !f.Closed && len(f.Verdicts) == 0 && len(decisions) == 0 && v[patch.NotPatched]+v[patch.Patched]+v[patch.Faulty] == 0 {
		return false
	}
	if len(f.Verdicts) > 0 && !slices.ContainsFunc(f.Verdicts, func(x patch.Verdict) bool { return x <= patch.Unknown && v[x] > 0 }) {
		return false
	}
	return (f.Category == "" || f.Category == p.Category) && (f.Severity == "" || f.Severity == p.Severity) && f.stands(decisions, waiting[p.ID])
}

func (f RowFilter) stands(decisions []patch.Decision, waits bool) bool {
	if len(f.Stands) == 0 || (len(decisions) == 0 || waits) && slices.Contains(f.Stands, patch.Undecided) {
		return true
	}
	stand := map[patch.Verb]patch.Stand{patch.Approve: patch.Approved, patch.Decline: patch.Declined, patch.Hold: patch.HeldBack}
	return slices.ContainsFunc(decisions, func(d patch.Decision) bool { return slices.Contains(f.Stands, stand[d.Verb]) })
}

// judge fills in what needs policy and gates, for the machines that need the patch.
func (l *Ledger) judge(ctx context.Context, v *world.View, c *PatchCount, quick bool) error {
	if len(c.Decisions) == 0 || c.Verdicts[patch.NotPatched] == 0 {
		c.Undecided = c.Verdicts[patch.NotPatched]
		return nil
	}
	defer v.Forget()
	needy, err := v.Needing(ctx, c.OS, c.Patch.ID)
	if err != nil {
		return err
	}
	cells, err := v.Policies(ctx, world.Ask{Patch: c.Patch.ID}, needy)
	if err != nil {
		return err
	}
	approved := roaring.New()
	for _, cell := range cells {
		switch cell.Policy.Stand {
		case patch.Undecided:
			c.Undecided += int(cell.Seats.GetCardinality())
		case patch.Approved:
			approved.Or(cell.Seats)
		}
	}
	if quick || approved.IsEmpty() {
		return nil
	}
	cohorts, err := v.Cohorts(ctx, world.Ask{Patch: c.Patch.ID}, approved)
	for _, co := range cohorts {
		if co.Answer.Deployable {
			c.Deployable += int(co.Seats.GetCardinality())
		}
	}
	return err
}
