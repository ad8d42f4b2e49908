package world

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/capability"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// needsOf reads dependencies. One that is not understood is left out: nothing can be said about it.
func needsOf(all []string) (out []capability.Need) {
	for _, s := range all {
		if n, ok := capability.Parse(s); ok {
			out = append(out, n)
		}
	}
	return out
}

// words is the dependency as the machine's package manager writes it.
func (l *lack) words() string {
	if l.need != nil {
		return l.need.String()
	}
	return l.clause.String()
}

// lacksRPM is lacks for rpm. A package counts as there with all that it provides; its programs count in any directory, and other files are never
// said to be missing.
func lacksRPM(f *patch.Facts, pkgs []patch.PlanPackage, own []*asked) (out []lack) {
	if replacesItself(pkgs) {
		return nil // rpm leaves out what is replaced, and with it what that asks for
	}
	here := installedRPM(f, pkgs)
	all := here
	for _, a := range own {
		all = append(all, capability.Holder{Name: a.Name, Version: a.Version, Provides: a.Provides})
	}
	for _, a := range own {
		for i := range a.requires {
			if n := &a.requires[i]; n.Judge(all) == capability.No {
				l := lack{by: a, need: n}
				l.lookAt(f, here)
				out = append(out, l)
			}
		}
		for i := range a.conflicts {
			n := &a.conflicts[i]
			for k := range here {
				if h := &here[k]; n.Plain() && h.Name != a.Name && n.Judge(here[k:k+1]) == capability.Yes {
					l := lack{by: a, need: n, breaks: true}
					l.see(named(f, h.Name))
					l.moves = []patch.InstalledPackage{l.here}
					out = append(out, l)
				}
			}
		}
	}
	return out
}

func replacesItself(pkgs []patch.PlanPackage) bool {
	return slices.ContainsFunc(pkgs, func(c patch.PlanPackage) bool {
		return slices.ContainsFunc(c.Replaces, func(old patch.InstalledPackage) bool {
			return slices.ContainsFunc(pkgs, func(p patch.PlanPackage) bool { return p.Name == old.Name })
		})
	})
}

// installedRPM are the machine's packages. Those that the patch updates or replaces leave, and so does what is there in several versions.
func installedRPM(f *patch.Facts, pkgs []patch.PlanPackage) []capability.Holder {
	out := make([]capability.Holder, 0, len(f.Packages)+len(pkgs))
	for i := range f.Packages {
		p := &f.Packages[i]
		leaves := len(named(f, p.Name)) > 1 || slices.ContainsFunc(pkgs, func(c patch.PlanPackage) bool {
			return c.Name == p.Name || slices.ContainsFunc(c.Replaces, func(r patch.InstalledPackage) bool { return r.Name == p.Name })
		})
		out = append(out, capability.Holder{Name: p.Name, Version: p.Version, Provides: p.Provides, Leaves: leaves})
	}
	return out
}

// lookAt notes what is installed under the name that is asked for, and which packages make a condition hold.
func (l *lack) lookAt(f *patch.Facts, here []capability.Holder) {
	l.need.All(func(r patch.Relation, wanted bool) {
		if !wanted {
			for i := range here {
				if one := capability.Single(r); one.Judge(here[i:i+1]) != capability.No {
					l.moves = append(l.moves, patch.InstalledPackage{Name: here[i].Name, Version: here[i].Version})
				}
			}
			return
		}
		for _, name := range capability.Bearers(r) {
			if l.here.Name == "" && capability.Own(name, r.Name) {
				l.see(named(f, name))
			}
		}
	})
}

// offersRPM gives what would end a lack: packages that satisfy it, and what changes those that make it one.
func (v *View) offersRPM(ctx context.Context, os patch.HostOS, l lack) (out []patch.Offer, err error) {
	add := func(name string, ends func(o patch.Offer) bool) {
		all, failed := v.offers(ctx, os, name)
		if failed != nil {
			err = failed
		}
		for _, o := range all {
			if ends(o) && !slices.Contains(out, o) {
				out = append(out, o)
			}
		}
	}
	if !l.breaks {
		l.need.All(func(r patch.Relation, wanted bool) {
			if !wanted {
				return
			}
			for _, name := range append([]string{capability.Key(r)}, capability.Bearers(r)...) {
				add(name, func(o patch.Offer) bool { return meets(o, name, r) })
			}
		})
	}
	for _, p := range l.moves {
		add(p.Name, func(o patch.Offer) bool { return o.Away || !o.Virtual && rpmLess(p.Version, o.Version) })
	}
	return out, err
}

// meets tells whether what was found under a name may satisfy a relation.
func meets(o patch.Offer, name string, r patch.Relation) bool {
	switch {
	case o.Away:
		return false
	case o.Virtual && name != r.Name && name != capability.Key(r):
		return false
	case o.Virtual:
		return version.RPMOverlap(o.Op, o.Version, r.Op, r.Version)
	}
	return capability.Own(o.Name, r.Name) && version.RPMOverlap("=", o.Version, r.Op, r.Version)
}
