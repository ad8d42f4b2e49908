package world

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/capability"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// asked is what a package of a patch asks of others, read once.
type asked struct {
	patch.Asking
	depends, breaks     []debian.Clause
	requires, conflicts []capability.Need // of rpm
}

// lack is a clause of a patch's package that nothing installed satisfies, nor anything that comes with the patch itself.
type lack struct {
	by     *asked
	clause debian.Clause
	need   *capability.Need         // of rpm, instead of clause
	moves  []patch.InstalledPackage // of rpm: installed packages that end it by becoming newer or going away
	breaks bool
	here   patch.InstalledPackage // what is installed under its first name; zero: nothing
	held   bool
}

// lacks works out what the packages that a machine needs for a patch lack there. It says only what is certain. A package counts as there in any
// architecture and in any state but removed, and every field Provides counts; facts that do not tell what packages provide lack nothing.
func lacks(f *patch.Facts, pkgs []patch.PlanPackage, all []asked) []lack {
	own := ownOf(f, pkgs, all)
	if version.Of(f.OS.Key) == version.RPM {
		return lacksRPM(f, pkgs, own)
	}
	var out []lack
	for _, a := range own {
		for _, c := range a.depends {
			if !slices.ContainsFunc(c, func(r patch.Relation) bool { return comesWith(own, r) || there(f, r) }) {
				l := lack{by: a, clause: c}
				l.see(named(f, c[0].Name))
				out = append(out, l)
			}
		}
		for _, c := range a.breaks {
			if p := broken(f, a, c[0]); p != nil && !slices.ContainsFunc(own, func(o *asked) bool { return o.Name == p.Name }) {
				l := lack{by: a, clause: c, breaks: true}
				l.see([]patch.Package{*p})
				out = append(out, l)
			}
		}
	}
	return out
}

// ownOf is what the packages ask, each of them; nil where that is not known of all.
func ownOf(f *patch.Facts, pkgs []patch.PlanPackage, all []asked) (own []*asked) {
	if !f.OS.Provides {
		return nil
	}
	for _, p := range pkgs {
		i := slices.IndexFunc(all, func(a asked) bool { return a.Name == p.Name && a.Arch == p.Arch && a.Version == p.Version })
		if i < 0 || p.Back || all[i].Untold {
			return nil // the index tells nothing of it
		}
		own = append(own, &all[i])
	}
	return own
}

func (l *lack) see(all []patch.Package) {
	for _, p := range all {
		if p.State != patch.Removed {
			l.here, l.held = patch.InstalledPackage{Name: p.Name, Arch: p.Arch, Version: p.Version}, p.Held
			return
		}
	}
}

func comesWith(own []*asked, r patch.Relation) bool {
	return slices.ContainsFunc(own, func(o *asked) bool {
		return o.Name == r.Name && debian.Holds(r, o.Version) || debian.Provides(o.Provides, r)
	})
}

// there reports whether something that is installed satisfies a relation, or may do so.
func there(f *patch.Facts, r patch.Relation) bool {
	for _, p := range named(f, r.Name) {
		if p.State != patch.Removed && (debian.Holds(r, p.Version) || !debian.ValidVersion(p.Version)) {
			return true
		}
	}
	return slices.ContainsFunc(f.Packages, func(p patch.Package) bool {
		return p.Provides != "" && p.State != patch.Removed && debian.Provides(p.Provides, r)
	})
}

// broken gives an installed package that must not stay beside a. Others than of its own architecture may.
func broken(f *patch.Facts, a *asked, r patch.Relation) *patch.Package {
	all := named(f, r.Name)
	for i := range all {
		p := &all[i]
		beside := p.Arch == a.Arch || p.Arch == "all" && (a.Arch == "all" || a.Arch == f.OS.Arch) || a.Arch == "all" && p.Arch == f.OS.Arch
		if p.State == patch.Installed && p.Name != a.Name && beside && debian.ValidVersion(p.Version) && debian.Holds(r, p.Version) {
			return p
		}
	}
	return nil
}

// named gives the packages of a name, in whatever state.
func named(f *patch.Facts, name string) []patch.Package {
	i, _ := slices.BinarySearchFunc(f.Packages, name, func(p patch.Package, name string) int { return strings.Compare(p.Name, name) })
	n := i
	for n < len(f.Packages) && f.Packages[n].Name == name {
		n++
	}
	return f.Packages[i:n]
}

// Lacks reports whether a patch needs what neither this machine has nor the patch itself brings.
func (s *Sight) Lacks(ctx context.Context, id patch.ID) (bool, error) {
	l, err := s.lacks(ctx, id)
	return len(l) > 0, err
}

