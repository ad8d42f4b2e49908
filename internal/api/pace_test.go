package api

import (
	"bytes"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Ten machines fetch 100 kB each at 100 kB a second in all: the last one is done after ten seconds, not after one.
func TestPaceIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &paces{}
		began := time.Now()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				w := &paced{ResponseWriter: httptest.NewRecorder(), ctx: t.Context(), paces: []*pace{s.of("early", 100_000)}}
				if n, err := w.Write(bytes.Repeat([]byte("x"), 100_000)); n != 100_000 || err != nil {
					t.Errorf("%d, %v", n, err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("it took %s", took)
		}
		if s.of("early", 100_000) == s.of("late", 100_000) || s.of("late", 5) == s.of("late", 6) {
			t.Error("rings share a pace, or keep one that was changed")
		}
	})
}
