package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

// client speaks the agent protocol to one appliance. It follows no redirect and uses no proxy.
type client struct {
	base  string // what its address begins with
	at    *url.URL
	over  http.RoundTripper
	disk  Disk          // for fetched files
	pause time.Duration // after the first cut of a transfer; then four, nine, … times as long
}

// Limits of answers in bytes.
const (
	maxAnswer = 4 << 20
	maxOrder  = 16 << 20
	maxDelta  = 1 << 20
)

func newClient(server string, cfg *tls.Config) (*client, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of(`cannot use "{1}" as the appliance's address`, phrase.Quoted(server)), Do: "It must look like https://patches.example.org:8461."}
	}
	transport := &http.Transport{
		TLSClientConfig: cfg, ForceAttemptHTTP2: true, DisableCompression: true,
		DialContext:         (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 15 * time.Second, IdleConnTimeout: 20 * time.Minute, MaxIdleConnsPerHost: 2,
		ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
	}
	at := &url.URL{Scheme: "https", Host: u.Host}
	return &client{base: at.String(), at: at, over: transport, disk: liveDisk{}, pause: 200 * time.Millisecond}, nil
}

// client makes a client over the transport that the configuration names.
func (c Config) client(server string, tls *tls.Config) (*client, error) {
	made, err := newClient(server, tls)
	if err == nil && c.Transport != nil {
		made.over = c.Transport(tls)
	}
	if err == nil {
		made.disk = c.layout().on()
	}
	return made, err
}

// hostname is the name or address that the appliance's certificate must carry.
func (c *client) hostname() string { return c.at.Hostname() }

func (c *client) close() {
	if o, ok := c.over.(interface{ CloseIdleConnections() }); ok {
		o.CloseIdleConnections()
	}
}

// route splits a wire path into its method and its address, with {…} replaced.
func (c *client) route(path, value string) (method string, address *url.URL) {
	at := *c.at
	method, path, _ = strings.Cut(path, " ")
	at.Path, at.RawQuery, _ = strings.Cut(path, "?")
	if i := strings.IndexByte(at.Path, '{'); i >= 0 {
		at.Path, at.RawPath = at.Path[:i]+value, at.Path[:i]+url.PathEscape(value)
	}
	return method, &at
}

// ask sends a request and gives the answer, whatever its status is, but for a redirect. header may be nil.
func (c *client) ask(ctx context.Context, path, value string, header http.Header, body io.Reader) (*http.Response, error) {
	method, address := c.route(path, value)
	req, err := http.NewRequestWithContext(ctx, method, "", body)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot make a request: %w", err)
	}
	if req.URL, req.Host = address, address.Host; header != nil {
		req.Header = header
	}
	resp, err := c.over.RoundTrip(req)
	if err != nil {
		return nil, away(&url.Error{Op: method, URL: address.String(), Err: err})
	}
	if resp.StatusCode/100 == 3 {
		resp.Body.Close()
		return nil, patch.Errorf(patch.Untrusted, "the appliance answered with a redirect, which is never followed")
	}
	return resp, nil
}

// call sends in as JSON (or bytes as they are) and decodes a JSON answer into out. Status 204 leaves out untouched and says so.
func (c *client) call(ctx context.Context, path, value string, in, out any) (empty bool, err error) {
	var body io.Reader
	kind := "application/json"
	switch b := in.(type) {
	case nil:
	case []byte:
		body, kind = bytes.NewReader(b), "application/octet-stream"
	default:
		j, err := json.Marshal(in)
		if err != nil {
			return false, patch.Errorf(patch.Internal, "cannot encode a message: %w", err)
		}
		body = bytes.NewReader(j)
	}
	var header http.Header
	if body != nil {
		header = http.Header{"Content-Type": {kind}}
	}
	resp, err := c.ask(ctx, path, value, header, body)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	return decode(resp, out)
}

func decode(resp *http.Response, out any) (empty bool, err error) {
	if resp.StatusCode == http.StatusNoContent {
		return true, nil
	}
	if resp.StatusCode != http.StatusOK {
		return false, faultOf(resp)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxOrder+1))
	if err != nil {
		return false, away(err)
	}
	if len(b) > maxOrder {
		return false, patch.Errorf(patch.Invalid, "the appliance's answer is longer than %d bytes", maxOrder)
	}
	if out == nil {
		return false, nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return false, patch.Errorf(patch.Invalid, "cannot read the appliance's answer: %w", err)
	}
	return false, nil
}

// retryAfter is an error that names the earliest time for another try.
type retryAfter struct {
	error
	after time.Duration
}

func (r retryAfter) Unwrap() error { return r.error }

// faultOf turns a refusal into an error of its kind.
func faultOf(resp *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	var f wire.Fault
	if json.Unmarshal(b, &f) != nil || f.Error == "" {
		f = wire.Fault{Kind: kindOfStatus(resp.StatusCode).String(), Error: "the appliance answered " + resp.Status}
	}
	err := &patch.Error{Kind: patch.KindNamed(f.Kind), What: phrase.Verbatim(f.Error), Why: phrase.Verbatim(f.Why), Do: phrase.Verbatim(f.Do)}
	if s, convErr := strconv.Atoi(resp.Header.Get("Retry-After")); convErr == nil && s > 0 {
		return retryAfter{err, min(time.Duration(s)*time.Second, time.Hour)}
	}
	return err
}

func kindOfStatus(status int) patch.Kind {
	switch {
	case status == http.StatusUnauthorized:
		return patch.Unauthenticated
	case status == http.StatusForbidden:
		return patch.Forbidden
	case status == http.StatusNotFound:
		return patch.NotFound
	case status == http.StatusConflict:
		return patch.Conflict
	case status == http.StatusTooManyRequests:
		return patch.Exhausted
	case status >= 500:
		return patch.Unavailable
	default:
		return patch.Invalid
	}
}

// away is the error of an appliance that cannot be reached or is not the one that was pinned.
func away(err error) error {
	if pinned, ok := errors.AsType[*patch.Error](err); ok {
		return pinned
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &patch.Error{Kind: patch.Untrusted, What: "the appliance's certificate is not from the pinned CA", Err: bad.Err,
			Do: "If the appliance was set up anew, enrol this machine again with a new token."}
	}
	return &patch.Error{Kind: patch.Unavailable, What: "cannot reach the appliance", Err: err, Do: "The agent tries again by itself."}
}

// delta asks for what makes one catalog file out of another.
func (c *client) delta(ctx context.Context, old, next patch.Hash) ([]byte, error) {
	resp, err := c.ask(ctx, wire.PathDelta, string(old)+"-"+string(next), nil, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, faultOf(resp)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxDelta+1))
	if err != nil {
		return nil, away(err)
	}
	if len(b) > maxDelta {
		return nil, patch.Errorf(patch.Invalid, "the delta is longer than %d bytes", maxDelta)
	}
	return b, nil
}
