package web

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

// Bodies of forms are small; a decision about every patch of a big catalog fits.
const maxForm = 4 << 20

// visit is one request, and who makes it.
type visit struct {
	w      http.ResponseWriter
	r      *http.Request
	caller patch.Caller
	ctx    context.Context
	lang   *tongue
}

// view is what a template gets: the frame around every page and the page's own body.
type view[T any] struct {
	Frame
	Body T
}

// Frame is what every page shows beside its body.
type Frame struct {
	Title   phrase.Phrase
	Here    string // this page's address, where it can be opened again
	Query   string // what is typed into the search field
	User    string
	Pending int // machines that wait to be admitted
	Alarms  int // open ones
	Dated   time.Time
	Rail    []entry
	May     May
	Refresh bool // reload by itself where scripts are off
	Charts  bool // the page has charts over time
}

// serve runs one route: who is it, may they, then the handler; whatever fails becomes the error page.
func (c *console) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		v := &visit{w: w, r: r, ctx: r.Context(), lang: c.tongue(r)}
		err := c.admit(v, rt.permission)
		if err == nil {
			err = rt.handle(v)
		}
		if err != nil {
			c.fail(v, err)
		}
	})
}

// admit denies by default: only a public route passes without a caller whose role has the permission.
func (c *console) admit(v *visit, p auth.Permission) error {
	if secret := sessionOf(v.r); secret != "" {
		known := c.Door.Caller
		if v.unasked() {
			known = c.Door.Onlooker
		}
		caller, err := known(v.ctx, secret, v.from(), "console")
		if err == nil {
			v.caller = caller
		} else if patch.KindOf(err) != patch.Unauthenticated && p != Public {
			return err
		}
	}
	if p == Public {
		return nil
	}
	if v.caller.Name == "" {
		return patch.Errorf(patch.Unauthenticated, "nobody is signed in")
	}
	return auth.Allow(v.caller, p)
}

func (v *visit) from() string {
	host, _, err := net.SplitHostPort(v.r.RemoteAddr)
	if err != nil {
		return v.r.RemoteAddr
	}
	return host
}

// here is the address of a page that can be opened again.
func (v *visit) here() string {
	if v.r.Method != http.MethodGet {
		return ""
	}
	return v.r.URL.RequestURI()
}

func (v *visit) get(name string) string { return v.r.FormValue(name) }
func (v *visit) partial() bool          { return v.r.Header.Get("HX-Request") == "true" }

// unasked reports whether a page asks by itself because something changed.
func (v *visit) unasked() bool { return v.r.Header.Get(liveHeader) != "" || v.r.URL.Path == "/live" }

// offset is where the page that was asked for starts.
func (v *visit) offset(size int) int {
	n, err := strconv.Atoi(v.get("page"))
	if err != nil || n < 1 || n > 1_000_000 {
		return 0
	}
	return (n - 1) * size
}

// with is this page's address with some of its questions changed; an empty value takes one away. The page number starts over.
func (v *visit) with(pairs ...string) string {
	q := url.Values{}
	for k, vs := range v.r.URL.Query() {
		q[k] = vs
	}
	q.Del("page")
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return v.r.URL.EscapedPath()
	}
	return v.r.URL.EscapedPath() + "?" + q.Encode()
}

func (v *visit) see(address string) error {
	http.Redirect(v.w, v.r, address, http.StatusSeeOther)
	return nil
}

// meant leads from what a person typed to the address that it stands for, with the same question.
func (v *visit) meant(address string) error {
	if v.r.URL.RawQuery != "" {
		address += "?" + v.r.URL.RawQuery
	}
	return v.see(address)
}

// show renders a page inside the frame.
func show[T any](c *console, v *visit, page, nav string, title phrase.Phrase, body T) error {
	f, err := c.frame(v, nav, title)
	if err != nil {
		return err
	}
	return c.write(v, http.StatusOK, page, "layout", view[T]{Frame: f, Body: body})
}

// showPart renders one part of a page, for a change in place.
func showPart[T any](c *console, v *visit, page, part string, body T) error {
	return c.write(v, http.StatusOK, page, part, view[T]{Frame: Frame{May: c.may(v.caller)}, Body: body})
}

