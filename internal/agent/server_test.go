package agent

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// appliance is a real TLS 1.3 listener that speaks the agent protocol from memory.
type appliance struct {
	*keys
	srv    *httptest.Server
	secret string

	mu        sync.Mutex
	state     patch.MachineState
	blobs     map[patch.Hash][]byte
	revision  wire.Envelope
	meta      patch.RevisionMeta
	order     *wire.Envelope
	results   []wire.Result
	snapshots []patch.Snapshot
	uploads   [][]byte // as they came
	facts     map[patch.Hash]bool
	failed    []wire.DetectFailed
	checkins  []wire.Checkin
	puts      int
	tricks    func(w http.ResponseWriter, r *http.Request) bool // answers itself and says so
	wake      bool
	next      int // seconds to the next check-in
	wanted    patch.Hash
	wish      *wire.Envelope // what to keep off
	wishes    int
	noLeave   bool          // to reboot
	calledOff bool          // the reboot
	onReboot  func()        // called when leave is asked for; may be nil
	asked     int           // for leave to reboot
	withdrawn []string      // attempts that are taken back
	sought    int           // how often the newest revision was
	stood     int           // how often it was asked what stands
	ahead     time.Duration // of its clock
}

func newAppliance(t testing.TB) *appliance {
	t.Helper()
	a := &appliance{keys: newKeys(t), next: 2, state: patch.Admitted, blobs: map[patch.Hash][]byte{}, facts: map[patch.Hash]bool{}}
	raw := make([]byte, 32)
	rand.Read(raw)
	a.secret = base64.RawURLEncoding.EncodeToString(raw)
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	leaf := a.issue(t, &key.PublicKey, x509.ExtKeyUsageServerAuth, time.Hour)
	pool := x509.NewCertPool()
	pool.AddCert(a.ca)
	a.srv = httptest.NewUnstartedServer(a.routes())
	a.srv.EnableHTTP2 = true
	a.srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.srv.TLS = &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool,
		Certificates: []tls.Certificate{{Certificate: [][]byte{leaf, a.ca.Raw}, PrivateKey: key}}}
	a.srv.StartTLS()
	t.Cleanup(a.srv.Close)
	return a
}

func (a *appliance) token() string { return "fettle1." + a.secret + "." + string(hashOf(a.ca.Raw)) }

func (a *appliance) publish(t testing.TB, built time.Time, debs ...deb) {
	t.Helper()
	meta, sigs, list := testCatalog(t, built, debs...)
	e, err := wire.Seal(a.catalog, wire.TypeRevision, meta)
	must(t, err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.meta, a.revision = meta, e
	a.blobs[meta.Signatures], a.blobs[meta.List] = sigs, list
	a.blobs[hashOf([]byte("InRelease"))] = []byte("InRelease")
	a.blobs[hashOf([]byte("Packages"))] = []byte("Packages")
	for _, d := range debs {
		a.blobs[d.SHA256] = d.bytes
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, kind patch.Kind, text string) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(wire.Fault{Kind: kind.String(), Error: text})
}

// handle adds a route that only machines with a certificate of our CA reach, with the lock held.
func (a *appliance) handle(m *http.ServeMux, path string, open bool, h func(w http.ResponseWriter, r *http.Request)) {
	m.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.tricks != nil && a.tricks(w, r) {
			return
		}
		if !open && len(r.TLS.VerifiedChains) == 0 {
			refuse(w, 401, patch.Unauthenticated, "no certificate")
			return
		}
		if path != wire.PathCheckin && path != wire.PathEnrol && a.state != patch.Admitted {
			refuse(w, 403, patch.Forbidden, "pending")
			return
		}
		h(w, r)
	})
}

func (a *appliance) routes() http.Handler {
	m := http.NewServeMux()
	a.handle(m, wire.PathEnrol, true, a.enrol)
	a.handle(m, wire.PathRenew, false, func(w http.ResponseWriter, r *http.Request) {
		var in wire.RenewRequest
		json.NewDecoder(r.Body).Decode(&in)
		reply(w, wire.RenewReply{Certificate: a.certify(in.CSR)})
	})
	a.handle(m, wire.PathCheckin, false, a.checkin)
	a.handle(m, wire.PathReboot, false, func(w http.ResponseWriter, r *http.Request) {
		a.asked++
		if a.onReboot != nil {
			a.onReboot()
		}
		reply(w, wire.RebootReply{Granted: !a.noLeave && !a.calledOff, Text: map[bool]string{false: "others reboot", true: "it was halted"}[a.calledOff], RetryAfter: 90, Stop: a.calledOff})
	})
	a.handle(m, wire.PathBlob, false, func(w http.ResponseWriter, r *http.Request) {
		b, ok := a.blobs[patch.Hash(r.PathValue("hash"))]
		if !ok {
			refuse(w, 404, patch.NotFound, "no such file")
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	})
	a.handle(m, wire.PathDelta, false, func(w http.ResponseWriter, r *http.Request) { refuse(w, 404, patch.NotFound, "no such file") })
	a.handle(m, wire.PathRevision, false, func(w http.ResponseWriter, r *http.Request) { a.sought++; reply(w, a.revision) })
	a.handle(m, wire.PathInventory, false, a.put)
	a.handle(m, wire.PathFacts, false, a.put)
	a.handle(m, wire.PathSnapshot, false, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.URL.RawQuery != "" {
			b, _ = wire.FromAddress(r.URL.RawQuery)
		}
		s, err := a.snapshotOf(b)
		if err == nil {
			err = s.Check()
		}
		if err != nil {
			refuse(w, wire.StatusOf(patch.KindOf(err)), patch.KindOf(err), err.Error())
			return
		}
		a.snapshots, a.uploads = append(a.snapshots, s), append(a.uploads, b)
		reply(w, wire.SnapshotReply{Seq: s.Seq})
	})
	a.handle(m, wire.PathFailed, false, func(w http.ResponseWriter, r *http.Request) {
		var in wire.DetectFailed
		json.NewDecoder(r.Body).Decode(&in)
		a.failed = append(a.failed, in)
		w.WriteHeader(204)
	})
	a.handle(m, wire.PathUpdaters, false, a.serveWish)
	a.handle(m, wire.PathOrder, false, func(w http.ResponseWriter, r *http.Request) {
		if a.order == nil {
			w.WriteHeader(204)
			return
		}
		reply(w, a.order)
	})
	a.handle(m, wire.PathStanding, false, func(w http.ResponseWriter, r *http.Request) {
		a.stood++
		reply(w, wire.StandingReply{Withdrawn: a.withdrawn, CalledOff: map[bool]string{true: "it was halted"}[a.calledOff]})
	})
	a.handle(m, wire.PathResults, false, func(w http.ResponseWriter, r *http.Request) {
		var in wire.Results
		json.NewDecoder(r.Body).Decode(&in)
		for _, res := range in.Results {
			if res.Seq == uint64(len(a.results))+1 {
				a.results = append(a.results, res)
			}
			if res.State.Ended() {
				a.order = nil
			}
		}
		reply(w, wire.ResultsReply{Ack: uint64(len(a.results))})
	})
	m.HandleFunc(wire.PathPoll, a.poll)
	return m
}

