package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Route is one row of a route table. A row without a permission does not mount, a mutation without an audit action fails a test.
type Route struct {
	Pattern    string          // "GET /api/v1/machines/{machine}"
	Permission auth.Permission // what the caller must be allowed to do
	Audit      string          // the audit log's action, for rows that change something
	Limit      int64           // bytes of the request's body; 0: bodyLimit
	Class      class           // who is turned away first when the appliance is overloaded
	Handle     func(*call) (any, error)
}

const bodyLimit = 1 << 20

// surface is what both listeners share: logging, ids, jitter.
type surface struct {
	log    *slog.Logger
	random func() float64
	newID  func() string
}

// call is one request with its caller known.
type call struct {
	*http.Request
	w       http.ResponseWriter
	caller  patch.Caller
	secret  string        // the session's secret, for signing out
	machine patch.Machine // on the agent listener
}

// outcome is a handler's answer where it is not plain 200 with a body.
type outcome struct {
	status int
	body   any
}

// written says that the handler has written its answer itself.
type written struct{}

// run calls a row's handler and writes what it gives.
func (s *surface) run(row Route, c *call) {
	v, err := row.Handle(c)
	if err != nil {
		s.answerFault(c.w, c.Request, err)
		return
	}
	switch v := v.(type) {
	case written:
	case outcome:
		answer(c.w, v.status, v.body)
	case nil:
		answer(c.w, http.StatusNoContent, nil)
	default:
		answer(c.w, http.StatusOK, v)
	}
}

type requestIDKey struct{}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// guard wraps a whole listener: request ids, security headers, a recovered panic becomes a logged 500.
func (s *surface) guard(next http.Handler) http.Handler {
	always := http.Header{
		"X-Content-Type-Options":    {"nosniff"},
		"Referrer-Policy":           {"no-referrer"},
		"Cache-Control":             {"no-store"},
		"Content-Security-Policy":   {"default-src 'none'; frame-ancestors 'none'"},
		"Strict-Transport-Security": {"max-age=31536000"},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stretch(0)
		id := s.newID()
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		maps.Copy(w.Header(), always) // nobody writes into the values
		started := time.Now()
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.log.ErrorContext(r.Context(), "handler panicked", slog.String("request", id), slog.String("path", r.URL.Path), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
				s.answerFault(w, r, patch.Errorf(patch.Internal, "a handler panicked"))
			}
			s.log.LogAttrs(r.Context(), slog.LevelDebug, "request", slog.String("request", id), slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Duration("took", time.Since(started)))
		}()
		next.ServeHTTP(w, r)
	})
}

// stretch has the stack of a request's own goroutine grow at once, while little is on it. On the way down to the storage it would be copied again and
// again, each time with more on it.
//
//go:noinline
func stretch(at int) byte {
	var room [10 << 10]byte
	return room[at]
}

// nowhere answers for every path that no row has.
func (s *surface) nowhere(w http.ResponseWriter, r *http.Request) {
	s.answerFault(w, r, &patch.Error{Kind: patch.NotFound, What: phrase.Of("there is nothing at {1} {2}", r.Method, r.URL.Path)})
}

// decode reads the body as exactly one JSON value without unknown fields.
func decode[T any](c *call) (T, error) {
	var v T
	if t, _, err := mime.ParseMediaType(c.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return v, &patch.Error{Kind: patch.Invalid, What: "cannot read the request", Why: "its Content-Type is not application/json"}
	}
	d := json.NewDecoder(c.Body)
	d.DisallowUnknownFields()
	return v, decodeOne(d, &v)
}

func decodeOne(d *json.Decoder, v any) error {
	err := d.Decode(v)
	if err == nil {
		if _, end := d.Token(); end != io.EOF {
			err = errors.New("something follows the JSON value")
		}
	}
	var tooLarge *http.MaxBytesError
	if err == nil || errors.As(err, &tooLarge) {
		return err
	}
	return &patch.Error{Kind: patch.Invalid, What: "cannot read the request", Why: patch.Said(err)}
}

func (c *call) text(name string) string { return c.URL.Query().Get(name) }

// list reads a parameter that may be repeated or comma-separated.
func list[T ~string](c *call, name string) []T {
	var out []T
	for _, v := range c.URL.Query()[name] {
		for p := range strings.SplitSeq(v, ",") {
			if p = strings.TrimSpace(p); p != "" {
				out = append(out, T(p))
			}
		}
	}
	return out
}

// number reads a whole number from 0 to most; a missing one is otherwise.
func (c *call) number(name string, otherwise, most int) (int, error) {
	s := c.text(name)
	if s == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > most {
		return 0, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use {1}={2}", name, s), Why: phrase.Of("it must be a whole number from 0 to {1}", strconv.Itoa(most))}
	}
	return n, nil
}

func (c *call) flag(name string) bool {
	v, _ := strconv.ParseBool(c.text(name))
	return v
}

func (c *call) moment(name string) (time.Time, error) {
	s := c.text(name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use {1}={2}", name, s), Why: "it must be a time such as 2026-11-22T18:00:00Z"}
	}
	return t, nil
}

// List is the shape of every list that the people API gives: one page and the number of all.
type List[T any] struct {
	Items []T `json:"items"`
	Total int `json:"total"`
}

func listOf[T any](items []T) List[T] {
	if items == nil {
		items = []T{}
	}
	return List[T]{Items: items, Total: len(items)}
}

// WriteJSON writes the list as json.Marshal would, item by item.
func (l List[T]) WriteJSON(to io.Writer) error {
	return writeItems(to, l, List[T]{Total: l.Total}, l.Items)
}

// manyItems are worth writing one by one; a page is written sooner as a whole, unless they know how to write themselves.
const manyItems = 1000

// writeItems writes a struct with some items, whose frame is the same without them.
func writeItems[T any](to io.Writer, whole, frame any, items []T) error {
	_, quick := any(new(T)).(patch.Appender)
	if len(items) == 0 || len(items) < manyItems && !quick {
		return json.NewEncoder(to).Encode(whole)
	}
	err := patch.WriteWithout(to, frame, "items", func(yield func(any) bool) {
		for i := range items {
			if !yield(&items[i]) {
				return
			}
		}
	})
	if err == nil {
		_, err = io.WriteString(to, "\n") // as behind every other answer
	}
	return err
}

// paging is which page of a list is wanted: limit 0 is all that follow.
func paging(c *call) (limit, offset int, err error) {
	if limit, err = c.number("limit", 0, 1_000_000); err != nil {
		return 0, 0, err
	}
	offset, err = c.number("offset", 0, 1_000_000_000)
	return limit, offset, err
}

// page cuts a list that is already in memory.
func page[T any](c *call, items []T) (List[T], error) {
	limit, offset, err := paging(c)
	if err != nil {
		return List[T]{}, err
	}
	l := listOf(items)
	l.Items = l.Items[min(offset, len(l.Items)):]
	if limit > 0 {
		l.Items = l.Items[:min(limit, len(l.Items))]
	}
	return l, nil
}
