//go:build linux

package content_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/patch"
)

func open(t *testing.T, path string) *content.Dir {
	t.Helper()
	d, err := content.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func names(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestPutAndOpen(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	b := []byte("payload")
	h := content.Sum(b)
	got, err := d.Put(t.Context(), bytes.NewReader(b), content.Want{SHA256: h, Size: 7})
	if err != nil || got != h {
		t.Fatal(got, err)
	}
	if again, err := d.PutBytes(t.Context(), b); err != nil || again != h {
		t.Error(again, err)
	}
	f, err := d.Open(h)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if read, _ := io.ReadAll(f); !bytes.Equal(read, b) {
		t.Errorf("%q", read)
	}
	if size, ok := d.Has(h); !ok || size != 7 {
		t.Error(size, ok)
	}
	if n := names(t, path); len(n) != 1 {
		t.Errorf("%v", n)
	}
	if err := os.WriteFile(filepath.Join(path, string(h)), []byte("paybacc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Read(h, 100); patch.KindOf(err) != patch.Untrusted {
		t.Errorf("a damaged file: %v", err)
	}
	if err := d.Remove(h); err != nil {
		t.Error(err)
	}
	if _, err := d.Open(h); !errors.Is(err, fs.ErrNotExist) || patch.KindOf(err) != patch.NotFound {
		t.Errorf("a removed file: %v", err)
	}
}

func TestPutRefusesWrongBytesAndLeavesNothing(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	b := []byte("payload")
	h := content.Sum(b)
	broken := errors.New("the line broke")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		r    io.Reader
		want content.Want
		kind patch.Kind
	}{
		"short":      {t.Context(), bytes.NewReader(b[:6]), content.Want{SHA256: h, Size: 7}, patch.Untrusted},
		"long":       {t.Context(), bytes.NewReader(append(b, 'x')), content.Want{SHA256: h, Size: 7}, patch.Untrusted},
		"wrong":      {t.Context(), strings.NewReader("pay1oad"), content.Want{SHA256: h, Size: 7}, patch.Untrusted},
		"over limit": {t.Context(), bytes.NewReader(b), content.Want{Limit: 6}, patch.Untrusted},
		"endless":    {t.Context(), endless{}, content.Want{SHA256: h, Size: 1 << 20}, patch.Untrusted},
		"broken":     {t.Context(), iotest.ErrReader(broken), content.Want{SHA256: h, Size: 7}, patch.Internal},
		"ended":      {ended, bytes.NewReader(b), content.Want{SHA256: h, Size: 7}, patch.Internal},
	} {
		got, err := d.Put(c.ctx, c.r, c.want)
		if err == nil || patch.KindOf(err) != c.kind {
			t.Errorf("%s: %s, %v", name, got, err)
		}
		if n := names(t, path); len(n) != 0 {
			t.Errorf("%s left %v", name, n)
		}
	}
	if _, err := d.Put(t.Context(), iotest.ErrReader(broken), content.Want{Size: 1}); !errors.Is(err, broken) {
		t.Errorf("a reader's error became %v", err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestNamesThatAreNoHash(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	os.WriteFile(filepath.Join(path, "secret"), []byte("x"), 0o600)
	os.Symlink("/etc/passwd", filepath.Join(path, strings.Repeat("a", 64)))
	for _, h := range []patch.Hash{"", "secret", "../secret", "/etc/passwd", ".", patch.Hash(strings.Repeat("A", 64)), patch.Hash(strings.Repeat("a", 64)), patch.Hash("../" + strings.Repeat("a", 61)), "a\x00"} {
		if _, ok := d.Has(h); ok {
			t.Errorf("Has(%q)", h)
		}
		if _, err := d.Open(h); patch.KindOf(err) != patch.NotFound {
			t.Errorf("Open(%q): %v", h, err)
		}
	}
	if err := d.Remove("secret"); err == nil {
		t.Error("a name that is no hash was removed")
	}
}

func TestOpenSweepsUnfinishedFiles(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	h, err := d.PutBytes(t.Context(), []byte("whole"))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(path, ".part-ABC"), []byte("half"), 0o600)
	open(t, path)
	if n := names(t, path); len(n) != 1 || n[0] != string(h) {
		t.Errorf("after opening again: %v", n)
	}
}

func TestPutIsSafeForConcurrentUse(t *testing.T) {
	path := t.TempDir()
	d := open(t, path)
	b := bytes.Repeat([]byte("x"), 100_000)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := d.Put(t.Context(), bytes.NewReader(b), content.Want{SHA256: content.Sum(b), Size: int64(len(b))}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := names(t, path); len(n) != 1 {
		t.Errorf("%v", n)
	}
}

func TestFullDisk(t *testing.T) {
	path := t.TempDir()
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("SKIPPED: cannot make a small disk (%s, uid %d): %v", runtime.GOOS, os.Getuid(), err)
	}
	defer unix.Unmount(path, unix.MNT_DETACH)
	d := open(t, path)
	defer d.Close()
	big := bytes.Repeat([]byte("x"), 200_000)
	want := content.Want{SHA256: content.Sum(big), Size: int64(len(big))}
	_, err := d.Put(t.Context(), bytes.NewReader(big), want)
	if patch.KindOf(err) != patch.Exhausted || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("on a full disk: %v", err)
	}
	if n := names(t, path); len(n) != 0 {
		t.Errorf("left on a full disk: %v", n)
	}
	if _, err := d.PutBytes(t.Context(), []byte("small")); err != nil {
		t.Errorf("the disk does not heal: %v", err)
	}
}

func TestTrimKeepsTheNewest(t *testing.T) {
	d, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var put []patch.Hash
	for i := range 5 {
		h, err := d.PutBytes(t.Context(), []byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(1000+(i*3)%5), 0)
		if err := os.Chtimes(filepath.Join(d.Path(), string(h)), at, at); err != nil {
			t.Fatal(err)
		}
		put = append(put, h)
	}
	left := func(n int, size int64, want ...int) {
		t.Helper()
		if err := d.Trim(n, size); err != nil {
			t.Fatal(err)
		}
		for i, h := range put {
			if _, there := d.Has(h); there != slices.Contains(want, i) {
				t.Errorf("of the newest %d with %d bytes, file %d is there: %v", n, size, i, there)
			}
		}
	}
	left(9, 100, 0, 1, 2, 3, 4)
	left(9, 3, 1, 3, 4)
	left(2, 100, 1, 3)
}
