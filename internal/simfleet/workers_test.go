package simfleet_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// tally is what happened in one world, or in all of them together.
type tally struct {
	Worlds, Requests, Lost, Renewals, Deaths, Kills, Executions, Returns, Waited, Installs, Clocks, Restores int64
	Days, Away                                                                                               float64
	Failed                                                                                                   string
}

func (all *tally) add(w tally) {
	all.Worlds += w.Worlds
	all.Requests += w.Requests
	all.Lost += w.Lost
	all.Renewals += w.Renewals
	all.Deaths += w.Deaths
	all.Kills += w.Kills
	all.Executions += w.Executions
	all.Returns += w.Returns
	all.Waited += w.Waited
	all.Clocks += w.Clocks
	all.Restores += w.Restores
	all.Installs += w.Installs
	all.Days += w.Days
	all.Away += w.Away
}

func (w *sim) tally() tally {
	days := func(n *atomic.Int64) float64 { return time.Duration(n.Load()).Hours() / 24 }
	out := tally{Worlds: 1, Requests: w.requests.Load(), Lost: w.lost.Load(), Renewals: w.renewals.Load(), Deaths: w.deaths.Load(), Kills: w.kills.Load(), Executions: w.executions.Load(), Returns: w.returns.Load(), Waited: w.waited.Load(), Clocks: w.clocks.Load(), Restores: w.brought.Load(),
		Days: days(&w.lived), Away: days(&w.alone)}
	for _, b := range w.boxes {
		out.Installs += int64(b.installs)
	}
	if err := w.broken(); err != nil {
		out.Failed = err.Error()
	}
	return out
}

// workerEnv is set in a process that plays worlds for another one.
const workerEnv = "FETTLE_SIM_WORKER"

// share has one process for each processor play worlds: what they would share in one process, above all memory, costs a tenth of the time.
func share(t *testing.T, list []uint64) (all tally) {
	next := make(chan uint64, len(list))
	for _, s := range list {
		next <- s
	}
	close(next)
	var mu sync.Mutex
	failures := 0
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(list)) {
		workers.Go(func() {
			err := employ(t, next, func(seed uint64, w tally) bool {
				mu.Lock()
				defer mu.Unlock()
				all.add(w)
				if w.Failed != "" {
					failures++
					t.Errorf("seed %d: %s\nplay it again: FETTLE_SIM_DAYS=%d FETTLE_SIM_SEED=%d go test ./internal/simfleet -run TestFleetInAnyWorld; then keep it in testdata/seeds.txt", seed, w.Failed, longDays(), seed)
				}
				return failures < 3 // more are not needed to look at
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	return all
}

// employ runs one worker: a seed goes in, a tally comes out.
func employ(t *testing.T, next <-chan uint64, done func(uint64, tally) bool) error {
	worker := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFleetInAnyWorld$", "-test.timeout=0")
	worker.Env = append(os.Environ(), workerEnv+"=1", "GOMAXPROCS=1")
	var said bytes.Buffer
	worker.Stdout, worker.Stderr = &said, os.Stderr
	in, err := worker.StdinPipe()
	if err != nil {
		return err
	}
	answers, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer answers.Close()
	worker.ExtraFiles = []*os.File{theirs}
	err = worker.Start()
	theirs.Close()
	if err != nil {
		return err
	}
	out := json.NewDecoder(answers)
	for seed := range next {
		var w tally
		_, err := fmt.Fprintln(in, seed)
		if err == nil {
			err = out.Decode(&w)
		}
		if err != nil {
			in.Close()
			return fmt.Errorf("the process that played seed %d ended with it: %w, %w\n%s", seed, err, worker.Wait(), &said)
		}
		if !done(seed, w) {
			break
		}
	}
	in.Close()
	if err := worker.Wait(); err != nil {
		return fmt.Errorf("a process that plays worlds: %w\n%s", err, &said)
	}
	return nil
}

// work is a worker's life.
func work(t *testing.T) {
	dir := ram(t)
	begin, err := newMoulds(dir)
	if err != nil {
		t.Fatal(err)
	}
	warm(t)
	answers := os.NewFile(3, "answers")
	defer answers.Close()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		seed, err := strconv.ParseUint(in.Text(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		w := play(t, seed, filepath.Join(dir, in.Text()), begin)
		if err := json.NewEncoder(answers).Encode(w.tally()); err != nil {
			t.Fatal(err)
		}
	}
}
