package rpm_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/rpm"
	"github.com/fettle-project/fettle/internal/patch"
)

// shelf is the storage of feeds in memory.
type shelf struct {
	state  *patch.FeedState
	alarms int
}

func (s *shelf) FindFeedState(context.Context, string) (patch.FeedState, error) {
	if s.state == nil {
		return patch.FeedState{}, patch.Errorf(patch.NotFound, "none")
	}
	return *s.state, nil
}

func (s *shelf) PutFeedRun(_ context.Context, _ patch.FeedRun, state *patch.FeedState) error {
	if state != nil {
		s.state = state
	}
	return nil
}

func (s *shelf) RaiseAlarm(context.Context, patch.Alarm) error       { s.alarms++; return nil }
func (s *shelf) ClearAlarm(context.Context, string, time.Time) error { return nil }

// repository is one that the test serves: its files by path.
type repository struct {
	t        *testing.T
	files    map[string][]byte
	requests []string
	server   *httptest.Server
	key      *openpgp.Entity
	keyring  string
	store    *shelf
	dir      *content.Dir
	feed     patch.Feed
	now      time.Time

	withdrawn []patch.ID // by the newest entries
}

func newRepository(t *testing.T) *repository {
	t.Helper()
	r := &repository{t: t, files: map[string][]byte{}, store: &shelf{}, key: debtest.Key(t), now: at("2024-03-02T00:00:00Z")}
	r.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		path := strings.TrimPrefix(req.URL.Path, "/os/")
		r.requests = append(r.requests, path)
		b, ok := r.files[path]
		if !ok {
			http.NotFound(w, req)
			return
		}
		w.Header().Set("ETag", `"`+string(content.Sum(b))+`"`)
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(b))
	}))
	t.Cleanup(r.server.Close)
	var err error
	if r.dir, err = content.Open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.dir.Close() })
	var ring bytes.Buffer
	if err := r.key.Serialize(&ring); err != nil {
		t.Fatal(err)
	}
	r.keyring = filepath.Join(t.TempDir(), "vendor.gpg")
	write(t, r.keyring, ring.String())
	r.feed = patch.Feed{Name: "baseos", Kind: rpm.Kind, URI: r.server.URL + "/os", Arch: "x86_64"}
	r.fill(at("2024-03-01T00:00:00Z"), 20)
	return r
}

// fill makes a repository of n packages, of which the first has an advisory.
func (r *repository) fill(dated time.Time, n int) {
	primary := "<metadata>"
	for i := range n {
		primary += fmt.Sprintf(`<package type="rpm"><name>pkg%d</name><arch>x86_64</arch><version epoch="0" ver="1" rel="1.el9"/><checksum type="sha256">%s</checksum>
			<location href="Packages/pkg%d.rpm"/><size package="10"/><summary>One</summary><time file="1700000000"/><format><sourcerpm>pkg%d-1-1.el9.src.rpm</sourcerpm></format></package>`, i, sum, i, i)
	}
	primary += "</metadata>"
	updates := `<updates><update type="security"><id>ALSA-2024:1</id><title>Low: pkg0</title><severity>Low</severity><issued date="2024-02-01"/><references><reference id="CVE-2024-1" type="cve"/></references>
		<pkglist><collection><package name="pkg0" version="1" release="1.el9" epoch="0" arch="x86_64"/><package name="pkg0-debuginfo" version="1" release="1.el9" epoch="0" arch="x86_64"/>
		<package name="pkg0" version="1" release="1.el9" epoch="0" arch="src"/><package name="pkg0" version="1" release="1.el9" epoch="0" arch="s390x"/></collection></pkglist></update></updates>`
	r.publish(dated, map[string]string{"primary": primary, "updateinfo": updates, "modules": modulemd})
}

// publish writes the metadata, gzip by hand being no matter here, and repomd.xml over it.
func (r *repository) publish(dated time.Time, files map[string]string) {
	text := fmt.Sprintf(`<repomd><revision>%d</revision><tags><distro cpeid="cpe:/o:almalinux:almalinux:9">x</distro></tags>`, dated.Unix())
	for _, kind := range []string{"primary", "updateinfo", "modules"} {
		plain, ok := files[kind]
		if !ok {
			continue
		}
		packed, fine := pipe(r.t, "gzip", []byte(plain))
		if !fine {
			r.t.Fatal("there is no gzip")
		}
		name := "repodata/" + kind + ".gz"
		r.files[name] = packed
		text += fmt.Sprintf(`<data type="%s"><checksum type="sha256">%s</checksum><open-checksum type="sha256">%s</open-checksum><location href="%s"/><size>%d</size><open-size>%d</open-size></data>`,
			kind, hash(packed), hash([]byte(plain)), name, len(packed), len(plain))
	}
	r.index(text + "</repomd>")
}

