package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

const testPassword = "correct horse battery staple"

// house is a whole appliance in this process, on loopback ports, with real TLS and a signed-in administrator.
type house struct {
	*appliance
	t     *testing.T
	at    addresses
	ca    *x509.Certificate
	admin *api.Client
	token string // the administrator's session

	described *contract
}

// testData makes a data directory the way `fettle init` does, without giving up the test's own rights.
func testData(t *testing.T) config {
	t.Helper()
	cfg := defaultConfig(t.TempDir())
	cfg.Hosts, cfg.Console, cfg.Agents, cfg.SyncEveryRaw = []string{"127.0.0.1"}, "127.0.0.1:0", "127.0.0.1:0", "0"
	if err := cfg.check(); err != nil {
		t.Fatal(err)
	}
	if err := (initCmd{Admin: "admin", Host: cfg.Hosts}).fill(t.Context(), cfg, testPassword, &made{}); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func open(t *testing.T) *house {
	t.Helper()
	return openAt(t, testData(t))
}

func openAt(t *testing.T, cfg config) *house {
	t.Helper()
	a, err := openAppliance(t.Context(), cfg, slog.New(slog.NewTextHandler(testLog{t}, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	l, err := a.listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.run(ctx, l) }()
	h := &house{appliance: a, t: t, at: l.at, ca: a.keys.Console.Certificate}
	t.Cleanup(func() {
		if h.admin != nil {
			h.admin.Close()
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the appliance ended with %v", err)
		}
		a.close()
	})
	h.token = h.signIn("admin", testPassword)
	if h.admin, err = api.NewClient("https://"+l.at.Console, h.token, h.ca); err != nil {
		t.Fatal(err)
	}
	return h
}

// testLog sends the appliance's warnings to the test, as long as it runs.
type testLog struct{ t *testing.T }

func (l testLog) Write(b []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Log(strings.TrimSpace(string(b)))
	}
	return len(b), nil
}

func (h *house) signIn(name, password string) string {
	h.t.Helper()
	c, err := api.NewClient("https://"+h.at.Console, "", h.ca)
	if err != nil {
		h.t.Fatal(err)
	}
	defer c.Close()
	r, err := api.Do[api.LoginReply](h.t.Context(), c, http.MethodPost, api.Path("login"), nil, api.LoginRequest{Name: name, Password: password})
	if err != nil {
		h.t.Fatal(err)
	}
	return r.Token
}

// tellAdmin sends in as the administrator, wants it to work, and holds the answer against the published description of the API.
func tellAdmin[T any](h *house, method, path string, in any) (v T) {
	h.t.Helper()
	status, body := h.raw(method, path, in)
	if status >= 400 {
		h.t.Fatalf("%s %s: %d %s", method, path, status, body)
	}
	escaped, _, _ := strings.Cut(path, "?")
	h.contract().hold(h.t, method, escaped, status, body)
	if status == http.StatusNoContent {
		return v
	}
	if err := json.Unmarshal(body, &v); err != nil {
		h.t.Fatalf("%s %s: %v", method, path, err)
	}
	return v
}

// robot is a machine that speaks the agent protocol by hand, so that it can also speak it wrongly.
type robot struct {
	h       *house
	t       *testing.T
	key     *ecdsa.PrivateKey
	http    *http.Client
	reply   wire.EnrolReply
	facts   patch.Facts
	counter uint64
	tape    *[]tape
}

// tape is one recorded request.
type tape struct {
	robot        *robot
	method, path string
	body         []byte
}

func (h *house) enrolToken(admit bool, uses int) string {
	h.t.Helper()
	name := "t-" + rand.Text()[:8]
	return tellAdmin[api.TokenReply](h, http.MethodPost, api.Path("tokens"), api.TokenRequest{Name: name, Uses: uses, Admit: admit}).Token
}

func (h *house) newRobot() *robot {
	h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	r := &robot{h: h, t: h.t, key: key}
	r.connect(nil)
	return r
}

func (r *robot) connect(cert []byte) {
	pool := x509.NewCertPool()
	pool.AddCert(r.h.keys.Agents.Certificate)
	cfg := &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS13}
	if cert != nil {
		cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: r.key}}
	}
	r.http = &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}}
	r.t.Cleanup(r.http.CloseIdleConnections)
}

func (r *robot) csr() []byte {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, r.key)
	if err != nil {
		r.t.Fatal(err)
	}
	return der
}

// enrol makes the robot a machine.
func (r *robot) enrol(token, name string) *robot {
	r.t.Helper()
	secret, _, err := auth.ParseToken(token)
	if err != nil {
		r.t.Fatal(err)
	}
	if status := r.call(wire.PathEnrol, "", wire.EnrolRequest{Token: secret, CSR: r.csr(), Hostname: name, Agent: "test"}, &r.reply); status != http.StatusOK {
		r.t.Fatalf("enrolment was answered with %d", status)
	}
	r.connect(r.reply.Certificate)
	r.facts = testFacts("1.0-1")
	return r
}

