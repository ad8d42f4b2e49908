package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// accepted is what is in quarantine and a person has looked at.
type accepted struct {
	feeds     map[string]patch.FeedRun // the runs that put a feed's generation there
	revisions map[patch.HostOS]patch.RevisionID
}

func (k accepted) none() bool { return len(k.feeds)+len(k.revisions) == 0 }

const (
	syncKind    = "catalog.sync"
	feedsAtOnce = 3
	stepsApart  = 200 * time.Millisecond
)

// background remembers the context in which work that a person asked for goes on after the request has been answered.
func (a *appliance) background(ctx context.Context) {
	a.startSync = func(id string, accept accepted) { a.jobs.Go(func() { a.sync(ctx, id, accept) }) }
}

// syncByItself is a sync that nobody asked for.
func (a *appliance) syncByItself() {
	if change, joined := a.Changes.Begin(syncKind, self().Name); !joined {
		a.startSync(change.ID, accepted{})
	}
}

// askSync is a sync that a person asks for.
func (a *appliance) askSync(ctx context.Context, caller patch.Caller, names []string) (api.Change, error) {
	accept, err := a.quarantined(ctx, names)
	if err != nil {
		return api.Change{}, err
	}
	change, joined := a.Changes.Begin(syncKind, caller.Name)
	if joined && !accept.none() {
		return api.Change{}, &patch.Error{Kind: patch.Conflict, What: "nothing was accepted", Why: "a sync is running already", Do: "Try again when it has ended."}
	}
	err = a.auditSync(ctx, caller, accept)
	switch {
	case joined:
	case err != nil:
		a.Changes.End(change.ID, "", err)
	default:
		a.startSync(change.ID, accept)
	}
	return change, err
}

func (a *appliance) auditSync(ctx context.Context, caller patch.Caller, accept accepted) error {
	for name, run := range accept.feeds {
		detail := struct {
			Packages int       `json:"packages"`
			Dated    time.Time `json:"dated"`
		}{run.Packages, run.Dated}
		if err := a.Store.PutAudit(ctx, caller, "feed.accept", name, detail); err != nil {
			return err
		}
	}
	for os, id := range accept.revisions {
		detail := struct {
			Revision patch.RevisionID `json:"revision"`
		}{id}
		if err := a.Store.PutAudit(ctx, caller, "catalog.accept", string(os), detail); err != nil {
			return err
		}
	}
	return a.Store.PutAudit(ctx, caller, syncKind, "all feeds", nil)
}

// quarantined finds the runs that put the named feeds in quarantine, and the revisions that are named HOST-OS/REVISION.
func (a *appliance) quarantined(ctx context.Context, names []string) (accepted, error) {
	accept := accepted{map[string]patch.FeedRun{}, map[patch.HostOS]patch.RevisionID{}}
	if len(names) == 0 {
		return accept, nil
	}
	feeds, err := a.Store.ListFeeds(ctx)
	if err != nil {
		return accept, err
	}
	held := a.Catalog.Quarantined()
	for _, name := range names {
		if i := slices.IndexFunc(held, func(q catalog.Quarantine) bool { return q.Name() == name }); i >= 0 {
			accept.revisions[held[i].Revision.OS] = held[i].Revision.ID
			continue
		}
		i := slices.IndexFunc(feeds, func(f patch.FeedStatus) bool { return f.Name == name })
		if i < 0 {
			return accept, nothingCalled(name, held)
		}
		last := feeds[i].Last
		if last == nil || last.Outcome != feed.Quarantined {
			return accept, &patch.Error{Kind: patch.Conflict, What: phrase.Of("there is nothing to accept for the feed {1}", name),
				Why: "its newest run put nothing in quarantine", Do: "Look at `fettle feeds`; sync again without accepting it."}
		}
		accept.feeds[name] = *last
	}
	return accept, nil
}

func nothingCalled(name string, held []catalog.Quarantine) error {
	if os, id, ok := strings.Cut(name, "/"); ok {
		do := "Look at `fettle alarms`."
		if i := slices.IndexFunc(held, func(q catalog.Quarantine) bool { return string(q.Revision.OS) == os }); i >= 0 {
			do = "In quarantine is " + held[i].Name() + ": look at that one."
		}
		return &patch.Error{Kind: patch.Conflict, What: phrase.Format("no revision %s of %s is in quarantine", id, os), Do: phrase.Verbatim(do)}
	}
	return &patch.Error{Kind: patch.NotFound, What: phrase.Format("no feed is called %q", name), Do: "List them: fettle feeds"}
}

