package web

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// The directories match whether or not the build has put htmx beside the style sheet.
//
//go:embed assets templates
var files embed.FS

type console struct {
	Config
	pages map[string]*template.Template
}

// New makes the console. The handler answers to every path that is not the API's.
func New(cfg Config) (http.Handler, error) {
	c := &console{Config: cfg}
	var err error
	c.pages, err = parse(words{now: cfg.Now, zone: cfg.Zone})
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot read the console's templates: %w", err)
	}
	return c.handler(), nil
}

func (c *console) handler() http.Handler {
	guard := http.NewCrossOriginProtection()
	guard.SetDenyHandler(http.HandlerFunc(c.foreign))
	return headers(guard.Handler(c.mount(c.routes())))
}

// parse reads every page together with the layout and the parts it may use.
func parse(w words) (map[string]*template.Template, error) {
	common, err := template.New("").Funcs(w.funcs()).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	names, err := files.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	pages := map[string]*template.Template{}
	for _, f := range names {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		t, err := common.Clone()
		if err != nil {
			return nil, err
		}
		if pages[name], err = t.ParseFS(files, "templates/"+f.Name()); err != nil {
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

func (c *console) asset(v *visit) error {
	name := v.r.PathValue("file")
	f, err := files.Open(path.Join("assets", path.Base(name)))
	if err != nil {
		return &patch.Error{Kind: patch.NotFound, What: "there is no file of this name", Do: "Build the console with make assets if htmx is missing."}
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	v.w.Header().Set("Cache-Control", "private, max-age=300")
	http.ServeContent(v.w, v.r, path.Base(name), time.Time{}, bytes.NewReader(b))
	return nil
}
