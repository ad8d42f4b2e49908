package apt_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/apt"
	"github.com/fettle-project/fettle/internal/patch"
)

// shelf is the storage of feeds in memory.
type shelf struct {
	state  *patch.FeedState
	runs   []patch.FeedRun
	alarms map[string]patch.Alarm
}

func (s *shelf) FindFeedState(context.Context, string) (patch.FeedState, error) {
	if s.state == nil {
		return patch.FeedState{}, patch.Errorf(patch.NotFound, "none")
	}
	return *s.state, nil
}

func (s *shelf) PutFeedRun(_ context.Context, run patch.FeedRun, state *patch.FeedState) error {
	s.runs = append(s.runs, run)
	if state != nil {
		s.state = state
	}
	return nil
}

func (s *shelf) RaiseAlarm(_ context.Context, a patch.Alarm) error { s.alarms[a.Key] = a; return nil }

func (s *shelf) ClearAlarm(_ context.Context, key string, _ time.Time) error {
	delete(s.alarms, key)
	return nil
}

// rig is a feed of a test archive with everything around it.
type rig struct {
	t       *testing.T
	archive *debtest.Archive
	store   *shelf
	syncer  *feed.Syncer
	feed    patch.Feed
	now     time.Time
}

var date = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func packages(n int) []debtest.Package {
	list := make([]debtest.Package, n)
	for i := range list {
		list[i] = debtest.Package{Name: "pkg" + strings.Repeat("x", i), Arch: "amd64", Version: "1.0-1", Description: "a thing"}
	}
	return list
}

func suite(n int) debtest.Suite {
	return debtest.Suite{Name: "bookworm", Date: date, ValidUntil: date.AddDate(0, 0, 7), Components: map[string][]debtest.Package{"main": packages(n)}}
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dir.Close() })
	a := debtest.New(t)
	r := &rig{t: t, archive: a, store: &shelf{alarms: map[string]patch.Alarm{}}, now: date.Add(time.Hour)}
	r.feed = patch.Feed{Name: "bookworm", Kind: "apt", URI: a.URL, Suite: "bookworm", Components: []string{"main"}, Arch: "amd64", OS: "debian-12-amd64", Keyring: a.Keyring(t)}
	r.syncer = &feed.Syncer{
		Store: r.store, Dir: dir, Fetchers: map[string]feed.Fetcher{apt.Kind: &apt.Fetcher{Pause: time.Millisecond}},
		Now: func() time.Time { return r.now }, Log: slog.New(slog.DiscardHandler),
	}
	a.Publish(t, suite(10))
	return r
}

func (r *rig) sync() (patch.FeedRun, error) { return r.syncer.Sync(r.t.Context(), r.feed, nil) }

func (r *rig) good(outcome string) patch.FeedRun {
	r.t.Helper()
	run, err := r.sync()
	if err != nil || run.Outcome != outcome {
		r.t.Fatalf("Sync: %s, %v; want %s", run.Outcome, err, outcome)
	}
	if len(r.store.alarms) != 0 {
		r.t.Fatalf("an alarm stays after a good run: %v", r.store.alarms)
	}
	return run
}

// refused demands that a run fails as kind with a text, keeps the last good generation and raises one alarm.
func (r *rig) refused(outcome string, kind patch.Kind, text string) {
	r.t.Helper()
	before := r.store.state
	run, err := r.sync()
	switch {
	case err == nil:
		r.t.Fatalf("Sync took it over: %+v", run)
	case patch.KindOf(err) != kind || !strings.Contains(err.Error(), text):
		r.t.Errorf("Sync: %v (%v); want %v with %q", err, patch.KindOf(err), kind, text)
	case run.Outcome != outcome:
		r.t.Errorf("the outcome is %q, not %q", run.Outcome, outcome)
	case r.store.state != before:
		r.t.Error("the last good generation was replaced")
	}
	alarm, ok := r.store.alarms["feed/bookworm"]
	if !ok || alarm.Text == "" || alarm.Do == "" {
		r.t.Errorf("no useful alarm: %+v", r.store.alarms)
	}
	if last := r.store.runs[len(r.store.runs)-1]; last.Text == "" {
		r.t.Error("the run was recorded without its reason")
	}
}

