package web

import (
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// A part of a page that shows what moves carries hx-get with its own address, hx-trigger="live" and data-topic with the topics it depends
// on, separated by spaces. The browser listens at /live for these topics and has the part fetched again when one of them changed. What
// is told are names of topics only; the part is read, and the reader's permission looked at, like any page. Where scripts are off or
// connections are used up, a page is as old as it was read.

// liveHeader marks what a page fetches by itself; console.js sets it.
const liveHeader = "Fettle-Live"

const (
	liveQuiet    = 15 * time.Second // a listener is told to look again after so long, whatever was heard: other appliances change things too
	livePatience = 20 * time.Second // a browser that takes nothing for so long is gone
	seatsEach    = 12
	seatsAll     = 400
)

// livePermission is what listening for a topic needs; a topic that is not in it is none.
func livePermission(t patch.Topic) auth.Permission {
	switch t {
	case patch.TopicMachines, patch.TopicDeployments, patch.TopicRings, patch.TopicDecisions, patch.TopicCatalog:
		return auth.Read
	}
	return ""
}

// live tells a page which of its topics have changed, for as long as it is open and its reader is signed in.
func (c *console) live(v *visit) error {
	topics, err := liveTopics(v)
	if err != nil {
		return err
	}
	if !c.seats.take(v.caller.Name) {
		v.w.Header().Set("Retry-After", "60")
		return &patch.Error{Kind: patch.Unavailable, What: "too many pages listen for changes", Why: phrase.Format("one person may have %d, all together %d", seatsEach, seatsAll), Do: "Close some, or reload them by hand."}
	}
	defer c.seats.leave(v.caller.Name)
	v.w.Header().Set("Content-Type", "text/event-stream")
	v.w.Header().Set("X-Accel-Buffering", "no") // a proxy in front passes each event on
	out := http.NewResponseController(v.w)
	defer func() { _ = out.SetWriteDeadline(time.Time{}) }() // the connection may carry other pages afterwards
	if err := say(v, out, "retry: 5000\n\n"); err != nil {
		return nil //nolint:nilerr // the browser has gone
	}
	for heard := range c.Listen(v.ctx, topics, liveQuiet) {
		if len(heard) == 0 {
			heard = topics
		}
		text := ""
		for _, t := range heard {
			text += "data: " + string(t) + "\n\n"
		}
		if c.admit(&visit{r: v.r, ctx: v.ctx}, auth.Read) != nil {
			text = "event: end\ndata: signed out\n\n"
		}
		if say(v, out, text) != nil || text[0] == 'e' {
			return nil
		}
	}
	return nil
}

func liveTopics(v *visit) ([]patch.Topic, error) {
	var topics []patch.Topic
	for _, s := range v.r.URL.Query()["topic"] {
		t := patch.Topic(s)
		p := livePermission(t)
		if p == "" {
			return nil, patch.Errorf(patch.Invalid, "there is no topic %q", s)
		}
		if err := auth.Allow(v.caller, p); err != nil {
			return nil, err
		}
		if !slices.Contains(topics, t) {
			topics = append(topics, t)
		}
	}
	if len(topics) == 0 {
		return nil, patch.Errorf(patch.Invalid, "no topic is named")
	}
	return topics, nil
}

// say sends text now. A writer that knows no deadlines has none.
func say(v *visit, out *http.ResponseController, text string) error {
	_ = out.SetWriteDeadline(time.Now().Add(livePatience))
	if _, err := v.w.Write([]byte(text)); err != nil {
		return err
	}
	return out.Flush()
}

// seats counts who listens. The zero value is empty.
type seats struct {
	mu    sync.Mutex
	all   int
	taken map[string]int
}

func (s *seats) take(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= seatsAll || s.taken[name] >= seatsEach {
		return false
	}
	if s.taken == nil {
		s.taken = map[string]int{}
	}
	s.all++
	s.taken[name]++
	return true
}

func (s *seats) leave(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.taken[name]--; s.taken[name] == 0 {
		delete(s.taken, name)
	}
}
