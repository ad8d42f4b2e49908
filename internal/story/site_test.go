package story_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/prediction"
	"github.com/fettle-project/fettle/internal/ring"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/version"
	"github.com/fettle-project/fettle/internal/wire"
	"github.com/fettle-project/fettle/internal/world"
)

const (
	bookworm patch.HostOS = "debian-12-amd64"
	trixie   patch.HostOS = "debian-13-amd64"
)

// site is an appliance made of the real stages over the real store; only feeds, catalog and payload downloads are values.
type site struct {
	t       testing.TB
	now     time.Time
	path    string // of the store
	store   *store.Store
	cat     *shelf
	desk    *approval.Desk
	planner *plan.Planner
	deploy  *deploy.Desk
	ledger  *ledger.Ledger
	book    *label.Book
	rings   *ring.Desk
	key     ed25519.PublicKey
	// approver signs as the appliance does.
	approver ed25519.PrivateKey
	parts    prediction.Index
	admin    patch.Caller
	kev      patch.Exploits
}

func newSite(t testing.TB) *site {
	s := &site{t: t, now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), cat: &shelf{revs: map[patch.RevisionID]*revision{}, newest: map[patch.HostOS]*revision{}},
		admin: patch.Caller{Name: "m.keller", Role: patch.Admin, From: "local", Via: "cli"}}
	clock := func() time.Time { return s.now }
	kev := func(context.Context) (patch.Exploits, error) { return s.kev, nil }
	var err error
	s.path = filepath.Join(t.TempDir(), "fettle.db")
	s.store, err = store.Open(t.Context(), "sqlite://"+s.path, store.Options{Now: clock})
	s.must(err)
	t.Cleanup(func() { s.must(s.store.Close()) })
	log := slog.New(slog.DiscardHandler)
	lists := func(_ context.Context, os patch.HostOS, rev patch.RevisionID) (world.List, error) {
		return s.cat.find(os, rev)
	}
	index := fleet.New(s.store, lists)
	s.book = &label.Book{Labels: s.store, Fleet: index, Inventories: s.store, Revisions: lists, Lists: label.Lists{Newest: s.cat.lists, KEV: kev, Now: clock}}
	reader := &world.Reader{Store: s.store, Fleet: index, Catalog: s.cat, Labels: s.book, Now: clock, Lists: lists, Parts: &s.parts}
	pub, key, err := ed25519.GenerateKey(nil)
	s.must(err)
	s.key, s.approver = pub, key
	s.rings = &ring.Desk{World: reader, Store: s.store, Now: clock, Log: log}
	s.desk = &approval.Desk{World: reader, Store: s.store, PatchLabels: s.book, KEV: kev, Proposals: s.store, Now: clock}
	s.planner = &plan.Planner{World: reader}
	s.ledger = &ledger.Ledger{World: reader, KEV: kev, Store: s.store, Labels: s.book, Log: log}
	s.deploy = &deploy.Desk{World: reader, Store: s.store, Replan: s.planner.Again, Key: key, Now: clock, Log: log, Settle: s.ledger.Settle}
	return s
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) ctx() context.Context { return s.t.Context() }

// later lets time pass.
func (s *site) later(d time.Duration) { s.now = s.now.Add(d) }

// shelf is a catalog of compiled definitions.
type shelf struct {
	revs   map[patch.RevisionID]*revision
	newest map[patch.HostOS]*revision
	needs  []patch.Need
	asks   map[string]patch.Asking // by "name version"
}

type revision struct {
	meta    patch.RevisionMeta
	patches []patch.Patch
	index   map[patch.ID]int
	sigs    *detect.Signatures
	files   map[patch.ID][]patch.PayloadFile
}

func (r *revision) Patches() []patch.Patch        { return r.patches }
func (r *revision) Index(id patch.ID) (int, bool) { i, ok := r.index[id]; return i, ok }

func (c *shelf) find(os patch.HostOS, rev patch.RevisionID) (*revision, error) {
	r, ok := c.revs[rev]
	if !ok || r.meta.OS != os {
		return nil, patch.Errorf(patch.NotFound, "no revision %s of %s", rev, os)
	}
	return r, nil
}

func (c *shelf) Meta(os patch.HostOS) (patch.RevisionMeta, bool) {
	r, ok := c.newest[os]
	if !ok {
		return patch.RevisionMeta{}, false
	}
	return r.meta, true
}

func (c *shelf) Signatures(_ context.Context, os patch.HostOS, rev patch.RevisionID) (*detect.Signatures, error) {
	r, err := c.find(os, rev)
	if err != nil {
		return nil, err
	}
	return r.sigs, nil
}

