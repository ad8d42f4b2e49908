package web

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync/atomic"

	"github.com/fettle-project/fettle/internal/patch"
)

// The directories match whether or not the build has put htmx beside the style sheet.
//
//go:embed assets templates
var files embed.FS

type console struct {
	Config
	begun  atomic.Bool // some machine has been judged
	pages  map[string]*template.Template
	assets bundle
	seats  seats
}

// New makes the console. The handler answers to every path that is not the API's.
func New(cfg Config) (http.Handler, error) {
	c := &console{Config: cfg}
	var err error
	if c.assets, err = bundled(files); err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot read the console's own files: %w", err)
	}
	c.pages, err = parse(words{now: cfg.Now, zone: cfg.Zone, assets: c.assets})
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot read the console's templates: %w", err)
	}
	return compressed(c.handler())
}

func (c *console) handler() http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(c.foreign))
	return headers(guard.Handler(c.mount(c.routes())))
}

// parse reads every page together with the layout and the parts it may use.
func parse(w words) (map[string]*template.Template, error) {
	common, err := template.New("").Funcs(w.funcs()).ParseFS(files, "templates/layout.html", "templates/parts/*.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, f := range names {
		name := strings.TrimSuffix(path.Base(f), ".html")
		if name == "layout" {
			continue
		}
		t, err := common.Clone()
		if err != nil {
			return nil, err
		}
		if pages[name], err = t.ParseFS(files, f); err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// policy allows the console's own files and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
