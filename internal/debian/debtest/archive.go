// Package debtest makes small Debian archives for tests: signed by a key of the test's own, served from memory, and broken on
// demand in the ways in which real mirrors break.
package debtest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/clearsign"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"github.com/ulikunitz/xz"
)

// Package is one binary package of a test archive. Its .deb is made when it is published.
type Package struct {
	Name, Arch, Version   string
	Source, SourceVersion string // empty: the binary's own
	Description           string
	Depends               string
	Changelog             string            // the text of usr/share/doc/NAME/changelog.Debian.gz; empty: none
	Scripts               map[string]string // maintainer scripts: "postinst" → its text
	Files                 map[string]string // further files, by path without the leading slash
	Conffiles             []string          // paths of those that are configuration files
	Sums                  bool              // it lists its files with their MD5 sums, as packages of distributions do
	Fill                  int               // this many bytes of noise make the .deb larger
}

// Suite is what a Release says.
type Suite struct {
	Name       string // codename
	Origin     string // empty: Debian
	Label      string // empty: Debian
	Components map[string][]Package
	Arch       string // empty: amd64
	Date       time.Time
	ValidUntil time.Time
	NoXZ       bool // offer gz only
	NoByHash   bool
}

// Archive is a served archive. Its methods are safe for concurrent use.
type Archive struct {
	Key *openpgp.Entity
	URL string // base address, without a slash at the end

	mu     sync.Mutex
	files  map[string][]byte
	faults map[string]http.HandlerFunc
	hits   []string
}

// Key makes a signing key.
func Key(t testing.TB) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("Test Archive", "", "archive@example.org", &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return time.Unix(1_600_000_000, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// New serves an empty archive until the test ends.
func New(t testing.TB) *Archive {
	t.Helper()
	a := &Archive{Key: Key(t), files: map[string][]byte{}, faults: map[string]http.HandlerFunc{}}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	a.URL = srv.URL
	return a
}

// Keyring writes the archive's public key into a file of the test's own.
func (a *Archive) Keyring(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := a.Key.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keyring.gpg")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// ServeHTTP answers from memory, with ETags and the faults that were set.
func (a *Archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	a.mu.Lock()
	a.hits = append(a.hits, path)
	b, ok := a.files[path]
	var fault http.HandlerFunc
	for prefix, f := range a.faults {
		if strings.HasPrefix(path, prefix) {
			fault = f
		}
	}
	a.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", `"`+sum(b)[:16]+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

// Fail answers every path with this prefix by f; nil takes that back.
func (a *Archive) Fail(prefix string, f http.HandlerFunc) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if f == nil {
		delete(a.faults, prefix)
		return
	}
	a.faults[prefix] = f
}

// Cut serves the first n bytes of a file and breaks the connection.
func (a *Archive) Cut(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b := a.File(strings.TrimPrefix(r.URL.Path, "/"))
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:min(n, len(b))])
	}
}

// File gives a file's bytes.
func (a *Archive) File(path string) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.files[path]
}

// Put sets a file's bytes.
func (a *Archive) Put(path string, b []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.files[path] = b
}

// Hits gives the paths asked for since the last call.
func (a *Archive) Hits() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	h := a.hits
	a.hits = nil
	return h
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// Publish makes a suite's indexes and .debs and signs its Release.
func (a *Archive) Publish(t testing.TB, s Suite) {
	t.Helper()
	if s.Arch == "" {
		s.Arch = "amd64"
	}
	dists := "dists/" + s.Name + "/"
	sums := map[string][]byte{}
	components := slices.Sorted(maps.Keys(s.Components))
	for _, component := range components {
		index := component + "/binary-" + s.Arch + "/Packages"
		text := a.index(t, component, s.Components[component])
		sums[index] = text
		sums[index+".gz"] = GZ(t, text)
		if !s.NoXZ {
			sums[index+".xz"] = XZ(t, text)
		}
	}
	for name, b := range sums {
		a.Put(dists+name, b)
		if !s.NoByHash {
			a.Put(dists+filepath.ToSlash(filepath.Dir(name))+"/by-hash/SHA256/"+sum(b), b)
		}
	}
	a.Put(dists+"InRelease", Sign(t, a.Key, ReleaseText(s, components, sums), s.Date))
}

// ReleaseText is a Release file's text over the given index files.
func ReleaseText(s Suite, components []string, files map[string][]byte) string {
	or := func(v, otherwise string) string {
		if v == "" {
			return otherwise
		}
		return v
	}
	var b strings.Builder
	date := func(t time.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC") }
	fmt.Fprintf(&b, "Origin: %s\nLabel: %s\nSuite: stable\nCodename: %s\nDate: %s\n", or(s.Origin, "Debian"), or(s.Label, "Debian"), s.Name, date(s.Date))
	if !s.ValidUntil.IsZero() {
		fmt.Fprintf(&b, "Valid-Until: %s\n", date(s.ValidUntil))
	}
	if !s.NoByHash {
		b.WriteString("Acquire-By-Hash: yes\n")
	}
	fmt.Fprintf(&b, "Architectures: all %s\nComponents: %s\nSHA256:\n", or(s.Arch, "amd64"), strings.Join(components, " "))
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&b, " %s %d %s\n", sum(files[name]), len(files[name]), name)
	}
	return b.String()
}

// index makes the .debs of packages and the Packages file that lists them.
func (a *Archive) index(t testing.TB, component string, packages []Package) []byte {
	var b bytes.Buffer
	for _, p := range packages {
		deb := Deb(t, p)
		path := fmt.Sprintf("pool/%s/%s_%s_%s.deb", component, p.Name, p.Version, p.Arch)
		a.Put(path, deb)
		b.WriteString(controlText(p))
		fmt.Fprintf(&b, "Filename: %s\nSize: %d\nSHA256: %s\n\n", path, len(deb), sum(deb))
	}
	return b.Bytes()
}

// Sign clear-signs text as InRelease files are.
func Sign(t testing.TB, key *openpgp.Entity, text string, at time.Time) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := clearsign.Encode(&b, key.PrivateKey, &packet.Config{Time: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// XZ compresses.
func XZ(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := xz.WriterConfig{DictCap: 64 << 10}.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// GZ compresses.
func GZ(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
