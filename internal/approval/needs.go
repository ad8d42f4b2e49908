package approval

import (
	"cmp"
	"slices"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Needs is a bucket of eligible machines that would not get a patch because it needs another one, which is not approved for them.
type Needs struct {
	Patch patch.ID      `json:"patch"` // the other one
	Stand patch.Stand   `json:"stand"` // undecided, declined or held
	Text  phrase.Phrase `json:"text"`  // of the first machine: curl 8 needs libssl3 (>= 3), which is patch …, undecided
	Bucket
}

// Undecided tells whether deciding it would end the need: of what is declined or held somebody has thought already.
func (n Needs) Undecided() bool { return n.Stand == patch.Undecided }

// needed gives the patch that has to be decided before a machine gets one that is approved, as a plan foretells it; nil where none would do.
func needed(w gate.World, a gate.Answer) *patch.Unmet {
	u := w.Unmet
	if u == nil || !a.Gate(gate.Attempts).Foretold || !a.Eligible() {
		return nil
	}
	for u.Further != nil {
		u = u.Further
	}
	if u.Patch == "" || u.Absent || u.Held || u.Policy.Stand == patch.Approved {
		return nil
	}
	return u
}

func (t *Tally) needs(name string, w gate.World, a gate.Answer, n int) {
	u := needed(w, a)
	if u == nil {
		return
	}
	i := t.needing(u.Patch, u.Policy.Stand)
	if t.Needs[i].Text == "" {
		t.Needs[i].Text = gate.SaysUnmet(w.Now, *w.Unmet)
	}
	t.Needs[i].add(name, n)
}

// needing is the place of a needed patch in the tally.
func (t *Tally) needing(id patch.ID, stand patch.Stand) int {
	i := slices.IndexFunc(t.Needs, func(x Needs) bool { return x.Patch == id && x.Stand == stand })
	if i < 0 {
		i = len(t.Needs)
		t.Needs = append(t.Needs, Needs{Patch: id, Stand: stand})
	}
	return i
}

// MergeNeeds adds the needs of another tally to these.
func (t *Tally) MergeNeeds(o Tally) {
	for _, x := range o.Needs {
		i := t.needing(x.Patch, x.Stand)
		t.Needs[i].Text = cmp.Or(t.Needs[i].Text, x.Text)
		t.Needs[i].Count += x.Count
		for _, name := range x.Names {
			t.Needs[i].Bucket.add(name, 0)
		}
	}
	t.sortNeeds()
}

func (t *Tally) sortNeeds() {
	slices.SortFunc(t.Needs, func(a, b Needs) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Patch, b.Patch), cmp.Compare(a.Stand, b.Stand))
	})
}

// adds lists the undecided patches that the chosen ones need and that are not among them.
func (p *Preview) adds(sum Tally) (out []patch.ID) {
	chosen := func(id patch.ID) bool {
		return slices.ContainsFunc(p.Patches, func(x PatchPreview) bool { return x.Patch.ID == id })
	}
	for _, x := range sum.Needs {
		if x.Undecided() && !chosen(x.Patch) && !slices.Contains(out, x.Patch) {
			out = append(out, x.Patch)
		}
	}
	return out
}