// snapshotOf reads a snapshot, whole or as what changed since the newest one.
func (a *appliance) snapshotOf(b []byte) (patch.Snapshot, error) {
	if !wire.IsChange(b) {
		return wire.DecodeSnapshot(b)
	}
	c, err := wire.DecodeChange(b)
	if err != nil || len(a.snapshots) == 0 {
		return patch.Snapshot{}, patch.Errorf(patch.Conflict, "no snapshot is here: %v", err)
	}
	return c.Apply(&a.snapshots[len(a.snapshots)-1], nil)
}

func (a *appliance) certify(csr []byte) []byte {
	req, err := x509.ParseCertificateRequest(csr)
	if err != nil || req.CheckSignature() != nil {
		return nil
	}
	tmpl := &x509.Certificate{SerialNumber: a.ca.SerialNumber, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(7 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, _ := x509.CreateCertificate(rand.Reader, tmpl, a.ca, req.PublicKey, a.caKey)
	return der
}

func (a *appliance) enrol(w http.ResponseWriter, r *http.Request) {
	var in wire.EnrolRequest
	json.NewDecoder(r.Body).Decode(&in)
	if in.Token != a.secret {
		refuse(w, 401, patch.Unauthenticated, "the token is not known, used up or expired")
		return
	}
	reply(w, wire.EnrolReply{Machine: "m1", State: a.state, Certificate: a.certify(in.CSR), CA: a.ca.Raw,
		CatalogKey: a.catalog.Public().(ed25519.PublicKey), ApproverKey: a.approver.Public().(ed25519.PublicKey)})
}

func (a *appliance) checkin(w http.ResponseWriter, r *http.Request) {
	var in wire.Checkin
	json.NewDecoder(r.Body).Decode(&in)
	a.checkins = append(a.checkins, in)
	out := wire.CheckinReply{State: a.state, NextSeconds: a.next, Revision: a.meta.ID, Built: a.meta.Built, Order: a.order != nil, ResultsAck: uint64(len(a.results)), Now: time.Now().Add(a.ahead), Updaters: a.wanted}
	out.WantFacts, out.WantInventory = !a.facts[in.Facts], !a.facts[in.Inventory]
	reply(w, out)
}

func (a *appliance) put(w http.ResponseWriter, r *http.Request) {
	dec, err := zstd.NewReader(r.Body)
	if err != nil {
		refuse(w, 400, patch.Invalid, err.Error())
		return
	}
	defer dec.Close()
	b, err := io.ReadAll(dec)
	h := patch.Hash(r.PathValue("hash"))
	if err != nil || hashOf(b) != h {
		refuse(w, 400, patch.Untrusted, "the bytes are not what their name says")
		return
	}
	a.facts[h] = true
	a.puts++
	w.WriteHeader(204)
}

func (a *appliance) poll(w http.ResponseWriter, r *http.Request) {
	for range 50 {
		a.mu.Lock()
		wake := a.wake
		a.wake = false
		a.mu.Unlock()
		if wake {
			reply(w, wire.PollReply{Wake: true})
			return
		}
		if sleep(r.Context(), 20*time.Millisecond) != nil {
			return
		}
	}
	reply(w, wire.PollReply{})
}

// until waits for a condition over the appliance's memory.
func (a *appliance) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		a.mu.Lock()
		done := ok()
		a.mu.Unlock()
		if done {
			return
		}
	}
	t.Fatal("never: " + what)
}

// joined enrols a machine over the wire and gives its configuration.
func (a *appliance) joined(t testing.TB, b *box) Config {
	t.Helper()
	cfg := enrolled(t, a.keys, b, nowhere)
	cfg.StateDir = ram(t)
	e, err := Enrol(context.Background(), cfg, a.srv.URL, a.token())
	must(t, err)
	if e.Machine != "m1" || e.Server != a.srv.URL {
		t.Fatalf("%+v", e)
	}
	return cfg
}

// running runs an agent until the test ends, or stop is called.
func running(t testing.TB, cfg Config) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- New(cfg).Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-done:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				t.Error("the agent did not stop")
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func rangeStart(r *http.Request) int {
	var n int
	if v := r.Header.Get("Range"); v != "" {
		n, _ = strconv.Atoi(v[len("bytes=") : len(v)-1])
	}
	return n
}
