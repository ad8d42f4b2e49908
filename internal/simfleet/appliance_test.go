package simfleet_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/payload"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/prediction"
	"github.com/fettle-project/fettle/internal/ring"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/updater"
	"github.com/fettle-project/fettle/internal/world"
)

const hostOS patch.HostOS = "debian-12-amd64"

// appliance is one life of the server: the stages as `fettle serve` joins them, over the real store, with the real agent listener.
type appliance struct {
	*api.Appliance
	handler http.Handler
	era     int // of the world in which it began
	dirs    []*content.Dir
	ctx     context.Context // ends with this life
	stop    context.CancelFunc
}

// server is the appliance over all its lives.
type server struct {
	w       *sim
	dir     string
	keys    *auth.Keys
	life    atomic.Pointer[appliance] // nil while it is down
	busy    sync.Mutex                // held by what uses a life and must not see its end
	index   string                    // the vendor's archive: its Packages file
	files   map[string][]byte
	dated   time.Time
	admin   patch.Caller
	publish int
	ahead   atomic.Int64 // of its clock, in nanoseconds
}

// now is the appliance's time.
func (s *server) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

func (s *server) boot() {
	ctx, stop := context.WithCancel(context.Background())
	st, err := store.Open(ctx, store.MemoryScheme+filepath.Base(s.dir), store.Options{Now: s.now})
	s.w.must(err)
	log := s.w.log
	open := func(name string) *content.Dir {
		d, err := content.Open(filepath.Join(s.dir, name))
		s.w.must(err)
		return d
	}
	raw, lists, payloads := open("raw"), open("catalog"), open("payloads")
	random := s.w.random("server")
	hub := api.NewHub(random.Float64)
	cat := &catalog.Catalog{Store: st, Raw: raw, Files: lists, Key: s.keys.Catalog, Now: s.now, Log: log}
	listOf := func(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (world.List, error) {
		return cat.ListOf(ctx, os, rev)
	}
	index := fleet.New(st, listOf)
	labels := &label.Book{Labels: st, Fleet: index, Inventories: st}
	reader := &world.Reader{Store: st, Fleet: index, Catalog: cat, Labels: labels, Now: s.now, Zone: time.UTC, Lists: listOf}
	planner := &plan.Planner{World: reader}
	account := &ledger.Ledger{World: reader, Store: st, Labels: labels, Log: log}
	wake := func(id patch.MachineID) { hub.Poke(id) }
	a := &api.Appliance{
		Store: st, Catalog: cat, Labels: labels, Planner: planner, Ledger: account,
		Approval: &approval.Desk{World: reader, Store: st, PatchLabels: labels, Now: s.now},
		Rings:    &ring.Desk{World: reader, Store: st, Now: s.now, Log: log, Wake: wake},
		Deploy:   &deploy.Desk{World: reader, Store: st, Replan: planner.Again, Key: s.keys.Approver, Now: s.now, Log: log, Wake: wake, Settle: account.Settle, Lead: s.w.interval},
		Updaters: &updater.Desk{Store: st, Labels: labels, Key: s.keys.Approver, Now: s.now},
		Facts:    &prediction.Filler{Index: &prediction.Index{}, Store: st, Decode: world.Decode},
		Depot: &payload.Depot{Store: st, Catalog: cat, Labels: labels, Dir: payloads, Now: s.now, Log: log,
			HTTP: &http.Client{Transport: vendor{s}}},
		Issuer: s.keys.Agents, CatalogKey: s.keys.CatalogPublic(), ApproverKey: s.keys.ApproverPublic, Enrolment: "https://appliance.test:8461",
		Hub: hub, Changes: api.NewChanges(s.now, func() string { return "c" }), Pulse: &api.Pulse{}, Wanted: &api.Pulse{},
		Now: s.now, Random: random.Float64, NewID: func() string { return "r" }, Log: log,
	}
	if a.Approval.Proposals, a.Approval.Rollbacks = st, (rollbacks{s.w, planner, a.Deploy}); s.w.twoPersons {
		a.Approval.TwoPerson = approval.TwoPerson{On: true, Labels: []string{"canary"}}
	}
	a.Deploy.Second = a.Approval.ProposeRollback
	s.life.Store(&appliance{Appliance: a, era: s.w.era, dirs: []*content.Dir{raw, lists, payloads}, ctx: ctx, stop: stop,
		handler: api.Agents(a, api.AgentOptions{Checkin: s.w.interval})})
	if _, err := cat.Publish(ctx); err != nil && s.index != "" {
		s.w.must(err)
	}
}

// kill ends this life as kill -9 does: nothing is finished, nothing more is answered. Every commit so far is on the disk.
func (s *server) kill() {
	s.busy.Lock()
	defer s.busy.Unlock()
	a := s.life.Swap(nil)
	a.stop()
	s.w.must(a.Store.Close())
	for _, d := range a.dirs {
		s.w.must(d.Close())
	}
}

func (s *server) alive() *appliance { return s.life.Load() }

// tick is what `fettle serve` does by itself every so often.
func (s *server) tick() {
	s.busy.Lock()
	defer s.busy.Unlock()
	a := s.alive()
	if a == nil {
		return
	}
	s.w.must(a.Deploy.Sweep(a.ctx))
	s.w.must(a.Rings.Step(a.ctx))
	missing, err := a.Depot.Want(a.ctx)
	s.w.must(err)
	if missing > 0 {
		brought, err := a.Depot.Run(a.ctx)
		s.w.must(err)
		s.w.must(a.Deploy.Arrived(a.ctx, brought))
	}
}

// release publishes a state of the archive: the versions of each name.
func (s *server) release(versions map[string][]string) {
	var b strings.Builder
	for _, name := range names {
		for _, v := range versions[name] {
			body := []byte("deb of " + name + " " + v + strings.Repeat("x", 40_000))
			path := "/pool/" + name + "_" + v + ".deb"
			s.files[path] = body
			fmt.Fprintf(&b, "Package: %s\nVersion: %s\nArchitecture: amd64\nFilename: %s\nSize: %d\nSHA256: %s\nDescription: a %s\n\n", name, v, path[1:], len(body),
				content.Sum(body), name)
		}
	}
	s.index = b.String()
	a := s.alive()
	ctx := a.ctx
	index, err := a.Catalog.Raw.PutBytes(ctx, []byte(s.index))
	s.w.must(err)
	s.publish++
	release, err := a.Catalog.Raw.PutBytes(ctx, fmt.Appendf(nil, "Release %d", s.publish))
	s.w.must(err)
	s.dated = time.Now().UTC().Truncate(time.Second)
	f := patch.Feed{Name: "security", Kind: "apt", URI: "http://vendor.test", Suite: "bookworm-security", Components: []string{"main"}, Arch: "amd64", OS: hostOS}
	s.w.must(a.Store.PutFeed(ctx, s.admin, f))
	state := &patch.FeedState{Feed: f.Name, OS: hostOS, Label: "Debian-Security", Dated: s.dated, Packages: len(versions), Release: release, At: s.dated, Origins: []patch.Origin{
		{Suite: f.Suite, Component: "main", Arch: "amd64", Release: release, Index: index, IndexPath: "main/binary-amd64/Packages", Dated: s.dated}}}
	s.w.must(a.Store.PutFeedRun(ctx, patch.FeedRun{Feed: f.Name, Started: s.dated, Ended: s.dated, Outcome: "new", Dated: s.dated, Packages: len(versions)}, state))
	_, err = a.Catalog.Publish(ctx)
	s.w.must(err)
	a.Hub.PokeAll(time.Minute)
}

// vendor serves the archive's files to the depot.
type vendor struct{ s *server }

func (v vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	b, ok := v.s.files[r.URL.Path]
	if !ok {
		return &http.Response{StatusCode: 404, Status: "404 Not Found", Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	}
	return &http.Response{StatusCode: 200, Status: "200 OK", Body: io.NopCloser(bytes.NewReader(b)), ContentLength: int64(len(b)), Header: http.Header{}, Request: r}, nil
}

// blank is an appliance's database before anything happened, made once: migrations take longer than a world's life.
func blank(dir string) (string, error) {
	path := filepath.Join(dir, "blank.db")
	s, err := store.Open(context.Background(), "sqlite://"+path, store.Options{})
	if err != nil {
		return "", err
	}
	if err := s.Close(); err != nil {
		return "", err
	}
	plain, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(DELETE)") // there is no write-ahead log in memory
	if err != nil {
		return "", err
	}
	return path, errors.Join(plain.Ping(), plain.Close())
}
