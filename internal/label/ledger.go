package label

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// ledger is what an expression sees as "ledger": what the machine's newest complete detect says, whatever has been decided since, so that
// no label depends on what is decided for labels.
type ledger struct {
	Needed   int64 `cel:"needed"`   // patches that are not on the machine and apply
	Security int64 `cel:"security"` // security patches among them
	Patched  int64 `cel:"patched"`
	Errors   int64 `cel:"errors"`

	seat    *fleet.Seat
	list    fleet.List
	sources func() sources
}

// sources are the columns of a revision's list by what their patches are of: source packages and products.
type sources map[string][]int

// maxSources is how many revisions' sources are kept.
const maxSources = 8

// ledger gives what a machine's newest complete detect says; why says why there is none.
func (b *Book) ledger(ctx context.Context, s *fleet.Seat) (l *ledger, why phrase.Phrase, err error) {
	r := s.Receipt
	if r == nil || r.OS != s.OS() {
		return &ledger{}, "it has not detected completely yet", nil
	}
	list, err := b.Revisions(ctx, r.OS, r.Revision)
	if patch.KindOf(err) == patch.NotFound && err != nil {
		return &ledger{}, "the list that it detected with is not kept any more", nil
	}
	if err != nil {
		return nil, "", err
	}
	counts := s.Counts()
	l = &ledger{Needed: int64(counts[patch.NotPatched]), Patched: int64(counts[patch.Patched]), Errors: int64(counts[patch.Faulty]), seat: s, list: list,
		sources: func() sources { return b.memory.sourcesOf(r.Revision, list) }}
	for p := range l.lacking() {
		if p.Category == patch.Security {
			l.Security++
		}
	}
	return l, "", nil
}

// lacking visits the patches that the machine needs.
func (l *ledger) lacking() func(yield func(*patch.Patch) bool) {
	return func(yield func(*patch.Patch) bool) {
		patches := l.list.Patches()
		for column, v := range l.seat.Amiss() {
			if v == patch.NotPatched && column < len(patches) && !yield(&patches[column]) {
				return
			}
		}
	}
}

// needs is ledger.needs(WORD): a patch with this ID, of this source package or product, or for this CVE, is needed.
func needs(variable any, word string) bool {
	l, ok := variable.(*ledger)
	if !ok || l.seat == nil {
		return false
	}
	for p := range l.lacking() {
		if string(p.ID) == word || p.Source == word || slices.Contains(p.CVEs, word) {
			return true
		}
	}
	return false
}

// has is ledger.has(WORD): something is on the machine that patches of this source package or product are about.
func has(variable any, word string) bool {
	l, ok := variable.(*ledger)
	if !ok || l.seat == nil {
		return false
	}
	return slices.ContainsFunc(l.sources()[word], func(column int) bool {
		v := l.seat.Verdict(column)
		return v == patch.Patched || v == patch.NotPatched
	})
}

// sourcesOf gives a revision's sources, from memory where they have been asked for before.
func (y *memory) sourcesOf(revision patch.RevisionID, list fleet.List) sources {
	y.mu.Lock()
	defer y.mu.Unlock()
	if s, known := y.sources[revision]; known {
		return s
	}
	s := sources{}
	for column, p := range list.Patches() {
		s[p.Source] = append(s[p.Source], column)
	}
	if y.sources == nil || len(y.sources) >= maxSources {
		y.sources = map[patch.RevisionID]sources{}
	}
	y.sources[revision] = s
	return s
}
