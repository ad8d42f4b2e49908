package wire

import (
	"net/http"

	"github.com/fettle-project/fettle/internal/patch"
)

// StatusOf is the one table from error kind to HTTP status, for both listeners and the console.
func StatusOf(kind patch.Kind) int {
	switch kind {
	case patch.Invalid:
		return http.StatusBadRequest
	case patch.Unauthenticated:
		return http.StatusUnauthorized
	case patch.Forbidden:
		return http.StatusForbidden
	case patch.NotFound:
		return http.StatusNotFound
	case patch.Conflict:
		return http.StatusConflict
	case patch.Exhausted:
		return http.StatusTooManyRequests
	case patch.Unavailable:
		return http.StatusServiceUnavailable
	case patch.Untrusted:
		return http.StatusUnprocessableEntity
	case patch.Internal:
	}
	return http.StatusInternalServerError
}
