package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// listeners are the two ways into the appliance, apart from each other in port, CA and handler.
type listeners struct {
	console, agents net.Listener
	at              addresses
}

const (
	headerTime = 10 * time.Second
	idleTime   = 3 * time.Minute
	stopTime   = 10 * time.Second
	maxHeader  = 16 << 10
)

func (a *appliance) listen(ctx context.Context) (*listeners, error) {
	var lc net.ListenConfig
	console, err := lc.Listen(ctx, "tcp", a.cfg.Console)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot listen for people on {1}", a.cfg.Console), Err: err, Do: "Stop what listens there, or choose another address with --console."}
	}
	agents, err := lc.Listen(ctx, "tcp", a.cfg.Agents)
	if err != nil {
		return nil, errors.Join(&patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot listen for agents on {1}", a.cfg.Agents), Err: err, Do: "Stop what listens there, or choose another address with --agents."}, console.Close())
	}
	return &listeners{console, agents, addresses{console.Addr().String(), agents.Addr().String()}}, nil
}

// run serves on both listeners and runs the loops until ctx ends, the store fails, or one of them does; then it stops all in good order.
func (a *appliance) run(ctx context.Context, l *listeners) error {
	g, ctx := errgroup.WithContext(ctx)
	a.background(ctx)
	people, machines, err := a.servers(ctx)
	if err != nil {
		return err
	}
	for _, s := range []struct {
		server *http.Server
		at     net.Listener
	}{{people, l.console}, {machines, l.agents}} {
		g.Go(func() error { return serveUntil(ctx, s.server, s.at) })
	}
	g.Go(func() error { return a.depotLoop(ctx) })
	g.Go(func() error { return a.syncLoop(ctx) })
	g.Go(func() error { return a.sweepLoop(ctx) })
	g.Go(func() error { return a.calendarLoop(ctx) })
	g.Go(func() error { return a.rulesLoop(ctx) })
	g.Go(func() error { return a.reportLoop(ctx) })
	g.Go(func() error { return a.proofLoop(ctx) })
	g.Go(func() error { return a.factsLoop(ctx) })
	g.Go(func() error { return a.registerLoop(ctx) })
	g.Go(func() error { return memoryLoop(ctx) })
	g.Go(func() error { return a.notifyLoop(ctx) })
	g.Go(func() error { return a.forgetLoop(ctx) })
	g.Go(func() error { return a.storeWatch(ctx) })
	err = g.Wait()
	a.jobs.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (a *appliance) servers(ctx context.Context) (people, machines *http.Server, err error) {
	consoleTLS, err := a.keys.ConsoleTLS(a.cfg.Hosts, a.Now)
	if err != nil {
		return nil, nil, err
	}
	agentTLS, err := a.keys.AgentTLS(a.cfg.Hosts, a.Now)
	if err != nil {
		return nil, nil, err
	}
	handler, err := a.peopleHandler()
	if err != nil {
		return nil, nil, err
	}
	o := api.AgentOptions{Checkin: a.cfg.Checkin, PayloadRate: a.cfg.PayloadRate}
	return a.server(ctx, consoleTLS, handler), a.server(ctx, agentTLS, api.Agents(a.Appliance, o)), nil
}

func (a *appliance) server(ctx context.Context, config *tls.Config, h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, TLSConfig: config, ReadHeaderTimeout: headerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		ErrorLog:    slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug), // handshakes of strangers
		BaseContext: func(net.Listener) context.Context { return ctx },   // long polls end when the appliance stops
	}
}

// serveUntil serves until ctx ends; then it lets running requests finish for a while.
func serveUntil(ctx context.Context, s *http.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- s.ServeTLS(l, "", "") }()
	select {
	case err := <-failed:
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("the listener on {1} failed", l.Addr().String()), Err: err}
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	err := s.Shutdown(grace)
	if err != nil {
		err = s.Close()
	}
	<-failed
	return errors.Join(ctx.Err(), err)
}

// storeWatch ends the appliance when the disk has failed a write: nothing may be acknowledged after that.
func (a *appliance) storeWatch(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-a.Store.Failed():
		return &patch.Error{Kind: patch.Unavailable, What: "the appliance stops", Why: "its disk failed a write, so nothing can be acknowledged any more", Do: "Look at the disk, then start it again; nothing that was acknowledged is lost."}
	}
}
