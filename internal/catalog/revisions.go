package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Diff compares two revisions of an OS; without names the newest with the one before it, or with the one that waits in quarantine.
// A revision in quarantine may be named like any other, and by the beginning of its ID.
func (c *Catalog) Diff(_ context.Context, os patch.HostOS, from, to patch.RevisionID, all []patch.RevisionMeta) (Diff, error) {
	older, newer, err := c.sides(os, from, to, all)
	if err != nil {
		return Diff{}, err
	}
	return c.compare(os, older, newer)
}

// HeadPatches is how many patches of each kind a DiffHead names.
const HeadPatches = 50

// DiffHead is Diff for who reads only its beginning: the counts are of all, and of each kind the first HeadPatches are named. Recent ones are
// at hand, and of a revision that was just published the one from what it replaced.
func (c *Catalog) DiffHead(_ context.Context, os patch.HostOS, from, to patch.RevisionID, all []patch.RevisionMeta) (Diff, error) {
	older, newer, err := c.sides(os, from, to, all)
	if err != nil {
		return Diff{}, err
	}
	return c.heads.get(headKey(os, older.ID, newer.ID), func() (Diff, error) {
		d, err := c.compare(os, older, newer)
		return d.head(), err
	})
}

// headKey names a comparison; a revision's ID is a hash of the files that are compared.
func headKey(os patch.HostOS, older, newer patch.RevisionID) string {
	return string(os) + " " + string(older) + " " + string(newer)
}

// remember compares a revision with the one that it comes after, while their lists are at hand, for the person who looks next. A comparison that
// fails is made when somebody asks, who then learns why.
func (c *Catalog) remember(ctx context.Context, before patch.RevisionMeta, was *List, b Built, is *List) {
	if was == nil || before.ID == b.Meta.ID {
		return
	}
	_, err := c.heads.get(headKey(before.OS, before.ID, b.Meta.ID), func() (Diff, error) {
		older, newer := Side{Revision: before.ID, List: was}, Side{Revision: b.Meta.ID, List: is}
		var err error
		if older.Signatures, err = c.readSignatures(before); err != nil {
			return Diff{}, err
		}
		if newer.Signatures, err = detect.Open(b.Signatures); err != nil {
			return Diff{}, err
		}
		d, err := Compare(before.OS, older, newer)
		return d.head(), err
	})
	if err != nil {
		c.Log.WarnContext(ctx, "revisions cannot be compared", "os", before.OS, "from", before.ID, "to", b.Meta.ID, "error", err)
	}
}

// head cuts each kind, with texts of its own: those of a list would keep the whole list in memory.
func (d Diff) head() Diff {
	for _, kind := range []*[]DiffPatch{&d.New, &d.Changed, &d.Gone, &d.Superseded} {
		short := slices.Clone((*kind)[:min(len(*kind), HeadPatches)])
		for i := range short {
			p := &short[i]
			p.ID, p.Title, p.Severity = patch.ID(strings.Clone(string(p.ID))), strings.Clone(p.Title), patch.Severity(strings.Clone(string(p.Severity)))
			p.What, p.By = slices.Clone(p.What), slices.Clone(p.By)
			for j := range p.What {
				p.What[j] = phrase.Phrase(strings.Clone(string(p.What[j])))
			}
			for j := range p.By {
				p.By[j] = patch.ID(strings.Clone(string(p.By[j])))
			}
		}
		*kind = short
	}
	return d
}

// sides finds the two revisions that are named, as Diff says.
func (c *Catalog) sides(os patch.HostOS, from, to patch.RevisionID, all []patch.RevisionMeta) (older, newer patch.RevisionMeta, err error) {
	held, isHeld := c.heldOf(os)
	if isHeld {
		all = append([]patch.RevisionMeta{held.Revision}, all...)
	}
	pick := func(name patch.RevisionID, number int) (patch.RevisionMeta, error) {
		if name == "" && number < len(all) {
			return all[number], nil
		}
		var found []patch.RevisionMeta
		for _, m := range all {
			if name != "" && strings.HasPrefix(string(m.ID), string(name)) {
				found = append(found, m)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
		switch {
		case name == "" && len(all) == 1:
			return patch.RevisionMeta{}, &patch.Error{Kind: patch.NotFound, What: phrase.Of("{1} has only one revision yet: there is nothing before it to compare it with", string(os)),
				Do: phrase.Of("See what is on it: fettle patches --os {1}", string(os))}
		case name == "":
			return patch.RevisionMeta{}, &patch.Error{Kind: patch.NotFound, What: phrase.Of("there is no list of {1} yet", string(os)), Do: "See which there are: fettle catalog list"}
		}
		return patch.RevisionMeta{}, &patch.Error{Kind: patch.NotFound, What: phrase.Format("%s has no revision to compare: %d fit %q", os, len(found), name),
			Do: phrase.Of("List them with `fettle catalog list --os {1}`.", string(os))}
	}
	if newer, err = pick(to, 0); err != nil {
		return older, newer, err
	}
	older, err = pick(from, 1)
	return older, newer, err
}

func (c *Catalog) compare(os patch.HostOS, older, newer patch.RevisionMeta) (Diff, error) {
	was, err := c.side(older)
	if err != nil {
		return Diff{}, err
	}
	is, err := c.side(newer)
	if err != nil {
		return Diff{}, err
	}
	return Compare(os, was, is)
}

func (c *Catalog) heldOf(os patch.HostOS) (Quarantine, bool) {
	for _, q := range c.Quarantined() {
		if q.Revision.OS == os {
			return q, true
		}
	}
	return Quarantine{}, false
}

// side reads a revision's files; the newest one's list is in memory.
func (c *Catalog) side(m patch.RevisionMeta) (s Side, err error) {
	s.Revision = m.ID
	c.mu.Lock()
	if r := c.newest[m.OS]; r != nil && r.meta.ID == m.ID {
		s.List = r.list
	}
	c.mu.Unlock()
	if s.List == nil {
		if s.List, err = c.readList(m); err != nil {
			return s, err
		}
	}
	s.Signatures, err = c.readSignatures(m)
	return s, err
}
