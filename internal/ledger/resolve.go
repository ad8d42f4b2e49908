package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
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
		return m, &patch.Error{Kind: patch.NotFound, What: phrase.Format("no machine is called %q", text), Do: "List them: fettle machines"}
	}
	var names []string
	for _, x := range found {
		names = append(names, fmt.Sprintf("%s (%s)", x.Name, x.ID))
	}
	return m, ambiguous(phrase.Format("%q fits more than one machine", text), names)
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
	all, err := l.found(ctx, os, words, true)
	if err != nil {
		return row, err
	}
	for _, fits := range []func(*patch.Patch) bool{
		func(p *patch.Patch) bool {
			return p.Source+"/"+p.Version == text || p.Source+" "+p.Version == text || p.Title == text
		},
		func(p *patch.Patch) bool { return p.Source == text || p.Suite+"/"+p.Source == text },
		func(p *patch.Patch) bool { return slices.Contains(p.CVEs, strings.ToUpper(text)) },
		func(p *patch.Patch) bool { return strings.HasPrefix(string(p.ID), text) },
		func(p *patch.Patch) bool { return strings.Contains(string(p.ID), text) },
	} {
		if hits := newestOf(all, fits); len(hits) == 1 {
			return l.rowOf(ctx, hits[0])
		} else if len(hits) > 1 {
			var names []string
			for _, h := range hits {
				names = append(names, string(h.of.ID))
			}
			return row, ambiguous(phrase.Format("%q fits more than one patch", text), names)
		}
	}
	return row, &patch.Error{Kind: patch.NotFound, What: phrase.Format("no patch is called %q", text), Do: "Search for it: fettle patches TEXT"}
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
func newestOf(all []hit, fits func(*patch.Patch) bool) []hit {
	var listed, gone []hit
	replaced := map[patch.ID]bool{}
	seen := map[patch.ID]bool{}
	for _, h := range all {
		if !fits(h.of) || seen[h.of.ID] {
			continue
		}
		seen[h.of.ID] = true
		if h.row == nil || h.row.GoneAt.IsZero() {
			listed = append(listed, h)
			for _, old := range h.of.Supersedes {
				replaced[old] = true
			}
		} else {
			gone = append(gone, h)
		}
	}
	if len(listed) == 0 {
		return gone
	}
	return slices.DeleteFunc(listed, func(h hit) bool { return replaced[h.of.ID] })
}

// ambiguous says which names a text could mean; what has a place for the text.
func ambiguous(what phrase.Phrase, names []string) error {
	slices.Sort(names)
	list := phrase.Verbatim(strings.Join(names[:min(len(names), candidates)], ", "))
	if len(names) > candidates {
		list = phrase.Format("%s and %d more", list, len(names)-candidates)
	}
	return &patch.Error{Kind: patch.Conflict, What: what, Why: list, Do: "Name one of them in full."}
}
