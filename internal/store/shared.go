package store

import (
	"context"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// shared asks PostgreSQL once for all that came while it was busy with others: most of what a small statement costs there, on both sides, is that it is
// sent, begun and ended. Nobody waits for others to come, who is alone asks alone; and what was committed before somebody asked is in the answer,
// because no statement that has begun is joined.
type shared[Q, A any] struct {
	// answer gives one answer for each question, in their order, or why there is none.
	answer func(context.Context, []Q) ([]A, error)

	mu      sync.Mutex
	waiting []*sharer[Q, A]
	busy    int // statements that are under way
}

// sharer is one who asks.
type sharer[Q, A any] struct {
	question Q
	answer   A
	err      error
	turn     chan []*sharer[Q, A] // those for whom it has to ask, itself among them; none where it has its answer
}

const (
	sharedAtOnce = 2 // statements under way: one is worked on while another waits for the disk
	sharedLimit  = time.Minute
)

// ask gives the answer to a question. Once it is asked it is not cut short by its context, which would take others along.
func (s *shared[Q, A]) ask(ctx context.Context, question Q) (A, error) {
	w := &sharer[Q, A]{question: question, turn: make(chan []*sharer[Q, A], 1)}
	if w.err = ctx.Err(); w.err != nil {
		return w.answer, w.err
	}
	s.enter(w)
	if batch := <-w.turn; batch != nil {
		s.run(ctx, batch)
	}
	return w.answer, w.err
}

func (s *shared[Q, A]) enter(w *sharer[Q, A]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy == sharedAtOnce {
		s.waiting = append(s.waiting, w)
		return
	}
	s.busy++
	w.turn <- []*sharer[Q, A]{w}
}

// leave has those that came meanwhile go on.
func (s *shared[Q, A]) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(len(s.waiting), groupSize)
	if n == 0 {
		s.busy--
		return
	}
	batch := s.waiting[:n:n]
	s.waiting = s.waiting[n:]
	batch[0].turn <- batch
}

func (s *shared[Q, A]) run(ctx context.Context, batch []*sharer[Q, A]) {
	var answers []A
	err := error(patch.Errorf(patch.Internal, "a question to the database panicked"))
	defer func() {
		s.leave()
		for i, w := range batch {
			if w.err = err; err == nil {
				w.answer = answers[i]
			}
			if i > 0 {
				w.turn <- nil
			}
		}
	}()
	questions := make([]Q, len(batch))
	for i, w := range batch {
		questions[i] = w.question
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedLimit)
	defer cancel()
	answers, err = s.answer(ctx, questions)
}
