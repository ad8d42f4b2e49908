package updater

import (
	"cmp"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// RulingOf finds the ruling about a service that counts for a machine with these labels. One for a label of its own beats one for all
// machines, one about this service beats one about any, and of those left the gentlest counts: adopt, then alert, then take over.
func RulingOf(rulings []patch.Ruling, labels []string, name string) (patch.Ruling, bool) {
	var mine []patch.Ruling
	for _, r := range rulings {
		if (r.Updater == name || r.Updater == patch.AnyUpdater) && (r.Label == patch.LabelAll || slices.Contains(labels, r.Label)) {
			mine = append(mine, r)
		}
	}
	if len(mine) == 0 {
		return patch.Ruling{}, false
	}
	rank := map[patch.RulingVerb]int{patch.Adopt: 0, patch.AlertOn: 1, patch.TakeOver: 2}
	return slices.MinFunc(mine, func(a, b patch.Ruling) int {
		return cmp.Or(general(a.Label == patch.LabelAll, b.Label == patch.LabelAll), general(a.Updater == patch.AnyUpdater, b.Updater == patch.AnyUpdater),
			cmp.Compare(rank[a.Verb], rank[b.Verb]), cmp.Compare(a.Label, b.Label))
	}), true
}

// general puts what is general after what is not.
func general(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
