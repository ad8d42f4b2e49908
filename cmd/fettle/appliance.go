package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/kev"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/notify"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/payload"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/prediction"
	"github.com/fettle-project/fettle/internal/ring"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/updater"
	"github.com/fettle-project/fettle/internal/web"
	"github.com/fettle-project/fettle/internal/web/translation"
	"github.com/fettle-project/fettle/internal/whatif"
	"github.com/fettle-project/fettle/internal/world"
)

// appliance is a running appliance: the stages joined, and what keeps them going.
type appliance struct {
	*api.Appliance
	cfg       config
	keys      *auth.Keys
	syncer    *feed.Syncer
	kept      registers
	lists     *content.Dir                         // of patches that the console was asked about
	startSync func(change string, accept accepted) // set before anything is served
	jobs      sync.WaitGroup                       // work that outlives the request that asked for it
	homeSeen  chan struct{}                        // closed when Home can be shown, and whoever wanted it at the start may have seen it
	closers   []io.Closer
}

// openAppliance opens the data directory's parts and joins them. The caller closes it.
func openAppliance(ctx context.Context, cfg config, log *slog.Logger) (a *appliance, err error) {
	place := layout{cfg.Data}
	if !place.initialised() {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("{1} is not an appliance's data directory", cfg.Data), Do: phrase.Of("Run `fettle init --data {1}` first, or name the right one with --data.", cfg.Data)}
	}
	a = &appliance{cfg: cfg, homeSeen: make(chan struct{})}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	held, err := lock(place.serving(), false)
	if err != nil {
		return a, patch.Errorf(patch.Conflict, "cannot serve from %s, which is being replaced: %w", cfg.Data, err)
	}
	a.closers = append(a.closers, held)
	if a.keys, err = auth.OpenKeys(place.keys()); err != nil {
		return a, err
	}
	s, err := store.Open(ctx, cfg.Store, store.Options{Now: time.Now, Log: log})
	if err != nil {
		return a, err
	}
	a.closers = append(a.closers, s)
	dirs, err := a.openDirs(place)
	if err != nil {
		return a, err
	}
	zone, err := cfg.location()
	if err != nil {
		return a, err
	}
	a.join(s, dirs, zone, log)
	if a.Notify, err = a.notifier(s, zone, log); err != nil {
		return a, err
	}
	a.Allowance, err = cfg.Allowed.over(patch.DefaultAllowance())
	return a, err
}

// contents are the content-addressed directories.
type contents struct{ raw, catalog, payloads, lists *content.Dir }

func (a *appliance) openDirs(l layout) (c contents, err error) {
	for _, d := range []struct {
		path string
		to   **content.Dir
	}{{l.feeds(), &c.raw}, {l.catalogs(), &c.catalog}, {l.payloads(), &c.payloads}, {l.lists(), &c.lists}} {
		if *d.to, err = content.Open(d.path); err != nil {
			return c, err
		}
		a.closers = append(a.closers, *d.to)
	}
	return c, nil
}

// close releases everything, in the reverse order of opening.
func (a *appliance) close() {
	var errs []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		errs = append(errs, a.closers[i].Close())
	}
	if err := errors.Join(errs...); err != nil && a.Appliance != nil {
		a.Log.Error("appliance not closed cleanly", slog.Any("error", err))
	}
}

func newID() string { return ulid.Make().String() }

