// Package simfleet_test carries the real appliance and real agents through worlds that are made of one seed each: fake time, a network that
// loses, delays, repeats and cuts, disks that lose what was not made durable, machines whose power fails at any flush and between any two steps of
// an install, people who decide anything at any time. What must always be true is held against every answer, execution and state.
package simfleet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-project/fettle/internal/world"
)

const (
	machines = 3
	days     = 6
	rest     = 2 // days in which the world comes to rest
)

// ram is a directory in memory where there is one: these worlds are about order, and a real disk's fsync only slows them down.
func ram(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "fettle-sim-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// seeds are those to run: one that is named, those that failed once and are kept for ever, and new ones.
func seeds(t *testing.T) []uint64 {
	t.Helper()
	if n, err := strconv.ParseUint(os.Getenv("FETTLE_SIM_SEED"), 10, 64); err == nil {
		return []uint64{n}
	}
	var out []uint64
	b, err := os.ReadFile("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		text, _, _ := strings.Cut(line, "#")
		if n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64); err == nil {
			out = append(out, n)
		}
	}
	count := 40
	switch {
	case os.Getenv("FETTLE_TORTURE") != "":
		count = 2000
	case raced:
		count = 8
	}
	if n, err := strconv.Atoi(os.Getenv("FETTLE_SIM_SEEDS")); err == nil {
		count = n
	}
	for i := range count {
		out = append(out, uint64(i)+1)
	}
	return out
}

func TestFleetInAnyWorld(t *testing.T) {
	dir := ram(t)
	start, err := blank(dir)
	if err != nil {
		t.Fatal(err)
	}
	// What a program makes once for all its work must not belong to the first world.
	_ = world.Decode(nil, new(struct{}))
	var failures, agentDays, requests, deaths, executions, installs atomic.Int64
	began := time.Now()
	all := seeds(t)
	t.Run("worlds", func(t *testing.T) {
		next := make(chan uint64, len(all))
		for _, s := range all {
			next <- s
		}
		close(next)
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(fmt.Sprint("worker ", i), func(t *testing.T) {
				t.Parallel()
				for seed := range next {
					if failures.Load() >= 3 {
						break // enough to look at
					}
					w := play(t, seed, filepath.Join(dir, fmt.Sprint(seed)), start)
					if err := w.broken(); err != nil {
						failures.Add(1)
						t.Errorf("seed %d: %v\nplay it again: FETTLE_SIM_SEED=%d go test ./internal/simfleet -run TestFleetInAnyWorld; then keep it in testdata/seeds.txt", seed, err, seed)
					}
					agentDays.Add(machines * (days + rest))
					requests.Add(w.requests.Load())
					deaths.Add(w.deaths.Load())
					executions.Add(w.executions.Load())
					for _, b := range w.boxes {
						installs.Add(int64(b.installs))
					}
				}
			})
		}
	})
	t.Logf("%d worlds, %d agent-days, %d requests answered, %d crashes, %d executions, %d packages installed, in %s", len(all), agentDays.Load(), requests.Load(), deaths.Load(),
		executions.Load(), installs.Load(), time.Since(began).Round(time.Millisecond))
	if n := int64(len(all)); executions.Load() < n || deaths.Load() < n {
		t.Errorf("too little happens in these worlds")
	}
}

// play lives one world from its beginning to its end.
func play(t *testing.T, seed uint64, dir string, blank []byte) (w *sim) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	synctest.Test(t, func(t *testing.T) {
		w = newSim(t, seed, dir, blank, machines)
		r := w.random("people")
		end := time.Now().Add(days * 24 * time.Hour)
		tick := time.Now()
		for time.Now().Before(end) && w.broken() == nil {
			time.Sleep(time.Duration(1 + r.Int64N(int64(4*time.Hour))))
			if time.Since(tick) > 2*time.Hour {
				w.server.tick()
				tick = time.Now()
			}
			w.act(r)
			if r.IntN(3) == 0 {
				w.look(r)
			}
		}
		if w.broken() == nil {
			w.settle()
		}
		w.end()
	})
	return w
}
