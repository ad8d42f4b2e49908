package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

const (
	depotEvery   = 30 * time.Second
	sweepEvery   = 15 * time.Second
	feedsAtOnce  = 3
	stepsApart   = 200 * time.Millisecond
	wakesASecond = 50
)

// self is the appliance as a caller.
func self() patch.Caller {
	return patch.Caller{Name: "fettle", Role: patch.Admin, From: "local", Via: "appliance"}
}

// background remembers the context in which work that a person asked for goes on after the request has been answered.
func (a *appliance) background(ctx context.Context) {
	a.startSync = func(caller patch.Caller) api.Change {
		change, joined := a.Changes.Begin("catalog.sync", caller.Name)
		if !joined {
			a.jobs.Go(func() { a.sync(ctx, change.ID) })
		}
		return change
	}
}

// syncLoop brings the feeds up to date by itself, with jitter, so that appliances do not come to the vendors as one.
func (a *appliance) syncLoop(ctx context.Context) error {
	if a.cfg.SyncEvery == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	for wait := time.Duration(0); ; wait = a.cfg.SyncEvery + time.Duration(float64(a.cfg.SyncEvery)*0.1*a.Random()) {
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		a.startSync(self())
	}
}

// sync brings all feeds up to date, publishes what changed and wakes the machines. What fails is in the change, in the feed's run
// and in an alarm; the last good state stays in force.
func (a *appliance) sync(ctx context.Context, id string) {
	text, err := a.syncFeeds(ctx, id)
	a.Changes.End(id, text, err)
	switch {
	case err == nil:
		a.Log.InfoContext(ctx, "catalog synced", slog.String("result", text))
	case ctx.Err() == nil:
		a.Log.WarnContext(ctx, "catalog sync incomplete", slog.Any("error", err))
	}
}

func (a *appliance) syncFeeds(ctx context.Context, id string) (string, error) {
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
			failures[i] = a.syncFeed(ctx, id, f.Feed)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	text, err := a.publish(ctx, id)
	return text, errors.Join(errors.Join(failures...), err)
}

func (a *appliance) syncFeed(ctx context.Context, id string, f patch.Feed) error {
	var mu sync.Mutex
	var last time.Time
	run, err := a.syncer.Sync(ctx, f, func(p feed.Progress) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now(); now.Sub(last) >= stepsApart {
			last = now
			a.Changes.Step(id, api.Part{Name: f.Name, State: "running", Done: p.Done, Total: p.Total, Text: p.File})
		}
	})
	if err != nil {
		a.Changes.Step(id, api.Part{Name: f.Name, State: "failed", Text: err.Error()})
		return fmt.Errorf("%s: %w", f.Name, err)
	}
	text := fmt.Sprintf("%s: %s of %s, %s fetched", run.Outcome, plural(run.Packages, "package", "packages"), when(run.Dated), size(run.Bytes))
	a.Changes.Step(id, api.Part{Name: f.Name, State: "done", Done: 1, Total: 1, Text: text})
	return nil
}

func (a *appliance) publish(ctx context.Context, id string) (string, error) {
	a.Changes.Step(id, api.Part{Name: "catalog", State: "running", Text: "building lists and signatures"})
	metas, err := a.Catalog.Publish(ctx)
	var says []string
	for _, m := range metas {
		says = append(says, fmt.Sprintf("%s: list %s with %s", m.OS, m.ID, plural(m.Patches, "patch", "patches")))
	}
	text := strings.Join(says, "; ")
	if err != nil {
		a.Changes.Step(id, api.Part{Name: "catalog", State: "failed", Text: err.Error()})
		return text, err
	}
	a.Changes.Step(id, api.Part{Name: "catalog", State: "done", Done: 1, Total: 1, Text: text})
	a.Hub.PokeAll(time.Duration(a.Hub.Waiting()) * time.Second / wakesASecond)
	a.Wanted.Beat()
	a.Pulse.Beat()
	return text, nil
}

// depotLoop fetches what approved patches need, whenever something may have changed and every so often for what is due again.
func (a *appliance) depotLoop(ctx context.Context) error {
	for {
		next := a.Wanted.Next()
		if err := a.fetchWanted(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "payloads not fetched", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next:
		case <-time.After(depotEvery):
		}
	}
}

func (a *appliance) fetchWanted(ctx context.Context) error {
	missing, err := a.Depot.Want(ctx)
	if err != nil || missing == 0 {
		return err
	}
	err = a.Depot.Run(ctx)
	a.Pulse.Beat()
	return err
}

// sweepLoop ends what nobody ends: expired orders, finished deployments, old sessions.
func (a *appliance) sweepLoop(ctx context.Context) error {
	for {
		if err := a.Deploy.Sweep(ctx); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "deployments not swept", slog.Any("error", err))
		}
		if err := a.Store.RemoveExpiredSessions(ctx, a.Now()); err != nil && ctx.Err() == nil {
			a.Log.ErrorContext(ctx, "sessions not swept", slog.Any("error", err))
		}
		if err := sleep(ctx, sweepEvery); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
