package payload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	atOnce     = 3
	firstPause = time.Minute
	longest    = time.Hour
	diskAlarm  = "disk/payloads"
)

// run is one Run.
type run struct {
	*Depot
	client *http.Client
	full   atomic.Bool // the disk is: the rest of the run need not try

	mu      sync.Mutex
	brought []patch.ID
}

// bring makes one file ready, or records why it is not.
func (r *run) bring(ctx context.Context, p patch.StoredPayload) error {
	size, here := r.Dir.Has(p.SHA256)
	if r.full.Load() && !here {
		return nil
	}
	if !here || size != p.Size {
		if err := r.Store.SetPayload(ctx, p.SHA256, patch.PayloadFetching, "", p.Tries, time.Time{}); err != nil {
			return err
		}
		err := r.download(ctx, p.PayloadFile)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return r.failed(ctx, p, err)
		}
	}
	if err := r.Store.SetPayload(ctx, p.SHA256, patch.PayloadReady, "", 0, time.Time{}); err != nil {
		return err
	}
	r.mu.Lock()
	r.brought = append(r.brought, p.Patch)
	r.mu.Unlock()
	if err := r.Store.ClearAlarm(ctx, alarmKey(p), r.Now()); err != nil {
		return err
	}
	return r.learn(ctx, p)
}

func alarmKey(p patch.StoredPayload) string { return "payload/" + string(p.SHA256) }

func (r *run) download(ctx context.Context, f patch.PayloadFile) error {
	if f.Size <= 0 || !f.SHA256.Valid() {
		return patch.Errorf(patch.Untrusted, "the vendor's index gives no size and hash for %s", f.Name)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return patch.Errorf(patch.Invalid, "cannot ask for %s: %w", f.Name, err)
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return unavailable(f, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone:
		return &patch.Error{
			Kind: patch.NotFound, What: phrase.Of("the vendor's archive no longer has {1} {2}", f.Name, f.Version), Why: phrase.Of("it answered {1}", resp.Status),
			Do: "A newer version has probably replaced it: sync the catalog and approve that one.",
		}
	case resp.StatusCode != http.StatusOK:
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot fetch {1} {2}", f.Name, f.Version), Why: phrase.Of("the server answered {1}", resp.Status)}
	case resp.ContentLength >= 0 && resp.ContentLength != f.Size:
		return &patch.Error{
			Kind: patch.Untrusted, What: phrase.Of("the server has another {1} {2}", f.Name, f.Version),
			Why: phrase.Format("it has %d bytes and the signed index says %d", resp.ContentLength, f.Size), Do: "Check the mirror.",
		}
	}
	body := io.Reader(resp.Body)
	if r.Progress != nil {
		body = &meter{r: body, report: func(n int64) { r.Progress(f, n) }}
	}
	_, err = r.Dir.Put(ctx, body, content.Want{SHA256: f.SHA256, Size: f.Size})
	return unavailable(f, err)
}

// unavailable makes a failure of the network of what is not judged yet.
func unavailable(f patch.PayloadFile, err error) error {
	judged := (*patch.Error)(nil)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &judged):
		return fmt.Errorf("cannot fetch %s %s: %w", f.Name, f.Version, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fmt.Errorf("the transfer was cut: %w", err)
	}
	return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot fetch {1} {2}", f.Name, f.Version), Err: err}
}

type meter struct {
	r      io.Reader
	n      int64
	report func(int64)
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	m.report(m.n)
	return n, err
}

// failed records a failure and when to try again: one minute, doubled each time, an hour at most.
func (r *run) failed(ctx context.Context, p patch.StoredPayload, failure error) error {
	now := r.Now()
	alarm := patch.Alarm{Key: alarmKey(p), Kind: "payload", Text: patch.Said(failure), RaisedAt: now, SeenAt: now, Do: "It is tried again by itself; until then the patches that need it are not deployed."}
	pause := longest
	if p.Tries < 6 {
		pause = min(longest, firstPause<<p.Tries)
	}
	tries := p.Tries + 1
	if patch.KindOf(failure) == patch.Exhausted {
		r.full.Store(true)
		alarm.Key, alarm.Kind, alarm.Do = diskAlarm, "disk", phrase.Of("Free space in {1}; fetching goes on by itself.", r.Dir.Path())
		tries, pause = p.Tries, firstPause
	}
	if err := r.Store.SetPayload(ctx, p.SHA256, patch.PayloadFailed, patch.Said(failure), tries, now.Add(pause)); err != nil {
		return err
	}
	return r.Store.RaiseAlarm(ctx, alarm)
}

// learn reads the changelog of a ready package: which CVEs the patch fixes and when it was made. A package that has none, or one
// that cannot be read, changes nothing: its bytes are the vendor's either way.
func (r *run) learn(ctx context.Context, p patch.StoredPayload) error {
	f, err := r.Dir.Open(p.SHA256)
	if err != nil {
		return err
	}
	defer f.Close()
	deb, err := debian.ReadDeb(f)
	if err != nil {
		r.Log.DebugContext(ctx, "changelog not read", slog.String("package", p.Name), slog.Any("error", err))
		return nil
	}
	version := string(p.Patch[strings.LastIndexByte(string(p.Patch), '/')+1:])
	for _, c := range deb.Changelog {
		if c.Version != version {
			continue
		}
		err := r.Store.SetPatchFacts(ctx, p.Patch, c.CVEs, patch.NotGiven, c.Date)
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return err
		}
		return nil
	}
	return nil
}
