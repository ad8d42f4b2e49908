package store

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/fettle-project/fettle/internal/patch"
)

// Those who ask while others are asked for share one statement, which begins after they asked; each gets its own answer, or all what went wrong.
func TestWhoAsksMeanwhileSharesAStatement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var asked [][]int
		gates := make(chan error)
		s := shared[int, int]{answer: func(ctx context.Context, questions []int) ([]int, error) {
			mu.Lock()
			asked = append(asked, questions)
			mu.Unlock()
			err := <-gates
			doubled := make([]int, len(questions))
			for i, q := range questions {
				doubled[i] = 2 * q
			}
			return doubled, errors.Join(err, ctx.Err())
		}}
		errs, panics := make([]error, 9), make([]any, 9)
		var all sync.WaitGroup
		ask := func(ctx context.Context, q int) {
			all.Go(func() {
				defer func() { panics[q] = recover() }()
				a, err := s.ask(ctx, q)
				if errs[q] = err; err == nil && a != 2*q {
					t.Errorf("%d was answered with %d", q, a)
				}
			})
			synctest.Wait()
		}
		leaving, leave := context.WithCancel(ctx)
		for q := 1; q <= 6; q++ { // the first two at once, and alone
			ask(map[bool]context.Context{true: leaving, false: ctx}[q == 3], q)
		}
		leave() // the third one asks for the others, and goes away
		gone := errors.New("away")
		gates <- nil
		synctest.Wait()
		if len(asked) != 3 || len(asked[0]) != 1 || len(asked[1]) != 1 || len(asked[2]) != 4 {
			t.Fatalf("asked %v", asked)
		}
		ask(ctx, 7) // of those that are under way none is joined
		if len(asked) != 3 {
			t.Fatalf("asked %v", asked)
		}
		gates <- nil
		gates <- nil
		synctest.Wait()
		gates <- gone
		all.Wait()
		if len(asked) != 4 || len(asked[3]) != 1 || s.busy != 0 || len(s.waiting) != 0 {
			t.Errorf("asked %v; %d are under way, %d wait", asked, s.busy, len(s.waiting))
		}
		failed := 0
		for q := 1; q <= 7; q++ {
			if errors.Is(errs[q], gone) {
				failed++
			} else if errs[q] != nil || panics[q] != nil {
				t.Errorf("%d: %v, %v", q, errs[q], panics[q])
			}
		}
		if failed != 1 {
			t.Errorf("%d failed with the last statement", failed)
		}
		if _, err := s.ask(leaving, 8); !errors.Is(err, context.Canceled) || len(asked) != 4 {
			t.Errorf("who went away before has asked: %v, %v", err, asked)
		}
	})
}

// A statement that panics takes nobody's turn.
func TestAPanicAmongThoseWhoShareEndsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan bool)
		s := shared[int, int]{answer: func(_ context.Context, questions []int) ([]int, error) {
			if <-gate {
				panic("boom")
			}
			return questions, nil
		}}
		var all sync.WaitGroup
		panicked, failed := 0, 0
		var mu sync.Mutex
		for q := range 8 {
			all.Go(func() {
				defer func() {
					if p := recover(); p != nil {
						mu.Lock()
						panicked++
						mu.Unlock()
					}
				}()
				if _, err := s.ask(ctx, q); patch.KindOf(err) == patch.Internal && err != nil {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			})
		}
		synctest.Wait()
		gate <- false
		synctest.Wait()
		gate <- true // one of two: alone, or with the six that wait
		gate <- true
		all.Wait()
		if panicked != 2 || failed != 5 || s.busy != 0 {
			t.Errorf("%d panicked, %d failed, %d are under way", panicked, failed, s.busy)
		}
		go func() { gate <- false }()
		if a, err := s.ask(ctx, 5); a != 5 || err != nil {
			t.Errorf("afterwards: %d, %v", a, err)
		}
	})
}
