package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// Writers that share a transaction do not share each other's failures: one that fails leaves nothing, the others everything.
func TestWritersThatShareATransactionFailAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		const writers = 300
		boom := errors.New("boom")
		errs := make([]error, writers)
		panics := make([]any, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				defer func() { panics[i] = recover() }()
				ctx := context.Background()
				if i%7 == 3 {
					gone, cancel := context.WithCancel(ctx)
					cancel()
					ctx = gone
				}
				errs[i] = s.write(ctx, func(x session) error {
					if _, err := x.exec(ctx, `INSERT INTO settings (key, value) VALUES ($1, $2)`, fmt.Sprint("k", i), "v"); err != nil {
						return err
					}
					switch i % 7 {
					case 1:
						return boom
					case 2:
						panic("of its own")
					case 5:
						_, err := x.exec(ctx, `INSERT INTO settings (key, value) VALUES ($1, $2)`, fmt.Sprint("k", i), "twice")
						return err
					}
					return nil
				})
			})
		}
		wg.Wait()
		for i := range writers {
			_, found := s.FindSetting(context.Background(), fmt.Sprint("k", i))
			kept := found == nil
			switch i % 7 {
			case 1:
				if !errors.Is(errs[i], boom) || kept {
					t.Errorf("writer %d: %v, kept %t", i, errs[i], kept)
				}
			case 2:
				if panics[i] != "of its own" || kept {
					t.Errorf("writer %d: panic %v, kept %t", i, panics[i], kept)
				}
			case 3, 5:
				if errs[i] == nil || kept {
					t.Errorf("writer %d: %v, kept %t", i, errs[i], kept)
				}
			default:
				if errs[i] != nil || panics[i] != nil || !kept {
					t.Errorf("writer %d: %v, %v, kept %t", i, errs[i], panics[i], kept)
				}
			}
		}
		must(t, s.VerifyAudit(ctx))
	})
}

// A caller that goes away in the middle of its write takes nobody else's write with it.
func TestACallerThatGoesAwayTakesNobodyAlong(t *testing.T) {
	s := open(t, sqliteURL(t))
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			err := s.write(ctx, func(x session) error {
				if i%2 == 0 {
					cancel()
				}
				_, err := x.exec(ctx, `INSERT INTO settings (key, value) VALUES ($1, $2)`, fmt.Sprint("k", i), "v")
				return err
			})
			if err != nil {
				t.Errorf("writer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i := range 64 {
		if _, err := s.FindSetting(context.Background(), fmt.Sprint("k", i)); err != nil {
			t.Errorf("write %d is lost: %v", i, err)
		}
	}
}

func TestAfterADiskFailureNobodyIsAcknowledged(t *testing.T) {
	s := open(t, sqliteURL(t))
	s.fail(errors.New("the disk is gone"))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := s.write(ctx, func(session) error { return nil }); patch.KindOf(err) != patch.Unavailable {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// Closing makes what waits to be written, and whoever comes later hears that it is too late instead of waiting for ever.
func TestClosingMakesWhatWaits(t *testing.T) {
	url := sqliteURL(t)
	s, err := Open(ctx, url, Options{})
	must(t, err)
	var wg sync.WaitGroup
	begun := make(chan struct{})
	errs := make([]error, 50)
	for i := range errs {
		wg.Go(func() {
			errs[i] = s.write(ctx, func(x session) error {
				if i == 0 {
					close(begun)
				}
				_, err := x.exec(ctx, `INSERT INTO settings (key, value) VALUES ($1, $2)`, fmt.Sprint("k", i), "v")
				return err
			})
		})
	}
	<-begun
	must(t, s.Close())
	wg.Wait()
	if err := s.write(ctx, func(session) error { return nil }); patch.KindOf(err) != patch.Unavailable {
		t.Errorf("a write after the end: %v", err)
	}
	must(t, s.Close())
	s = open(t, url)
	for i, err := range errs {
		_, found := s.FindSetting(ctx, fmt.Sprint("k", i))
		if (err == nil) != (found == nil) || err != nil && patch.KindOf(err) != patch.Unavailable {
			t.Errorf("write %d: %v, and then %v", i, err, found)
		}
	}
}
