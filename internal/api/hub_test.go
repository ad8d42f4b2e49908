package api

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func half() float64 { return 0.5 }

func TestHubWakesAWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(half)
		woken := make(chan bool, 1)
		go func() { woken <- h.Wait(t.Context(), "a") }()
		synctest.Wait()
		if h.Waiting() != 1 || !h.Online("a") {
			t.Fatal("the machine does not wait")
		}
		h.Poke("b")
		h.Poke("a")
		if !<-woken {
			t.Error("a poke did not wake")
		}
		synctest.Wait()
		if h.Waiting() != 0 {
			t.Error("a waiter was left behind")
		}
	})
}

func TestHubLosesNoPoke(t *testing.T) {
	for name, poke := range map[string]func(*Hub){
		"poke":    func(h *Hub) { h.Poke("a") },
		"publish": func(h *Hub) { h.PokeAll(time.Second) },
		"detect":  func(h *Hub) { h.AskDetect("a") },
	} {
		h := NewHub(half)
		h.Seen("a")
		poke(h)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if !h.Wait(ctx, "a") {
			t.Errorf("%s between check-in and poll was lost", name)
		}
		h.Seen("a")
		if h.Wait(ctx, "a") {
			t.Errorf("%s wakes again after the machine has checked in", name)
		}
	}
}

func TestHubSpreadsAPublication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(half)
		started := time.Now()
		took := make(chan time.Duration, 1)
		go func() {
			h.Wait(t.Context(), "a")
			took <- time.Since(started)
		}()
		synctest.Wait()
		h.PokeAll(time.Minute)
		if d := <-took; d != 30*time.Second {
			t.Errorf("woken after %s and not after its share of a minute", d)
		}
	})
}

func TestHubWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(half)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if h.Wait(ctx, "a") {
			t.Error("woken by nobody")
		}
		if h.Waiting() != 0 {
			t.Error("a waiter was left behind")
		}
	})
}

func TestHubRemembersThatADetectWasAsked(t *testing.T) {
	h := NewHub(half)
	h.AskDetect("a")
	h.Seen("a")
	if !h.DetectAsked("a") || h.DetectAsked("b") {
		t.Error("asked detects are mixed up")
	}
	h.DetectDone("a")
	if h.DetectAsked("a") {
		t.Error("a detect that came is still asked for")
	}
}

func TestTurnstileTurnsPayloadsAwayFirst(t *testing.T) {
	g := &turnstile{size: 10}
	var entered []class
	for _, c := range []class{classPayload, classInventory, classCheckin, classResults} {
		for {
			if _, err := g.enter(c); err != nil {
				if patch.KindOf(err) != patch.Unavailable {
					t.Fatalf("turned away with %v", err)
				}
				break
			}
			entered = append(entered, c)
		}
	}
	want := []class{classPayload, classPayload, classPayload, classPayload, classPayload, classInventory, classCheckin, classCheckin, classResults, classResults}
	if len(entered) != len(want) {
		t.Fatalf("entered %v", entered)
	}
	for i := range want {
		if entered[i] != want[i] {
			t.Fatalf("entered %v, not %v", entered, want)
		}
	}
}

func TestBucketsRefillAndForget(t *testing.T) {
	now := time.Unix(0, 0)
	b := newBuckets(2, 1, 2, func() time.Time { return now })
	for range 2 {
		if err := b.take("a", 1); err != nil {
			t.Fatal(err)
		}
	}
	if patch.KindOf(b.take("a", 1)) != patch.Exhausted {
		t.Error("an empty bucket gave a token")
	}
	if b.take("b", 1) != nil {
		t.Error("one caller's bucket emptied another's")
	}
	if patch.KindOf(b.take("c", 1)) != patch.Exhausted {
		t.Error("more keys than the limit")
	}
	now = now.Add(5 * time.Second)
	if b.take("c", 1) != nil {
		t.Error("full buckets are not forgotten")
	}
}

func TestChangesWaitForTheNextState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewChanges(time.Now, func() string { return "1" })
		x, joined := c.Begin("sync", "ann")
		if y, again := c.Begin("sync", "bob"); joined || !again || y.ID != x.ID {
			t.Error("a running change was not joined")
		}
		got := make(chan Change, 1)
		go func() {
			y, _ := c.Find(t.Context(), "1", x.Version)
			got <- y
		}()
		synctest.Wait()
		c.Step("1", Part{Name: "p", Done: 1, Total: 2})
		if y := <-got; len(y.Parts) != 1 || y.Version <= x.Version {
			t.Errorf("got %+v", y)
		}
		c.End("1", "", nil)
		if y, _ := c.Find(t.Context(), "1", 99); y.State != "done" {
			t.Errorf("an ended change is waited for: %+v", y)
		}
	})
}
