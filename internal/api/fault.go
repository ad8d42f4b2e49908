package api

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// faultOf makes the body and the status for err. Text of an Internal error stays here: the reader gets the request's id instead.
func faultOf(err error, requestID string) (wire.Fault, int) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return wire.Fault{
			Kind: patch.Invalid.String(), Error: "the request is too large",
			Why: "this path takes at most " + strconv.FormatInt(tooLarge.Limit, 10) + " bytes",
		}, http.StatusRequestEntityTooLarge
	}
	var e *patch.Error
	if !errors.As(err, &e) || e.Kind == patch.Internal {
		return wire.Fault{
			Kind: patch.Internal.String(), Error: "the appliance could not do this",
			Why: "something went wrong inside; its log has the reason under request " + requestID,
			Do:  "Try again; if it stays, look at the appliance's log.",
		}, http.StatusInternalServerError
	}
	f := wire.Fault{Kind: e.Kind.String(), Error: e.What.String(), Why: e.Why.String(), Do: e.Do.String()}
	if cause := shownCause(e); cause != "" {
		f.Why = joinNonEmpty(f.Why, cause)
	}
	return f, wire.StatusOf(e.Kind)
}

// shownCause gives the text of e's cause as far as it was written for people: a cause without a kind stays in the log.
func shownCause(e *patch.Error) string {
	var cause *patch.Error
	if e.Err == nil || e.Err.Error() == "" || !errors.As(e.Err, &cause) || cause.Kind == patch.Internal {
		return ""
	}
	return cause.Error()
}

func joinNonEmpty(a, b string) string {
	if a == "" {
		return b
	}
	return a + ": " + b
}

// retryAfter is implemented by errors that know when the same call may work.
type retryAfter struct {
	error
	after time.Duration
}

func (r retryAfter) Unwrap() error { return r.error }

// answerFault writes err as the answer and logs it if the fault is ours.
func (s *surface) answerFault(w http.ResponseWriter, r *http.Request, err error) {
	id := requestID(r.Context())
	fault, status := faultOf(err, id)
	w.Header().Set("X-Request-Id", id) // who asks about a fault names it; nobody asks about what went well
	if status == http.StatusInternalServerError {
		s.log.ErrorContext(r.Context(), "request failed", slog.String("request", id), slog.String("path", r.URL.Path), slog.Any("error", err))
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(s.retrySeconds(err)))
	}
	answer(w, status, fault)
}

// retrySeconds spreads retries: full jitter over twice the wait, so that a fleet turned away does not come back as one.
func (s *surface) retrySeconds(err error) int {
	wait := 15 * time.Second
	var r retryAfter
	if errors.As(err, &r) {
		wait = r.after
	}
	return 1 + int((wait.Seconds()+1)*2*s.random())
}

// answer writes v as JSON; nil means no body.
func answer(w http.ResponseWriter, status int, v any) {
	if v == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if p, ok := v.(interface{ WriteJSON(io.Writer) error }); ok { // of a large fleet it is hundreds of megabytes
		_ = p.WriteJSON(w)
		return
	}
	_ = json.NewEncoder(w).Encode(v) // the reader has gone away; nobody is left to tell
}