// join makes the stages out of storage, files and each other.
func (a *appliance) join(s *store.Store, dirs contents, zone *time.Location, log *slog.Logger) {
	a.lists = dirs.lists
	now := time.Now
	pulse, wanted := &api.Pulse{}, &api.Pulse{}
	hub := api.NewHub(rand.Float64)
	cat := &catalog.Catalog{Store: s, Raw: dirs.raw, Files: dirs.catalog, Key: a.keys.Catalog, Parsers: parsers(), Now: now, Log: log,
		Fleet: canary{s}, Bounds: catalog.Bounds{Flips: a.cfg.CanaryFlips, Machines: a.cfg.CanaryMachines}}
	lists := func(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (world.List, error) {
		return cat.ListOf(ctx, os, rev)
	}
	index := fleet.New(s, lists)
	from := roster{s, index}
	facts := &prediction.Filler{Index: &prediction.Index{}, Store: detects{from}, Decode: world.Decode}
	exploited := &kev.Known{Store: s, Open: func(h patch.Hash) (io.ReadCloser, error) { return dirs.raw.Open(h) }}
	labels := &label.Book{Labels: s, Fleet: index, Inventories: s, Revisions: lists, Lists: label.Lists{Newest: newestLists(s, cat), KEV: exploited.Exploits, Now: now}}
	reader := &world.Reader{
		Store: from, Fleet: index, Catalog: cat, Labels: labels, Limits: gate.DefaultLimits(), Now: now, Zone: zone, Lists: lists, Parts: facts.Index,
	}
	planner := &plan.Planner{World: reader}
	account := &ledger.Ledger{World: reader, Store: s, Labels: labels, Log: log, KEV: exploited.Exploits, Accepted: func(ctx context.Context, m patch.Machine, r patch.Receipt) {
		if err := facts.Accepted(ctx, m, r); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "facts not indexed", slog.String("machine", string(m.ID)), slog.Any("error", err))
		}
	}}
	a.syncer = &feed.Syncer{Store: s, Dir: dirs.raw, Fetchers: fetchers(), Now: now, Log: log}
	approvals := &approval.Desk{World: reader, Store: s, PatchLabels: labels, KEV: exploited.Exploits, TwoPerson: approval.TwoPerson(a.cfg.TwoPerson), Proposals: s, Now: now, Decided: func([]patch.Decision) { wanted.Beat() }}
	rules := &approval.Rules{Desk: approvals, Store: s, OSes: s.ListOSes}
	desk := &deploy.Desk{
		World: reader, Store: s, Replan: planner.Again, Key: a.keys.Approver, Now: now, Log: log, Lead: a.cfg.Ahead,
		Wake: func(id patch.MachineID) { hub.Poke(id) }, Settle: account.Settle,
	}
	approvals.Rollbacks, desk.Second = rollbacks{planner, desk}, approvals.ProposeRollback
	wake := func(id patch.MachineID) { hub.Poke(id) }
	agenda := &calendar.Desk{
		Store: s, Blackouts: s, Labels: labels, Machines: from, Deploy: desk, Deployments: s, Ahead: a.cfg.Ahead, Zone: zone, Now: now, Log: log,
		Plan: func(ctx context.Context, caller patch.Caller, of calendar.Scope, w patch.Window) (patch.Plan, error) {
			return planner.Make(ctx, caller, plan.Request{Label: of.Label, Machines: of.Machines, Window: w, Reboot: of.Reboot, Manner: of.Manner})
		},
		AskDetect: func(ctx context.Context, id patch.MachineID, since time.Time) error {
			look, err := reader.Fleet.Look(ctx)
			if err != nil {
				return err
			}
			seat := look.Find(id)
			if seat != nil && (seat.Receipt == nil || seat.Receipt.Received.Before(since)) && !hub.DetectAsked(id) {
				hub.AskDetect(id)
			}
			return nil
		},
	}
	a.Appliance = &api.Appliance{
		KEV:   exploited.Exploits,
		Rings: &ring.Desk{World: reader, Store: s, Now: now, Log: log, Wake: wake},
		Store: s, Catalog: cat, Labels: labels, Planner: planner,
		Ledger:   account,
		Approval: approvals,
		Rules:    rules,
		Updaters: &updater.Desk{Store: s, Labels: labels, Key: a.keys.Approver, Now: now},
		Linter:   &lint.Linter{World: reader, Store: from, Clash: rules.Clash, Reach: rules.Reach, PatchLabels: labels, KEV: exploited.Exploits, Controlled: a.cfg.TwoPerson.Labels, Zone: zone},
		Deploy:   desk,
		Calendar: agenda,
		WhatIf:   &whatif.Supposer{World: reader, Labels: labels, Rules: rules, Schedules: agenda, Held: heldIn(cat)},
		Facts:    facts,
		Depot:    &payload.Depot{Store: from, Catalog: cat, Labels: labels, Dir: dirs.payloads, Now: now, Log: log},
		Door:     auth.NewDoor(s, auth.DefaultCost(), now),
		Issuer:   a.keys.Agents, CatalogKey: a.keys.CatalogPublic(), ApproverKey: a.keys.ApproverPublic,
		Installer: &installer.Installer{Shelf: &installer.Shelf{Dir: layout{a.cfg.Data}.agents()}, Server: a.enrolment(), CA: a.keys.Agents.Certificate},
		Enrolment: a.enrolment(), Hub: hub, Changes: api.NewChanges(now, newID), Pulse: pulse, Wanted: wanted,
		CheckFeed: checkFeedHere, Sync: a.askSync,
		Now: now, Random: rand.Float64, NewID: newID, Log: log,
	}
	a.keepRegisters(s.NewestDeed)
}

