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
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// accepted are the runs that put a feed's generation in quarantine and that a person has looked at, by feed.
type accepted map[string]patch.FeedRun

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
		a.startSync(change.ID, nil)
	}
}

// askSync is a sync that a person asks for.
func (a *appliance) askSync(ctx context.Context, caller patch.Caller, names []string) (api.Change, error) {
	accept, err := a.quarantined(ctx, names)
	if err != nil {
		return api.Change{}, err
	}
	change, joined := a.Changes.Begin(syncKind, caller.Name)
	if joined && len(accept) > 0 {
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
	for name, run := range accept {
		detail := struct {
			Packages int       `json:"packages"`
			Dated    time.Time `json:"dated"`
		}{run.Packages, run.Dated}
		if err := a.Store.PutAudit(ctx, caller, "feed.accept", name, detail); err != nil {
			return err
		}
	}
	return a.Store.PutAudit(ctx, caller, syncKind, "all feeds", nil)
}

// quarantined finds the runs that put the named feeds in quarantine.
func (a *appliance) quarantined(ctx context.Context, names []string) (accepted, error) {
	if len(names) == 0 {
		return nil, nil
	}
	feeds, err := a.Store.ListFeeds(ctx)
	if err != nil {
		return nil, err
	}
	accept := accepted{}
	for _, name := range names {
		i := slices.IndexFunc(feeds, func(f patch.FeedStatus) bool { return f.Name == name })
		if i < 0 {
			return nil, &patch.Error{Kind: patch.NotFound, What: fmt.Sprintf("no feed is called %q", name), Do: "List them: fettle feeds"}
		}
		last := feeds[i].Last
		if last == nil || last.Outcome != feed.Quarantined {
			return nil, &patch.Error{Kind: patch.Conflict, What: "there is nothing to accept for the feed " + name,
				Why: "its newest run put nothing in quarantine", Do: "Look at `fettle feeds`; sync again without accepting it."}
		}
		accept[name] = *last
	}
	return accept, nil
}

// sync brings all feeds up to date, publishes what changed and wakes the machines. What fails is in the change, in the feed's run
// and in an alarm; the last good state stays in force.
func (a *appliance) sync(ctx context.Context, id string, accept accepted) {
	text, err := a.syncFeeds(ctx, id, accept)
	a.Changes.End(id, text, err)
	switch {
	case err == nil:
		a.Log.InfoContext(ctx, "catalog synced", slog.String("result", text))
	case ctx.Err() == nil:
		a.Log.WarnContext(ctx, "catalog sync incomplete", slog.Any("error", err))
	}
}

func (a *appliance) syncFeeds(ctx context.Context, id string, accept accepted) (string, error) {
	feeds, err := a.Store.ListFeeds(ctx)
	if err != nil {
		return "", err
	}
	if len(feeds) == 0 {
		return "", &patch.Error{Kind: patch.Invalid, What: "there is nothing to sync", Why: "no feed is subscribed to", Do: "Add one with `fettle feeds add`."}
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
	text, err := a.publish(ctx, id)
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
	if seen, ok := accept[f.Name]; ok {
		return a.syncer.SyncAccepting(ctx, f, seen, progress)
	}
	return a.syncer.Sync(ctx, f, progress)
}

func (a *appliance) publish(ctx context.Context, id string) (string, error) {
	a.Changes.Step(id, api.Part{Name: "catalog", State: "running", Text: "building lists and signatures"})
	metas, err := a.Catalog.Publish(ctx)
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
