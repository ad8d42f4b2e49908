package web

import (
	"context"
	"fmt"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// some are the first n machines of a world.
func (w *world) some(n int) (ids []patch.MachineID) {
	for _, m := range w.machines[:min(n, len(w.machines))] {
		ids = append(ids, m.ID)
	}
	return ids
}

func (h hoops) Who(_ context.Context, _ string, id patch.ID, number string) (map[patch.MachineID]phrase.Phrase, error) {
	out := map[patch.MachineID]phrase.Phrase{}
	for _, m := range h.some(3) {
		out[m] = ""
		if number == "failed" {
			out[m] = phrase.Of("patch: {1}", "<b>"+string(id))
		}
	}
	return out, nil
}

func (c clock) Who(_ context.Context, name, _ string) ([]patch.MachineID, error) {
	if name == "gone" {
		return nil, patch.Errorf(patch.NotFound, "no schedule is called %q", name)
	}
	return c.some(4), nil
}

func (w *world) Pairs(_ context.Context, r approval.Request, _ approval.Group, offset, limit int) ([]approval.Pair, int, error) {
	var all []approval.Pair
	for i := range w.machines {
		m := &w.machines[i]
		all = append(all, approval.Pair{Machine: m.ID, Name: m.Name, OS: m.OS, Patch: r.Patches[i%len(r.Patches)], Text: phrase.Verbatim(fmt.Sprint("needs it: ", m.Name))})
	}
	return page(all, offset, limit), len(all), nil
}
