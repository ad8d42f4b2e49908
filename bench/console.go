package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

const (
	pageWait  = 50 * time.Millisecond
	pageBytes = 60_000
	pageAsked = 9 // times; the median counts
)

// benchConsole opens every page of a console over a simulated fleet, as a browser that is signed in does.
func benchConsole(ctx context.Context, r *report, o options, archive lab.Archive) error {
	dir, err := os.MkdirTemp("/var/tmp", "fettle-console-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	fmt.Printf("a console over %d machines …\n", o.fleet)
	a, err := lab.NewAppliance(ctx, "bin/fettle", filepath.Join(dir, "appliance"))
	if err != nil {
		return err
	}
	defer a.Stop()
	if _, err := loadFleet(ctx, a, archive, o); err != nil {
		return err
	}
	return openPages(ctx, r, a, o.fleet)
}

// browser is a browser's connection, cookies and taste for compressed pages.
type browser struct {
	client *http.Client
	base   string
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
	res, err := b.client.Do(req)
	if err != nil {
		return nil, 0, 0, err
	}
	defer res.Body.Close()
	packed, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, 0, 0, err
	}
	if res.StatusCode != http.StatusOK {
		return nil, 0, 0, fmt.Errorf("%s: %s", path, res.Status)
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

// openPages asks for every kind of page and reports the slowest and the biggest.
func openPages(ctx context.Context, r *report, a *lab.Appliance, machines int) error {
	b, err := newBrowser(ctx, a)
	if err != nil {
		return err
	}
	pages, err := b.pages(ctx)
	if err != nil {
		return err
	}
	for _, path := range pages {
		var times []time.Duration
		size := 0
		for range pageAsked {
			_, first, sent, err := b.get(ctx, path)
			if err != nil {
				return err
			}
			times, size = append(times, first), max(size, sent)
		}
		slices.Sort(times)
		took := times[len(times)/2]
		r.add(fmt.Sprintf("console %s, %d machines", kindOf(path), machines), seconds(took)+", "+kilo(float64(size)), "", "", "≤ 50 ms, ≤ 60 kB", took <= pageWait && size <= pageBytes)
	}
	return nil
}

// pages is one page of each kind, the machine and the patch as the console itself leads there.
func (b *browser) pages(ctx context.Context) ([]string, error) {
	list := []string{"/", "/machines", "/machines?show=needing&sort=-need&page=40", "/machines?q=sim", "/patches", "/patches?show=all", "/labels", "/labels/all", "/rules", "/calendar", "/deployments",
		"/reports", "/alarms", "/checks", "/feeds", "/updaters", "/enrol", "/audit", "/search?q=sim"}
	machines, _, _, err := b.get(ctx, "/machines")
	if err != nil {
		return nil, err
	}
	patches, _, _, err := b.get(ctx, "/patches")
	if err != nil {
		return nil, err
	}
	m := regexp.MustCompile(`class="title" href="(/machines/[^"?]+)"`).FindSubmatch(machines)
	p := regexp.MustCompile(`class="title" href="(/patches/[^"?]+)"`).FindSubmatch(patches)
	if m == nil || p == nil {
		return nil, errors.New("the console shows no machine or no patch")
	}
	machine, one := string(m[1]), html.UnescapeString(string(p[1]))
	id, err := url.PathUnescape(one[len("/patches/"):])
	if err != nil {
		return nil, err
	}
	path := one[len("/patches/"):]
	return append(list, machine, one, "/explain/"+machine[len("/machines/"):]+"/"+path, "/explain-label/all/"+path, "/decide?patch="+url.QueryEscape(id)), nil
}

// kindOf is an address without a machine's long id.
func kindOf(path string) string {
	return regexp.MustCompile(`[0-9A-Za-z_-]{32,}`).ReplaceAllString(path, "…")
}
