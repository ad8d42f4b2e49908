package ledger_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fettle-project/fettle/internal/ledger"
)

// walks is a fleet whose walk takes a while, and what people did to it.
type walks struct {
	took  time.Duration
	mu    sync.Mutex
	deeds uint64
	count int
	fault error
}

func (w *walks) walk(context.Context) (*ledger.Roll, error) {
	time.Sleep(w.took)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	return &ledger.Roll{Fleet: ledger.Fleet{Machines: w.count}}, w.fault
}

func (w *walks) newest(context.Context) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deeds, nil
}

func (w *walks) act() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deeds++
}

func (w *walks) walked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

func (w *walks) register() *ledger.Register[*ledger.Roll] {
	return ledger.NewRegister(w.walk, w.newest, time.Now)
}

func TestRegisterWalksOnlyWhereItMust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w := &walks{took: time.Second}
		g := w.register()
		look := func(want int, within time.Duration, when string) {
			t.Helper()
			begun := time.Now()
			r, err := g.Newest(ctx)
			if err != nil || r.Fleet.Machines != want || time.Since(begun) > within {
				t.Fatalf("%s: walk %d after %v, want %d within %v: %v", when, r.Fleet.Machines, time.Since(begun), want, within, err)
			}
		}
		if g.Known() {
			t.Fatal("there is an answer before anybody walked")
		}
		go g.Keep(ctx, make(chan struct{}, 1), func(err error) { t.Error(err) })
		if look(1, time.Second, "at first"); !g.Known() {
			t.Error("the first answer is not known")
		}
		look(1, 0, "again")
		w.act()
		look(2, 2*time.Second, "after a deed")
		look(2, 0, "after that")
		time.Sleep(21 * time.Second)
		look(2, 0, "when it is old")
		time.Sleep(2 * time.Second)
		look(3, 0, "when it was made anew behind the reader's back")
		time.Sleep(10 * time.Minute)
		if look(w.walked(), 0, "in the morning"); w.walked() < 5 || w.walked() > 7 {
			t.Errorf("%d walks while nobody looked", w.walked())
		}
		stop()
		time.Sleep(2 * time.Second) // a walk that has begun ends
	})
}

func TestASmallFleetIsWalkedEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &walks{took: time.Millisecond}
		g := w.register()
		for i := range 3 {
			if r, err := g.Newest(t.Context()); err != nil || r.Fleet.Machines != i+1 {
				t.Errorf("look %d: %v, %v", i, r, err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
}

func TestAFailedWalkIsNoRoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &walks{fault: errors.New("gone")}
		g := w.register()
		if _, err := g.Newest(t.Context()); err == nil {
			t.Error("no error")
		}
		w.fault = nil
		if r, err := g.Newest(t.Context()); err != nil || r.Fleet.Machines != 2 {
			t.Errorf("%v, %v", r, err)
		}
	})
}

// What is made anew behind the readers' backs goes through the fleet one after the other; who asks does not wait for that.
func TestRegistersTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		turn := make(chan struct{}, 1)
		var under, most atomic.Int32
		begin := func() *ledger.Register[int] {
			return ledger.NewRegister(func(context.Context) (int, error) {
				most.Store(max(most.Load(), under.Add(1)))
				time.Sleep(time.Second)
				return int(under.Add(-1)), nil
			}, (&walks{}).newest, time.Now)
		}
		all := []*ledger.Register[int]{begin(), begin(), begin()}
		for _, g := range all {
			go g.Keep(ctx, turn, func(err error) { t.Error(err) })
		}
		time.Sleep(10 * time.Minute)
		if most.Load() != 1 {
			t.Errorf("%d walks at once", most.Load())
		}
		turn <- struct{}{} // somebody else's walk
		g, asked := begin(), time.Now()
		go g.Keep(ctx, turn, func(err error) { t.Error(err) })
		if _, err := g.Newest(ctx); err != nil || time.Since(asked) > time.Second {
			t.Errorf("waited %v: %v", time.Since(asked), err)
		}
		stop()
		time.Sleep(2 * time.Second)
	})
}
