package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"

	"github.com/fettle-project/fettle/internal/patch"
)

// bundle is the console's own files by the name under which browsers ask for them. The style sheet and the script are written in parts,
// and served as one file each, in the order of the parts' names.
type bundle map[string]served

type served struct {
	body    []byte
	version string        // of the body: a file that has changed has another address
	packed  func() []byte // the body as gzip, as small as it gets: made at the first visit and kept
}

func bundled(files fs.FS) (bundle, error) {
	b := bundle{}
	for name, parts := range map[string]string{"console.css": "assets/css/*.css", "console.js": "assets/js/*.js"} {
		if err := b.join(files, name, parts); err != nil {
			return nil, err
		}
	}
	whole, err := fs.Glob(files, "assets/*.*")
	if err != nil {
		return nil, err
	}
	for _, f := range whole {
		if err := b.join(files, path.Base(f), f); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b bundle) join(files fs.FS, name, pattern string) error {
	parts, err := fs.Glob(files, pattern)
	if err != nil {
		return err
	}
	var body bytes.Buffer
	for _, p := range parts {
		one, err := fs.ReadFile(files, p)
		if err != nil {
			return err
		}
		if len(parts) > 1 {
			one = comment().ReplaceAll(one, nil) // a visitor need not load what is told to who changes it
		}
		body.Write(one)
	}
	sum := sha256.Sum256(body.Bytes())
	b[name] = served{body: body.Bytes(), version: hex.EncodeToString(sum[:6]), packed: sync.OnceValue(func() []byte { return packed(body.Bytes()) })}
	return nil
}

// comment is one on lines of its own.
var comment = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^[ \t]*(?://.*|/\*[^*]*\*/[ \t]*)\n`) })

func packed(body []byte) []byte {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := z.Write(body); err != nil || z.Close() != nil {
		return nil
	}
	return out.Bytes()
}

// address is where a file is served; it may be kept for ever.
func (b bundle) address(name string) string {
	if f, ok := b[name]; ok {
		return "/assets/" + name + "?v=" + f.version
	}
	return "/assets/" + name
}

func (c *console) asset(v *visit) error {
	name := v.r.PathValue("file")
	f, ok := c.assets[name]
	if !ok {
		return &patch.Error{Kind: patch.NotFound, What: "there is no file of this name", Do: "Build the console with make build if htmx is missing."}
	}
	h := v.w.Header()
	h.Set("ETag", `W/"`+f.version+`"`)
	h.Set("Cache-Control", "private, no-cache")
	if v.r.URL.Query().Get("v") == f.version {
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	body := f.body
	if takes := v.r.Header.Get("Accept-Encoding"); len(body) >= smallest && strings.Contains(takes, "gzip") && !strings.Contains(takes, "gzip;q=0") {
		if small := f.packed(); small != nil {
			h.Set("Content-Encoding", "gzip")
			h.Add("Vary", "Accept-Encoding")
			body = small
		}
	}
	http.ServeContent(v.w, v.r, name, time.Time{}, bytes.NewReader(body))
	return nil
}

// smallest is the size from which compressing an answer is worth it.
const smallest = 1024

// compressed sends answers as zstd or gzip where the browser takes it. Their length is made to vary, so that it tells nothing of what a
// page holds beside what somebody else put into it.
func compressed(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.MinSize(smallest), gzhttp.RandomJitter(64, 1, false),
		gzhttp.ContentTypes([]string{"text/html", "text/css", "text/javascript", "text/csv", "application/json", "image/svg+xml"}))
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot set compression up: %w", err)
	}
	return wrap(next), nil
}
