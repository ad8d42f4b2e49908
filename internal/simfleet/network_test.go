package simfleet_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// link is the network between one life of an agent and the appliance: it delays, loses requests and answers, sends some twice, cuts
// transfers, and is gone for hours.
type link struct {
	box        *box
	life       *life
	leaf       *x509.Certificate
	mu         sync.Mutex
	*rand.Rand // under mu: use draw
}

var errAway = errors.New("network: no route to the appliance")

func (b *box) transport(l *life) func(*tls.Config) http.RoundTripper {
	return func(cfg *tls.Config) http.RoundTripper {
		b.mu.Lock()
		b.links++
		n := b.links
		b.mu.Unlock()
		k := &link{box: b, life: l, Rand: b.w.random(fmt.Sprint("link ", b.name, n))}
		if cfg.GetClientCertificate != nil {
			cert, err := cfg.GetClientCertificate(nil)
			b.w.must(err)
			k.leaf = cert.Leaf
		}
		return k
	}
}

func (k *link) draw(n int64) int64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.Rand.Int64N(n)
}

func (k *link) chance(percent int) bool { return k.box.w.faults.Load() && k.draw(100) < int64(percent) }

// wait has time pass. Whoever has gone meanwhile notices at its end: one that can be cut short costs three times as much.
func (k *link) wait(ctx context.Context, d time.Duration) error {
	time.Sleep(d)
	if k.life.ctx.Err() != nil {
		return errDead
	}
	return ctx.Err()
}

// RoundTrip carries one request. Those that it loses count, apart from long polls that nothing lets through.
func (k *link) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := k.carry(r)
	if err == errAway && r.Method+" "+r.URL.Path != wire.PathPoll {
		k.box.w.lost.Add(1)
	}
	return res, err
}

func (k *link) carry(r *http.Request) (*http.Response, error) {
	ctx, w, sets := r.Context(), k.box.w, k.box.clockSets()
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	poll := r.Method+" "+r.URL.Path == wire.PathPoll
	if err := k.wait(ctx, time.Duration(1+k.draw(200_000_000))); err != nil {
		return nil, err
	}
	if poll && (!k.box.polls || k.draw(20) > 0) {
		<-ctx.Done() // a proxy on the way lets no long poll through
		return nil, errAway
	}
	if w.partitioned(k.box) || k.chance(4) {
		if err := k.wait(ctx, time.Duration(k.draw(30_000_000_000))); err != nil {
			return nil, err
		}
		return nil, errAway
	}
	res := k.serve(r, body)
	if res != nil && !poll && !strings.HasSuffix(r.URL.Path, "/checkin") && k.chance(5) {
		res = k.serve(r, body) // something on the way sent it twice; the counter of check-ins is there to notice that
	}
	if res == nil {
		return nil, errAway
	}
	if err := k.wait(ctx, time.Duration(1+k.draw(200_000_000))); err != nil {
		return nil, err
	}
	if k.chance(4) {
		return nil, errAway // the answer is lost; what it answered has happened
	}
	b := res.body.Bytes()
	k.box.hears(r, res.code, sets)
	w.delivered(k.box, r, res.code, b)
	out := &http.Response{StatusCode: res.code, Status: http.StatusText(res.code), Header: res.header, Body: io.NopCloser(&res.body), ContentLength: int64(len(b)), Request: r}
	if len(b) > 1000 && k.chance(10) {
		out.Body = io.NopCloser(io.MultiReader(bytes.NewReader(b[:k.draw(int64(len(b)))]), cut{}))
	}
	return out, nil
}

// reply is an answer on its way. It is an http.ResponseWriter whose connection may have deadlines.
type reply struct {
	code   int
	header http.Header
	body   bytes.Buffer
}

func (p *reply) Header() http.Header              { return p.header }
func (p *reply) SetReadDeadline(time.Time) error  { return nil }
func (p *reply) SetWriteDeadline(time.Time) error { return nil }
func (p *reply) WriteHeader(code int)             { p.code = cmp.Or(p.code, code) }

func (p *reply) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.body.Write(b)
}

// cut is where a transfer breaks off.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// serve has the appliance answer, with the certificate that the handshake would have proved; nil while it is down or goes down.
func (k *link) serve(r *http.Request, body []byte) *reply {
	a := k.box.w.server.alive()
	if a == nil {
		return nil
	}
	ctx := &within{Context: r.Context(), life: a.ctx}
	defer ctx.end()
	req := r.WithContext(ctx)
	req.Body, req.RequestURI, req.RemoteAddr = io.NopCloser(bytes.NewReader(body)), r.URL.RequestURI(), "192.0.2.1:4711"
	req.ContentLength = int64(len(body))
	req.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true}
	if k.leaf != nil {
		req.TLS.PeerCertificates = []*x509.Certificate{k.leaf}
	}
	rec := &reply{header: http.Header{}}
	a.handler.ServeHTTP(rec, req)
	rec.WriteHeader(http.StatusOK) // where the handler said nothing
	if k.box.w.server.alive() != a {
		return nil
	}
	k.box.w.answered(a, k.box, r, body, rec.code, rec.body.Bytes())
	return rec
}

// within is a request's context that ends with a life of the appliance too, and with the answer. What tells of it is made for those who wait for it: few do.
type within struct {
	context.Context
	life context.Context

	mu    sync.Mutex
	both  context.Context // nil until somebody waits
	stop  func()
	ended bool
}

