package api

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestAListenerHearsItsTopicsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var p Pulse
		type word struct {
			After  time.Duration
			Topics []patch.Topic
		}
		var heard []word
		start := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			for topics := range p.Listen(ctx, []patch.Topic{patch.TopicRings, patch.TopicMachines}, 15*time.Second) {
				heard = append(heard, word{time.Since(start), slices.Clone(topics)})
			}
		}()
		synctest.Wait()
		p.Beat(patch.TopicDeployments) // not its own
		p.Tell(patch.TopicMachines)
		synctest.Wait()
		for range 100 { // a burst is told at once, a second later
			p.Tell(patch.TopicMachines)
			p.Beat(patch.TopicRings)
		}
		time.Sleep(5 * time.Second)
		p.Beat() // everything
		time.Sleep(20 * time.Second)
		cancel()
		<-done
		want := []word{
			{0, []patch.Topic{patch.TopicMachines}}, {time.Second, []patch.Topic{patch.TopicMachines, patch.TopicRings}},
			{5 * time.Second, []patch.Topic{patch.TopicMachines, patch.TopicRings}}, {21 * time.Second, nil},
		}
		if d := cmp.Diff(want, heard); d != "" {
			t.Error(d)
		}
		if len(p.ears) != 0 {
			t.Error("it is still listened for whom nobody serves")
		}
	})
}

func TestWhatHappensAllTheTimeWakesNobodyElse(t *testing.T) {
	var p Pulse
	next := p.Next()
	p.Tell(patch.TopicMachines)
	select {
	case <-next:
		t.Error("it woke")
	default:
	}
	p.Beat(patch.TopicRings)
	select {
	case <-next:
	default:
		t.Error("it did not wake")
	}
}