func (c *console) write(v *visit, status int, page, name string, data any) error {
	var b bytes.Buffer
	ready, ok := v.lang.pages[page]
	if !ok {
		return patch.Errorf(patch.Internal, "no page is called %s", page)
	}
	t, err := ready()
	if err != nil {
		return patch.Errorf(patch.Internal, "cannot read the template of %s: %w", page, err)
	}
	if err := t.ExecuteTemplate(&b, name, data); err != nil {
		return patch.Errorf(patch.Internal, "cannot render %s: %w", page, err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	if _, err = v.w.Write(together(b.Bytes())); err != nil {
		c.Log.DebugContext(v.ctx, "page not delivered", "page", page, "error", err)
	}
	return nil
}

// May says which of the things that change something the person may do.
type May struct {
	Decide, Deploy, Machines, Labels, Tokens, Feeds, Audit bool
}

func (c *console) may(caller patch.Caller) May {
	ok := func(p auth.Permission) bool { return caller.Name != "" && auth.Allow(caller, p) == nil }
	return May{Decide: ok(auth.Decide), Deploy: ok(auth.Deploy), Machines: ok(auth.ManageMachines), Labels: ok(auth.ManageLabels), Tokens: ok(auth.ManageTokens), Feeds: ok(auth.ManageFeeds), Audit: ok(auth.ReadAudit)}
}

// frame reads what every page shows: who waits, what alarms, and how old the vendors' word is.
func (c *console) frame(v *visit, nav string, title phrase.Phrase) (Frame, error) {
	f := Frame{Title: title, User: v.caller.Name, May: c.may(v.caller), Here: v.here()}
	if v.caller.Name == "" {
		return f, nil
	}
	pending, err := c.Records.ListMachines(v.ctx, patch.MachineFilter{State: patch.Pending})
	if err != nil {
		return f, err
	}
	alarms, err := c.Records.ListAlarms(v.ctx, true)
	if err != nil {
		return f, err
	}
	feeds, err := c.Records.ListFeeds(v.ctx)
	if err != nil {
		return f, err
	}
	f.Pending, f.Alarms, f.Dated = len(pending), len(alarms), oldestGood(feeds)
	f.Rail = c.rail(v, nav, f)
	return f, nil
}

// oldestGood is the end of the oldest among the feeds' newest good runs: the least fresh part of what the appliance knows.
func oldestGood(feeds []patch.FeedStatus) time.Time {
	var t time.Time
	for _, f := range feeds {
		if f.LastGood == nil {
			return time.Time{}
		}
		if t.IsZero() || f.LastGood.Ended.Before(t) {
			t = f.LastGood.Ended
		}
	}
	return t
}

// faultPage is the one error page: what happened, why, what to do.
type faultPage struct {
	Status        int
	What, Why, Do phrase.Phrase
}

func faultOf(err error) faultPage {
	p := faultPage{Status: wire.StatusOf(patch.KindOf(err))}
	var e *patch.Error
	if p.Status == http.StatusInternalServerError || !errors.As(err, &e) {
		p.What, p.Why = "The appliance could not do this", "It is a fault of the appliance's own; its log has the details."
		p.Do = "Try again. If it stays, look at the log of fettle serve."
		return p
	}
	p.What, p.Why, p.Do = e.What, e.Why, e.Do
	if p.Why == "" && e.Err != nil {
		p.Why = patch.Said(e.Err)
	}
	return p
}

func (c *console) fail(v *visit, err error) {
	if patch.KindOf(err) == patch.Unauthenticated {
		c.askToSignIn(v)
		return
	}
	p := faultOf(err)
	if p.Status == http.StatusInternalServerError {
		c.Log.ErrorContext(v.ctx, "console request failed", "method", v.r.Method, "path", v.r.URL.Path, "error", err)
	}
	f, frameErr := c.frame(v, "", p.What)
	if frameErr != nil {
		f = Frame{Title: p.What}
	}
	part := "layout"
	if v.partial() {
		part = "fault"
	}
	if err := c.write(v, p.Status, "error", part, view[faultPage]{Frame: f, Body: p}); err != nil {
		c.Log.ErrorContext(v.ctx, "error page failed", "error", err)
		http.Error(v.w, p.What.String(), p.Status)
	}
}

// askToSignIn sends a reader to the sign-in page and back afterwards; a form that was sent waits there, and is not carried out by itself.
func (c *console) askToSignIn(v *visit) {
	next := "/sign-in"
	if v.r.Method == http.MethodGet && v.r.URL.Path != "/" {
		next += "?next=" + url.QueryEscape(v.r.URL.RequestURI())
	}
	if v.partial() {
		if at, err := url.Parse(v.r.Header.Get("HX-Current-URL")); err == nil && at.Path != "" {
			next = "/sign-in?next=" + url.QueryEscape(at.RequestURI())
		}
		v.w.Header().Set("HX-Redirect", next)
		v.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if kept := keptOf(v.r); kept.Path != "" {
		form := signInForm{Kept: kept, What: "Your session has ended", Why: "What you typed is kept until you have signed in; nothing was done yet."}
		if err := c.door(v, http.StatusUnauthorized, form); err == nil {
			return
		}
	}
	http.Redirect(v.w, v.r, next, http.StatusSeeOther)
}

// foreign answers a form that another site sent.
func (c *console) foreign(w http.ResponseWriter, r *http.Request) {
	v := &visit{w: w, r: r, ctx: r.Context(), lang: c.tongue(r)}
	c.fail(v, &patch.Error{Kind: patch.Forbidden, What: "this form was sent by another site", Why: "the console takes changes from its own pages only", Do: "Open the console itself and do it there."})
}

func (c *console) nowhere(v *visit) error {
	if v.caller.Name == "" {
		return patch.Errorf(patch.Unauthenticated, "nobody is signed in")
	}
	return &patch.Error{Kind: patch.NotFound, What: "there is no page at this address", Why: phrase.Of("{1} {2} is not one of the console's", v.r.Method, v.r.URL.Path), Do: "Use the search, or go back to Home."}
}
