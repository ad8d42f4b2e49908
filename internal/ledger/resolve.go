package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// candidates is how many possible meanings an error names.
const candidates = 8

// Resolve finds the machine that a person means: by ID, by name, or by a prefix of either that fits one machine.
func (l *Ledger) Resolve(ctx context.Context, text string) (patch.Machine, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return patch.Machine{}, patch.Errorf(patch.Invalid, "no machine is named")
	}
	m, err := l.World.Store.FindMachine(ctx, patch.MachineID(text))
	if err == nil || patch.KindOf(err) != patch.NotFound {
		return m, err
	}
	found, err := l.Store.FindMachineByName(ctx, text)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return m, err
	}
	if len(found) == 0 {
		all, err := l.World.Store.ListMachines(ctx, patch.MachineFilter{})
		if err != nil {
			return m, err
		}
		for _, x := range all {
			if strings.HasPrefix(strings.ToLower(x.Name), strings.ToLower(text)) || strings.HasPrefix(string(x.ID), text) {
				found = append(found, x)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return m, &patch.Error{Kind: patch.NotFound, What: fmt.Sprintf("no machine is called %q", text), Do: "List them: fettle machines"}
	}
	var names []string
	for _, x := range found {
		names = append(names, fmt.Sprintf("%s (%s)", x.Name, x.ID))
	}
	return m, ambiguous("machine", text, names)
}

// ResolvePatch finds the patch that a person means: by ID, by source and version, by CVE, by source package, or by a part of the ID. Of several
// versions of one source the newest is meant. An empty os searches all.
func (l *Ledger) ResolvePatch(ctx context.Context, text string, os patch.HostOS) (patch.PatchRow, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return patch.PatchRow{}, patch.Errorf(patch.Invalid, "no patch is named")
	}
	row, err := l.exact(ctx, patch.ID(text), os)
	if err == nil || patch.KindOf(err) != patch.NotFound {
		return row, err
	}
	words := strings.NewReplacer("/", " ", ":", " ").Replace(text)
	rows, _, err := l.Store.SearchPatches(ctx, patch.PatchFilter{OS: os, Text: words, IncludeGone: true})
	if err != nil {
		return row, err
	}
	for _, fits := range []func(patch.PatchRow) bool{
		func(r patch.PatchRow) bool {
			return r.Source+"/"+r.Version == text || r.Source+" "+r.Version == text || r.Title == text
		},
		func(r patch.PatchRow) bool { return r.Source == text },
		func(r patch.PatchRow) bool { return slices.Contains(r.CVEs, strings.ToUpper(text)) },
		func(r patch.PatchRow) bool { return strings.HasPrefix(string(r.ID), text) },
		func(r patch.PatchRow) bool { return strings.Contains(string(r.ID), text) },
	} {
		if hits := newestOf(rows, fits); len(hits) == 1 {
			return hits[0], nil
		} else if len(hits) > 1 {
			var names []string
			for _, h := range hits {
				names = append(names, string(h.ID))
			}
			return row, ambiguous("patch", text, names)
		}
	}
	return row, &patch.Error{Kind: patch.NotFound, What: fmt.Sprintf("no patch is called %q", text), Do: "Search for it: fettle patches TEXT"}
}

func (l *Ledger) exact(ctx context.Context, id patch.ID, os patch.HostOS) (patch.PatchRow, error) {
	if os == "" {
		return l.World.Store.FindPatch(ctx, id)
	}
	row, err := l.World.Store.FindPatchOn(ctx, os, id)
	if err != nil && patch.KindOf(err) == patch.NotFound {
		// A patch of another OS is a good answer: explain says that it is one.
		return l.World.Store.FindPatch(ctx, id)
	}
	return row, err
}

// newestOf keeps the patches that fit and are on a list, without those that another one of them replaces; where none is on a list any more,
// those that left it.
func newestOf(rows []patch.PatchRow, fits func(patch.PatchRow) bool) []patch.PatchRow {
	var listed, gone []patch.PatchRow
	replaced := map[patch.ID]bool{}
	seen := map[patch.ID]bool{}
	for _, r := range rows {
		if !fits(r) || seen[r.ID] {
			continue
		}
		seen[r.ID] = true
		if r.GoneAt.IsZero() {
			listed = append(listed, r)
			for _, old := range r.Supersedes {
				replaced[old] = true
			}
		} else {
			gone = append(gone, r)
		}
	}
	if len(listed) == 0 {
		return gone
	}
	return slices.DeleteFunc(listed, func(r patch.PatchRow) bool { return replaced[r.ID] })
}

func ambiguous(what, text string, names []string) error {
	slices.Sort(names)
	list := strings.Join(names[:min(len(names), candidates)], ", ")
	if len(names) > candidates {
		list += fmt.Sprintf(" and %d more", len(names)-candidates)
	}
	return &patch.Error{Kind: patch.Conflict, What: fmt.Sprintf("%q fits more than one %s", text, what), Why: list, Do: "Name one of them in full."}
}
