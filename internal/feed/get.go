package feed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/mirror"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const tries = 3

// Getter makes the requests of one fetch, one after another. It follows no redirect to another host. Addresses are http, https or file;
// which of them a feed may have is for its Fetcher to check.
type Getter struct {
	Bytes int64 // taken over the network so far

	client   *http.Client
	pause    time.Duration
	feed     string
	progress func(Progress)
}

// Tags are what a server says about a file so that it need not be sent twice.
type Tags struct{ ETag, Modified string }

// NewGetter makes a Getter for one fetch of the feed called name. pause is the time before the second try of a failed request, doubled
// for the third; 0: one second.
func NewGetter(client *http.Client, pause time.Duration, name string, progress func(Progress)) *Getter {
	if pause == 0 {
		pause = time.Second
	}
	return &Getter{client: mirror.Client(client), pause: pause, feed: name, progress: progress}
}

// Small gets a file of at most limit bytes; nil bytes mean that it has not changed since known. Errors are NotFound where the server
// has no such file, Untrusted where it is too large or elsewhere, Unavailable where the server cannot be reached.
func (g *Getter) Small(ctx context.Context, url, name string, limit int64, known Tags) ([]byte, Tags, error) {
	var body []byte
	var fresh Tags
	err := g.retry(ctx, func() error {
		return g.do(ctx, url, name, known, func(resp *http.Response, r io.Reader) error {
			if resp.StatusCode == http.StatusNotModified {
				body = nil
				return nil
			}
			b, err := io.ReadAll(io.LimitReader(r, limit+1))
			if err != nil {
				return err
			}
			if int64(len(b)) > limit {
				return untrusted("the server sends too much", phrase.Format("%s has more than %d bytes", name, limit))
			}
			body = b
			fresh = Tags{resp.Header.Get("ETag"), resp.Header.Get("Last-Modified")}
			return nil
		})
	})
	return body, fresh, err
}

// File streams a file into dir, verified; it is not kept unless it is what is wanted. Errors are as for Small.
func (g *Getter) File(ctx context.Context, url, name string, dir *content.Dir, want content.Want) error {
	return g.retry(ctx, func() error {
		return g.do(ctx, url, name, Tags{}, func(resp *http.Response, r io.Reader) error {
			if resp.ContentLength > 0 && want.Size > 0 && resp.ContentLength != want.Size {
				return untrusted("the server has another file", phrase.Format("%s has %d bytes there and %d in the signed index", name, resp.ContentLength, want.Size))
			}
			_, err := dir.Put(ctx, r, want)
			return err
		})
	})
}

// Whole streams a file of which nothing is known beforehand into dir and gives its hash. Errors are as for Small.
func (g *Getter) Whole(ctx context.Context, url, name string, dir *content.Dir, limit int64) (h patch.Hash, err error) {
	err = g.retry(ctx, func() error {
		return g.do(ctx, url, name, Tags{}, func(_ *http.Response, r io.Reader) (err error) {
			h, err = dir.Put(ctx, r, content.Want{Limit: limit})
			return err
		})
	})
	return h, err
}

// retry repeats what failed for want of a network; a verdict on the bytes stands.
func (g *Getter) retry(ctx context.Context, try func() error) error {
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

func (g *Getter) do(ctx context.Context, url, name string, known Tags, use func(*http.Response, io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return patch.Errorf(patch.Invalid, "cannot ask for %s: %w", name, err)
	}
	if known.ETag != "" {
		req.Header.Set("If-None-Match", known.ETag)
	}
	if known.Modified != "" {
		req.Header.Set("If-Modified-Since", known.Modified)
	}
	client := g.client
	if req.URL.Scheme == "file" {
		client = &http.Client{Transport: http.NewFileTransport(http.Dir("/"))}
	}
	resp, err := client.Do(req)
	if err != nil {
		return away(name, err)
	}
	defer resp.Body.Close()
	if err := statusError(resp, name, known != Tags{}); err != nil {
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
	return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot fetch {1}", name), Err: err}
}

func statusError(resp *http.Response, name string, conditional bool) error {
	switch {
	case resp.StatusCode == http.StatusOK, resp.StatusCode == http.StatusNotModified && conditional:
		return nil
	case resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusGone || resp.StatusCode == http.StatusForbidden:
		return &patch.Error{Kind: patch.NotFound, What: phrase.Of("the server has no {1}", name), Why: phrase.Of("it answered {1}", resp.Status)}
	}
	return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot fetch {1}", name), Why: phrase.Of("the server answered {1}", resp.Status)}
}

// meter reports progress and counts what came over the network.
type meter struct {
	r     io.Reader
	g     *Getter
	file  string
	done  int64
	total int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.done += int64(n)
	m.g.Bytes += int64(n)
	m.g.progress(Progress{Feed: m.g.feed, File: m.file, Done: m.done, Total: m.total})
	return n, err
}

func untrusted(what, why phrase.Phrase) error {
	return &patch.Error{Kind: patch.Untrusted, What: what, Why: why}
}
