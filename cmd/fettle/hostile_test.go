package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// ask sends a request of a person to the console's listener.
func (h *house) ask(method, path, token string, body io.Reader, headers map[string]string) (*http.Response, wire.Fault) {
	h.t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(h.ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(h.t.Context(), method, "https://"+h.at.Console+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := transport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	var f wire.Fault
	b, _ := io.ReadAll(res.Body)
	_ = json.Unmarshal(b, &f)
	return res, f
}

func concrete(path string) string {
	for {
		i, j := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		if i < 0 {
			return path
		}
		path = path[:i] + "thing" + path[j+1:]
	}
}

func TestPeopleTable(t *testing.T) {
	h := open(t)
	tellAdmin[patch.User](h, http.MethodPut, api.Path("users", "reader"), api.UserRequest{Role: patch.Auditor, Password: "another fine long phrase"})
	reader := h.signIn("reader", "another fine long phrase")
	before := h.digest("")
	for _, row := range api.PeopleTable() {
		path, name := concrete(row.Path), row.Method+" "+row.Path
		if res, f := h.ask(row.Method, path, "", strings.NewReader("{}"), nil); row.Permission != api.Public && (res.StatusCode != http.StatusUnauthorized || f.Kind != "unauthenticated") {
			t.Errorf("%s answers nobody with %d %+v", name, res.StatusCode, f)
		}
		if res, _ := h.ask(row.Method, path, "fettle-no-such-session", strings.NewReader("{}"), nil); row.Permission != api.Public && res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s answers a made-up session with %d", name, res.StatusCode)
		}
		if row.Method == http.MethodGet {
			continue
		}
		for _, foreign := range []map[string]string{{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}} {
			if res, _ := h.ask(row.Method, path, h.token, strings.NewReader("{}"), foreign); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s answers another site's page (%v) with %d", name, foreign, res.StatusCode)
			}
		}
		if row.Audit != "-" && row.Permission != api.Public && !strings.HasSuffix(row.Path, "/logout") {
			if res, f := h.ask(row.Method, path, reader, strings.NewReader("{}"), nil); res.StatusCode != http.StatusForbidden || f.Kind != "forbidden" {
				t.Errorf("%s answers an auditor with %d %+v", name, res.StatusCode, f)
			}
		}
		if !reads(row) {
			continue
		}
		if res, _ := h.ask(row.Method, path, h.token, io.LimitReader(blanks{}, 70<<20), nil); res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s answers an endless body with %d", name, res.StatusCode)
		}
	}
	if diff := cmp.Diff(before, h.digest("")); diff != "" {
		t.Errorf("something changed:\n%s", diff)
	}
}

// reads reports whether a row reads its body at all.
func reads(r api.Row) bool {
	return r.Method == http.MethodPut || strings.HasSuffix(r.Path, "/login") || strings.Contains(r.Path, "/decisions") || strings.HasSuffix(r.Path, "/plans") || strings.HasSuffix(r.Path, "/deployments") || strings.HasSuffix(r.Path, "/tokens")
}

// blanks is an endless beginning of a JSON value.
type blanks struct{}

func (blanks) Read(b []byte) (int, error) { return copy(b, bytes.Repeat([]byte(" "), len(b))), nil }

func TestSmallThings(t *testing.T) {
	h := open(t)
	if res, f := h.ask("GET", "/api/v1/nothing-here", h.token, nil, nil); res.StatusCode != http.StatusNotFound || f.Kind != "not-found" {
		t.Errorf("an unknown path answers %d %+v", res.StatusCode, f)
	}
	res, _ := h.ask("GET", "/healthz", "", nil, nil)
	if res.StatusCode != http.StatusOK {
		t.Errorf("/healthz answers %d", res.StatusCode)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Cache-Control": "no-store"} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if res.TLS.Version != tls.VersionTLS13 {
		t.Errorf("TLS version %x", res.TLS.Version)
	}
	for _, password := range []string{"", "wrong", testPassword + " "} {
		body, _ := json.Marshal(api.LoginRequest{Name: "admin", Password: password})
		if res, f := h.ask("POST", "/api/v1/login", "", bytes.NewReader(body), nil); res.StatusCode != http.StatusUnauthorized && res.StatusCode != http.StatusTooManyRequests {
			t.Errorf("the password %q is answered with %d %+v", password, res.StatusCode, f)
		}
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS11} {
		for _, at := range []string{h.at.Console, h.at.Agents} {
			if c, err := tls.Dial("tcp", at, &tls.Config{InsecureSkipVerify: true, MaxVersion: version, MinVersion: version}); err == nil {
				c.Close()
				t.Errorf("%s speaks TLS %x", at, version)
			}
		}
	}
}

