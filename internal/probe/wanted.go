package probe

import "github.com/fettle-project/fettle/internal/item"

// literal gives the values of an entity that can be looked up; nil where it has to be searched for.
func (g *gathering) literal(w *item.Wanted) []string {
	if w.Operation != item.Equals || w.Check == item.NoneSatisfy || w.Check == item.NoneExistCheck {
		return nil
	}
	if w.Values == nil {
		return []string{}
	}
	return w.Values
}

// matches is is for one of several literal values; that one value equals itself needs no look.
func (g *gathering) matches(w *item.Wanted, value string) bool {
	return len(w.Values) == 1 || g.is(w, value)
}

// pruner gives what tells whether a directory can lead to a match of an entity.
func (g *gathering) pruner(w *item.Wanted) func(string) bool {
	if w.Operation != item.PatternMatch || w.Check == item.NoneSatisfy || w.Check == item.NoneExistCheck {
		return nil
	}
	all := make([]partial, len(w.Values))
	for i, v := range w.Values {
		all[i] = newPartial(v)
	}
	return func(dir string) bool {
		for _, p := range all {
			if p.leads(dir) {
				return true
			}
		}
		return false
	}
}
