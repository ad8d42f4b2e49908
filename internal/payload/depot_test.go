package payload_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/payload"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	hostOS   = patch.HostOS("debian-12-amd64")
	perl     = patch.ID("bookworm-security/perl/5.36.0-7+deb12u4")
	zlib     = patch.ID("bookworm-security/zlib/1.3-1")
	fixed    = "5.36.0-7+deb12u4"
	perlNews = `perl (5.36.0-7+deb12u4) bookworm-security; urgency=high

  * Fix CVE-2026-1234.

 -- A Person <a@example.org>  Mon, 02 Feb 2026 10:00:00 +0000
`
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shelf is the storage of a depot in memory.
type shelf struct {
	mu        sync.Mutex
	rows      map[patch.Hash]patch.StoredPayload
	decisions []patch.Decision
	machines  []patch.Machine
	facts     map[patch.Hash][]byte
	alarms    map[string]patch.Alarm
	learned   map[patch.ID]string
	attempts  []patch.Attempt
}

func (s *shelf) PutPayloads(_ context.Context, list []patch.StoredPayload) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range list {
		if _, known := s.rows[p.SHA256]; !known {
			s.rows[p.SHA256] = p
		}
	}
	return nil
}

func (s *shelf) SetPayload(_ context.Context, h patch.Hash, state patch.PayloadState, text phrase.Phrase, tries int, next time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.rows[h]
	if !ok {
		return patch.Errorf(patch.NotFound, "no payload %s", h)
	}
	p.State, p.Error, p.Tries, p.NextTry = state, text, tries, next
	s.rows[h] = p
	return nil
}

func (s *shelf) ListPayloads(context.Context, patch.PayloadFilter) ([]patch.StoredPayload, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []patch.StoredPayload
	for _, p := range s.rows {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b patch.StoredPayload) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func (s *shelf) SetPatchFacts(_ context.Context, id patch.ID, cves []string, _ patch.Severity, released time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learned[id] = strings.Join(cves, ",") + " " + released.Format(time.DateOnly)
	return nil
}

func (s *shelf) ListDecisions(context.Context, patch.DecisionFilter) ([]patch.Decision, error) {
	return s.decisions, nil
}

func (s *shelf) ListMachines(_ context.Context, f patch.MachineFilter) ([]patch.Machine, error) {
	var list []patch.Machine
	for _, m := range s.machines {
		if f.State == "" || m.State == f.State {
			list = append(list, m)
		}
	}
	return list, nil
}

func (s *shelf) FindFacts(_ context.Context, h patch.Hash) ([]byte, error) {
	b, ok := s.facts[h]
	if !ok {
		return nil, patch.Errorf(patch.NotFound, "no facts %s", h)
	}
	return b, nil
}

func (s *shelf) ListAttempts(context.Context, patch.AttemptFilter) ([]patch.Attempt, error) {
	return s.attempts, nil
}

func (s *shelf) RaiseAlarm(_ context.Context, a patch.Alarm) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.alarms[a.Key] = a
	return nil
}

func (s *shelf) ClearAlarm(_ context.Context, key string, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.alarms, key)
	return nil
}

type files map[patch.ID][]patch.PayloadFile

func (f files) Payloads(_ context.Context, _ patch.HostOS, id patch.ID) ([]patch.PayloadFile, error) {
	if list, ok := f[id]; ok {
		return list, nil
	}
	return nil, patch.Errorf(patch.NotFound, "no patch %s", id)
}

func (f files) Previous(_ context.Context, _ patch.HostOS, p patch.InstalledPackage) (patch.PayloadFile, patch.Origin, bool, error) {
	for _, list := range f {
		for _, x := range list {
			if x.Name == p.Name && x.Arch == p.Arch && x.Version == p.Version {
				return x, patch.Origin{}, true, nil
			}
		}
	}
	return patch.PayloadFile{}, patch.Origin{}, false, patch.Errorf(patch.NotFound, "no %s %s", p.Name, p.Version)
}

