package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// SearchPatches is the storage's, over the lists in memory where the question is one that they can answer: their texts are written once, and
// storage would read a body for each of its rows. Changelogs tell CVEs that no list does: patches that they told of are always read.
func (l *Ledger) SearchPatches(ctx context.Context, f patch.PatchFilter) ([]patch.PatchRow, int, error) {
	words := strings.Fields(strings.ToLower(f.Text))
	if len(words) == 0 || f.Limit == 0 || f.Gone || f.IDs != nil || f.Category != "" || f.Sort != "" || f.Learned {
		return l.Store.SearchPatches(ctx, f)
	}
	found := map[hitKey]hit{}
	if err := l.stored(ctx, patch.PatchFilter{OS: f.OS, Text: f.Text, Learned: true}, found); err != nil {
		return nil, 0, err
	}
	if f.IncludeGone {
		if err := l.stored(ctx, patch.PatchFilter{OS: f.OS, Text: f.Text, Gone: true}, found); err != nil {
			return nil, 0, err
		}
	}
	var err error
	oses := []patch.HostOS{f.OS}
	if f.OS == "" {
		if oses, err = l.Store.ListOSes(ctx); err != nil {
			return nil, 0, err
		}
	}
	v := l.World.Records()
	for _, os := range oses {
		shelf, err := v.Shelf(ctx, os, "")
		if err != nil {
			return nil, 0, err
		}
		if shelf != nil {
			speaking(shelf, os, words, found)
		}
	}
	return l.foundRows(ctx, found, f)
}

// hit is a patch that a search found; row where it was read already.
type hit struct {
	os  patch.HostOS
	of  *patch.Patch
	row *patch.PatchRow
}

type hitKey struct {
	os patch.HostOS
	id patch.ID
}

// stored adds what storage finds: among the patches of which changelogs told more than lists, or among those that no list carries any more.
func (l *Ledger) stored(ctx context.Context, f patch.PatchFilter, into map[hitKey]hit) error {
	rows, _, err := l.Store.SearchPatches(ctx, f)
	for i := range rows {
		r := &rows[i]
		into[hitKey{r.OS, r.ID}] = hit{r.OS, &r.Patch, r}
	}
	return err
}

// speaking adds the patches of a list that all words speak of.
func speaking(shelf *world.Shelf, os patch.HostOS, words []string, into map[hitKey]hit) {
	patches := shelf.List.Patches()
	for i, text := range shelf.Texts() {
		p := &patches[i]
		says := func(w string) bool {
			return strings.Contains(text, w) || strings.Contains(strings.ToLower(p.Source), w)
		}
		if slices.ContainsFunc(words, func(w string) bool { return !says(w) }) {
			continue
		}
		if k := (hitKey{os, p.ID}); into[k].of == nil {
			into[k] = hit{os: os, of: p}
		}
	}
}

// foundRows gives a page of what was found as storage does: newest first.
func (l *Ledger) foundRows(ctx context.Context, found map[hitKey]hit, f patch.PatchFilter) ([]patch.PatchRow, int, error) {
	hits := make([]hit, 0, len(found))
	for _, h := range found {
		hits = append(hits, h)
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(b.of.Released.Compare(a.of.Released), cmp.Compare(a.of.ID, b.of.ID), cmp.Compare(a.os, b.os))
	})
	var rows []patch.PatchRow
	for _, h := range page(hits, f.Limit, f.Offset) {
		if h.row == nil {
			row, err := l.World.Store.FindPatchOn(ctx, h.os, h.of.ID)
			if err != nil {
				return nil, 0, err
			}
			h.row = &row
		}
		rows = append(rows, *h.row)
	}
	return rows, len(hits), nil
}
