package simfleet_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// crowd is what a fleet sees of its appliance: check-ins are answered with the pace, long polls are held for PollFor, and for a while nobody
// answers. It counts.
type crowd struct {
	began    time.Time
	down, up time.Duration // after the beginning

	mu      sync.Mutex
	cut     context.Context // ends when the appliance goes down
	all     map[int]int     // requests by half minutes since the beginning
	first   map[int]int     // machines that come back, likewise
	waiting map[int]bool    // machines that have not come back yet
}

const (
	every   = 15 * time.Minute
	pollFor = 50 * time.Second
	slot    = 30 * time.Second
)

// guest is the connection of one machine.
type guest struct {
	*crowd
	machine int
	*rand.Rand
}

var errRefused = errors.New("connection refused")

// RoundTrip implements http.RoundTripper.
func (g guest) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body.Close()
	}
	now := time.Since(g.began)
	g.mu.Lock()
	g.all[int(now/slot)]++
	away := now >= g.down && now < g.up
	if now >= g.up && g.waiting[g.machine] {
		delete(g.waiting, g.machine)
		g.first[int(now/slot)]++
	}
	hold := pollFor - time.Duration(g.Int64N(int64(pollFor/10)))
	g.mu.Unlock()
	if away {
		return nil, errRefused
	}
	if r.Method+" "+r.URL.Path != wire.PathPoll {
		return answer(wire.CheckinReply{State: patch.Admitted, NextSeconds: int(every.Seconds()), Now: time.Now().UTC()})
	}
	t := time.NewTimer(hold)
	defer t.Stop()
	cut := g.cut.Done()
	if now >= g.up {
		cut = nil
	}
	select {
	case <-t.C:
		return answer(wire.PollReply{})
	case <-cut:
		return nil, errRefused
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func answer(v any) (*http.Response, error) {
	b, err := json.Marshal(v)
	return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(b))}, err
}

// Ten thousand real agents, each with its long poll, lose their appliance for ten minutes. Neither do they come back at once, nor ask more often
// than they always do.
func TestAFleetComesBackEvenly(t *testing.T) {
	machines := 10_000
	if raced {
		machines = 300
	}
	dir := ram(t)
	begin, err := newMoulds(dir)
	if err != nil {
		t.Fatal(err)
	}
	warm(t)
	like := begin.of(t, kind{machines: 1, every: []time.Duration{day}}).boxes[0].disk
	synctest.Test(t, func(t *testing.T) {
		cut, stop := context.WithCancel(context.Background())
		c := &crowd{began: time.Now(), down: 25 * time.Minute, up: 35 * time.Minute, cut: cut, all: map[int]int{}, first: map[int]int{}, waiting: map[int]bool{}}
		ctx, end := context.WithCancel(context.Background())
		var agents sync.WaitGroup
		for i := range machines {
			c.waiting[i] = true
			agents.Go(func() { c.join(ctx, t, like, i) })
		}
		time.Sleep(c.down)
		stop()
		time.Sleep(c.up - c.down + every*3/2 + time.Minute)
		end()
		agents.Wait()
		c.judge(t, machines)
	})
}

// join is one machine: it begins at any moment of the first minutes, as machines do.
func (c *crowd) join(ctx context.Context, t *testing.T, like *disk, i int) {
	r := rand.New(rand.NewPCG(7, uint64(i)))
	time.Sleep(time.Duration(r.Int64N(int64(every))))
	own := like.copy()
	b := &box{w: &sim{}, name: "m", disk: own}
	l := &life{ctx: ctx}
	var mu sync.Mutex
	err := agent.New(agent.Config{
		StateDir: stateDir, Disk: drive{own, b, l}, PolicyFile: "/nowhere", Version: "sim", Interval: every, Host: &machine{b, l}, Installer: &machine{b, l}, Chain: &machine{b, l},
		Steward: noStewardship{}, Prober: &machine{b, l}, Release: func() {}, Log: slog.New(slog.DiscardHandler),
		Transport: func(*tls.Config) http.RoundTripper { return guest{c, i, rand.New(rand.NewPCG(8, uint64(i)))} },
		Jitter: func(bound time.Duration) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(r.Int64N(int64(bound)))
		},
	}).Run(ctx)
	if err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}

// judge looks at half a minute after half a minute of the interval in which everybody checks in once: at the machines that come back, and at all
// requests, the long polls among them.
func (c *crowd) judge(t *testing.T, machines int) {
	if len(c.waiting) > 0 {
		t.Errorf("%d of %d machines did not come back", len(c.waiting), machines)
	}
	usual, _ := span(c.all, c.down-every/2, c.down)
	for what, n := range map[string]map[int]int{"machines come back": c.first, "requests": c.all} {
		mean, peak := span(n, c.up, c.up+every)
		t.Logf("%d machines, in half a minute: at most %.0f %s, %.0f on average, %.2f times", machines, peak, what, mean, peak/mean)
		if peak > 2*mean && !raced {
			t.Errorf("the busiest half minute is %.2f times as busy as the mean: %s", peak/mean, what)
		}
		if peak > 1.5*usual {
			t.Errorf("there are %.0f %s in half a minute, and %.0f requests always", peak, what, usual)
		}
	}
}

// span gives mean and peak of a time.
func span(n map[int]int, from, to time.Duration) (mean, peak float64) {
	for i := int(from / slot); i < int(to/slot); i++ {
		mean += float64(n[i])
		peak = max(peak, float64(n[i]))
	}
	return mean / float64((to-from)/slot), peak
}