func (c *shelf) Payloads(_ context.Context, os patch.HostOS, id patch.ID) ([]patch.PayloadFile, error) {
	r, ok := c.newest[os]
	if !ok || r.files[id] == nil {
		return nil, patch.Errorf(patch.NotFound, "no files of %s", id)
	}
	return r.files[id], nil
}

func (c *shelf) Needs(_ context.Context, _ patch.HostOS, names []string) (out []patch.Need, err error) {
	for _, n := range c.needs {
		if slices.ContainsFunc(n.AnyOf, func(r patch.Relation) bool { return slices.Contains(names, r.Name) }) {
			out = append(out, n)
		}
	}
	return out, nil
}

func (c *shelf) Previous(_ context.Context, os patch.HostOS, p patch.InstalledPackage) (f patch.PayloadFile, o patch.Origin, offered bool, err error) {
	newest := c.newest[os]
	for _, r := range append([]*revision{newest}, slices.Collect(maps.Values(c.revs))...) {
		if r == nil || r.meta.OS != os {
			continue
		}
		for _, files := range r.files {
			for _, f := range files {
				if f.Name == p.Name && f.Arch == p.Arch && f.Version == p.Version {
					return f, r.meta.Origins[f.Origin], r == newest, nil
				}
			}
		}
	}
	return f, o, false, patch.Errorf(patch.NotFound, "no list carries %s %s", p.Name, p.Version)
}

// lists gives the newest list of every host OS.
func (c *shelf) lists(context.Context) (out []label.Shelf, err error) {
	for os, r := range c.newest {
		out = append(out, label.Shelf{OS: os, Patches: r.patches})
	}
	return out, nil
}

// src is one source package's version in a suite, with its binaries.
type src struct {
	suite, name, version string
	binaries             []string // "perl-base", or "perl-new<perl-base" for one that perl-base needs
}

func (x src) id() patch.ID { return patch.ID(x.suite + "/" + x.name + "/" + x.version) }

// publish makes a revision of an OS, with its feed.
func (s *site) publish(os patch.HostOS, sources ...src) patch.RevisionID {
	s.t.Helper()
	slices.SortFunc(sources, func(a, b src) int {
		if a.id() < b.id() {
			return -1
		}
		return 1
	})
	r := &revision{index: map[patch.ID]int{}, files: map[patch.ID][]patch.PayloadFile{}}
	var defs []detect.Definition
	for i, x := range sources {
		p, def, files := x.patch()
		for _, y := range sources {
			if y.name == x.name && version.DpkgCompare(y.version, x.version) < 0 {
				p.Supersedes = append(p.Supersedes, y.id())
			}
		}
		r.patches, r.index[p.ID], r.files[p.ID] = append(r.patches, p), i, files
		defs = append(defs, def)
	}
	b, err := detect.Compile(os, version.Dpkg, defs)
	s.must(err)
	r.sigs, err = detect.Open(b)
	s.must(err)
	sum := sha256.Sum256(b)
	r.meta = patch.RevisionMeta{ID: patch.RevisionID(hex.EncodeToString(sum[:8])), OS: os, Patches: len(r.patches), Built: s.now,
		Origins: []patch.Origin{{Suite: "bookworm", Component: "main", Arch: "amd64", Dated: s.now}}}
	s.must(s.store.PutRevision(s.ctx(), r.meta, []byte("{}"), r.patches))
	s.cat.revs[r.meta.ID], s.cat.newest[os] = r, r
	feed := patch.Feed{Name: "feed-" + string(os), Kind: "apt", Suite: "bookworm", OS: os}
	s.must(s.store.PutFeed(s.ctx(), s.admin, feed))
	s.must(s.store.PutFeedRun(s.ctx(), patch.FeedRun{Feed: feed.Name, Started: s.now, Ended: s.now, Outcome: "new"}, nil))
	return r.meta.ID
}

func (x src) patch() (patch.Patch, detect.Definition, []patch.PayloadFile) {
	p := patch.Patch{ID: x.id(), Title: x.name + " " + x.version + ": a program", Source: x.name, Version: x.version, Suite: x.suite, Category: patch.Update}
	if len(x.suite) > 9 && x.suite[len(x.suite)-9:] == "-security" {
		p.Category = patch.Security
	}
	def := detect.Definition{ID: p.ID}
	var files []patch.PayloadFile
	for _, b := range x.binaries {
		name, neededBy := b, ""
		for i := range b {
			if b[i] == '<' {
				name, neededBy = b[:i], b[i+1:]
			}
		}
		load := patch.Payload{Name: name, Arch: "amd64", Version: x.version, Size: int64(1000 * len(name))}
		p.Payloads = append(p.Payloads, load)
		def.Packages = append(def.Packages, detect.PackageRule{Name: name, Arch: "amd64", Version: x.version})
		sum := sha256.Sum256([]byte(string(p.ID) + name))
		files = append(files, patch.PayloadFile{Payload: load, SHA256: patch.Hash(hex.EncodeToString(sum[:]))})
		for i := range files {
			if files[i].Name == neededBy {
				files[i].Needs = append(files[i].Needs, name)
			}
		}
	}
	return p, def, files
}