// heldIn finds the catalogs that wait for a person.
func heldIn(cat *catalog.Catalog) whatif.Held {
	return func(_ context.Context, r whatif.Revision) (whatif.Waiting, error) {
		w, err := cat.Waiting(r.OS, r.ID)
		if err != nil {
			return whatif.Waiting{}, err
		}
		return whatif.Waiting{Meta: w.Meta, List: w.List, Signatures: w.Signatures, Payloads: w.Payloads}, nil
	}
}

// newestLists gives the newest list of every host OS that has one.
func newestLists(s *store.Store, cat *catalog.Catalog) func(context.Context) ([]label.Shelf, error) {
	return func(ctx context.Context) ([]label.Shelf, error) {
		oses, err := s.ListOSes(ctx)
		if err != nil {
			return nil, err
		}
		var out []label.Shelf
		for _, os := range oses {
			meta, published := cat.Meta(os)
			if !published {
				continue
			}
			l, err := cat.ListOf(ctx, os, meta.ID)
			if err != nil {
				return nil, err
			}
			out = append(out, label.Shelf{OS: os, Patches: l.Patches()})
		}
		return out, nil
	}
}

// console is the people listener's address as people reach it.
func (a *appliance) console() string {
	_, port, err := net.SplitHostPort(a.cfg.Console)
	if err != nil {
		port = "8460"
	}
	return "https://" + net.JoinHostPort(a.cfg.Hosts[0], port)
}

// notifier makes the desk that tells people things.
func (a *appliance) notifier(s *store.Store, zone *time.Location, log *slog.Logger) (*notify.Desk, error) {
	key, err := a.keys.Derive("notification secrets")
	if err != nil {
		return nil, err
	}
	sealer, err := notify.NewSealer(key)
	if err != nil {
		return nil, err
	}
	allow, err := a.cfg.notifyAllow()
	if err != nil {
		return nil, err
	}
	catalogs, err := translation.Read()
	if err != nil {
		return nil, err
	}
	var languages []*phrase.Language
	for _, c := range catalogs {
		languages = append(languages, c.Language)
	}
	roots, err := a.cfg.notifyRoots()
	return &notify.Desk{Languages: languages, Store: s, Sealer: sealer, Guard: notify.Guard{Allow: allow}, Console: a.console(), Zone: zone, Roots: roots,
		Now: time.Now, NewID: newID, Random: rand.Float64, Log: log}, err
}

// enrolment is the agent listener's address as machines reach it.
func (a *appliance) enrolment() string {
	_, port, err := net.SplitHostPort(a.cfg.Agents)
	if err != nil {
		port = "8461"
	}
	return "https://" + net.JoinHostPort(a.cfg.Hosts[0], port)
}

// peopleHandler is the console with the API beside it.
func (a *appliance) peopleHandler() (http.Handler, error) {
	console, err := web.New(a.consoleConfig())
	if err != nil {
		return nil, err
	}
	people := api.People(a.Appliance)
	mux := http.NewServeMux()
	mux.Handle("/", console)
	mux.Handle("/api/", people)
	mux.Handle("GET /healthz", people)
	return mux, nil
}