// call sends one message of the protocol and decodes the answer; it gives the status.
func (r *robot) call(route, value string, in, out any) int {
	r.t.Helper()
	status, body := r.send(route, value, encode(r.t, in))
	if out != nil && status == http.StatusOK {
		if err := json.Unmarshal(body, out); err != nil {
			r.t.Fatalf("%s: %v in %q", route, err, body)
		}
	}
	return status
}

func encode(t *testing.T, in any) []byte {
	t.Helper()
	switch b := in.(type) {
	case nil:
		return nil
	case []byte:
		return b
	}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (r *robot) send(route, value string, body []byte) (int, []byte) {
	r.t.Helper()
	method, path, _ := strings.Cut(route, " ")
	if i := strings.IndexByte(path, '{'); i >= 0 {
		path = path[:i] + value
	}
	if r.tape != nil {
		*r.tape = append(*r.tape, tape{r, method, path, body})
	}
	return r.play(tape{r, method, path, body})
}

func (r *robot) play(p tape) (int, []byte) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), p.method, "https://"+r.h.at.Agents+p.path, bytes.NewReader(p.body))
	if err != nil {
		r.t.Fatal(err)
	}
	res, err := r.http.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, b
}

const testOS = patch.HostOS("debian-12-amd64")

func testFacts(version string) patch.Facts {
	return patch.Facts{
		OS: patch.OSFacts{Key: testOS, ID: "debian", VersionID: "12", Codename: "bookworm", Pretty: "Debian 12", Arch: "amd64"},
		Packages: []patch.Package{
			{Name: "bell", Arch: "amd64", Version: version, Source: "bell", SourceVersion: version, State: patch.Installed},
			{Name: "lamp", Arch: "amd64", Version: "2.0-1", Source: "lamp", SourceVersion: "2.0-1", State: patch.Installed},
		},
	}
}

func pack(t *testing.T, v any) (patch.Hash, []byte) {
	t.Helper()
	b := encode(t, v)
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	return hashOf(b), enc.EncodeAll(b, nil)
}

func hashOf(b []byte) patch.Hash {
	sum := sha256.Sum256(b)
	return patch.Hash(hex.EncodeToString(sum[:]))
}

// publish gives the appliance a catalog of three patches, of which a machine with testFacts needs one, has one, and lacks one.
// The bell's file is served at url. More packages, as name and version, come in a later generation.
func (h *house) publish(url string, file []byte, more ...[2]string) patch.RevisionMeta {
	h.t.Helper()
	ctx := h.t.Context()
	var index strings.Builder
	for _, p := range append([][2]string{{"bell", "1.0-2"}, {"lamp", "2.0-1"}, {"moat", "3.0-1"}}, more...) {
		fmt.Fprintf(&index, "Package: %s\nVersion: %s\nArchitecture: amd64\nFilename: pool/%s.deb\nSize: %d\nSHA256: %s\nDescription: a %s\n\n",
			p[0], p[1], p[0], len(file), hashOf(file), p[0])
	}
	indexHash, err := h.Catalog.Raw.PutBytes(ctx, []byte(index.String()))
	if err != nil {
		h.t.Fatal(err)
	}
	release, err := h.Catalog.Raw.PutBytes(ctx, []byte("a Release"))
	if err != nil {
		h.t.Fatal(err)
	}
	dated := time.Now().UTC().Truncate(time.Second).Add(time.Duration(len(more)) * time.Second)
	f := patch.Feed{Name: "test", Kind: "apt", URI: url, Suite: "bookworm-security", Components: []string{"main"}, Arch: "amd64", OS: testOS}
	if err := h.Store.PutFeed(ctx, self(), f); err != nil {
		h.t.Fatal(err)
	}
	state := &patch.FeedState{Feed: f.Name, OS: testOS, Label: "Debian-Security", Dated: dated, Packages: 3, Release: release, At: dated, Origins: []patch.Origin{
		{Suite: f.Suite, Component: "main", Arch: "amd64", Release: release, Index: indexHash, IndexPath: "main/binary-amd64/Packages", Dated: dated}}}
	run := patch.FeedRun{Feed: f.Name, Started: dated, Ended: dated, Outcome: "new", Dated: dated, Packages: 3}
	if err := h.Store.PutFeedRun(ctx, run, state); err != nil {
		h.t.Fatal(err)
	}
	metas, err := h.Catalog.Publish(ctx)
	if err != nil || len(metas) != 1 {
		h.t.Fatalf("published %v, %v", metas, err)
	}
	h.Hub.PokeAll(0)
	return metas[0]
}