// fetch plays the payload depot: everything that the OS's newest revision has for these patches is on the appliance.
func (s *site) fetch(os patch.HostOS, ids ...patch.ID) {
	s.t.Helper()
	for _, id := range ids {
		var stored []patch.StoredPayload
		for _, f := range s.cat.newest[os].files[id] {
			stored = append(stored, patch.StoredPayload{PayloadFile: f, OS: os, Patch: id, State: patch.PayloadReady, UpdatedAt: s.now})
		}
		s.must(s.store.PutPayloads(s.ctx(), stored))
		for _, p := range stored {
			s.must(s.store.SetPayload(s.ctx(), p.SHA256, patch.PayloadReady, "", 1, time.Time{}))
		}
	}
}

// box is a machine with a simulated agent: the real engine over facts, and an installer that edits facts.
type box struct {
	*site
	id      patch.MachineID
	name    string
	facts   patch.Facts
	seq     uint64
	counter uint64
	results uint64
	boot    string
	owed    bool
	busy    string
	ahead   time.Duration // of its clock, before the appliance's
	history []patch.PkgChange
	// fails gives the cause with which a patch fails here.
	fails map[patch.ID]patch.FailCause
	// watch sees every item right before it is installed; false: the machine is not as the order assumes.
	watch func(wire.OrderItem) bool
	// installed records every package that the installer put on the machine.
	installed []string
	// judged is what the newest accepted detect said.
	judged map[patch.ID]patch.Verdict
}

// enrol makes an admitted machine with installed packages, "name=version" each; "name=version!" is held.
func (s *site) enrol(name string, os patch.HostOS, packages ...string) *box {
	s.t.Helper()
	b := &box{site: s, id: patch.MachineID("id-" + name), name: name, boot: "boot-1", fails: map[patch.ID]patch.FailCause{}}
	b.facts.OS = patch.OSFacts{Key: os, ID: "debian", VersionID: "12", Arch: "amd64"}
	for _, p := range packages {
		b.set(p)
	}
	sum := sha256.Sum256([]byte(name))
	token := patch.Token{Name: "token-" + name, Hash: patch.Hash(hex.EncodeToString(sum[:])), Uses: 1, Admit: true, ExpiresAt: s.now.Add(time.Hour), CreatedAt: s.now}
	s.must(s.store.PutToken(s.ctx(), s.admin, token))
	_, err := s.store.RedeemToken(s.ctx(), token.Hash, s.now, patch.Machine{ID: b.id, Name: name})
	s.must(err)
	b.checkin()
	return b
}

// set puts a package on the machine, behind Fettle's back.
func (b *box) set(spec string) {
	held := spec[len(spec)-1] == '!'
	if held {
		spec = spec[:len(spec)-1]
	}
	i := slices.Index([]byte(spec), '=')
	p := patch.Package{Name: spec[:i], Arch: "amd64", Version: spec[i+1:], Source: spec[:i], SourceVersion: spec[i+1:], State: patch.Installed, Held: held}
	b.facts.Packages = slices.DeleteFunc(slices.Clone(b.facts.Packages), func(x patch.Package) bool { return x.Name == p.Name })
	b.facts.Packages = append(b.facts.Packages, p)
	slices.SortFunc(b.facts.Packages, func(x, y patch.Package) int {
		if x.Name < y.Name {
			return -1
		}
		return 1
	})
}

func (b *box) has(name string) string {
	for _, p := range b.facts.Packages {
		if p.Name == name {
			return p.Version
		}
	}
	return ""
}

func (b *box) checkin() {
	b.t.Helper()
	b.counter++
	b.must(b.store.PutCheckin(b.ctx(), b.id, patch.CheckinUpdate{At: b.now, Counter: b.counter, Boot: b.boot, OS: b.facts.OS.Key, Hostname: b.name, RebootOwed: b.owed, Busy: b.busy}))
}

func blob(t testing.TB, v any) (patch.Hash, []byte) {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	sum := sha256.Sum256(raw)
	return patch.Hash(hex.EncodeToString(sum[:])), enc.EncodeAll(raw, nil)
}

// snapshot detects with the newest revision, without uploading.
func (b *box) snapshot(order string) patch.Snapshot {
	b.t.Helper()
	r := b.cat.newest[b.facts.OS.Key]
	result, err := r.sigs.Evaluate(&b.facts)
	b.must(err)
	hash, _ := blob(b.t, b.facts)
	b.seq++
	return patch.Snapshot{Verdicts: result.Verdicts, Receipt: patch.Receipt{Machine: b.id, Seq: b.seq, OS: b.facts.OS.Key, Revision: r.meta.ID, Boot: b.boot,
		Started: b.now.Add(b.ahead), Ended: b.now.Add(b.ahead), Expected: len(r.patches), Evaluated: result.Verdicts.Len(), Errors: result.Errors, Facts: hash, Order: order}}
}

