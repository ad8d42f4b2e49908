package web

import (
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/web/translation"
)

// The directories match whether or not the build has put htmx beside the style sheet.
//
//go:embed assets templates
var files embed.FS

type console struct {
	Config
	begun   atomic.Bool // some machine has been judged
	tongues []tongue    // English first
	assets  bundle
	seats   seats
}

// New makes the console. The handler answers to every path that is not the API's.
func New(cfg Config) (http.Handler, error) {
	c := &console{Config: cfg}
	var err error
	if c.assets, err = bundled(files); err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot read the console's own files: %w", err)
	}
	c.tongues, err = tongues(words{now: cfg.Now, zone: cfg.Zone, assets: c.assets})
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

// pages are a language's pages by name. Each is made ready when it is first asked for: an appliance that has just started has better things to do than
// to read what nobody may look at.
type pages map[string]func() (*template.Template, error)

// parse gives every page together with the layout and the parts it may use, in one language.
func parse(w words, c *translation.Catalog) (pages, error) {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	common := sync.OnceValues(func() (*template.Template, error) { return shared(w, c) })
	all := pages{}
	for _, f := range names {
		if name := strings.TrimSuffix(path.Base(f), ".html"); name != "layout" {
			all[name] = sync.OnceValues(func() (*template.Template, error) {
				base, err := common()
				if err != nil {
					return nil, err
				}
				return parsePage(base, c, f)
			})
		}
	}
	return all, nil
}

// shared reads what every page may use.
func shared(w words, c *translation.Catalog) (*template.Template, error) {
	common := template.New("").Funcs(w.funcs())
	parts, err := fs.Glob(files, "templates/parts/*.html")
	if err != nil {
		return nil, err
	}
	for _, f := range append(parts, "templates/layout.html") {
		if err := add(common, c, f); err != nil {
			return nil, err
		}
	}
	return common, nil
}

func parsePage(common *template.Template, c *translation.Catalog, file string) (*template.Template, error) {
	t, err := common.Clone()
	if err != nil {
		return nil, err
	}
	if err := add(t, c, file); err != nil {
		return nil, err
	}
	saying(t)
	return t, nil
}

// add reads one file of templates with the catalogue's texts in it.
func add(t *template.Template, c *translation.Catalog, file string) error {
	raw, err := files.ReadFile(file)
	if err != nil {
		return err
	}
	source, err := c.Template(string(raw))
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	_, err = t.New(path.Base(file)).Parse(source)
	return err
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
		h.Add("Vary", "Cookie, Accept-Language")
		next.ServeHTTP(w, r)
	})
}
