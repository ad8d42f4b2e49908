package catalog

import (
	"context"

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

// Offers gives the patches on the newest list with a package of that name, or with one that provides it.
func (c *Catalog) Offers(ctx context.Context, os patch.HostOS, name string) ([]patch.Offer, error) {
	r, err := c.current(ctx, os)
	if err != nil {
		return nil, err
	}
	var out []patch.Offer
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
			for provided, v := range debian.Provided(a.Provides) {
				if provided == name {
					out = append(out, patch.Offer{Patch: patches[i].ID, Name: a.Name, Version: v, Virtual: true})
				}
			}
		}
	}
	return out, nil
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
	r.providers = map[string][]int{}
	for i := range r.list.Patches() {
		seen := map[string]bool{}
		asking, _ := r.payloads.asks.of(i, r.list.At(i).Payloads)
		for _, a := range asking {
			for name := range debian.Provided(a.Provides) {
				if !seen[name] {
					seen[name], r.providers[name] = true, append(r.providers[name], i)
				}
			}
		}
	}
}
