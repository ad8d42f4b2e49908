package catalog

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// revisionsBack is how many revisions of a host OS are searched for a version that the newest one does not offer any more.
const revisionsBack = 60

// Previous finds a package in exactly one version, with the vendor's index that vouches for it: on the newest list, else on the newest older one
// whose index is still kept here. offered tells the first from the second: what is not offered any more can only be had where its bytes were
// kept. NotFound where no list carries it.
func (c *Catalog) Previous(ctx context.Context, os patch.HostOS, p patch.InstalledPackage) (f patch.PayloadFile, o patch.Origin, offered bool, err error) {
	r, err := c.current(ctx, os)
	if err != nil {
		return f, o, false, err
	}
	if f, o, ok, err := r.carries(p); ok || err != nil {
		return f, o, ok, err
	}
	metas, err := c.Store.ListRevisions(ctx, os)
	if err != nil {
		return f, o, false, err
	}
	for _, meta := range metas[:min(len(metas), revisionsBack)] {
		if meta.ID == r.meta.ID {
			continue
		}
		old, err := c.older(ctx, meta)
		if err != nil {
			c.Log.DebugContext(ctx, "an older revision is not at hand", "os", os, "revision", meta.ID, "error", err)
			continue
		}
		if f, o, ok, err := old.carries(p); err != nil || ok && c.vouched(o) {
			return f, o, false, err
		}
	}
	return f, o, false, patch.Errorf(patch.NotFound, "no list of %s carries %s %s", os, p.Name, p.Version)
}

// older reads a revision that is not the newest; recent ones are kept in memory.
func (c *Catalog) older(ctx context.Context, meta patch.RevisionMeta) (*revision, error) {
	list, err := c.ListOf(ctx, meta.OS, meta.ID)
	if err != nil {
		return nil, err
	}
	return c.past.get(string(meta.OS)+" "+string(meta.ID), func() (*revision, error) {
		b, err := c.Files.Read(meta.Payloads, maxPayloadFile)
		if err != nil {
			return nil, unreadable(meta, err)
		}
		r := &revision{meta: meta, list: list}
		if r.payloads, err = decodePayloads(b); err != nil {
			return nil, unreadable(meta, err)
		}
		return r, nil
	})
}

// vouched reports whether machines can still fetch the signed index that a file is from; rpms carry their signature themselves.
func (c *Catalog) vouched(o patch.Origin) bool {
	if o.Index == "" {
		return true
	}
	_, release := c.Raw.Has(o.Release)
	_, index := c.Raw.Has(o.Index)
	return release && index
}

// carries finds a package of a revision in exactly one version.
func (r *revision) carries(p patch.InstalledPackage) (f patch.PayloadFile, o patch.Origin, ok bool, err error) {
	patches := r.list.Patches()
	for i := range patches {
		for k, q := range patches[i].Payloads {
			if q.Name != p.Name || q.Version != p.Version || !sameSlot(q.Arch, p.Arch) {
				continue
			}
			files, err := r.payloads.of(i, &patches[i])
			if err != nil {
				return f, o, false, err
			}
			if f = files[k]; f.Origin >= 0 && f.Origin < len(r.meta.Origins) {
				o = r.meta.Origins[f.Origin]
			}
			return f, o, true, nil
		}
	}
	return f, o, false, nil
}

// sameSlot reports whether a machine has one package of both architectures: a package may change between an architecture and none.
func sameSlot(a, b string) bool {
	free := func(arch string) bool { return arch == "all" || arch == "noarch" }
	return a == b || free(a) || free(b)
}
