package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A form that is sent after its session has ended is not lost and not carried out: it waits on the sign-in page, in the browser alone, and
// whoever signs in sees it once more and sends it again, or leaves it.

// keptForm is such a form.
type keptForm struct {
	Path   string
	Fields []field
}

const (
	keptPath   = "kept_path"
	keptPrefix = "kept."
	maxKept    = 1 << 20
)

// Shown are the fields that somebody may have typed.
func (k keptForm) Shown() []field {
	return head(keptShown, keep(k.Fields, func(f field) bool { return strings.TrimSpace(f.Value) != "" }))
}

const keptShown = 12

// keptOf is the form of a request that nobody was signed in for; of no form it is empty. Secrets are typed again.
func keptOf(r *http.Request) keptForm {
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		return keptForm{}
	}
	return gathered(r.URL.RequestURI(), r.PostForm, "")
}

// keptAgain is the form that the sign-in page was given to keep.
func keptAgain(r *http.Request) keptForm {
	path := ownPath(r.PostFormValue(keptPath))
	if path == "/" {
		return keptForm{}
	}
	return gathered(path, r.PostForm, keptPrefix)
}

func gathered(path string, form url.Values, prefix string) keptForm {
	k := keptForm{Path: path}
	size := 0
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, full := range names {
		name, ours := strings.CutPrefix(full, prefix)
		if !ours || strings.Contains(name, "password") || strings.Contains(name, "secret") {
			continue
		}
		for _, v := range form[full] {
			size += len(name) + len(v)
			k.Fields = append(k.Fields, field{name, v})
		}
	}
	if len(k.Fields) == 0 || size > maxKept {
		return keptForm{}
	}
	return k
}