// lacks gives what a patch lacks on this machine, whatever is approved: worked out once for equal facts.
func (s *Sight) lacks(ctx context.Context, id patch.ID) ([]lack, error) {
	if scheme := version.Of(s.OS); s.Receipt == nil || s.Meta == nil || scheme != version.Dpkg && scheme != version.RPM {
		return nil, nil
	}
	k := neededKey{s.Receipt.Facts, id}
	if l, known := s.v.lacking[k]; known {
		return l, nil
	}
	if l, known := s.readingsOf(id).lacksOf(s.seat); known {
		return l, nil
	}
	all, err := s.v.asking(ctx, s.OS, id)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	pkgs, ok, err := s.Packages(ctx, id)
	if err != nil || !ok {
		return nil, err
	}
	facts, err := s.Facts(ctx)
	if err != nil || facts == nil {
		return nil, err
	}
	if s.v.lacking == nil {
		s.v.lacking = map[neededKey][]lack{}
	}
	s.v.lacking[k] = lacks(facts, pkgs, all)
	return s.v.lacking[k], nil
}

// asking is what the packages of a patch ask of others; none where the archive does not tell.
func (v *View) asking(ctx context.Context, os patch.HostOS, id patch.ID) ([]asked, error) {
	k := fileKey{os, id}
	if a, known := v.asks[k]; known {
		return a, nil
	}
	all, err := v.r.Catalog.Asking(ctx, os, id)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return nil, err
	}
	out := make([]asked, len(all))
	for i := range all {
		if version.Of(os) == version.RPM {
			out[i] = asked{Asking: all[i], requires: needsOf(all[i].Depends), conflicts: needsOf(all[i].Breaks)}
			continue
		}
		out[i] = asked{Asking: all[i], depends: debian.ParseClauses(strings.Join(all[i].Depends, ",")), breaks: breaking(all[i].Breaks)}
	}
	if v.asks == nil {
		v.asks = map[fileKey][]asked{}
	}
	v.asks[k] = out
	return out, nil
}

// breaking leaves out what is said of another architecture only.
func breaking(members []string) (out []debian.Clause) {
	for _, m := range members {
		if name, _, _ := strings.Cut(m, "("); strings.Contains(name, ":") {
			continue
		}
		for _, c := range debian.ParseClauses(m) {
			if len(c) == 1 {
				out = append(out, c)
			}
		}
	}
	return out
}

// readLacks prepares what the patch lacks on machines whose facts were just read: it is worked out, when asked for, once for each distinct part of
// the facts that it depends on.
func (r *readings) readLacks(from Parts, seats []*fleet.Seat, hashes []patch.Hash) {
	if len(r.asks) == 0 {
		return
	}
	if r.lacks == nil {
		r.lacks = map[lackPart]func() []lack{}
	}
	from.Parts(questionOf(r.asks), hashes, func(n int, key string, part func() *patch.Facts) {
		says := r.says(seats[n])
		if says == nil || !says.fits {
			return
		}
		k := lackPart{key, says}
		if r.lacks[k] == nil {
			facts := part()
			r.lacks[k] = sync.OnceValue(func() []lack { return lacks(facts, says.needed(), r.asks) })
		}
		r.seats[seats[n].Number].lacks = r.lacks[k]
	})
}

// lacksOf is what the patch lacks on a machine, by what was read of its facts; known is false where nothing was.
func (r *readings) lacksOf(s *fleet.Seat) (l []lack, known bool) {
	if r == nil {
		return nil, false
	}
	r.mu.Lock()
	var work func() []lack
	if says := r.says(s); says != nil && says.fits {
		known, work = true, r.seats[s.Number].lacks
	}
	r.mu.Unlock()
	if work == nil {
		return nil, known
	}
	return work(), true
}

// questionOf is what has to be known of a machine to tell what is lacking there.
func questionOf(all []asked) (q detect.Question) {
	for _, a := range all {
		for _, n := range slices.Concat(a.requires, a.conflicts) {
			n.All(func(r patch.Relation, _ bool) {
				q.Packages = append(append(q.Packages, capability.Key(r)), capability.Bearers(r)...)
			})
		}
		for _, c := range a.depends {
			for _, r := range c {
				q.Packages = append(q.Packages, r.Name)
			}
		}
		for _, c := range a.breaks {
			q.Packages = append(q.Packages, c[0].Name)
		}
	}
	slices.Sort(q.Packages)
	q.Packages = slices.Compact(q.Packages)
	q.Provided = q.Packages
	return q
}