type labels map[string][]patch.MachineID

func (l labels) Members(_ context.Context, name string) ([]patch.MachineID, error) {
	if list, ok := l[name]; ok {
		return list, nil
	}
	return nil, patch.Errorf(patch.NotFound, "no label %s", name)
}

type rig struct {
	t       *testing.T
	archive *debtest.Archive
	store   *shelf
	catalog files
	labels  labels
	depot   *payload.Depot
	path    string
	now     time.Time
}

// newRig makes an archive with two patches of three and one files, and two machines: web has an older perl, db has it fixed.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, archive: debtest.New(t), now: start, catalog: files{}, labels: labels{"web": {"m-web"}}, path: t.TempDir()}
	r.store = &shelf{rows: map[patch.Hash]patch.StoredPayload{}, facts: map[patch.Hash][]byte{}, alarms: map[string]patch.Alarm{}, learned: map[patch.ID]string{}}
	r.file(perl, debtest.Package{Name: "perl", Arch: "amd64", Version: fixed, Changelog: perlNews, Fill: 40_000}, "perl-base", "perl-new")
	r.file(perl, debtest.Package{Name: "perl-base", Arch: "amd64", Version: fixed, Changelog: perlNews})
	r.file(perl, debtest.Package{Name: "perl-new", Arch: "all", Version: fixed})
	r.file(perl, debtest.Package{Name: "perl-doc", Arch: "all", Version: fixed})
	r.file(zlib, debtest.Package{Name: "zlib1g", Arch: "amd64", Version: "1.3-1"})
	r.machine("m-web", patch.Admitted, "5.36.0-7")
	r.machine("m-db", patch.Admitted, fixed)
	r.machine("m-new", patch.Pending, "5.36.0-7")
	r.start()
	return r
}

// start opens the depot as a new process would.
func (r *rig) start() {
	r.t.Helper()
	dir, err := content.Open(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { dir.Close() })
	r.depot = &payload.Depot{Store: r.store, Catalog: r.catalog, Labels: r.labels, Dir: dir, Now: func() time.Time { return r.now }, Log: slog.New(slog.DiscardHandler)}
}

func (r *rig) file(id patch.ID, p debtest.Package, needs ...string) {
	deb := debtest.Deb(r.t, p)
	path := "pool/" + p.Name + ".deb"
	r.archive.Put(path, deb)
	r.catalog[id] = append(r.catalog[id], patch.PayloadFile{
		Payload: patch.Payload{Name: p.Name, Arch: p.Arch, Version: p.Version, Size: int64(len(deb))}, URL: r.archive.URL + "/" + path, SHA256: content.Sum(deb), Needs: needs,
	})
}

func (r *rig) machine(id patch.MachineID, state patch.MachineState, version string) {
	f := patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "amd64"}}
	for _, name := range []string{"perl", "perl-base"} {
		f.Packages = append(f.Packages, patch.Package{Name: name, Arch: "amd64", Version: version, State: patch.Installed})
	}
	f.Packages = append(f.Packages, patch.Package{Name: "zlib1g", Arch: "amd64", Version: "1.2-1", State: patch.Installed})
	b, err := json.Marshal(f)
	if err != nil {
		r.t.Fatal(err)
	}
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	defer enc.Close()
	h := content.Sum(b)
	r.store.facts[h] = enc.EncodeAll(b, nil)
	r.store.machines = append(r.store.machines, patch.Machine{ID: id, State: state, OS: hostOS, Facts: h})
}

func (r *rig) decide(verb patch.Verb, label string, id patch.ID) {
	r.store.decisions = append(r.store.decisions, patch.Decision{ID: string(rune('a' + len(r.store.decisions))), Patch: id, Label: label, Verb: verb, Until: start.Add(time.Hour), At: start.Add(time.Duration(len(r.store.decisions)) * time.Second)})
}

