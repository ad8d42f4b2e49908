package apt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/mirror"
	"github.com/fettle-project/fettle/internal/patch"
)

const tries = 3

// getter makes the requests of one fetch, one after another.
type getter struct {
	client   *http.Client
	pause    time.Duration
	feed     string
	progress func(feed.Progress)
	bytes    int64
}

// tags are what a server says about a file so that it need not be sent twice.
type tags struct{ etag, modified string }

func newGetter(f *Fetcher, name string, progress func(feed.Progress)) *getter {
	client := mirror.Client(f.HTTP)
	g := &getter{client: client, pause: f.Pause, feed: name, progress: progress}
	if g.pause == 0 {
		g.pause = time.Second
	}
	return g
}

// small gets a file of at most debian.MaxRelease bytes; nil bytes mean that it has not changed since known.
func (g *getter) small(ctx context.Context, url, name string, known tags) ([]byte, tags, error) {
	var body []byte
	var fresh tags
	err := g.retry(ctx, func() error {
		return g.do(ctx, url, name, known, func(resp *http.Response, r io.Reader) error {
			if resp.StatusCode == http.StatusNotModified {
				body = nil
				return nil
			}
			b, err := io.ReadAll(io.LimitReader(r, debian.MaxRelease+1))
			if err != nil {
				return err
			}
			if len(b) > debian.MaxRelease {
				return untrusted("the server sends too much", fmt.Sprintf("%s has more than %d bytes", name, debian.MaxRelease))
			}
			body = b
			fresh = tags{resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")}
			return nil
		})
	})
	return body, fresh, err
}

// file streams a file into dir, verified.
func (g *getter) file(ctx context.Context, url, name string, dir *content.Dir, want content.Want) error {
	return g.retry(ctx, func() error {
		return g.do(ctx, url, name, tags{}, func(resp *http.Response, r io.Reader) error {
			if resp.ContentLength > 0 && resp.ContentLength != want.Size {
				return untrusted("the server has another file", fmt.Sprintf("%s has %d bytes there and %d in the signed Release", name, resp.ContentLength, want.Size))
			}
			_, err := dir.Put(ctx, r, want)
			return err
		})
	})
}

// retry repeats what failed for want of a network; a verdict on the bytes stands.
func (g *getter) retry(ctx context.Context, try func() error) error {
	pause := g.pause
	for n := 1; ; n++ {
		err := try()
		if err == nil || n == tries || patch.KindOf(err) != patch.Unavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		pause *= 2
	}
}

func (g *getter) do(ctx context.Context, url, name string, known tags, use func(*http.Response, io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return patch.Errorf(patch.Invalid, "cannot ask for %s: %w", name, err)
	}
	if known.etag != "" {
		req.Header.Set("If-None-Match", known.etag)
	}
	if known.modified != "" {
		req.Header.Set("If-Modified-Since", known.modified)
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return away(name, err)
	}
	defer resp.Body.Close()
	if err := statusError(resp, name, known != tags{}); err != nil {
		return err
	}
	body := &meter{r: resp.Body, g: g, file: name, total: max(0, resp.ContentLength)}
	if err := use(resp, body); err != nil {
		return away(name, err)
	}
	return nil
}

// away makes an Unavailable of a broken connection and leaves judged errors as they are.
func away(name string, err error) error {
	if judged := (*patch.Error)(nil); errors.As(err, &judged) {
		return judged
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("the transfer was cut: %w", err)
	}
	return &patch.Error{Kind: patch.Unavailable, What: "cannot fetch " + name, Err: err}
}

func statusError(resp *http.Response, name string, conditional bool) error {
	switch {
	case resp.StatusCode == http.StatusOK, resp.StatusCode == http.StatusNotModified && conditional:
		return nil
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone || resp.StatusCode == http.StatusForbidden:
		return &patch.Error{Kind: patch.NotFound, What: "the server has no " + name, Why: "it answered " + resp.Status}
	}
	return &patch.Error{Kind: patch.Unavailable, What: "cannot fetch " + name, Why: "the server answered " + resp.Status}
}

// meter reports progress and counts what came over the network.
type meter struct {
	r     io.Reader
	g     *getter
	file  string
	done  int64
	total int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.done += int64(n)
	m.g.bytes += int64(n)
	m.g.progress(feed.Progress{Feed: m.g.feed, File: m.file, Done: m.done, Total: m.total})
	return n, err
}
