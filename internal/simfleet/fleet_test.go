// Package simfleet_test carries the real appliance and real agents through worlds that are made of one seed each: fake time, a network that
// loses, delays, repeats and cuts, disks that lose what was not made durable, machines whose power fails at any flush and between any two steps of
// an install, people who decide anything at any time. What must always be true is held against every answer, execution and state.
package simfleet_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
	"github.com/fettle-project/fettle/internal/world"
)

// kind is what worlds of one sort have in common.
type kind struct {
	machines int
	days     int
	every    []time.Duration // between check-ins, one of these
	pause    time.Duration   // at most, between two things that people do
	rest     time.Duration   // in which the world comes to rest
	travel   int             // of a hundred machines so many are without a network for weeks
	strays   int             // the clocks of so many of a hundred machines are wrong at times
	life     time.Duration   // of certificates; they are renewed when half of it is over
}

const (
	day  = 24 * time.Hour
	busy = 20 // of so many worlds one is busy
	week = 7 * day
)

// kindOf gives the sort of a seed's world. In a busy one somebody does something every two hours, and machines check in as often as their
// administrators let them. A long one is a fleet that is set to a check-in a day, the longest that an appliance can be set to; most days
// nothing happens, and every third machine is one that travels. There certificates live for eight weeks, in some worlds for the usual one.
func kindOf(seed uint64) kind {
	if seed%busy == 0 {
		return kind{machines: 3, days: 6, every: []time.Duration{time.Hour, 4 * time.Hour, 4 * time.Hour, 4 * time.Hour}, pause: 4 * time.Hour, rest: 2 * day, strays: 20, life: week}
	}
	k := kind{machines: 16, days: longDays(), every: []time.Duration{day}, pause: 5 * day, rest: 4 * day, travel: 33, strays: 15, life: 8 * week}
	if seed%busy == 1 {
		k.life = week
	}
	return k
}

// longDays is how long people act in a long world.
func longDays() int {
	if n, err := strconv.Atoi(os.Getenv("FETTLE_SIM_DAYS")); err == nil && n > 0 {
		return n
	}
	return 28
}

func hashOf(b []byte) patch.Hash {
	sum := sha256.Sum256(b)
	return patch.Hash(hex.EncodeToString(sum[:]))
}

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

// seeds are those to run: one that is named, or those that failed once, which are kept for ever and come first, and new ones.
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
	count := 0
	if os.Getenv("FETTLE_TORTURE") != "" {
		count = 6000
	}
	if n, err := strconv.Atoi(os.Getenv("FETTLE_SIM_SEEDS")); err == nil {
		count = n
	}
	for i := range count {
		out = append(out, uint64(i)+1)
	}
	if count > 0 {
		return out
	}
	few := 40
	if raced {
		few = 8
	}
	for i := range few { // of the busy ones most: more happens there in less time
		out = append(out, uint64(i+1)*busy)
	}
	return append(out, 1, 2)
}

// cpu is what this process and those that it has waited for have used of the processors.
func cpu() (sum time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

func TestFleetInAnyWorld(t *testing.T) {
	if os.Getenv(workerEnv) != "" {
		work(t)
		return
	}
	began, used := time.Now(), cpu()
	all := share(t, seeds(t))
	used = cpu() - used
	t.Logf("%d worlds, %.0f agent-days (%.0f of them without a network), %d requests answered and %d lost, %d certificates renewed, %d crashes of agents and %d of the appliance, %d executions, %d packages taken back and %d installed, %d executions given up to another updater, %d clocks set wrong, %d restores from backups, in %s and %s of processors: %s an agent-day",
		all.Worlds, all.Days, all.Away, all.Requests, all.Lost, all.Renewals, all.Deaths, all.Kills, all.Executions, all.Returns, all.Installs, all.Waited, all.Clocks, all.Restores, time.Since(began).Round(time.Millisecond),
		used.Round(time.Millisecond), time.Duration(float64(used)/all.Days).Round(time.Microsecond))
	if all.Executions < all.Worlds || all.Deaths < all.Worlds/2 || all.Renewals < all.Worlds {
		t.Errorf("too little happens in these worlds")
	}
}

// warm has made what a program makes once for all its work: it must not belong to the first world.
func warm(t *testing.T) {
	t.Helper()
	_ = world.Decode(nil, new(struct{}))
	b, err := wire.EncodeSnapshot(patch.Snapshot{Receipt: patch.Receipt{Expected: 8}, Verdicts: patch.NewVector(8)})
	if err == nil {
		_, err = wire.DecodeSnapshot(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	made, err := catalog.Build(t.Context(), catalog.Input{OS: hostOS, Parsed: []catalog.Parsed{{Entries: []detect.Entry{{Definition: detect.Definition{ID: "x/y/1"}}}}}})
	if err == nil {
		_, err = detect.Open(made.Signatures)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// play lives one world from its beginning to its end.
func play(t *testing.T, seed uint64, dir string, begin *moulds) (w *sim) {
	k := kindOf(seed)
	from := begin.of(t, k)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	synctest.Test(t, func(t *testing.T) {
		w = newSim(t, seed, dir, from, k)
		r, misfortune := w.random("people"), w.random("misfortune")
		end := time.Now().Add(time.Duration(k.days) * day)
		tick := time.Now()
		for time.Now().Before(end) && w.broken() == nil {
			time.Sleep(time.Duration(1 + r.Int64N(int64(k.pause))))
			if time.Since(tick) > k.pause/2 {
				w.server.tick()
				tick = time.Now()
			}
			w.act(r)
			w.misfortune(misfortune)
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