// run gives the patches of which a file came.
func (r *rig) run() []patch.ID {
	r.t.Helper()
	brought, err := r.depot.Run(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return brought
}

// states gives name → state.
func (r *rig) states() map[string]patch.PayloadState {
	list, _ := r.store.ListPayloads(r.t.Context(), patch.PayloadFilter{})
	states := map[string]patch.PayloadState{}
	for _, p := range list {
		states[p.Name] = p.State
	}
	return states
}

func (r *rig) expect(want map[string]patch.PayloadState) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.states()); diff != "" {
		r.t.Error(diff)
	}
}

const ready, failed, wanted = patch.PayloadReady, patch.PayloadFailed, patch.PayloadWanted

// Nothing but what approved patches need is ever asked for.
func TestExactlyTheApprovedPayloads(t *testing.T) {
	r := newRig(t)
	r.run()
	if hits := r.archive.Hits(); len(hits) != 0 {
		t.Fatalf("nothing is approved, and the depot fetched %v", hits)
	}
	r.decide(patch.Approve, patch.LabelAll, perl)
	n, err := r.depot.Want(t.Context())
	if err != nil || n != 3 {
		t.Fatalf("Want: %d, %v", n, err)
	}
	r.expect(map[string]patch.PayloadState{"perl": wanted, "perl-base": wanted, "perl-new": wanted})
	if brought := r.run(); !slices.Equal(brought, []patch.ID{perl}) {
		t.Errorf("files came of %v", brought)
	}
	// perl-doc is installed nowhere and nothing needs it; zlib is not approved.
	r.expect(map[string]patch.PayloadState{"perl": ready, "perl-base": ready, "perl-new": ready})
	hits := r.archive.Hits()
	slices.Sort(hits)
	if diff := cmp.Diff([]string{"pool/perl-base.deb", "pool/perl-new.deb", "pool/perl.deb"}, hits); diff != "" {
		t.Error(diff)
	}
	if got := r.store.learned[perl]; got != "CVE-2026-1234 2026-02-02" {
		t.Errorf("the changelog taught %q", got)
	}
	for _, f := range r.catalog[perl][:3] {
		file, err := r.depot.Open(f.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
	}
	if _, err := r.depot.Open(r.catalog[zlib][0].SHA256); patch.KindOf(err) != patch.NotFound {
		t.Errorf("a payload nobody wants: %v", err)
	}
	if n, err := r.depot.Want(t.Context()); n != 0 || err != nil {
		t.Errorf("Want when all is ready: %d, %v", n, err)
	}
	if brought := r.run(); len(brought) != 0 {
		t.Errorf("nothing was missing, and files came of %v", brought)
	}
	r.run()
	if hits := r.archive.Hits(); len(hits) != 0 {
		t.Errorf("fetched again: %v", hits)
	}
}

func TestDecisionsThatFetchNothing(t *testing.T) {
	for name, decide := range map[string]func(r *rig){
		"declined beats approved":   func(r *rig) { r.decide(patch.Approve, patch.LabelAll, perl); r.decide(patch.Decline, "web", perl) },
		"held":                      func(r *rig) { r.decide(patch.Approve, "web", perl); r.decide(patch.Hold, patch.LabelAll, perl) },
		"taken back":                func(r *rig) { r.decide(patch.Approve, "web", perl); r.decide(patch.Clear, "web", perl) },
		"a label without machines":  func(r *rig) { r.labels["empty"] = nil; r.decide(patch.Approve, "empty", perl) },
		"a label that is gone":      func(r *rig) { r.decide(patch.Approve, "gone", perl) },
		"a patch that left":         func(r *rig) { r.decide(patch.Approve, patch.LabelAll, "bookworm/gone/1") },
		"only fixed machines":       func(r *rig) { r.labels["db"] = []patch.MachineID{"m-db"}; r.decide(patch.Approve, "db", perl) },
		"only a pending machine":    func(r *rig) { r.store.machines = r.store.machines[2:]; r.decide(patch.Approve, patch.LabelAll, perl) },
		"facts not uploaded so far": func(r *rig) { r.store.facts = nil; r.decide(patch.Approve, patch.LabelAll, perl) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			decide(r)
			r.run()
			if hits := r.archive.Hits(); len(hits) != 0 || len(r.store.rows) != 0 {
				t.Errorf("fetched %v, recorded %v", hits, r.states())
			}
		})
	}
}

