package main

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

type catalogCmd struct {
	Sync  catalogSyncCmd  `cmd:"" help:"Bring all feeds up to date and publish what changed."`
	List  catalogListCmd  `cmd:"" help:"List the published catalogs, and what waits in quarantine."`
	Diff  catalogDiffCmd  `cmd:"" help:"Say what changed between two revisions, or between two bundle files."`
	Build catalogBuildCmd `cmd:"" help:"Build a catalog into one file, without a server."`
}

type catalogSyncCmd struct {
	Accept []string `help:"Take over, once, what is in quarantine: of a feed, by its name, or a catalog, as HOST-OS/REVISION; may be repeated." placeholder:"NAME"`
	NoWait bool     `help:"Start it and return."`
}

func (catalogSyncCmd) Help() string {
	return `Signatures are verified; what is unsigned, expired, older, cut or suddenly shrunken is refused and the last good state kept.
A feed that lost a tenth of its packages or grew by half is put in quarantine: compare it with the vendor's archive, and take exactly the
generation that you saw over with --accept. A catalog that lost patches without a word, is understood less than before, or changes what
is known about machines whose facts are stored, waits in quarantine too: see fettle catalog list. Exits with 3 if a feed could not be brought up to date.

Examples:
  fettle catalog sync
  fettle catalog sync --accept debian-bookworm-updates
  fettle catalog sync --accept debian-12-amd64/9f2c4e81aa0b7d35
  fettle catalog sync --no-wait --json`
}

func (c catalogSyncCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	change, err := api.Do[api.Change](ctx, client, http.MethodPost, api.Path("sync"), nil, api.SyncRequest{Accept: c.Accept})
	if err != nil {
		return err
	}
	if !c.NoWait {
		if change, err = followChange(ctx, s, client, change); err != nil {
			return err
		}
	}
	if err := s.show(change, func(w io.Writer) { printChange(w, s, change, !c.NoWait) }); err != nil {
		return err
	}
	if change.State == "failed" {
		return &patch.Error{Kind: patch.Unavailable, What: "the catalog is not up to date", Why: phrase.Verbatim(change.Text), Do: "Look at `fettle feeds` and `fettle alarms`; the last good state stays in force."}
	}
	return nil
}

// followChange shows a change's progress until it has ended. Where bars do not move, how the parts ended is left to the answer.
func followChange(ctx context.Context, s *screen, client *api.Client, change api.Change) (api.Change, error) {
	b := newBars(s)
	defer b.stop()
	for {
		for _, p := range change.Parts {
			if s.live || p.State == "running" {
				b.set(p.Name, p.Done, p.Total, partText(p, s.live))
			}
		}
		if change.State != "running" {
			return change, nil
		}
		next, err := api.Get[api.Change](ctx, client, api.Path("changes", change.ID), url.Values{"after": {strconv.Itoa(change.Version)}, "wait": {"25"}})
		if err != nil {
			return change, err
		}
		change = next
	}
}

// partText leaves numbers out where every new text becomes a line of its own.
func partText(p api.Part, moving bool) string {
	text := p.Text
	if text == "" {
		text = p.State
	}
	if moving && p.State == "running" && p.Total > 0 {
		text += ", " + size(p.Done) + " of " + size(p.Total)
	}
	return text
}

// printChange prints how a change ended. What bars on the same terminal have said already is not said again, nor why something failed:
// the error that follows tells.
func printChange(w io.Writer, s *screen, c api.Change, followed bool) {
	switch {
	case c.State == "running":
		line(w, "Running as %s.", c.ID)
		return
	case c.State == "failed" && len(c.Parts) == 0:
		return
	case len(c.Parts) == 0, c.State == "done" && followed && s.live && s.width > 0:
		line(w, "%s", clean(sentence(c.Text)))
		return
	}
	t := table{columns: []column{{title: "what", flex: true}, {title: "state"}, {title: "result", flex: true}}}
	for _, p := range c.Parts {
		text := p.Text
		if p.State == "failed" {
			text = ""
		}
		t.add(p.Name, p.State, text)
	}
	t.print(w, s.width)
}

type catalogListCmd struct {
	OS string `help:"Show this host OS's revisions, newest first." placeholder:"OS"`
}

func (catalogListCmd) Help() string {
	return "Examples:\n  fettle catalog list\n  fettle catalog list --os debian-12-amd64 --json"
}

func (c catalogListCmd) Run(ctx context.Context, s *screen) error {
	path := api.Path("catalogs")
	if c.OS != "" {
		path = api.Path("catalogs", c.OS, "revisions")
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := api.Get[api.List[patch.RevisionMeta]](ctx, client, path, nil)
	if err != nil {
		return err
	}
	held, err := api.Get[api.List[catalog.Quarantine]](ctx, client, api.Path("quarantine"), nil)
	if err != nil {
		return err
	}
	return s.show(l, func(w io.Writer) { printCatalogs(w, s.width, l.Items, held.Items, time.Now()) })
}

func printCatalogs(w io.Writer, width int, metas []patch.RevisionMeta, held []catalog.Quarantine, now time.Time) {
	if len(metas) == 0 {
		line(w, "No catalog yet. Subscribe with `fettle feeds add` and run `fettle catalog sync`.")
		return
	}
	t := table{columns: []column{{title: "os", flex: true}, {title: "revision"}, {title: "patches", right: true}, {title: "vendor's data of"}, {title: "built"}, {title: "age", right: true}, {title: "faults in feeds", flex: true}}}
	for _, m := range metas {
		t.add(string(m.OS), string(m.ID), thousands(m.Patches), when(m.MetadataDate()), when(m.Built), ago(m.Built, now), faultsText(m.Faults))
	}
	t.print(w, width)
	for _, q := range held {
		line(w, "")
		line(w, "In quarantine: %s, since %s:", q.Name(), ago(q.At, now))
		for _, why := range q.Reasons {
			line(w, "  %s", clean(why.String()))
		}
		line(w, "  Compare: fettle catalog diff %s %s --os %s", q.InForce, q.Revision.ID, q.Revision.OS)
		line(w, "  Publish: fettle catalog sync --accept %s", q.Name())
	}
}

func faultsText(f patch.CatalogFaults) string {
	var words []string
	for _, x := range []struct {
		n    int
		text string
	}{{f.Unclear, "not understood"}, {f.Cyclic, "in circles"}, {f.Selves, "replace themselves"}, {f.Dangling, "replace what is not listed"}} {
		if x.n > 0 {
			words = append(words, thousands(x.n)+" "+x.text)
		}
	}
	return strings.Join(words, ", ")
}