// sync brings all feeds up to date, publishes what changed and wakes the machines. What fails is in the change, in the feed's run
// and in an alarm; the last good state stays in force.
func (a *appliance) sync(ctx context.Context, id string, accept accepted) {
	text, err := a.syncFeeds(ctx, id, accept)
	a.Changes.End(id, text, err)
	switch {
	case err == nil:
		a.Log.InfoContext(ctx, "catalog synced", slog.String("result", text))
	case errors.Is(err, errNoFeed): // as on a new appliance: whoever asked for it is told, and nothing is wrong
		a.Log.InfoContext(ctx, "catalog has nothing to sync: no feed is subscribed to")
	case ctx.Err() == nil:
		a.Log.WarnContext(ctx, "catalog sync incomplete", slog.Any("error", err))
	}
}

// errNoFeed is what a sync says where there is nothing to fetch.
var errNoFeed error = &patch.Error{Kind: patch.Invalid, What: "there is nothing to sync", Why: "no feed is subscribed to", Do: "Add one with `fettle feeds add`."}

func (a *appliance) syncFeeds(ctx context.Context, id string, accept accepted) (string, error) {
	feeds, err := a.Store.ListFeeds(ctx)
	if err != nil {
		return "", err
	}
	if len(feeds) == 0 {
		return "", errNoFeed
	}
	var g errgroup.Group
	g.SetLimit(feedsAtOnce)
	failures := make([]error, len(feeds))
	for i, f := range feeds {
		a.Changes.Step(id, api.Part{Name: f.Name, State: "waiting"})
		g.Go(func() error {
			failures[i] = a.syncFeed(ctx, id, f.Feed, accept)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	text, err := a.publish(ctx, id, accept)
	return text, errors.Join(errors.Join(failures...), err)
}

func (a *appliance) syncFeed(ctx context.Context, id string, f patch.Feed, accept accepted) error {
	var mu sync.Mutex
	var last time.Time
	progress := func(p feed.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= stepsApart {
			last = now
			a.Changes.Step(id, api.Part{Name: f.Name, State: "running", Done: p.Done, Total: p.Total, Text: p.File})
		}
	}
	run, err := a.syncOne(ctx, f, accept, progress)
	if err != nil {
		a.Changes.Step(id, api.Part{Name: f.Name, State: "failed", Text: err.Error()})
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	text := fmt.Sprintf("%s: %s of %s, %s fetched", run.Outcome, plural(run.Packages, "package", "packages"), when(run.Dated), size(run.Bytes))
	a.Changes.Step(id, api.Part{Name: f.Name, State: "done", Done: 1, Total: 1, Text: text})
	return nil
}

func (a *appliance) syncOne(ctx context.Context, f patch.Feed, accept accepted, progress func(feed.Progress)) (patch.FeedRun, error) {
	if seen, ok := accept.feeds[f.Name]; ok {
		return a.syncer.SyncAccepting(ctx, f, seen, progress)
	}
	return a.syncer.Sync(ctx, f, progress)
}

func (a *appliance) publish(ctx context.Context, id string, accept accepted) (string, error) {
	a.Changes.Step(id, api.Part{Name: "catalog", State: "running", Text: "building lists and signatures"})
	seen := catalog.Accepted{Revisions: accept.revisions, Feeds: map[string]bool{}}
	for name := range accept.feeds {
		seen.Feeds[name] = true
	}
	metas, err := a.Catalog.PublishAccepting(ctx, seen)
	var says []string
	for _, m := range metas {
		says = append(says, fmt.Sprintf("%s: list %s with %s", m.OS, m.ID, plural(m.Patches, "patch", "patches")))
	}
	text := strings.Join(says, "; ")
	if text == "" {
		text = "there is no list yet"
	}
	if err != nil {
		a.Changes.Step(id, api.Part{Name: "catalog", State: "failed", Text: err.Error()})
		return text, err
	}
	a.Changes.Step(id, api.Part{Name: "catalog", State: "done", Done: 1, Total: 1, Text: text})
	if err := a.Rules.Run(ctx); err != nil {
		return text, fmt.Errorf("the catalog is published, and its rules were not all carried out: %w", err)
	}
	a.Hub.PokeAll(time.Duration(a.Hub.Waiting()) * time.Second / wakesASecond)
	a.Wanted.Beat()
	a.Pulse.Beat()
	return text, nil
}
