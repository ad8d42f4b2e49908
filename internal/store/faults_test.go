package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.db")
	must(t, os.WriteFile(junk, []byte(strings.Repeat("this is no database ", 500)), 0o600))
	for name, tt := range map[string]struct {
		url  string
		kind patch.Kind
	}{
		"another database":   {"mysql://x/y", patch.Invalid},
		"nothing":            {"", patch.Invalid},
		"no file":            {"sqlite://", patch.Invalid},
		"missing directory":  {"sqlite://" + filepath.Join(dir, "none", "x.db"), patch.Unavailable},
		"not a database":     {"sqlite://" + junk, patch.Internal},
		"no server":          {"postgres:///x?host=" + dir, patch.Unavailable},
		"unreadable address": {"postgres://host:port:1/%zz", patch.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := Open(ctx, tt.url, Options{})
			if err == nil {
				s.Close()
			}
			wantKind(t, err, tt.kind)
		})
	}
}

func TestOddFileNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c#d%20e'f.db")
	s := open(t, "sqlite://"+path)
	must(t, s.PutSetting(ctx, alice, "k", "v"))
	info, err := os.Stat(path)
	if err != nil || info.Size() == 0 && !exists(path+"-wal") {
		t.Errorf("the database is not in its file: %v %v", info, err)
	}
	for _, p := range []string{path, path + "-wal"} {
		if info, err := os.Stat(p); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", filepath.Base(p), info.Mode(), err)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// After an I/O error a later success would prove nothing: the store takes no more writes and says so.
func TestDiskFailureEndsWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s := open(t, "sqlite://"+path)
	must(t, s.PutSetting(ctx, alice, "k", "v"))
	if _, err := s.writer.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	must(t, err)
	b := slices.Clone(whole)
	for i := 4096; i < len(b); i++ { // every page after the first
		b[i] = 0xA5
	}
	must(t, os.WriteFile(path, b, 0o600))
	s.writer.SetMaxIdleConns(0) // a new connection has no pages cached
	for i := 0; err == nil && i < 3; i++ {
		err = s.PutSetting(ctx, alice, "k", strings.Repeat("w", 9000))
	}
	if err == nil {
		t.Fatal("a damaged database takes writes")
	}
	select {
	case <-s.Failed():
	default:
		t.Fatalf("Failed is not closed after %v", err)
	}
	must(t, os.WriteFile(path, whole, 0o600)) // the disk reads well again; who knows what it has lost
	wantKind(t, s.PutSetting(ctx, alice, "k2", "v"), patch.Unavailable)
}

func TestDiskFailureIsNotAFullDisk(t *testing.T) {
	if isDiskFailure(errors.New("x")) || isDiskFailure(nil) {
		t.Error("any error counts as the disk's")
	}
	s := open(t, sqliteURL(t))
	if _, err := s.writer.Exec(`PRAGMA max_page_count = 200`); err != nil {
		t.Fatal(err)
	}
	var err error
	for i := 0; err == nil && i < 200; i++ {
		err = s.PutSetting(ctx, alice, strings.Repeat("k", i+1), strings.Repeat("v", 9000))
	}
	wantKind(t, err, patch.Unavailable)
	if !strings.Contains(err.Error(), "room") || s.hasFailed() {
		t.Errorf("a full disk ends all writing: %v", err)
	}
	must(t, s.VerifyAudit(ctx))
	if _, err := s.writer.Exec(`PRAGMA max_page_count = 1000000`); err != nil {
		t.Fatal(err)
	}
	must(t, s.PutSetting(ctx, alice, "again", "v"))
}

func TestCancelledCallChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		over, cancel := context.WithCancel(ctx)
		cancel()
		wantKind(t, s.PutSetting(over, alice, "k", "v"), patch.Unavailable)
		_, err := s.FindSetting(ctx, "k")
		wantKind(t, err, patch.NotFound)
		must(t, s.VerifyAudit(ctx))
	})
}

func TestBindRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, v := range []any{1.5, []patch.ID{"x"}, nil, struct{}{}} {
		if _, err := bind([]any{v}); err == nil {
			t.Errorf("%T is taken", v)
		}
	}
}