func hash(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// index sets repomd.xml and signs it.
func (r *repository) index(text string) {
	r.files["repodata/repomd.xml"] = []byte(text)
	var signature bytes.Buffer
	config := &packet.Config{Time: func() time.Time { return r.now.Add(-time.Hour) }}
	if err := openpgp.ArmoredDetachSign(&signature, r.key, strings.NewReader(text), config); err != nil {
		r.t.Fatal(err)
	}
	r.files["repodata/repomd.xml.asc"] = signature.Bytes()
}

func (r *repository) edit(old, new string) {
	r.index(strings.Replace(string(r.files["repodata/repomd.xml"]), old, new, 1))
}

func (r *repository) sync() (patch.FeedRun, error) {
	r.requests = nil
	s := &feed.Syncer{Store: r.store, Dir: r.dir, Now: func() time.Time { return r.now }, Log: slog.New(slog.DiscardHandler),
		Fetchers: map[string]feed.Fetcher{rpm.Kind: &rpm.Fetcher{HTTP: r.server.Client(), Pause: time.Millisecond}}}
	return s.Sync(context.Background(), r.feed, nil)
}

func (r *repository) entries() []detect.Entry {
	r.t.Helper()
	all, withdrawn, err := rpm.Entries(context.Background(), hostOS, *r.store.state, func(h patch.Hash) (io.ReadCloser, error) { return r.dir.Open(h) })
	if err != nil {
		r.t.Fatal(err)
	}
	r.withdrawn = withdrawn
	return all
}

func TestFetch(t *testing.T) {
	r := newRepository(t)
	r.feed.Keyring = r.keyring
	run, err := r.sync()
	if err != nil {
		t.Fatal(err)
	}
	if run.Outcome != feed.New || run.Packages != 21 || !run.Dated.Equal(at("2024-03-01T00:00:00Z")) {
		t.Errorf("%+v", run)
	}
	s := r.store.state
	if s.OS != hostOS || len(s.Origins) != 3 || s.Origins[0].Component != "primary" || s.Origins[0].IndexPath != "repodata/primary.gz" || s.Origins[0].Release != s.Release {
		t.Errorf("%+v", s)
	}
	if run, err = r.sync(); err != nil || run.Outcome != feed.Unchanged || len(r.requests) != 1 {
		t.Errorf("again: %+v %v %v", run, err, r.requests)
	}
	r.store.state.ETag = ""
	if run, err = r.sync(); err != nil || run.Outcome != feed.Unchanged {
		t.Errorf("without a tag: %+v %v", run, err)
	}
	r.fill(at("2024-03-01T12:00:00Z"), 21)
	if run, err = r.sync(); err != nil || run.Outcome != feed.New || run.Packages != 22 {
		t.Errorf("newer: %+v %v", run, err)
	}
	if got := strings.Join(r.requests, " "); got != "repodata/repomd.xml repodata/repomd.xml.asc repodata/primary.gz" {
		t.Errorf("asked for %s", got)
	}
}

func TestEntries(t *testing.T) {
	r := newRepository(t)
	r.fill(at("2024-03-01T00:00:00Z"), 2)
	if _, err := r.sync(); err != nil {
		t.Fatal(err)
	}
	file := func(name string) []patch.PayloadFile {
		return []patch.PayloadFile{{Payload: patch.Payload{Name: name, Arch: "x86_64", Version: "1-1.el9", Size: 10}, URL: "Packages/" + name + ".rpm", SHA256: sum}}
	}
	rule := func(name string) []detect.PackageRule {
		return []detect.PackageRule{{Name: name, Arch: "x86_64", Version: "1-1.el9"}}
	}
	want := []detect.Entry{
		{Patch: patch.Patch{ID: "almalinux-9/ALSA-2024:1", Title: "Low: pkg0", Source: "pkg0", Version: "1-1.el9", Suite: "almalinux-9", Category: patch.Security,
			Severity: patch.Low, CVEs: []string{"CVE-2024-1"}, Released: at("2024-02-01T00:00:00Z")},
			Definition: detect.Definition{ID: "almalinux-9/ALSA-2024:1", Packages: rule("pkg0")}, Files: file("pkg0"), Asks: []detect.Asks{{Words: new([]string)}}},
		{Patch: patch.Patch{ID: "almalinux-9/pkg1/1-1.el9", Title: "pkg1 1-1.el9: One", Source: "pkg1", Version: "1-1.el9", Suite: "almalinux-9", Category: patch.Update,
			Released: at("2023-11-14T22:13:20Z")},
			Definition: detect.Definition{ID: "almalinux-9/pkg1/1-1.el9", Packages: rule("pkg1")}, Files: file("pkg1"), Asks: []detect.Asks{{Words: new([]string)}}},
	}
	if d := cmp.Diff(want, r.entries()); d != "" {
		t.Error(d)
	}
}

func TestFetchRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(*repository)
		kind patch.Kind
	}{
		"a changed file": {func(r *repository) { r.files["repodata/updateinfo.gz"][9] ^= 1 }, patch.Untrusted},
		"other contents under the same compressed bytes": {func(r *repository) {
			r.edit(`<open-checksum type="sha256">`, `<open-checksum type="sha256">`+sum+`</open-checksum><open-checksum type="x">`)
		}, patch.Untrusted},
		"a file of another size":      {func(r *repository) { r.edit("<size>", "<size>9") }, patch.Untrusted},
		"a file that is not there":    {func(r *repository) { delete(r.files, "repodata/primary.gz") }, patch.NotFound},
		"no list of packages":         {func(r *repository) { r.edit(`type="primary"`, `type="filelists"`) }, patch.Invalid},
		"a cut index":                 {func(r *repository) { r.index(string(r.files["repodata/repomd.xml"][:200])) }, patch.Invalid},
		"no signature":                {func(r *repository) { delete(r.files, "repodata/repomd.xml.asc") }, patch.Untrusted},
		"a signature of another text": {func(r *repository) { r.files["repodata/repomd.xml"][12]++ }, patch.Untrusted},
		"a signature by another key": {func(r *repository) {
			r.key = debtest.Key(r.t)
			r.edit("x", "x")
		}, patch.Untrusted},
		"an old copy":          {func(r *repository) { r.fill(at("2024-02-01T00:00:00Z"), 20) }, patch.Untrusted},
		"a date in the future": {func(r *repository) { r.fill(at("2024-03-09T00:00:00Z"), 20) }, patch.Untrusted},
		"a shrunken one":       {func(r *repository) { r.fill(at("2024-03-01T01:00:00Z"), 10) }, patch.Untrusted},
		"another host OS":      {func(r *repository) { r.feed.OS = "rocky-9-x86_64"; r.edit("x", "y") }, patch.Untrusted},
		"malformed packages": {func(r *repository) {
			r.publish(at("2024-03-01T01:00:00Z"), map[string]string{"primary": "<metadata><package>"})
		}, patch.Invalid},
		"malformed modules": {func(r *repository) {
			r.publish(at("2024-03-01T01:00:00Z"), map[string]string{"primary": "<metadata></metadata>", "modules": "---\n\t{"})
		}, patch.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRepository(t)
			r.feed.Keyring = r.keyring
			if _, err := r.sync(); err != nil {
				t.Fatal(err)
			}
			good := *r.store.state
			r.dir.Close()
			var err error
			if r.dir, err = content.Open(t.TempDir()); err != nil { // nothing is at hand: all comes anew
				t.Fatal(err)
			}
			c.do(r)
			_, err = r.sync()
			if patch.KindOf(err) != c.kind || err == nil {
				t.Errorf("%v is of kind %v", err, patch.KindOf(err))
			}
			if d := cmp.Diff(good, *r.store.state); d != "" || r.store.alarms != 1 {
				t.Errorf("the last good generation went: %s, %d alarms", d, r.store.alarms)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for uri, ok := range map[string]bool{
		"https://mirror.example.org/9/os": true, "http://127.0.0.1:8080/os": true, "http://[::1]/os": true, "/srv/repo": true, "file:///srv/repo": true,
		"http://mirror.example.org/9/os": false, "ftp://mirror.example.org/9": false, "https://user:pw@mirror.example.org/": false, "https:///x": false,
		"https://mirror.example.org/9/?x=1": false, "file://host/x": false, "relative/path": false, "": false,
	} {
		if _, err := feed.Address(patch.Feed{Name: "x", URI: uri}); (err == nil) != ok {
			t.Errorf("%q: %v", uri, err)
		}
	}
	if _, err := feed.Address(patch.Feed{Name: "x", URI: "http://mirror.example.org/9/os", Keyring: "k"}); err != nil {
		t.Errorf("signed over http: %v", err)
	}
}

// An updateinfo file is unsigned: a keyring does not open the way over plain http for it.
func TestUpdateinfoFile(t *testing.T) {
	dir, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	path := filepath.Join(t.TempDir(), "updateinfo.xml")
	write(t, path, `<updates><update type="security"><id>RLSA-2024:1</id><issued date="2024-02-01"/><pkglist><collection><package name="a" version="1" release="1.el8_9" arch="noarch"/></collection></pkglist></update></updates>`)
	f := patch.Feed{Name: "u", Kind: rpm.UpdateinfoKind, URI: path, Arch: "amd64"}
	fetch := func(last *patch.FeedState) (feed.Fetched, error) {
		return (&rpm.UpdateinfoFetcher{}).Fetch(context.Background(), f, last, dir, time.Now(), func(feed.Progress) {})
	}
	got, err := fetch(nil)
	if err != nil || got.State.OS != "rocky-8-x86_64" || got.State.Packages != 1 || !got.State.Dated.Equal(at("2024-02-01T00:00:00Z")) {
		t.Fatalf("%+v %v", got, err)
	}
	if again, err := fetch(&got.State); err != nil || !again.Unchanged {
		t.Errorf("%+v %v", again, err)
	}
	f.URI, f.Keyring = "http://mirror.example.org/updateinfo.xml", path
	if _, err := fetch(nil); patch.KindOf(err) != patch.Invalid || err == nil {
		t.Errorf("plain http: %v", err)
	}
	if err := os.WriteFile(path, []byte("<updates><update>"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.URI, f.Keyring = path, ""
	if _, err := fetch(nil); err == nil {
		t.Error("a cut file is accepted")
	}
}