// Whoever is not an admitted machine hears one and the same thing on every path, known or not, and nothing else. What is there to come in by,
// enrolment and the scripts that install an agent, says the same to all; the agent's program is for a good token alone.
func TestStrangersHearOneAnswer(t *testing.T) {
	h := open(t)
	meta := h.publish("http://127.0.0.1:1", bellFile)
	pending := h.newRobot().enrol(h.enrolToken(false, 1), "pending")
	revoked := h.newRobot().enrol(h.enrolToken(true, 1), "revoked")
	tellAdmin[patch.Machine](h, http.MethodPost, api.Path("machines", string(revoked.reply.Machine), "revoke"), nil)
	ended := h.newRobot().enrol(h.enrolToken(false, 1), "ended")
	strangers := map[string]*robot{"without a certificate": h.newRobot(), "pending": pending, "revoked": revoked, "pending too": ended, "unknown to the store": h.ghost()}
	var constant string
	for _, row := range append(api.AgentTable(), api.Row{Method: "GET", Path: "/v1/nothing"}, api.Row{Method: "GET", Path: "/"}) {
		if row.Path == "/v1/enrol" {
			continue
		}
		said := ""
		for name, r := range strangers {
			if row.Path == "/install.sh" || row.Path == "/install.ps1" {
				status, body := r.play(tape{method: row.Method, path: row.Path})
				if said == "" {
					said = string(body)
				}
				if status != http.StatusOK || string(body) != said || strings.Contains(said, "PRIVATE KEY") {
					t.Errorf("%s answers a machine that is %s with %d and something of its own", row.Path, name, status)
				}
				continue
			}
			if strings.HasPrefix(row.Path, "/v1/agents/{os}/{arch}") {
				if status, body := r.play(tape{method: row.Method, path: strings.NewReplacer("{os}", "linux", "{arch}", "amd64", "{format}", "deb").Replace(row.Path)}); status != http.StatusBadRequest || len(body) > 500 {
					t.Errorf("%s %s answers a machine that is %s with %d and %d bytes", row.Method, row.Path, name, status, len(body))
				}
				continue
			}
			if row.Path == "/v1/checkin" && r.reply.Machine != "" {
				continue
			}
			path := strings.NewReplacer("{hash}", string(meta.List), "{os}", string(testOS)).Replace(row.Path)
			status, body := r.play(tape{method: row.Method, path: path, body: []byte("{}")})
			if constant == "" {
				constant = string(body)
			}
			if status != http.StatusForbidden || string(body) != constant {
				t.Errorf("%s %s answers a machine that is %s with %d %s", row.Method, row.Path, name, status, body)
			}
		}
	}
	if foreign := h.foreign(); foreign != 0 {
		t.Errorf("a certificate of another CA was answered with %d", foreign)
	}
	var reply wire.CheckinReply
	if status := revoked.call(wire.PathCheckin, "", wire.Checkin{Counter: 1}, &reply); status != http.StatusOK || reply.State != patch.Revoked || reply.Revision != "" || reply.Order {
		t.Errorf("a revoked machine's check-in is answered with %d %+v", status, reply)
	}
}

// ghost holds a certificate of the right CA for a machine that the store has not got.
func (h *house) ghost() *robot {
	r := h.newRobot()
	id, err := machineID(r)
	if err != nil {
		h.t.Fatal(err)
	}
	cert, err := h.keys.Agents.IssueClient(&r.key.PublicKey, id, time.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	r.connect(cert)
	return r
}

// foreign shows a certificate of a CA of its own.
func (h *house) foreign() int {
	r := h.newRobot()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "m-x"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &r.key.PublicKey, key)
	if err != nil {
		h.t.Fatal(err)
	}
	r.connect(cert)
	status, _ := r.play(tape{method: "GET", path: "/v1/order"})
	return status
}
