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
	Kinds     []diffKind
	Kind      string // of the differences that are listed whole; empty: the first of each kind
	Pager     pager
	Fault     *faultPage
}

// kindsOf are the differences by kind, in the order in which they matter.
func kindsOf(d *catalog.Diff) []diffKind {
	return []diffKind{{Name: "new", Word: "New", Means: "on the list now, and not before", Count: d.Counts.New, Patches: d.New},
		{Name: "changed", Word: "Changed", Means: "on both lists, and not the same", Count: d.Counts.Changed, Patches: d.Changed},
		{Name: "superseded", Word: "Superseded now", Means: "still listed; a newer one replaces it", Count: d.Counts.Superseded, Patches: d.Superseded},
		{Name: "gone", Word: "Gone", Means: "the vendor took it off the list; its history stays", Count: d.Counts.Gone, Patches: d.Gone}}
}

// diffKind is the differences of one kind.
type diffKind struct {
	Name        string
	Word, Means phrase.Phrase
	Count       int
	Patches     []catalog.DiffPatch // the first of them, or a page of them all
	URL         string              // of all of them
}

const diffSize = 100

func (c *console) diff(v *visit) error {
	p := diffPage{OS: patch.HostOS(v.r.PathValue("os")), From: patch.RevisionID(v.get("from")), To: patch.RevisionID(v.get("to")), Kind: v.get("kind")}
	var err error
	if p.Revisions, err = c.Records.ListRevisions(v.ctx, p.OS); err != nil {
		return err
	}
	if len(p.Revisions) == 0 {
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("no list was ever published for {1}", string(p.OS)), Do: "Look at the Feeds page."}
	}
	if len(p.Revisions) > 1 {
		compare := c.Diff
		if p.Kind != "" {
			compare = c.DiffWhole
		}
		d, err := compare(v.ctx, p.OS, p.From, p.To)
		if err != nil && patch.KindOf(err) == patch.Internal {
			return err
		}
		if err != nil {
			f := faultOf(err)
			p.Fault = &f
		} else {
			p.Diff, p.From, p.To = &d, d.From, d.To
			p.list(v)
		}
	}
	return show(c, v, "diff", "feeds", phrase.Of("Catalog of {1}", string(p.OS)), p)
}

// list gives each kind its address, and pages through the one that is listed whole.
func (p *diffPage) list(v *visit) {
	at := v.offset(diffSize)
	p.Kinds = kindsOf(p.Diff)
	for i := range p.Kinds {
		k := &p.Kinds[i]
		k.URL = v.with("from", string(p.From), "to", string(p.To), "kind", k.Name)
		switch p.Kind {
		case "":
		case k.Name:
			k.Patches = page(k.Patches, at, diffSize)
			p.Pager = v.pager(at, diffSize, len(k.Patches), k.Count)
		default:
			k.Patches = nil
		}
	}
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
