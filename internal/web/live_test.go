package web

import (
	"bufio"
	"context"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func TestAPageIsToldWhatChanged(t *testing.T) {
	w := fleet()
	w.heard = [][]patch.Topic{{patch.TopicRings}, nil}
	got := ask(w.open(t), http.MethodGet, "/live?topic=rings&topic=deployments", nil)
	if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "text/event-stream" || !got.Flushed {
		t.Fatalf("%d %v", got.Code, got.Header())
	}
	if want := "retry: 5000\n\ndata: rings\n\ndata: rings\n\ndata: deployments\n\n"; got.Body.String() != want {
		t.Errorf("%q, not %q", got.Body, want)
	}
	if w.onlooked == 0 {
		t.Error("an open page keeps its reader signed in for ever")
	}
}

func TestOnlyTopicsThatAreListedAreListenedTo(t *testing.T) {
	h := fleet().open(t)
	for _, q := range []string{"", "?topic=", "?topic=secrets", "?topic=rings&topic=%0aevent:x"} {
		if got := ask(h, http.MethodGet, "/live"+q, nil); got.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", q, got.Code)
		}
	}
}

func TestAListenerWhoIsSignedOutHearsNoMore(t *testing.T) {
	w := fleet()
	w.heard = [][]patch.Topic{{patch.TopicRings}, {patch.TopicRings}}
	w.left = 1
	got := ask(w.open(t), http.MethodGet, "/live?topic=rings", nil).Body.String()
	if !strings.HasSuffix(got, "\n\nevent: end\ndata: signed out\n\n") || strings.Contains(got, "data: rings") {
		t.Errorf("%q", got)
	}
}

func TestListenersAreBounded(t *testing.T) {
	var s seats
	for range seatsEach {
		if !s.take("a") {
			t.Fatal("a place is refused that is free")
		}
	}
	if s.take("a") || !s.take("b") {
		t.Error("the bound is not each person's own")
	}
	s.leave("a")
	if !s.take("a") {
		t.Error("a place that was left is not free")
	}
	for i := 0; s.take(string(rune(0x4e00 + i))); i++ {
		if i > seatsAll {
			t.Fatal("there is no bound over all")
		}
	}
	if s.all != seatsAll {
		t.Errorf("%d places", s.all)
	}
	c := &console{Config: fleet().config(), tongues: []tongue{{Language: phrase.English}}}
	c.seats.all = seatsAll
	h := c.mount([]route{{"GET", "/live", auth.Read, func(v *visit) error {
		if err := c.live(v); patch.KindOf(err) != patch.Unavailable {
			t.Errorf("one too many: %v", err)
		}
		return nil
	}}})
	ask(h, http.MethodGet, "/live?topic=rings", nil)
}

func TestWhatChangedIsToldAtOnceThroughAllThatIsInBetween(t *testing.T) {
	w := fleet()
	more := make(chan []patch.Topic)
	cfg := w.config()
	cfg.Listen = func(ctx context.Context, _ []patch.Topic, _ time.Duration) iter.Seq[[]patch.Topic] {
		return func(yield func([]patch.Topic) bool) {
			for {
				select {
				case topics := <-more:
					yield(topics)
				case <-ctx.Done():
					return
				}
			}
		}
	}
	h, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewTLSServer(h)
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/live?topic=rings", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip, zstd")
	r.AddCookie(&http.Cookie{Name: auth.CookieName, Value: goodSecret})
	got, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	lines := bufio.NewScanner(got.Body)
	for range 3 {
		more <- []patch.Topic{patch.TopicRings}
		for lines.Scan() && lines.Text() != "data: rings" {
		}
		if lines.Err() != nil {
			t.Fatal(lines.Err())
		}
	}
}

func TestAttemptsAreResetWithOneClick(t *testing.T) {
	w := fleet()
	w.explained.Answer.Closed = &gate.Gate{Name: gate.Attempts, Code: gate.CodeOutOf, State: gate.Closed}
	w.explained.Attempts = []patch.Attempt{{Deployment: "d"}}
	h := w.open(t)
	page := ask(h, http.MethodGet, explainURL(w.machines[0].ID, w.patches[0].Patch.ID), nil).Body.String()
	if !strings.Contains(page, `action="/attempts/reset"`) || !strings.Contains(page, "Give it new attempts") {
		t.Error("the explanation offers no new attempts")
	}
	got := ask(h, http.MethodPost, "/attempts/reset", url.Values{"of": {"m-1 bookworm/perl/5"}})
	if got.Code != http.StatusSeeOther || len(w.resets) != 1 || w.resets[0].Machine != "m-1" || w.resets[0].Patch != "bookworm/perl/5" || w.resets[0].Why == "" {
		t.Errorf("%d %+v", got.Code, w.resets)
	}
}
