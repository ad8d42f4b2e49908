package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/simulate"
)

// simulatedName is what the subscription and the tokens of load tests are called.
const simulatedName = "simulated"

// publishSimulated has the appliance subscribe to a catalog of n simulated patches, fetch and publish it. One that is there already stays.
func publishSimulated(ctx context.Context, s *screen, client *api.Client, n int, seed uint64) error {
	l, err := api.Get[api.List[patch.RevisionMeta]](ctx, client, api.Path("catalogs"), nil)
	if err != nil {
		return err
	}
	for _, m := range l.Items {
		if m.OS == simulate.OS && m.Patches == n {
			return nil
		}
	}
	var body bytes.Buffer
	if err := simulate.Advisories(&body, n, seed, time.Now().UTC().Truncate(24*time.Hour)); err != nil {
		return err
	}
	address, stop, err := serveOnce(body.Bytes())
	if err != nil {
		return err
	}
	defer stop()
	feed := patch.Feed{Name: simulatedName, Kind: "osv", URI: address, OS: simulate.OS, Arch: "x86_64"}
	if _, err := api.Do[patch.Feed](ctx, client, http.MethodPut, api.Path("feeds", simulatedName), nil, feed); err != nil {
		return err
	}
	change, err := api.Do[api.Change](ctx, client, http.MethodPost, api.Path("sync"), nil, api.SyncRequest{})
	if err == nil {
		change, err = followChange(ctx, s, client, change)
	}
	if err != nil {
		return err
	}
	for _, p := range change.Parts {
		if p.Name == simulatedName && p.State == "failed" {
			return &patch.Error{Kind: patch.Unavailable, What: "the simulated catalog was not published", Why: phrase.Verbatim(p.Text), Do: "Take it over with fettle catalog sync --accept, or remove the one before with --remove."}
		}
	}
	return nil
}

// serveOnce gives bytes an address on this machine until stop.
func serveOnce(b []byte) (address string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, &patch.Error{Kind: patch.Unavailable, What: "cannot serve the simulated catalog", Err: err}
	}
	server := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l) // ends with Close
	}()
	return "http://" + l.Addr().String() + "/simulated.zip", func() { _ = server.Close(); <-ended }, nil
}

// removed is what --remove says.
type removed struct {
	Revoked int `json:"revoked"`
}

// remove revokes the simulated machines and ends the simulated subscription.
func (c simulateCmd) remove(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := api.Get[api.List[ledger.MachineRow]](ctx, client, api.Path("machines"), nil)
	if err != nil {
		return err
	}
	var revoked atomic.Int64
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for _, m := range l.Items {
		if !strings.HasPrefix(m.Name, c.Prefix) || m.State == patch.Revoked {
			continue
		}
		g.Go(func() error {
			_, err := api.Do[struct{}](gctx, client, http.MethodPost, api.Path("machines", string(m.ID), "revoke"), nil, nil)
			revoked.Add(1)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	_, err = api.Do[struct{}](ctx, client, http.MethodDelete, api.Path("feeds", simulatedName), nil, nil)
	if patch.KindOf(err) != patch.NotFound && err != nil {
		return err
	}
	out := removed{int(revoked.Load())}
	return s.show(out, func(w io.Writer) { line(w, "%s simulated machines are revoked.", thousands(out.Revoked)) })
}