// detect detects and uploads, facts included where they are asked for.
func (b *box) detect() patch.Snapshot { return b.detectFor("") }

func (b *box) detectFor(order string) patch.Snapshot {
	b.t.Helper()
	b.later(time.Second)
	b.checkin()
	inventory, body := blob(b.t, patch.Inventory{Hostname: b.name, OS: b.facts.OS, Changes: b.history})
	b.must(b.store.PutInventory(b.ctx(), b.id, inventory, body))
	snap := b.snapshot(order)
	reply, err := b.ledger.Accept(b.ctx(), snap)
	b.must(err)
	b.judged = map[patch.ID]patch.Verdict{}
	for i, p := range b.cat.newest[snap.OS].patches {
		b.judged[p.ID] = snap.Verdicts.At(i)
	}
	if reply.WantFacts {
		hash, body := blob(b.t, b.facts)
		b.must(b.store.PutFacts(b.ctx(), b.id, hash, body))
		b.must(b.ledger.Settle(b.ctx(), b.id))
	}
	return snap
}

// order fetches and verifies the order that waits, if any.
func (b *box) order() (wire.Order, bool) {
	b.t.Helper()
	e, ok, err := b.deploy.OrderFor(b.ctx(), b.id)
	b.must(err)
	var o wire.Order
	if ok {
		b.must(e.Open(b.key, wire.TypeOrder, &o))
		if o.Machine != b.id {
			b.t.Fatalf("%s got an order for %s", b.id, o.Machine)
		}
	}
	return o, ok
}

func (b *box) report(o wire.Order, item wire.OrderItem, state patch.Execution, cause patch.FailCause) {
	b.t.Helper()
	b.results++
	r := wire.Result{Seq: b.results, Order: o.ID, Attempt: item.Attempt, At: b.now.Add(b.ahead), Boot: b.boot, State: state, Cause: cause, RebootOwed: b.owed && state == patch.ExecDone}
	if cause != "" {
		r.Text = "it failed: " + string(cause)
	}
	reply, err := b.deploy.Accept(b.ctx(), b.id, wire.Results{Results: []wire.Result{r}})
	b.must(err)
	if reply.Ack != b.results {
		b.t.Fatalf("acknowledged %d of %d", reply.Ack, b.results)
	}
}

// work carries out the order that waits, and detects. It reports whether there was one.
func (b *box) work() bool {
	b.t.Helper()
	b.later(time.Minute)
	b.checkin()
	o, ok := b.order()
	if !ok {
		return false
	}
	for _, item := range o.Items {
		b.report(o, item, patch.ExecDownloading, "")
		b.report(o, item, patch.ExecInstalling, "")
		if cause := b.fails[item.Patch]; cause != "" {
			b.report(o, item, patch.ExecFailed, cause)
			continue
		}
		if b.watch != nil {
			if !b.watch(item) {
				b.report(o, item, patch.ExecFailed, patch.FailDrift)
				continue
			}
		}
		for _, p := range item.Packages {
			if had := b.has(p.Name); had != p.From {
				b.t.Fatalf("%s: the order says that %s is at %q, it is at %q", b.name, p.Name, p.From, had)
			}
			b.set(p.Name + "=" + p.Version)
			b.installed = append(b.installed, fmt.Sprintf("%s=%s", p.Name, p.Version))
		}
		b.report(o, item, patch.ExecDone, "")
	}
	b.detectFor(o.ID)
	return true
}

func (s *site) decide(verb patch.Verb, label string, ids ...patch.ID) {
	s.t.Helper()
	r := approval.Request{Patches: ids, Label: label, Verb: verb}
	if verb == patch.Hold {
		r.Until, r.Why = s.now.Add(24*time.Hour), "the till"
	}
	s.later(time.Millisecond)
	_, err := s.desk.Decide(s.ctx(), s.admin, r)
	s.must(err)
}

// roll plans for all and applies.
func (s *site) roll() patch.Deployment {
	s.t.Helper()
	p, err := s.planner.Make(s.ctx(), s.admin, plan.Request{Label: patch.LabelAll})
	s.must(err)
	dep, err := s.deploy.Apply(s.ctx(), s.admin, p)
	s.must(err)
	return dep
}

func (s *site) explain(b *box, id patch.ID) ledger.Explanation {
	s.t.Helper()
	ex, err := s.ledger.Explain(s.ctx(), b.id, id)
	s.must(err)
	return ex
}
