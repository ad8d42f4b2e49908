package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/web/translation"
)

// tongue is the console in one language.
type tongue struct {
	*phrase.Language
	pages pages
}

// tongues makes the console in every language that has a catalogue, English first.
func tongues(w words) ([]tongue, error) {
	catalogs, err := translation.Read()
	if err != nil {
		return nil, err
	}
	for _, c := range catalogs {
		w.all = append(w.all, c.Language)
	}
	out := make([]tongue, len(catalogs))
	for i, c := range catalogs {
		out[i].Language, w.lang = c.Language, c.Language
		if out[i].pages, err = parse(w, c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// languageCookie keeps the language that somebody chose.
const languageCookie = "__Host-fettle-language"

// tongue is the language of a request: the one that was chosen here, else the one that the browser likes best, else English.
func (c *console) tongue(r *http.Request) *tongue {
	if chosen, err := r.Cookie(languageCookie); err == nil {
		if t := c.named(chosen.Value); t != nil {
			return t
		}
	}
	best, weight := &c.tongues[0], 0.0
	for one := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, rest, _ := strings.Cut(one, ";")
		t := c.named(tag)
		if q := quality(rest); t != nil && q > weight {
			best, weight = t, q
		}
	}
	return best
}

// named is the language of a tag, whatever its region: de for de-AT.
func (c *console) named(tag string) *tongue {
	tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
	for i := range c.tongues {
		if c.tongues[i].Tag == tag {
			return &c.tongues[i]
		}
	}
	return nil
}

// quality reads how much a browser likes a language: RFC 9110, section 12.4.2.
func quality(parameter string) float64 {
	value, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q=")
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return 0
	}
	return min(q, 1)
}

// setLanguage keeps the language that somebody chose, for a year, and goes back.
func (c *console) setLanguage(v *visit) error {
	if t := c.named(v.r.PostFormValue("language")); t != nil {
		http.SetCookie(v.w, &http.Cookie{Name: languageCookie, Value: t.Tag, Path: "/", MaxAge: 365 * 24 * 3600, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	}
	return v.see(ownPath(v.r.PostFormValue("back")))
}
