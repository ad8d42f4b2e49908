package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
)

// What a page may cost its reader: a fifth of what Chromium's own tools call good, since the appliance is near.
const (
	paintWait  = 360 * time.Millisecond // until something is seen
	wholeWait  = 500 * time.Millisecond // until the largest thing is seen
	shiftMost  = 0.02                   // of the layout, without unit, at any width
	blockMost  = 50 * time.Millisecond  // beyond 50 ms of each task
	asksMost   = 12
	paintTimes = 3
)

// painted is what a browser saw of one page; times are milliseconds.
type painted struct {
	Path                           string
	First, Largest, Shift, Blocked float64
	Requests, Elements             int
	Moved                          string // what, where layout moved
}

// paintPages opens the pages in a real Chromium, and says which is the slowest and the heaviest for who reads it.
func paintPages(ctx context.Context, r *report, b *browser, pages []string) error {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		return fmt.Errorf("chromium is missing: apt-get install chromium")
	}
	base, err := url.Parse(b.base)
	if err != nil {
		return err
	}
	given := map[string]any{"chromium": chromium, "base": b.base, "pages": pages, "times": paintTimes, "widths": []int{390, 820, 1440}}
	for _, c := range b.client.Jar.Cookies(base) {
		if c.Name == auth.CookieName {
			given["cookie"] = map[string]string{"name": c.Name, "value": c.Value}
		}
	}
	in, err := json.Marshal(given)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "node", "budget.mjs")
	cmd.Dir, cmd.Stdin, cmd.Stderr = "internal/web", bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the browser: %w", err)
	}
	var slow, whole, shift, block, asks, large painted
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var p painted
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return err
		}
		if p.Shift > shiftMost {
			fmt.Printf("%s moves by %.3f: %s\n", kindOf(p.Path), p.Shift, p.Moved)
		}
		for _, most := range []struct {
			of  func(painted) float64
			was *painted
		}{
			{func(p painted) float64 { return p.First }, &slow}, {func(p painted) float64 { return p.Largest }, &whole},
			{func(p painted) float64 { return p.Shift }, &shift}, {func(p painted) float64 { return p.Blocked }, &block},
			{func(p painted) float64 { return float64(p.Requests) }, &asks}, {func(p painted) float64 { return float64(p.Elements) }, &large},
		} {
			if most.was.Path == "" || most.of(p) > most.of(*most.was) {
				*most.was = p
			}
		}
	}
	if slow.Path == "" {
		return fmt.Errorf("the browser opened no page")
	}
	line := func(what, ours string, of painted, goal string, met bool) {
		r.add("in Chromium, "+what, ours, fmt.Sprintf("%d pages", len(pages)), kindOf(of.Path), goal, met)
	}
	line("first paint of the slowest page", millis(slow.First), slow, "≤ "+seconds(paintWait), slow.First <= ms(paintWait) && slow.First >= 0)
	line("its largest part", millis(whole.Largest), whole, "≤ "+seconds(wholeWait), whole.Largest <= ms(wholeWait))
	line("layout that moves", fmt.Sprintf("%.3f", shift.Shift), shift, fmt.Sprintf("≤ %.2f", shiftMost), shift.Shift <= shiftMost)
	line("blocked by scripts", millis(block.Blocked), block, "≤ "+seconds(blockMost), block.Blocked <= ms(blockMost))
	line("requests of a page", fmt.Sprint(asks.Requests), asks, fmt.Sprintf("≤ %d", asksMost), asks.Requests <= asksMost)
	line("elements of a page", fmt.Sprint(large.Elements), large, "", true)
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func millis(f float64) string { return fmt.Sprintf("%.0f ms", f) }
