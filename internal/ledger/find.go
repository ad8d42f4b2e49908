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
	hits, err := l.found(ctx, f.OS, f.Text, f.IncludeGone)
	if err != nil {
		return nil, 0, err
	}
	var rows []patch.PatchRow
	for _, h := range page(hits, f.Limit, f.Offset) {
		row, err := l.rowOf(ctx, h)
		if err != nil {
			return nil, 0, err
		}
		rows = append(rows, row)
	}
	return rows, len(hits), nil
}

// found are the patches that all words of a text speak of, in storage's order: those of the source that is the one word, then newest first.
func (l *Ledger) found(ctx context.Context, of patch.HostOS, text string, gone bool) ([]hit, error) {
	found := map[hitKey]hit{}
	if err := l.stored(ctx, patch.PatchFilter{OS: of, Text: text, Learned: true}, found); err != nil {
		return nil, err
	}
	if gone {
		if err := l.stored(ctx, patch.PatchFilter{OS: of, Text: text, Gone: true}, found); err != nil {
			return nil, err
		}
	}
	var err error
	oses := []patch.HostOS{of}
	if of == "" {
		if oses, err = l.Store.ListOSes(ctx); err != nil {
			return nil, err
		}
	}
	v := l.World.Records()
	for _, os := range oses {
		shelf, err := v.Shelf(ctx, os, "")
		if err != nil {
			return nil, err
		}
		if shelf != nil {
			speaking(shelf, os, strings.Fields(strings.ToLower(text)), found)
		}
	}
	hits := make([]hit, 0, len(found))
	for _, h := range found {
		hits = append(hits, h)
	}
	words, own := strings.Fields(strings.ToLower(text)), make(map[patch.ID]int, len(hits))
	for _, h := range hits {
		if len(words) == 1 && strings.Contains(strings.ToLower(string(h.of.ID)), "/"+words[0]+"/") {
			own[h.of.ID] = 1
		}
	}
	slices.SortFunc(hits, func(a, b hit) int {
		return cmp.Or(own[b.of.ID]-own[a.of.ID], b.of.Released.Compare(a.of.Released), cmp.Compare(a.of.ID, b.of.ID), cmp.Compare(a.os, b.os))
	})
	return hits, nil
}

// rowOf is a hit as storage has it.
func (l *Ledger) rowOf(ctx context.Context, h hit) (patch.PatchRow, error) {
	if h.row != nil {
		return *h.row, nil
	}
	return l.World.Store.FindPatchOn(ctx, h.os, h.of.ID)
}

// hit is a patch that a search found; row where it was read already, else it is on a list.
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
