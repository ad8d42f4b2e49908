package world

import (
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// needed says of every step who on the machine would miss the newer version. What goes back together with it does not count.
func (s *Sight) needed(ctx context.Context, a Ask, facts *patch.Facts, steps []gate.BackStep) error {
	if facts == nil || version.Of(s.OS) != version.Dpkg || len(steps) == 0 {
		return nil
	}
	after := make(map[string]string, len(facts.Packages))
	for _, p := range facts.Packages {
		if p.State == patch.Installed {
			after[p.Name] = p.Version
		}
	}
	before := map[string]string{}
	leave := func(name, to string) { before[name], after[name] = after[name], to }
	for _, step := range steps {
		leave(step.Name, step.To)
	}
	for _, id := range a.Among {
		attempts, err := s.Attempts(ctx, id)
		if err != nil {
			return err
		}
		if got := installed(attempts); got != nil && id != a.Patch {
			packages, err := s.brought(ctx, *got)
			if err != nil {
				return err
			}
			for _, p := range packages {
				leave(p.Name, p.Version)
			}
		}
	}
	needs, err := s.v.needs(ctx, s.OS, before)
	if err != nil {
		return err
	}
	for _, n := range needs {
		if _, goes := before[n.By.Name]; goes || after[n.By.Name] != n.By.Version || met(n.AnyOf, after) {
			continue
		}
		i := slices.IndexFunc(steps, func(x gate.BackStep) bool {
			return slices.ContainsFunc(n.AnyOf, func(r patch.Relation) bool { return r.Name == x.Name })
		})
		if i >= 0 && steps[i].Needed == "" && met(n.AnyOf, over(after, before)) {
			steps[i].Needed = phrase.Of("{1} {2}, which is installed, needs {3}", n.By.Name, n.By.Version, said(n.AnyOf))
		}
	}
	return nil
}

// over is packages as they are now, before anything goes back.
func over(after, before map[string]string) map[string]string {
	now := make(map[string]string, len(after))
	for name, v := range after {
		now[name] = v
	}
	for name, v := range before {
		now[name] = v
	}
	return now
}

// met reports whether installed packages satisfy one of the alternatives.
func met(anyOf []patch.Relation, here map[string]string) bool {
	return slices.ContainsFunc(anyOf, func(r patch.Relation) bool { return here[r.Name] != "" && debian.Holds(r, here[r.Name]) })
}

func said(anyOf []patch.Relation) string {
	parts := make([]string, len(anyOf))
	for i, r := range anyOf {
		parts[i] = strings.TrimSpace(r.Name + " " + r.Op + " " + r.Version)
	}
	return strings.Join(parts, " or ")
}

// needs are the dependencies on packages of some names, read once for each set of names.
func (v *View) needs(ctx context.Context, os patch.HostOS, names map[string]string) ([]patch.Need, error) {
	all := make([]string, 0, len(names))
	for name := range names {
		all = append(all, name)
	}
	slices.Sort(all)
	k := string(os) + " " + strings.Join(all, " ")
	if n, known := v.needing[k]; known {
		return n, nil
	}
	n, err := v.r.Catalog.Needs(ctx, os, all)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return nil, err
	}
	if v.needing == nil {
		v.needing = map[string][]patch.Need{}
	}
	v.needing[k] = n
	return n, nil
}