func TestSyncTakesOverAndAsksOnlyForWhatChanged(t *testing.T) {
	r := newRig(t)
	run := r.good(feed.New)
	if run.Packages != 10 || run.Bytes == 0 || !run.Dated.Equal(date) {
		t.Errorf("the run says %+v", run)
	}
	s := r.store.state
	if s.OS != "debian-12-amd64" || s.Label != "Debian" || len(s.Origins) != 1 || s.Origins[0].IndexPath != "main/binary-amd64/Packages.xz" || s.Origins[0].Release != s.Release {
		t.Errorf("the state is %+v", s)
	}
	for _, h := range []patch.Hash{s.Release, s.Origins[0].Index} {
		if _, ok := r.syncer.Dir.Has(h); !ok {
			t.Errorf("the raw file %s was not kept", h)
		}
	}
	r.archive.Hits()
	if run := r.good(feed.Unchanged); run.Bytes != 0 || run.Packages != 10 {
		t.Errorf("an unchanged run says %+v", run)
	}
	if diff := cmp.Diff([]string{"dists/bookworm/InRelease"}, r.archive.Hits()); diff != "" {
		t.Error(diff)
	}
	next := suite(11)
	next.Date = date.Add(time.Minute)
	r.archive.Publish(t, next)
	if run := r.good(feed.New); run.Packages != 11 {
		t.Errorf("the next run says %+v", run)
	}
	if hits := r.archive.Hits(); !slices.ContainsFunc(hits, func(h string) bool { return strings.Contains(h, "/by-hash/SHA256/") }) {
		t.Errorf("the index was not fetched by hash: %v", hits)
	}
}

func TestSyncWithoutByHashAndXZ(t *testing.T) {
	r := newRig(t)
	s := suite(3)
	s.NoXZ, s.NoByHash = true, true
	r.archive.Publish(t, s)
	r.good(feed.New)
	if got := r.store.state.Origins[0].IndexPath; got != "main/binary-amd64/Packages.gz" {
		t.Errorf("the index is %s", got)
	}
}

func TestSyncFetchesAgainWhatIsGone(t *testing.T) {
	r := newRig(t)
	r.good(feed.New)
	if err := r.syncer.Dir.Remove(r.store.state.Origins[0].Index); err != nil {
		t.Fatal(err)
	}
	r.good(feed.New)
	if _, ok := r.syncer.Dir.Has(r.store.state.Origins[0].Index); !ok {
		t.Error("the index is still gone")
	}
}

