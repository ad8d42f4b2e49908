package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/web"
)

// plainPages have addresses that name nothing, or what decideMuch has made.
func plainPages() []string {
	return []string{"/", "/?part=shares", "/start", "/enrol", "/sign-in",
		"/machines", "/machines?show=needing&sort=-need&page=40", "/machines?show=confirmed&sort=name", "/machines?q=sim", "/machines?label=quarter", "/machines?label=large&sort=-seen",
		"/patches", "/patches?show=undecided&category=security", "/patches?show=all", "/patches?show=all&page=40", "/patches?show=approved", "/patches?show=patched", "/patches?q=perl",
		"/labels", "/labels/all", "/labels/quarter", "/labels/large", "/rules", "/updaters", "/updaters?service=unattended-upgrades", "/calendar", "/blackouts",
		"/deployments", "/deployments/new?label=quarter", "/deployments/new?label=all", "/rollback?label=quarter", "/restart?label=all", "/rings",
		"/reports", "/reports/exposure?label=all&exposed=high", "/reports/installed", "/reports/installed?from=2020-01-01&until=2099-12-31&show=each", "/reports/installed.csv", "/reports/compliance.xlsx", "/reports/compliance.csv", "/reports/exposure.csv", "/reports/compliance.json",
		"/alarms", "/checks", "/ineligible", "/ineligible?label=quarter", "/ineligible?code=not-installed", "/ineligible?gate=prerequisites&code=not-installed&show=pairs", "/machines?gate=prerequisites&ineligible=not-installed", "/proposals", "/feeds", "/settings",
		"/audit", "/audit?days=365&q=decide", "/search", "/search?q=sim", "/search?q=perl", "/search?q=CVE-2024"}
}

// waitsForAll reports whether an address is of a page that waits for all of it, for browsers without scripts: others see a frame first.
func waitsForAll(path string) bool { return strings.Contains(path, "part=whole") }

// isFile reports whether an address is of a file that is saved, not looked at.
func isFile(path string) bool {
	return strings.HasPrefix(path, "/reports/") && strings.Contains(path, ".")
}

// pages is one page of each kind, machines and patches as the console itself leads there. A page that the console has and that is not among them is
// an error: nothing goes unmeasured.
func (b *browser) pages(ctx context.Context, a *lab.Appliance) ([]string, error) {
	q, err := newQuestions(a)
	if err != nil {
		return nil, err
	}
	defer q.client.Close()
	all := plainPages()
	for _, more := range []func(context.Context, questions) ([]string, error){b.deploymentPages, b.machinePages, b.patchPages, b.decisionPages, b.listPages} {
		some, err := more(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, missed(all)
}

// missed is an error that names the console's pages of which none is in a list.
func missed(list []string) error {
	mux, left := http.NewServeMux(), web.Pages()
	for _, pattern := range left {
		mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
	}
	for _, path := range list {
		req, err := http.NewRequest(http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		_, pattern := mux.Handler(req)
		left = slices.DeleteFunc(left, func(p string) bool { return p == pattern })
	}
	if len(left) > 0 {
		return fmt.Errorf("no page is measured of %s", strings.Join(left, ", "))
	}
	return nil
}

func (b *browser) deploymentPages(ctx context.Context, q questions) ([]string, error) {
	id, err := newestDeployment(ctx, q)
	if err != nil {
		return nil, err
	}
	at := "/deployments/" + id
	return []string{at, at + "?state=waiting&page=40", at + "?part=why", at + "/halt", "/rollback?deployment=" + id, "/rollback?part=plan&deployment=" + id, "/deployments/new?part=plan&label=quarter", "/deployments/new?part=whole&label=quarter"}, nil
}

func (b *browser) machinePages(ctx context.Context, _ questions) ([]string, error) {
	id, err := b.first(ctx, "/machines?show=needing&sort=-need", "/machines/") // a machine that has something of every verdict
	if err != nil {
		return nil, err
	}
	at := "/machines/" + id
	out := []string{at, at + "?verdict=not-patched", at + "?verdict=patched&page=4", at + "?policy=approved&closed=1", at + "?q=perl", at + "/why?patch=perl", "/deployments/new?machine=" + id}
	for _, verdict := range []string{"not-patched", "patched", "not-applicable"} {
		p, err := b.first(ctx, at+"?verdict="+verdict, "/explain/"+id+"/")
		if err != nil {
			return nil, err
		}
		out = append(out, "/explain/"+id+"/"+p)
	}
	return out, nil
}

func (b *browser) patchPages(ctx context.Context, _ questions) (out []string, err error) {
	seen := map[string]bool{}
	for _, show := range []string{"needed", "approved", "patched", "all"} { // the most needed one is also approved, or the other way round
		id, err := b.first(ctx, "/patches?show="+show, "/patches/")
		if err != nil {
			return nil, err
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		name, err := url.PathUnescape(id)
		if err != nil {
			return nil, err
		}
		ask := url.QueryEscape(name)
		out = append(out, "/patches/"+id, "/patches/"+id+"?verdict=not-patched&page=20", "/patches/"+id+"?part=chain", "/patches/"+id+"?files=2", "/explain-label/all/"+id, "/explain-label/quarter/"+id, "/decide?patch="+ask,
			"/decide?verb=decline&label=quarter&patch="+ask, "/decide/pairs?verb=approve&label=all&group=eligible&patches="+ask, "/ineligible?patch="+ask)
	}
	return out, nil
}

func (b *browser) decisionPages(ctx context.Context, q questions) ([]string, error) {
	all, err := api.Get[api.List[patch.Decision]](ctx, q.client, api.Path("decisions"), nil)
	if err != nil || len(all.Items) == 0 {
		return nil, fmt.Errorf("the appliance has no decision: %w", err)
	}
	newest := slices.MaxFunc(all.Items, func(a, b patch.Decision) int { return a.At.Compare(b.At) })
	out := []string{fmt.Sprintf("/decided?label=%s&at=%d", newest.Label, newest.At.UnixMicro()), "/decide"}
	halt, err := b.first(ctx, "/rings", "/rings/decide?verb=halt")
	for end := time.Now().Add(ringsJudged); err != nil && time.Now().Before(end) && ctx.Err() == nil; time.Sleep(time.Second) {
		halt, err = b.first(ctx, "/rings", "/rings/decide?verb=halt")
	}
	return append(out, "/rings/decide?verb=halt"+halt), err
}

// listPages are about a host OS's list.
func (b *browser) listPages(ctx context.Context, _ questions) ([]string, error) {
	os, err := b.first(ctx, "/feeds", "/catalogs/")
	if err != nil {
		return nil, err
	}
	return []string{"/catalogs/" + os, "/patches?show=all&os=" + os, "/machines?os=" + os, "/decide?show=needed&category=security&whole=1&os=" + os}, nil
}
