package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

// browser is a browser's connection, cookies and taste for compressed pages.
type browser struct {
	client   *http.Client
	base     string
	language string // empty: whatever the console likes
}

func newBrowser(ctx context.Context, a *lab.Appliance) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	// The appliance is on this machine and was made a moment ago.
	b := &browser{base: "https://" + a.Console, client: &http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableCompression: true}}}
	form := url.Values{"name": {a.Admin}, "password": {a.Password}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.base+"/sign-in", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := b.client.Do(req)
	if err != nil {
		return nil, err
	}
	return b, res.Body.Close()
}

// get gives a page, how long its first byte took, and how much was sent.
func (b *browser) get(ctx context.Context, path string) (page []byte, first time.Duration, sent int, err error) {
	begun := time.Now()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotFirstResponseByte: func() { first = time.Since(begun) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.base+path, nil)
	if err != nil {
		return nil, 0, 0, err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("Accept-Language", b.language)
	res, err := b.client.Do(req)
	if err != nil {
		return nil, 0, 0, err
	}
	defer res.Body.Close()
	packed, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, 0, 0, err
	}
	if res.StatusCode != http.StatusOK || res.Request.URL.Path == "/sign-in" && path != "/sign-in" {
		return nil, 0, 0, fmt.Errorf("%s: %s, of %s", path, res.Status, res.Request.URL.Path)
	}
	if res.Header.Get("Content-Encoding") != "gzip" {
		return packed, first, len(packed), nil
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, 0, 0, err
	}
	page, err = io.ReadAll(z)
	return page, first, len(packed), err
}

// weigh asks for a page: how long its first byte took, for how long the appliance was at work until the last one, and how much was sent.
func (b *browser) weigh(ctx context.Context, a *lab.Appliance, path string) (first, used time.Duration, sent int, err error) {
	before, err := processorTime(a.PID())
	if err != nil {
		return 0, 0, 0, err
	}
	if _, first, sent, err = b.get(ctx, path); err != nil {
		return 0, 0, 0, err
	}
	after, err := processorTime(a.PID())
	return first, after - before, sent, err
}

// first is the end of the first address on a page that begins so.
func (b *browser) first(ctx context.Context, list, begin string) (string, error) {
	page, _, _, err := b.get(ctx, list)
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(`href="` + regexp.QuoteMeta(begin) + `([^"?]+)"`).FindSubmatch(page)
	if m == nil {
		return "", fmt.Errorf("%s leads to no %s…", list, begin)
	}
	return html.UnescapeString(string(m[1])), nil
}

// kindOf is an address without a machine's long id.
func kindOf(path string) string {
	return regexp.MustCompile(`[0-9A-Za-z_-]{32,}`).ReplaceAllString(path, "…")
}