func TestSyncHealsADamagedRelease(t *testing.T) {
	r := newRig(t)
	r.good(feed.New)
	path := filepath.Join(r.syncer.Dir.Path(), string(r.store.state.Release))
	if err := os.WriteFile(path, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	r.good(feed.New)
	if _, err := r.syncer.Dir.Read(r.store.state.Release, 1<<20); err != nil {
		t.Error(err)
	}
}

const inRelease = "dists/bookworm/InRelease"

func TestRefusals(t *testing.T) {
	const fail, held = feed.Failed, feed.Quarantined
	later := func(n int) debtest.Suite {
		s := suite(n)
		s.Date = date.Add(time.Minute)
		return s
	}
	for _, c := range []struct {
		name    string
		do      func(r *rig)
		outcome string
		kind    patch.Kind
		text    string
	}{
		{"unsigned", func(r *rig) { r.archive.Put(inRelease, []byte(debtest.ReleaseText(later(10), []string{"main"}, nil))) }, fail, patch.Untrusted, "does not begin with a signed message"},
		{"signed by another key", func(r *rig) {
			r.archive.Key = debtest.Key(r.t)
			r.archive.Publish(r.t, later(10))
		}, fail, patch.Untrusted, "by a key of the keyring"},
		{"changed after signing", func(r *rig) {
			r.archive.Put(inRelease, []byte(strings.Replace(string(r.archive.File(inRelease)), "Label: Debian", "Label: Debiam", 1)))
		}, fail, patch.Untrusted, "no signature holds"},
		{"unsigned words before", func(r *rig) { r.archive.Put(inRelease, append([]byte("Origin: x\n"), r.archive.File(inRelease)...)) }, fail, patch.Untrusted, "does not begin"},
		{"unsigned words after", func(r *rig) { r.archive.Put(inRelease, append(r.archive.File(inRelease), "Origin: x\n"...)) }, fail, patch.Untrusted, "unsigned data after"},
		{"release cut", func(r *rig) { b := r.archive.File(inRelease); r.archive.Put(inRelease, b[:len(b)/2]) }, fail, patch.Untrusted, ""},
		{"expired", func(r *rig) { r.now = date.AddDate(0, 1, 0) }, fail, patch.Untrusted, "it expired on 8 Mar 2026"},
		{"expired unchanged", func(r *rig) { r.now = date.AddDate(0, 0, 7).Add(time.Second) }, fail, patch.Untrusted, "it expired on"},
		{"rollback", func(r *rig) {
			s := suite(10)
			s.Date = date.Add(-time.Minute)
			r.archive.Publish(r.t, s)
		}, fail, patch.Untrusted, "a rollback"},
		{"from the future", func(r *rig) {
			s := suite(10)
			s.Date = date.AddDate(1, 0, 0)
			s.ValidUntil = time.Time{}
			r.archive.Publish(r.t, s)
		}, fail, patch.Untrusted, ""},
		{"index cut", func(r *rig) {
			r.archive.Publish(r.t, later(11))
			r.archive.Fail("dists/bookworm/main", r.archive.Cut(40))
		}, fail, patch.Unavailable, "the transfer was cut"},
		{"index changed", func(r *rig) {
			r.archive.Publish(r.t, later(11))
			r.archive.Fail("dists/bookworm/main", func(w http.ResponseWriter, q *http.Request) {
				b := slices.Clone(r.archive.File(strings.TrimPrefix(q.URL.Path, "/")))
				b[len(b)/2] ^= 1
				w.Write(b)
			})
		}, fail, patch.Untrusted, "the bytes have the SHA-256"},
		{"index longer", func(r *rig) {
			r.archive.Publish(r.t, later(11))
			r.archive.Fail("dists/bookworm/main", func(w http.ResponseWriter, q *http.Request) {
				w.Header().Set("Transfer-Encoding", "chunked")
				w.Write(append(slices.Clone(r.archive.File(strings.TrimPrefix(q.URL.Path, "/"))), 0))
			})
		}, fail, patch.Untrusted, ""},
		{"index gone", func(r *rig) {
			r.archive.Publish(r.t, later(11))
			r.archive.Fail("dists/bookworm/main", http.NotFound)
		}, fail, patch.NotFound, "404"},
		{"archive gone", func(r *rig) { r.archive.Fail("", http.NotFound) }, fail, patch.NotFound, "the server has no InRelease"},
		{"server ill", func(r *rig) {
			r.archive.Fail("", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		}, fail, patch.Unavailable, "503"},
		{"redirect to another host", func(r *rig) {
			r.archive.Fail(inRelease, func(w http.ResponseWriter, q *http.Request) {
				http.Redirect(w, q, "http://127.0.0.2:1/x", http.StatusFound)
			})
		}, fail, patch.Untrusted, "redirects to another host"},
		{"another suite", func(r *rig) {
			s := later(10)
			s.Name = "trixie"
			r.archive.Publish(r.t, s)
			r.archive.Put(inRelease, r.archive.File("dists/trixie/InRelease"))
		}, fail, patch.Untrusted, "another suite"},
		{"another host OS", func(r *rig) { r.feed.OS = "debian-13-amd64" }, fail, patch.Untrusted, "is set up for debian-13-amd64"},
		{"shrunken", func(r *rig) { r.archive.Publish(r.t, later(8)) }, held, patch.Untrusted, "it holds 8 packages, and the last good generation held 10"},
		{"empty", func(r *rig) { r.archive.Publish(r.t, later(0)) }, held, patch.Untrusted, "it holds 0 packages"},
		{"component gone", func(r *rig) { r.feed.Components = []string{"main", "contrib"} }, fail, patch.Invalid, "no package index for the component contrib"},
		{"no keyring", func(r *rig) { r.feed.Keyring = "/nonexistent.gpg" }, fail, patch.NotFound, "cannot read the keyring"},
		{"no such kind", func(r *rig) { r.feed.Kind = "zypper" }, fail, patch.Invalid, "not known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.good(feed.New)
			good, sane := r.feed, r.archive.Key
			c.do(r)
			r.refused(c.outcome, c.kind, c.text)
			// Everything right again: the alarm clears by itself.
			r.feed, r.now, r.archive.Key = good, date.Add(2*time.Hour), sane
			for _, prefix := range []string{"", inRelease, "dists/bookworm/main"} {
				r.archive.Fail(prefix, nil)
			}
			s := suite(10)
			s.Date = date.Add(time.Hour)
			r.archive.Publish(t, s)
			r.good(feed.New)
		})
	}
}

func TestIgnoreExpiryIgnoresExpiryOnly(t *testing.T) {
	r := newRig(t)
	r.feed.IgnoreExpiry = true
	r.now = date.AddDate(1, 0, 0)
	r.good(feed.New)
	s := suite(10)
	s.Date = date.Add(-time.Minute)
	r.archive.Publish(t, s)
	r.refused(feed.Failed, patch.Untrusted, "a rollback")
}

func TestPersonAcceptsAChangedCount(t *testing.T) {
	r := newRig(t)
	r.good(feed.New)
	s := suite(2)
	s.Date = date.Add(time.Minute)
	r.archive.Publish(t, s)
	r.refused(feed.Quarantined, patch.Untrusted, "2 packages")
	run, err := r.syncer.SyncAccepting(t.Context(), r.feed, r.store.runs[len(r.store.runs)-1], nil)
	if err != nil || run.Packages != 2 || r.store.state.Packages != 2 || len(r.store.alarms) != 0 {
		t.Errorf("SyncAccepting: %+v, %v, %v", run, err, r.store.alarms)
	}
}

// What a person accepted is the generation that they looked at, not whatever the mirror offers by then, nor an older one.
func TestAPersonAcceptsOneGenerationOnly(t *testing.T) {
	r := newRig(t)
	r.good(feed.New)
	s := suite(5)
	s.Date = date.Add(time.Minute)
	r.archive.Publish(t, s)
	r.refused(feed.Quarantined, patch.Untrusted, "5 packages")
	seen := r.store.runs[len(r.store.runs)-1]
	accept := func(seen patch.FeedRun) patch.FeedRun {
		t.Helper()
		run, err := r.syncer.SyncAccepting(t.Context(), r.feed, seen, nil)
		if err == nil || r.store.state.Packages != 10 || len(r.store.alarms) != 1 {
			t.Errorf("SyncAccepting took it over: %+v, %v, %v", run, err, r.store.alarms)
		}
		return run
	}
	s = suite(2)
	s.Date = date.Add(2 * time.Minute)
	r.archive.Publish(t, s)
	if run := accept(seen); run.Outcome != feed.Quarantined {
		t.Errorf("a generation that shrank further: %+v", run)
	}
	s = suite(5)
	s.Date = date.Add(-time.Minute)
	r.archive.Publish(t, s)
	if run := accept(patch.FeedRun{Feed: seen.Feed, Outcome: feed.Quarantined, Packages: 5, Dated: s.Date}); run.Outcome != feed.Failed {
		t.Errorf("a rollback: %+v", run)
	}
}

func TestParseSource(t *testing.T) {
	f, err := apt.ParseSource("deb [arch=arm64 signed-by=/k.gpg] https://deb.example.org/debian/ bookworm main contrib", "amd64")
	want := patch.Feed{Name: "deb.example.org-debian-bookworm", Kind: "apt", URI: "https://deb.example.org/debian", Suite: "bookworm", Components: []string{"main", "contrib"}, Arch: "arm64", Keyring: "/k.gpg"}
	if diff := cmp.Diff(want, f); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, bad := range []string{"", "deb", "deb-src https://x/ s c", "deb https://x/ s", "deb ftp://x/ s c", "deb https://u:p@x/ s c", "deb https://x/ ./ c", "deb https://x/ ../../etc c", "deb [x https://x/ s c", "deb file:///x s c", "deb https://x/?a s c"} {
		if f, err := apt.ParseSource(bad, "amd64"); patch.KindOf(err) != patch.Invalid {
			t.Errorf("ParseSource(%q) = %+v, %v", bad, f, err)
		}
	}
}

func TestParseSources(t *testing.T) {
	feeds, err := apt.ParseSources("deb [signed-by=/k.gpg arch=i386,amd64,armhf] https://deb.example.org/debian bookworm main", "amd64")
	var got []string
	for _, f := range feeds {
		got = append(got, f.Arch+" "+f.Name+" "+f.Keyring)
	}
	want := []string{"amd64 deb.example.org-debian-bookworm /k.gpg", "i386 deb.example.org-debian-bookworm-i386 /k.gpg", "armhf deb.example.org-debian-bookworm-armhf /k.gpg"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if feeds, err := apt.ParseSources("deb https://deb.example.org/debian bookworm main", "arm64"); err != nil || len(feeds) != 1 || feeds[0].Arch != "arm64" {
		t.Error(feeds, err)
	}
	for _, bad := range []string{"deb [arch=amd64,] https://x/ s c", "deb [arch=amd64,i386", "deb [arch=amd64,../x] https://x/ s c", ""} {
		if _, err := apt.ParseSources(bad, "amd64"); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// The packages of a foreign architecture belong to the machines whose own it is not.
func TestForeignArchitecture(t *testing.T) {
	r := newRig(t)
	r.archive.Publish(t, debtest.Suite{Name: "bookworm", Date: date, Arch: "i386", Components: map[string][]debtest.Package{"main": {{Name: "lib", Arch: "i386", Version: "1"}, {Name: "data", Arch: "all", Version: "1"}}}})
	r.feed.Arch = "i386"
	r.good(feed.New)
	if s := r.store.state; s.OS != "debian-12-amd64" || s.Origins[0].Arch != "i386" || s.Packages != 2 {
		t.Errorf("%+v", s)
	}
	r.feed.OS = "debian-11-amd64"
	r.refused(feed.Failed, patch.Untrusted, "debian-12-amd64")
}
