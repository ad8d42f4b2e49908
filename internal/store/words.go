package store

import (
	"context"
	"sync"
)

// words gives texts numbers, for good.
type words struct {
	giving sync.Mutex // held while a number is given, which is a write; never within one

	mu    sync.Mutex
	index map[string]int64
	texts map[int64]string
}

func (w *words) note(n int64, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.index == nil {
		w.index, w.texts = map[string]int64{}, map[int64]string{}
	}
	w.index[text], w.texts[n] = n, text
}

// number gives a text its number. It writes in a transaction of its own: what is remembered here must be there for every reader.
func (w *words) number(ctx context.Context, s *Store, text string) (int64, error) {
	if n, ok := w.known(text); ok {
		return n, nil
	}
	w.giving.Lock()
	defer w.giving.Unlock()
	n, ok := w.known(text)
	if ok {
		return n, nil
	}
	err := s.write(ctx, func(x session) error {
		given, err := nextNumber(ctx, x, "word")
		if err != nil {
			return err
		}
		if _, err := x.exec(ctx, `INSERT INTO words (id, word) VALUES ($1, $2) ON CONFLICT (word) DO NOTHING`, given, text); err != nil {
			return err
		}
		return x.row(ctx, `SELECT id FROM words WHERE word = $1`, []any{text}, &n)
	})
	if err == nil {
		w.note(n, text)
	}
	return n, fault(err, "cannot keep what receipts say alike")
}

func (w *words) known(text string) (int64, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, ok := w.index[text]
	return n, ok
}

// text gives the text with a number.
func (w *words) text(ctx context.Context, s *Store, n int64) (string, error) {
	w.mu.Lock()
	text, ok := w.texts[n]
	w.mu.Unlock()
	if ok {
		return text, nil
	}
	if err := s.read().row(ctx, `SELECT word FROM words WHERE id = $1`, []any{n}, &text); err != nil {
		return "", fault(err, "a stored receipt says word %d, which is not there", n)
	}
	w.note(n, text)
	return text, nil
}

// nextNumber gives the next number of a kind; a second transaction that wants one waits.
func nextNumber(ctx context.Context, x session, name string) (n int64, err error) {
	return n, x.row(ctx, `UPDATE numbers SET given = given + 1 WHERE name = $1 RETURNING given`, []any{name}, &n)
}
