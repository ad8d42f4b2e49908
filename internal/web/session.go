package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func sessionOf(r *http.Request) string {
	c, err := r.Cookie(auth.CookieName)
	if err != nil || len(c.Value) > 512 {
		return ""
	}
	return c.Value
}

func cookie(secret string, ends time.Time) *http.Cookie {
	return &http.Cookie{Name: auth.CookieName, Value: secret, Path: "/", Expires: ends, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode}
}

// signInForm is the sign-in page with what was typed, the password left out.
type signInForm struct {
	Name, Next    string
	What, Why, Do phrase.Phrase
	Wait          bool
	Kept          keptForm // what was sent when the session had ended
}

func (c *console) signInPage(v *visit) error {
	if v.caller.Name != "" {
		return v.see(ownPath(v.get("next")))
	}
	return c.door(v, http.StatusOK, signInForm{Next: ownPath(v.get("next"))})
}

func (c *console) signIn(v *visit) error {
	form := signInForm{Name: v.r.PostFormValue("name"), Next: ownPath(v.r.PostFormValue("next")), Kept: keptAgain(v.r)}
	secret, session, who, err := c.Door.SignIn(v.ctx, form.Name, v.r.PostFormValue("password"), "console", v.from())
	switch kind := patch.KindOf(err); {
	case err == nil:
		http.SetCookie(v.w, cookie(secret, session.ExpiresAt))
		if form.Next == "/" && mayStart(patch.Caller{Role: who.Role}) && c.isNew(v.ctx) {
			form.Next = "/start"
		}
		if form.Kept.Path != "" {
			return c.write(v, http.StatusOK, "kept", "layout", view[keptForm]{Frame: Frame{Title: "Signed in again"}, Body: form.Kept})
		}
		return v.see(form.Next)
	case kind == patch.Unauthenticated || kind == patch.Exhausted || kind == patch.Invalid:
		p := faultOf(err)
		form.What, form.Why, form.Do, form.Wait = p.What, p.Why, p.Do, kind == patch.Exhausted
		return c.door(v, p.Status, form)
	}
	return err
}

func (c *console) door(v *visit, status int, form signInForm) error {
	return c.write(v, status, "sign-in", "layout", view[signInForm]{Frame: Frame{Title: "Sign in", Here: v.here()}, Body: form})
}

func (c *console) signOut(v *visit) error {
	if v.caller.Name != "" {
		if err := c.Door.SignOut(v.ctx, v.caller, sessionOf(v.r)); err != nil {
			return err
		}
	}
	gone := cookie("", time.Unix(0, 0))
	gone.MaxAge = -1
	http.SetCookie(v.w, gone)
	return v.see("/sign-in")
}

// ownPath keeps a return address only if it is a path of this console.
func ownPath(s string) string {
	if !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || strings.ContainsAny(s, "\\\r\n\t") || strings.HasPrefix(s, "/sign-") {
		return "/"
	}
	return s
}
