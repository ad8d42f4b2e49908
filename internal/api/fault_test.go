package api

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

func TestEveryKindHasItsStatus(t *testing.T) {
	seen := map[int]patch.Kind{}
	for k := patch.Internal; k <= patch.Untrusted; k++ {
		status := wire.StatusOf(k)
		if (status == http.StatusInternalServerError) != (k == patch.Internal) {
			t.Errorf("%s has status %d", k, status)
		}
		if other, twice := seen[status]; twice {
			t.Errorf("%s and %s have the same status", k, other)
		}
		seen[status] = k
	}
}

func TestInternalTextStaysInside(t *testing.T) {
	for _, err := range []error{
		errors.New("secret: cannot open /var/lib/fettle/keys"),
		patch.Errorf(patch.Internal, "secret of %s", "ours"),
		&patch.Error{Kind: patch.NotFound, What: "no such thing", Err: errors.New("secret: SELECT * FROM users")},
		fmt.Errorf("secret: %w", &patch.Error{Kind: patch.Invalid, What: "no such thing"}),
	} {
		f, _ := faultOf(err, "id")
		if strings.Contains(fmt.Sprint(f), "secret") {
			t.Errorf("%v was shown as %+v", err, f)
		}
	}
}

func testSurface() *surface {
	return &surface{log: slog.New(slog.DiscardHandler), random: half, newID: func() string { return "id" }}
}

func TestPanicBecomesAnAnswer(t *testing.T) {
	s := testSurface()
	w := httptest.NewRecorder()
	s.guard(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") })).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "secret") || !strings.Contains(w.Body.String(), "request id") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

func TestRetryAfterIsJittered(t *testing.T) {
	s := testSurface()
	seen := map[string]bool{}
	for _, r := range []float64{0, 0.3, 0.9} {
		s.random = func() float64 { return r }
		w := httptest.NewRecorder()
		s.answerFault(w, httptest.NewRequest("GET", "/", nil), tooMany(20e9))
		if w.Code != http.StatusTooManyRequests {
			t.Errorf("answered %d", w.Code)
		}
		seen[w.Header().Get("Retry-After")] = true
	}
	if len(seen) != 3 {
		t.Errorf("Retry-After took the values %v", seen)
	}
}

func TestBodiesAreOneJSONValue(t *testing.T) {
	for body, ok := range map[string]bool{`{"name":"a"}`: true, `{"name":"a"}{"name":"b"}`: false, `{"nome":"a"}`: false, `{"name":`: false, ``: false, `[]`: false} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		_, err := decode[LoginRequest](&call{Request: r})
		if (err == nil) != ok || (err != nil && patch.KindOf(err) != patch.Invalid) {
			t.Errorf("%q gave %v", body, err)
		}
	}
	r := httptest.NewRequest("POST", "/", strings.NewReader(`{"name":"a"}`))
	r.Header.Set("Content-Type", "text/plain") // what a form of another site could send without asking
	if _, err := decode[LoginRequest](&call{Request: r}); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a body that is not declared as JSON gave %v", err)
	}
}

func TestUnpackRefusesBombs(t *testing.T) {
	bomb := packed(t, io.LimitReader(zeros{}, 200<<20))
	if _, err := unpack(bomb, unpackedLimit); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a bomb of %d bytes gave %v", len(bomb), err)
	}
	if _, err := unpack([]byte("no zstd"), unpackedLimit); patch.KindOf(err) != patch.Invalid {
		t.Errorf("garbage gave %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
