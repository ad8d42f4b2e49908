package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bars shows the progress of several things at once: moving bars on a terminal, else a plain line whenever something changed.
// With --json it is silent. Its methods are called from one goroutine; stop must be called.
type bars struct {
	s     *screen
	live  *mpb.Progress
	known map[string]*bar
	last  map[string]plainLine
	every time.Duration // of what is under way, a plain line at most so often
}

// plainLine is what was printed last of something.
type plainLine struct {
	text string
	at   time.Time
}

type bar struct {
	mu    sync.Mutex // the text is drawn by mpb's own goroutine
	text  string
	total int64
	shown *mpb.Bar
}

const nameWidth = 28

func newBars(s *screen) *bars {
	b := &bars{s: s, known: map[string]*bar{}, last: map[string]plainLine{}}
	if s.live && !s.json {
		b.live = mpb.New(mpb.WithOutput(s.err), mpb.WithWidth(36))
	}
	return b
}

// set moves the bar of name; total 0 means that the end is not known yet.
func (b *bars) set(name string, done, total int64, text string) {
	name, text = clean(name), clean(text)
	switch {
	case b.s.json:
	case b.live == nil:
		last, now := b.last[name], time.Now()
		if underWay := 0 < done && done < total; last.text != text && !(underWay && now.Sub(last.at) < b.every) {
			fmt.Fprintf(b.s.err, "%s: %s\n", name, text)
			b.last[name] = plainLine{text, now}
		}
	default:
		b.draw(name, done, total, text)
	}
}

func (b *bars) draw(name string, done, total int64, text string) {
	x := b.known[name]
	if x == nil {
		x = &bar{}
		label := runewidth.FillRight(runewidth.Truncate(name, nameWidth, "…"), nameWidth+1)
		x.shown = b.live.AddBar(0, mpb.PrependDecorators(decor.Name(label)), mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return " " + x.read() })))
		b.known[name] = x
	}
	x.mu.Lock()
	x.text = text
	x.mu.Unlock()
	if total > 0 && total != x.total {
		x.total = total
		x.shown.SetTotal(total, false)
	}
	x.shown.SetCurrent(done)
}

func (x *bar) read() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return runewidth.Truncate(x.text, 60, "…")
}

// stop leaves the bars as they are and waits for the last drawing.
func (b *bars) stop() {
	if b.live == nil {
		return
	}
	for _, x := range b.known {
		x.shown.EnableTriggerComplete()
		x.shown.Abort(false)
	}
	b.live.Wait()
}
