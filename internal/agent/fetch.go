package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// blob is one content-addressed file to fetch.
type blob struct {
	Hash  patch.Hash
	Size  int64 // exact, or 0 where it is not known
	Limit int64 // refused beyond, where Size is 0
	Dir   string
	// Progress is told how many bytes are there; it may be nil.
	Progress func(n int64)
}

func (b blob) path() string { return filepath.Join(b.Dir, string(b.Hash)) }

// Waits of a transfer.
const (
	stallAfter = 45 * time.Second // without a byte
	maxResumes = 8                // in a row without a new byte: half a minute, in which an appliance has started anew
)

// fetch brings a file under its content address and gives its path; a file that is there already is hashed again and kept if it is right.
// The bytes are counted and hashed while they are written to a file that only we can have made; after a cut the transfer goes on with a
// Range. Bytes that are wrong are deleted.
func (c *client) fetch(ctx context.Context, b blob) (string, error) {
	if !b.Hash.Valid() {
		return "", patch.Errorf(patch.Invalid, "%q is not a content address", string(b.Hash))
	}
	switch got, err := hashFile(c.disk, b.path()); {
	case err == nil && got == b.Hash:
		return b.path(), nil
	case !errors.Is(err, fs.ErrNotExist):
		c.disk.Remove(b.path())
	}
	f, err := c.disk.Temp(b.Dir) // in a directory of our own
	if err != nil {
		return "", fmt.Errorf("cannot make a file to fetch into: %w", err)
	}
	err = c.fill(ctx, f, b)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close()) // before it gets its name: Windows moves no open file
	if err == nil {
		err = c.disk.Rename(f.Name(), b.path())
	}
	if err != nil {
		c.disk.Remove(f.Name())
		return "", err
	}
	return b.path(), syncDir(c.disk, b.Dir)
}

// hashFile reads a file through.
func hashFile(d Disk, path string) (patch.Hash, error) {
	f, err := d.Open(path, os.O_RDONLY)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return patch.Hash(hex.EncodeToString(sum.Sum(nil))), err
}

// fill transfers, resuming after cuts, and verifies size and hash.
func (c *client) fill(ctx context.Context, f File, b blob) error {
	sink := &sink{f: f, sum: sha256.New(), limit: b.Limit, progress: b.Progress}
	if b.Size > 0 {
		sink.limit = b.Size
	}
	for idle := 0; ; {
		before := sink.n
		err := c.transfer(ctx, b, sink)
		if err == nil && (b.Size == 0 || sink.n == b.Size) {
			break
		}
		if err == nil {
			err = patch.Errorf(patch.Unavailable, "the transfer ended after %d of %d bytes", sink.n, b.Size)
		}
		if sink.over || host.IsFull(err) || ctx.Err() != nil || !retryable(err) {
			return err
		}
		if idle++; sink.n > before {
			idle = 0
		}
		if idle >= maxResumes {
			return err
		}
		if err := sleep(ctx, time.Duration(idle*idle)*c.pause); err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(sink.sum.Sum(nil)); got != string(b.Hash) {
		return patch.Errorf(patch.Untrusted, "the file hashes to %s and not to %s; it was deleted", got, b.Hash)
	}
	return nil
}

func retryable(err error) bool {
	switch patch.KindOf(err) {
	case patch.Unavailable, patch.Exhausted:
		return true
	default:
		return false
	}
}

// bufferFor is the size of the buffer through which an answer of that length goes; -1: it is not known.
func bufferFor(length int64) int64 {
	const most = 64 << 10
	if length <= 0 {
		return most
	}
	return min(length, most)
}

// transfer asks for what is missing and appends it.
func (c *client) transfer(ctx context.Context, b blob, to *sink) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(stallAfter, func() {
		cancel(patch.Errorf(patch.Unavailable, "the appliance sent nothing for %s", stallAfter))
	})
	defer stalled.Stop()
	var header http.Header
	if to.n > 0 {
		header = http.Header{"Range": {fmt.Sprintf("bytes=%d-", to.n)}}
	}
	resp, err := c.ask(ctx, wire.PathBlob, string(b.Hash), header, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if err := positioned(resp, to); err != nil {
		return err
	}
	to.alive = func() { stalled.Reset(stallAfter) }
	_, err = io.CopyBuffer(struct{ io.Writer }{to}, resp.Body, make([]byte, bufferFor(resp.ContentLength)))
	switch {
	case err == nil || to.over || to.err != nil:
		return errors.Join(err, to.err)
	case context.Cause(ctx) != nil:
		return context.Cause(ctx)
	default:
		return &patch.Error{Kind: patch.Unavailable, What: "the transfer was cut", Err: err}
	}
}

// positioned accepts an answer that begins where we stand; an appliance that sends the whole file again starts it anew.
func positioned(resp *http.Response, to *sink) error {
	switch {
	case resp.StatusCode == http.StatusOK && to.n > 0:
		return to.restart()
	case resp.StatusCode == http.StatusOK:
		return nil
	case resp.StatusCode == http.StatusPartialContent && to.n > 0:
		var from int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &from); err != nil || from != to.n {
			return patch.Errorf(patch.Untrusted, "the appliance sent another part of the file than asked for")
		}
		return nil
	default:
		return faultOf(resp)
	}
}

// sink writes, counts and hashes. It stops at its limit: what is longer is wrong.
type sink struct {
	f        File
	sum      hash.Hash
	n, limit int64
	over     bool
	err      error
	alive    func()
	progress func(int64)
}

func (s *sink) Write(p []byte) (int, error) {
	if s.n+int64(len(p)) > s.limit {
		s.over = true
		return 0, patch.Errorf(patch.Untrusted, "the file is longer than %d bytes; it was deleted", s.limit)
	}
	n, err := s.f.WriteAt(p, s.n)
	s.sum.Write(p[:n])
	s.n += int64(n)
	if err != nil {
		s.err = err
		return n, err
	}
	s.alive()
	if s.progress != nil {
		s.progress(s.n)
	}
	return n, nil
}

func (s *sink) restart() error {
	s.n = 0
	s.sum.Reset()
	return s.f.Truncate(0)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
