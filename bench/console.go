package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

const (
	pageWait    = 50 * time.Millisecond
	partWait    = 500 * time.Millisecond // of what a page fetches by itself once it is seen, because it has to look at each of many machines
	pageBytes   = 60_000
	ringsJudged = 2 * time.Minute // at most: a deployment that has just begun is on the rings' page once they were judged
	firstMost   = time.Second     // of the processors, for the first page of all
	pageAsked   = 20              // times, in rounds over all pages, in each language in turn
)

// benchConsole opens every page of a console over a simulated fleet, as a browser that is signed in does.
func benchConsole(ctx context.Context, r *report, o options, archive lab.Archive) error {
	a, _, remove, err := filled(ctx, o.keep, func(a *lab.Appliance) error {
		fmt.Printf("a console over %d machines …\n", o.fleet)
		if err := publishBefore(ctx, a, archive); err != nil {
			return err
		}
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

// asked is what a page took, each time that it was asked for.
type asked struct {
	first []time.Duration // until the first byte
	least time.Duration   // of the appliance's processors, at best
	size  int             // sent, at most
}

// at is the first byte's time that so many of a hundred were within.
func (a *asked) at(percent int) time.Duration {
	slices.Sort(a.first)
	return a.first[(len(a.first)-1)*percent/100]
}

// openPages asks for every kind of page and reports each, first of an appliance that nobody else asks, then of one that machines talk to. The pages
// are asked in turn, so that whatever else this machine does for a while is not held against one of them.
func openPages(ctx context.Context, r *report, a *lab.Appliance, machines int, only string) error {
	b, err := newBrowser(ctx, a)
	if err != nil {
		return err
	}
	pages, err := b.pages(ctx, a)
	if err != nil {
		return err
	}
	if only != "" {
		pages = slices.DeleteFunc(pages, func(path string) bool { return !strings.Contains(path, only) })
	}
	if err := firstPage(ctx, r, a, b, machines); err != nil {
		return err
	}
	quiet, err := b.askAll(ctx, a, pages)
	if err != nil {
		return err
	}
	var busy map[string]*asked
	if err := whileTalking(ctx, a, func() error {
		busy, err = b.askAll(ctx, a, pages)
		return err
	}); err != nil {
		return err
	}
	for _, path := range pages {
		one, talking := quiet[path], busy[path]
		ours := fmt.Sprintf("%s, %s, %s, %s", seconds(one.at(50)), seconds(one.at(95)), seconds(one.least), kilo(float64(one.size)))
		wait := pageWait
		if strings.Contains(path, "part=") {
			wait = partWait
		}
		r.add(fmt.Sprintf("console %s, %d machines: p50, p95, processors at best, size", kindOf(path), machines), ours,
			fmt.Sprintf("%d/s talk: %s, %s", talkRate, seconds(talking.at(50)), seconds(talking.at(95))), "", fmt.Sprintf("p50 ≤ %s, ≤ 60 kB", seconds(wait)), one.at(50) <= wait && one.size <= pageBytes)
	}
	return paintPages(ctx, r, b, slices.DeleteFunc(pages, func(path string) bool { return isFile(path) || waitsForAll(path) }))
}

// firstPage opens Home as soon as the appliance answers after a start, when nothing that it keeps has been read.
func firstPage(ctx context.Context, r *report, a *lab.Appliance, b *browser, machines int) error {
	if err := a.Stop(); err != nil {
		return err
	}
	if err := a.Serve(ctx); err != nil {
		return err
	}
	first, used, _, err := b.weigh(ctx, a, "/")
	if err != nil {
		return err
	}
	r.add(fmt.Sprintf("console / after a start, %d machines: first byte, processors", machines), seconds(first)+", "+seconds(used), "", "", "≤ 1 s of processors", used <= firstMost)
	return nil
}

// askAll asks for each page as often as is needed to tell what is usual.
func (b *browser) askAll(ctx context.Context, a *lab.Appliance, pages []string) (map[string]*asked, error) {
	all := map[string]*asked{}
	for i := range pageAsked {
		b.language = []string{"en", "de"}[i%2]
		for _, path := range pages {
			first, used, sent, err := b.weigh(ctx, a, path)
			if err != nil {
				return nil, err
			}
			one := all[path]
			if one == nil {
				one = &asked{least: used}
				all[path] = one
			}
			one.first, one.least, one.size = append(one.first, first), min(one.least, used), max(one.size, sent)
		}
	}
	return all, nil
}
