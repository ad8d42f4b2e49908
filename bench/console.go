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
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

const (
	pageWait    = 50 * time.Millisecond
	pageBytes   = 60_000
	ringsJudged = 2 * time.Minute // at most: a deployment that has just begun is on the rings' page once they were judged
	pageAsked   = 15              // times, in rounds over all pages; the median counts
)

// benchConsole opens every page of a console over a simulated fleet, as a browser that is signed in does.
func benchConsole(ctx context.Context, r *report, o options, archive lab.Archive) error {
	a, _, remove, err := filled(ctx, o.keep, func(a *lab.Appliance) error {
		fmt.Printf("a console over %d machines …\n", o.fleet)
		if _, err := loadFleet(ctx, a, archive, o); err != nil {
			return err
		}
		return decideMuch(ctx, a)
	})
	if err != nil {
		return err
	}
	defer remove()
	return openPages(ctx, r, a, o.fleet, o.page)
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

// openPages asks for every kind of page and reports the slowest and the biggest. The pages are asked in turn, so that whatever else this
// machine does for a while is not held against one of them.
func openPages(ctx context.Context, r *report, a *lab.Appliance, machines int, only string) error {
	b, err := newBrowser(ctx, a)
	if err != nil {
		return err
	}
	deployment, err := newestDeployment(ctx, a)
	if err != nil {
		return err
	}
	pages, err := b.pages(ctx, deployment)
	if err != nil {
		return err
	}
	if only != "" {
		pages = slices.DeleteFunc(pages, func(path string) bool { return !strings.Contains(path, only) })
	}
	times, least, sizes := map[string][]time.Duration{}, map[string]time.Duration{}, map[string]int{}
	for range pageAsked {
		for _, path := range pages {
			first, used, sent, err := b.weigh(ctx, a, path)
			if err != nil {
				return err
			}
			if least[path] == 0 || used < least[path] {
				least[path] = used
			}
			times[path], sizes[path] = append(times[path], first), max(sizes[path], sent)
		}
	}
	for _, path := range pages {
		slices.Sort(times[path])
		p50, p99 := times[path][pageAsked/2], times[path][pageAsked*99/100]
		ours := fmt.Sprintf("%s, %s, %s, %s", seconds(p50), seconds(p99), seconds(least[path]), kilo(float64(sizes[path])))
		r.add(fmt.Sprintf("console %s, %d machines: p50, p99, processors at best, size", kindOf(path), machines), ours, "", "", "p50 ≤ 50 ms, ≤ 60 kB", p50 <= pageWait && sizes[path] <= pageBytes)
	}
	return paintPages(ctx, r, b, pages)
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

// pages is one page of each kind, the machine and the patch as the console itself leads there.
func (b *browser) pages(ctx context.Context, deployment string) ([]string, error) {
	list := []string{"/", "/machines", "/machines?show=needing&sort=-need&page=40", "/machines?q=sim", "/machines?label=quarter", "/patches", "/patches?show=all", "/patches?show=approved", "/patches?q=perl",
		"/labels", "/labels/all", "/labels/quarter", "/rules", "/updaters", "/calendar", "/blackouts", "/deployments", "/deployments/" + deployment, "/deployments/" + deployment + "/halt",
		"/deployments/new?label=quarter", "/rollback?deployment=" + deployment, "/rings", "/reports", "/alarms", "/checks", "/ineligible", "/proposals", "/feeds", "/start", "/enrol", "/settings", "/audit", "/search?q=sim", "/search?q=perl",
		"/search?q=CVE-2024"}
	machine, err := b.first(ctx, "/machines", "/machines/")
	if err != nil {
		return nil, err
	}
	needed, err := b.first(ctx, "/patches", "/patches/")
	if err != nil {
		return nil, err
	}
	approved, err := b.first(ctx, "/patches?show=approved", "/patches/")
	if err != nil {
		return nil, err
	}
	id, err := url.PathUnescape(approved)
	if err != nil {
		return nil, err
	}
	asked := url.QueryEscape(id)
	halt, err := b.first(ctx, "/rings", "/rings/decide?verb=halt")
	for end := time.Now().Add(ringsJudged); err != nil && time.Now().Before(end) && ctx.Err() == nil; time.Sleep(time.Second) {
		halt, err = b.first(ctx, "/rings", "/rings/decide?verb=halt")
	}
	if err != nil {
		return nil, err
	}
	return append(list, "/machines/"+machine, "/patches/"+needed, "/patches/"+approved+"?part=chain", "/explain/"+machine+"/"+approved, "/explain-label/all/"+approved, "/explain-label/quarter/"+approved,
		"/decide?patch="+asked, "/decide?verb=decline&label=quarter&patch="+asked, "/rings/decide?verb=halt"+halt), nil
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