func TestApprovalTakenBackBeforeTheFetch(t *testing.T) {
	r := newRig(t)
	r.decide(patch.Approve, patch.LabelAll, perl)
	if _, err := r.depot.Want(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.decide(patch.Clear, patch.LabelAll, perl)
	r.run()
	if hits := r.archive.Hits(); len(hits) != 0 {
		t.Errorf("fetched %v", hits)
	}
}

func TestFailures(t *testing.T) {
	const path = "pool/zlib1g.deb"
	for name, c := range map[string]struct {
		fault func(r *rig) http.HandlerFunc
		text  string
	}{
		"404": {func(*rig) http.HandlerFunc { return http.NotFound }, "no longer has zlib1g 1.3-1"},
		"503": {func(*rig) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
		}, "503"},
		"cut":     {func(r *rig) http.HandlerFunc { return r.archive.Cut(50) }, "the transfer was cut"},
		"other":   {func(r *rig) http.HandlerFunc { return r.changed(path, func(b []byte) []byte { b[70] ^= 1; return b }) }, "the bytes have the SHA-256"},
		"shorter": {func(r *rig) http.HandlerFunc { return r.changed(path, func(b []byte) []byte { return b[:len(b)-1] }) }, "the signed index says"},
		"longer":  {func(r *rig) http.HandlerFunc { return r.changed(path, func(b []byte) []byte { return append(b, 0) }) }, "the signed index says"},
		"endless": {func(*rig) http.HandlerFunc { return endless }, "longer than"},
		"redirect": {func(*rig) http.HandlerFunc {
			return func(w http.ResponseWriter, q *http.Request) {
				http.Redirect(w, q, "http://127.0.0.2:1/", http.StatusFound)
			}
		}, "another host"},
		"no server": {func(*rig) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.decide(patch.Approve, patch.LabelAll, zlib)
			r.decide(patch.Approve, patch.LabelAll, perl)
			r.archive.Fail(path, c.fault(r))
			r.run()
			// One bad file does not stop the others.
			r.expect(map[string]patch.PayloadState{"zlib1g": failed, "perl": ready, "perl-base": ready, "perl-new": ready})
			hash := r.catalog[zlib][0].SHA256
			row := r.store.rows[hash]
			if !strings.Contains(row.Error.String(), c.text) || row.Tries != 1 || !row.NextTry.Equal(start.Add(time.Minute)) {
				t.Errorf("the row says %+v", row)
			}
			alarm := r.store.alarms["payload/"+string(hash)]
			if !strings.Contains(alarm.Text.String(), c.text) || alarm.Do == "" || alarm.Kind != "payload" {
				t.Errorf("the alarm says %+v", alarm)
			}
			if _, err := r.depot.Open(hash); patch.KindOf(err) != patch.NotFound {
				t.Errorf("a file that did not verify can be opened: %v", err)
			}
			r.leftovers(3)
			// It is not tried before its time, then it is, and everything clears.
			r.archive.Fail(path, nil)
			r.archive.Hits()
			r.run()
			if hits := r.archive.Hits(); len(hits) != 0 {
				t.Errorf("tried before its time: %v", hits)
			}
			r.now = start.Add(time.Minute)
			r.run()
			r.expect(map[string]patch.PayloadState{"zlib1g": ready, "perl": ready, "perl-base": ready, "perl-new": ready})
			if len(r.store.alarms) != 0 {
				t.Errorf("alarms stay: %v", r.store.alarms)
			}
		})
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := w.Write(make([]byte, 64<<10)); err != nil {
			return
		}
	}
}

