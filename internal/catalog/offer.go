package catalog

import (
	"context"
	"iter"

	"github.com/fettle-project/fettle/internal/capability"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

// Asking gives what the packages of a patch on the newest list ask of others, in the order of its files; none where its kind of archive does not
// tell, and the machine's own package manager is who says so.
func (c *Catalog) Asking(ctx context.Context, os patch.HostOS, id patch.ID) ([]patch.Asking, error) {
	r, err := c.current(ctx, os)
	if err != nil {
		return nil, err
	}
	i, ok := r.list.Index(id)
	if !ok {
		return nil, patch.Errorf(patch.NotFound, "the patch %s is not on the list of %s", id, os)
	}
	return r.asking(i)
}

// Offers gives the patches on the newest list with a package of that name, or with one that provides it; of rpm also those that take a package
// of that name away, and those of whose packages nobody tells what they provide.
func (c *Catalog) Offers(ctx context.Context, os patch.HostOS, name string) ([]patch.Offer, error) {
	r, err := c.current(ctx, os)
	if err != nil {
		return nil, err
	}
	return r.offers(name)
}

func (r *revision) offers(name string) (out []patch.Offer, err error) {
	patches := r.list.Patches()
	for i := range patches {
		for _, p := range patches[i].Payloads {
			if p.Name == name {
				out = append(out, patch.Offer{Patch: patches[i].ID, Name: p.Name, Version: p.Version})
			}
		}
	}
	r.virtual.Do(r.readVirtual)
	for _, i := range r.providers[name] {
		asking, err := r.asking(i)
		if err != nil {
			return nil, err
		}
		for _, a := range asking {
			for p := range r.provided(a.Provides) {
				if p.Name == name {
					out = append(out, patch.Offer{Patch: patches[i].ID, Name: a.Name, Version: p.Version, Op: p.Op, Virtual: true})
				}
			}
		}
	}
	for _, i := range r.replacers[name] {
		out = append(out, patch.Offer{Patch: patches[i].ID, Name: name, Away: true})
	}
	for _, i := range r.untold {
		for _, p := range patches[i].Payloads {
			out = append(out, patch.Offer{Patch: patches[i].ID, Name: p.Name, Virtual: true})
		}
	}
	return out, nil
}

// provided visits what a package provides beside its name.
func (r *revision) provided(field string) iter.Seq[patch.Relation] {
	if r.payloads.asks.rpm {
		return capability.Provided(field)
	}
	return func(yield func(patch.Relation) bool) {
		for name, v := range debian.Provided(field) {
			if !yield(patch.Relation{Name: name, Version: v}) {
				return
			}
		}
	}
}

func (r *revision) asking(i int) ([]patch.Asking, error) {
	files, err := r.payloads.of(i, r.list.At(i))
	if err != nil {
		return nil, err
	}
	asking, err := r.payloads.asks.of(i, r.list.At(i).Payloads)
	for k := range asking {
		asking[k].Origin = files[k].Origin
	}
	return asking, err
}

// readVirtual notes which patches provide what; one whose part cannot be read provides nothing.
func (r *revision) readVirtual() {
	r.providers, r.replacers = map[string][]int{}, map[string][]int{}
	for i := range r.list.Patches() {
		asking, _ := r.payloads.asks.of(i, r.list.At(i).Payloads)
		untold := false
		for _, a := range asking {
			untold = untold || a.Untold
			for p := range r.provided(a.Provides) {
				note(r.providers, p.Name, i)
			}
		}
		if untold {
			r.untold = append(r.untold, i)
		}
		if r.payloads.asks.rpm {
			r.readReplaced(i)
		}
	}
}

func (r *revision) readReplaced(i int) {
	files, _ := r.payloads.of(i, r.list.At(i))
	for _, f := range files {
		for _, old := range f.Replaces {
			note(r.replacers, old.Name, i)
		}
	}
}

// note enters a patch under a name, once.
func note(by map[string][]int, name string, i int) {
	if all := by[name]; len(all) == 0 || all[len(all)-1] != i {
		by[name] = append(all, i)
	}
}
