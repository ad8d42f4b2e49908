// Package mirror is how the appliance talks to vendors' archives: plain HTTP requests, bounded in time, that no server can send
// elsewhere. What arrives is trusted by signature and hash alone; that is the business of feed and payload.
package mirror

import (
	"net"
	"net/http"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const maxRedirects = 5

// Client gives a client that follows redirects within one host and scheme only. base, if not nil, says how to connect.
func Client(base *http.Client) *http.Client {
	c := http.Client{Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 20 * time.Second}).DialContext,
		TLSHandshakeTimeout:   20 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		DisableKeepAlives:     true,
	}}
	if base != nil {
		c = *base
	}
	c.CheckRedirect = sameHost
	return &c
}

func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if req.URL.Host != first.Host || req.URL.Scheme != first.Scheme {
		return &patch.Error{Kind: patch.Untrusted, What: "the server redirects to another host", Why: phrase.Of("from {1} to {2}", first.Host, req.URL.Host)}
	}
	if len(via) > maxRedirects {
		return &patch.Error{Kind: patch.Untrusted, What: "the server redirects in circles", Why: phrase.Verbatim(first.Host)}
	}
	return nil
}