func (r *rig) changed(path string, change func([]byte) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.Write(change(slices.Clone(r.archive.File(path)))) }
}

// leftovers demands that the directory holds n files and nothing unfinished.
func (r *rig) leftovers(n int) {
	r.t.Helper()
	entries, err := os.ReadDir(r.path)
	if err != nil || len(entries) != n {
		r.t.Errorf("%d files in the directory, not %d: %v", len(entries), n, err)
	}
	for _, e := range entries {
		if !patch.Hash(e.Name()).Valid() {
			r.t.Errorf("%s was left", e.Name())
		}
	}
}

func TestPausesGrow(t *testing.T) {
	r := newRig(t)
	r.decide(patch.Approve, patch.LabelAll, zlib)
	r.archive.Fail("pool/", http.NotFound)
	var pauses []time.Duration
	for range 9 {
		r.run()
		row := r.store.rows[r.catalog[zlib][0].SHA256]
		pauses = append(pauses, row.NextTry.Sub(r.now))
		r.now = row.NextTry
	}
	m := time.Minute
	if diff := cmp.Diff([]time.Duration{m, 2 * m, 4 * m, 8 * m, 16 * m, 32 * m, 60 * m, 60 * m, 60 * m}, pauses); diff != "" {
		t.Error(diff)
	}
}

// A process that dies in the middle leaves a row "fetching" and half a file; the next one sweeps and fetches.
func TestResumeAfterKill(t *testing.T) {
	r := newRig(t)
	r.decide(patch.Approve, patch.LabelAll, zlib)
	if _, err := r.depot.Want(t.Context()); err != nil {
		t.Fatal(err)
	}
	hash := r.catalog[zlib][0].SHA256
	if err := r.store.SetPayload(t.Context(), hash, patch.PayloadFetching, "", 0, time.Time{}); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(r.path, ".part-DEAD")
	if err := os.WriteFile(half, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.run()
	r.expect(map[string]patch.PayloadState{"zlib1g": ready})
	r.leftovers(1)
}

// Killed between the rename and the row: the whole, verified file is taken as it is.
func TestResumeWithTheFileInPlace(t *testing.T) {
	r := newRig(t)
	r.decide(patch.Approve, patch.LabelAll, zlib)
	if _, err := r.depot.Dir.PutBytes(t.Context(), r.archive.File("pool/zlib1g.deb")); err != nil {
		t.Fatal(err)
	}
	r.run()
	r.expect(map[string]patch.PayloadState{"zlib1g": ready})
	if hits := r.archive.Hits(); len(hits) != 0 {
		t.Errorf("fetched again: %v", hits)
	}
}

func TestLostFileIsFetchedAgain(t *testing.T) {
	r := newRig(t)
	r.decide(patch.Approve, patch.LabelAll, zlib)
	r.run()
	if err := r.depot.Dir.Remove(r.catalog[zlib][0].SHA256); err != nil {
		t.Fatal(err)
	}
	if n, err := r.depot.Want(t.Context()); n != 1 || err != nil {
		t.Errorf("Want: %d, %v", n, err)
	}
	r.run()
	if _, err := r.depot.Open(r.catalog[zlib][0].SHA256); err != nil {
		t.Error(err)
	}
}

func TestStopEndsARun(t *testing.T) {
	r := newRig(t)
	r.decide(patch.Approve, patch.LabelAll, zlib)
	ctx, cancel := context.WithCancel(t.Context())
	r.archive.Fail("pool/", func(http.ResponseWriter, *http.Request) { cancel() })
	if _, err := r.depot.Run(ctx); err == nil {
		t.Error("Run ended without an error though it was stopped")
	}
	if row := r.store.rows[r.catalog[zlib][0].SHA256]; row.State == failed || row.Tries != 0 {
		t.Errorf("stopping counted as a failure: %+v", row)
	}
}
