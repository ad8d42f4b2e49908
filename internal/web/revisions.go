package web

import (
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// diffPage is what differs between two revisions of a host OS's list.
type diffPage struct {
	OS        patch.HostOS
	From, To  patch.RevisionID
	Revisions []patch.RevisionMeta
	Diff      *catalog.Diff // nil where there is no second revision yet
	Fault     *faultPage
}

// Kinds are the differences by kind, in the order in which they matter.
func (p diffPage) Kinds() []diffKind {
	d := p.Diff
	return []diffKind{{"new", "New", "on the list now, and not before", d.Counts.New, d.New}, {"changed", "Changed", "on both lists, and not the same", d.Counts.Changed, d.Changed},
		{"superseded", "Superseded now", "still listed; a newer one replaces it", d.Counts.Superseded, d.Superseded}, {"gone", "Gone", "the vendor took it off the list; its history stays", d.Counts.Gone, d.Gone}}
}

// diffKind is the differences of one kind.
type diffKind struct {
	Name        string
	Word, Means phrase.Phrase
	Count       int
	Patches     []catalog.DiffPatch // the first of them
}

func (c *console) diff(v *visit) error {
	p := diffPage{OS: patch.HostOS(v.r.PathValue("os")), From: patch.RevisionID(v.get("from")), To: patch.RevisionID(v.get("to"))}
	var err error
	if p.Revisions, err = c.Records.ListRevisions(v.ctx, p.OS); err != nil {
		return err
	}
	if len(p.Revisions) == 0 {
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("no list was ever published for {1}", string(p.OS)), Do: "Look at the Feeds page."}
	}
	if len(p.Revisions) > 1 {
		d, err := c.Diff(v.ctx, p.OS, p.From, p.To)
		if err != nil && patch.KindOf(err) == patch.Internal {
			return err
		}
		if err != nil {
			f := faultOf(err)
			p.Fault = &f
		} else {
			p.Diff, p.From, p.To = &d, d.From, d.To
		}
	}
	return show(c, v, "diff", "feeds", phrase.Of("Catalog of {1}", string(p.OS)), p)
}

// option is a revision that can be chosen.
type option struct {
	patch.RevisionMeta
	Picked bool
}

func pick(all []patch.RevisionMeta, id patch.RevisionID) []option {
	var out []option
	for _, r := range all {
		out = append(out, option{r, r.ID == id})
	}
	return out
}
