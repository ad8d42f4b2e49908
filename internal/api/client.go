package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

// Client talks to an appliance's people API. Make one with NewClient; its methods may be called from any goroutine.
type Client struct {
	base  *url.URL
	token string
	http  *http.Client
}

const (
	maxReply = 256 << 20
	maxFrame = 1 << 20 // of HTTP/2: a page of the ledger comes in one, and each takes the appliance two changes of goroutines
)

// NewClient makes a client that trusts exactly the given console CA, sends the session token and never follows a redirect.
func NewClient(server, token string, ca *x509.Certificate) (*Client, error) {
	base, err := serverURL(server)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if ca != nil {
		pool.AddCert(ca)
	}
	return &Client{base: base, token: token, http: &http.Client{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: pool}, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second,
			HTTP2: &http.HTTP2Config{MaxReadFrameSize: maxFrame}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func serverURL(server string) (*url.URL, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use {1} as the appliance's address", server), Why: "it must look like https://HOST:8460", Do: "Give --server https://HOST:PORT."}
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Server is the address that the client talks to.
func (c *Client) Server() string { return c.base.String() }

// Path joins segments under /api/v1, each escaped, so that a patch id is one segment.
func Path(segments ...string) string {
	var b strings.Builder
	b.WriteString("/api/v1")
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// Get reads a T.
func Get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	return Do[T](ctx, c, http.MethodGet, path, query, nil)
}

// Do sends in as JSON (nil: no body) and reads a T.
func Do[T any](ctx context.Context, c *Client, method, path string, query url.Values, in any) (T, error) {
	var out T
	err := c.do(ctx, method, path, query, in, &out)
	return out, err
}

func (c *Client) do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	req, err := c.request(ctx, method, path, query, in)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.explainDial(err)
	}
	defer res.Body.Close()
	body := io.LimitReader(res.Body, maxReply)
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return faultFrom(res.StatusCode, body)
	}
	if res.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.NewDecoder(body).Decode(out); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: "cannot read the appliance's answer", Err: err, Do: "Try again; the connection may have been cut."}
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, patch.Errorf(patch.Internal, "cannot encode the request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	target := c.base.String() + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, patch.Errorf(patch.Invalid, "cannot ask %s: %w", target, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return req, nil
}

func (c *Client) explainDial(err error) error {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &unknown):
		return &patch.Error{Kind: patch.Untrusted, What: phrase.Of("cannot trust the server at {1}", c.base.Host), Why: "its certificate is not from the CA that this login pinned", Do: "If the appliance was set up anew, run `fettle login` again and compare the fingerprint."}
	case errors.As(err, &name):
		return &patch.Error{Kind: patch.Untrusted, What: phrase.Of("cannot trust the server at {1}", c.base.Host), Why: patch.Said(name), Do: "Use a name the appliance knows, or add it with `fettle init --host` or host = [...] in fettle.toml."}
	}
	var op *net.OpError
	why := err
	if errors.As(err, &op) {
		why = op
	}
	return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot reach the appliance at {1}", c.base.Host), Err: why, Do: "Check that `fettle serve` runs there and that the address is right."}
}

// faultFrom turns a Fault body back into the error it was made from.
func faultFrom(status int, body io.Reader) error {
	var f wire.Fault
	if err := json.NewDecoder(io.LimitReader(body, 64<<10)).Decode(&f); err != nil || f.Kind == "" {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("the server answered {1}", http.StatusText(status)), Why: "and not in the way an appliance does", Do: "Check the address: is it the appliance's console and API port?"}
	}
	return &patch.Error{Kind: patch.KindNamed(f.Kind), What: phrase.Verbatim(f.Error), Why: phrase.Verbatim(f.Why), Do: phrase.Verbatim(f.Do)}
}

// FetchCA asks a server for the CA that signed its certificate, without trusting it yet: the caller compares the fingerprint with
// one it knows, or shows it to a person.
func FetchCA(ctx context.Context, server string) (*x509.Certificate, error) {
	u, err := serverURL(server)
	if err != nil {
		return nil, err
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "443")
	}
	// The handshake checks nothing on purpose: no secret is sent over this connection, and the CA it shows is verified by its fingerprint.
	d := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, ServerName: u.Hostname()}}
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot reach the appliance at {1}", host), Err: err, Do: "Check that `fettle serve` runs there and that the address is right."}
	}
	defer conn.Close()
	chain := conn.(*tls.Conn).ConnectionState().PeerCertificates
	ca := chain[len(chain)-1]
	if !ca.IsCA || chain[0].CheckSignatureFrom(ca) != nil {
		return nil, &patch.Error{Kind: patch.Untrusted, What: phrase.Of("cannot use the certificate of {1}", host), Why: "the server does not show the CA that signed it", Do: "Check the address: is it the appliance's console and API port?"}
	}
	return ca, nil
}

// Fingerprint names a certificate for people: the SHA-256 of its DER form in hexadecimal.
func Fingerprint(cert *x509.Certificate) string {
	h := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(h[:])
}