func (c *within) joined() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.both == nil {
		ctx, cancel := context.WithCancel(c.Context)
		forget := context.AfterFunc(c.life, cancel)
		c.both, c.stop = ctx, func() { forget(); cancel() }
		if c.ended {
			c.stop()
		}
	}
	return c.both
}

func (c *within) Done() <-chan struct{} { return c.joined().Done() }

func (c *within) Err() error {
	if err := c.Context.Err(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.life.Err() != nil {
		return context.Canceled
	}
	return nil
}

// Value has what is made from this context find the one that tells of its end, where there is one.
func (c *within) Value(key any) any {
	c.mu.Lock()
	both := c.both
	c.mu.Unlock()
	if both != nil {
		return both.Value(key)
	}
	return c.Context.Value(key)
}

func (c *within) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended = true; c.stop != nil {
		c.stop()
	}
}

// answered sees every answer at the moment that the appliance gives it: what it acknowledges and orders now is a promise.
func (w *sim) answered(a *appliance, b *box, r *http.Request, asked []byte, code int, body []byte) {
	if code == http.StatusInternalServerError {
		w.fail("%s %s of %s went wrong inside the appliance: %s", r.Method, r.URL.Path, b.name, body)
	}
	if code == http.StatusConflict && r.Method+" "+r.URL.Path == wire.PathCheckin {
		w.fail("%s used the number of a check-in twice: %s", b.name, body)
	}
	if r.Method+" "+r.URL.Path == wire.PathSnapshot && (code == http.StatusOK || code == http.StatusNoContent) {
		seq, err := toldSeq(r, asked)
		w.must(err)
		w.mu.Lock()
		if a.era == w.era {
			b.snapshot = max(b.snapshot, seq)
		}
		w.mu.Unlock()
	}
	if code != http.StatusOK {
		return
	}
	switch r.Method + " " + r.URL.Path {
	case wire.PathOrder:
		w.handedOut(a, b, body)
	case wire.PathResults:
		var reply wire.ResultsReply
		w.must(json.Unmarshal(body, &reply))
		w.mu.Lock()
		if a.era == w.era {
			b.acked = max(b.acked, reply.Ack)
		}
		w.mu.Unlock()
	}
}

// toldSeq is the number of the snapshot that a request tells.
func toldSeq(r *http.Request, body []byte) (uint64, error) {
	var err error
	if r.URL.RawQuery != "" {
		if body, err = wire.FromAddress(r.URL.RawQuery); err != nil {
			return 0, err
		}
	}
	if wire.IsChange(body) {
		c, err := wire.DecodeChange(body)
		return c.Seq, err
	}
	s, err := wire.DecodeSnapshot(body)
	return s.Seq, err
}

// delivered sees what reaches the agent: what it has been told that was taken back, it may not begin any more.
func (w *sim) delivered(b *box, r *http.Request, code int, body []byte) {
	w.requests.Add(1)
	if code == http.StatusOK && r.Method+" "+r.URL.Path == wire.PathRenew {
		w.renewals.Add(1)
	}
	if code != http.StatusOK || r.Method+" "+r.URL.Path != wire.PathStanding {
		return
	}
	var reply wire.StandingReply
	w.must(json.Unmarshal(body, &reply))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range reply.Withdrawn {
		if _, told := b.taken[a]; !told {
			b.taken[a] = takenBack{time.Now(), len(b.lives)}
		}
	}
}

// takenBack is when an agent was told that an attempt is not to be made, and which of its lives that was: one that ends right then may forget it.
type takenBack struct {
	at   time.Time
	life int
}

// handedOut holds an order against what people have decided, by the world's own account.
func (w *sim) handedOut(a *appliance, b *box, body []byte) {
	var e wire.Envelope
	var o wire.Order
	w.must(json.Unmarshal(body, &e))
	w.must(e.Open(w.server.keys.ApproverPublic, wire.TypeOrder, &o))
	if o.Machine != b.id {
		w.fail("%s was given an order for %s", b.name, o.Machine)
	}
	if w.isFrozen(a, o.Window.NotBefore) {
		w.fail("%s was given an order by an appliance that was restored, before anybody looked at it", b.name)
	}
	if end := o.Window.NotAfter; !end.IsZero() && w.faults.Load() && b.draw(4) == 0 {
		// It is switched off with the order in its hands, and comes back when the window is over, where nobody can tell it so.
		w.later(time.Duration(b.draw(int64(time.Minute))), func() {
			w.cutOff(b, end.Add(6*time.Hour))
			b.away(time.Until(end) + time.Duration(b.draw(int64(2*time.Hour))))
		})
	}
	for _, item := range o.Items {
		b.meanwhile(item.Packages)
		if slices.ContainsFunc(item.Packages, func(p patch.PlanPackage) bool { return p.Back }) {
			w.mayGoBack(b, o, item)
		} else if !w.approved(b, item.Patch, o.Window.NotBefore) {
			w.fail("%s was given %s, which is not approved for it now", b.name, item.Patch)
		}
		for _, p := range item.Packages {
			w.mu.Lock()
			w.orders[item.Attempt] = append(w.orders[item.Attempt], ordered{machine: b.id, pkg: p, window: o.Window, expires: o.Expires})
			w.mu.Unlock()
		}
	}
}

type ordered struct {
	machine patch.MachineID
	pkg     patch.PlanPackage
	window  patch.Window
	expires time.Time
}
