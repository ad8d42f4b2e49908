package api

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Change is a long piece of work that somebody asked for: its id is given at once (202), its progress can be watched.
type Change struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`  // "catalog.sync"
	State   string    `json:"state"` // "running", "done", "failed"
	By      string    `json:"by"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Text    string    `json:"text,omitempty"` // how it ended, for a person
	Parts   []Part    `json:"parts"`
	Version int       `json:"version"` // increases with every step; ask for a newer one with ?after=
}

// Part is one thing of several that a change works on.
type Part struct {
	Name  string `json:"name"`
	State string `json:"state"` // "waiting", "running", "done", "failed" or a stage's own word
	Done  int64  `json:"done"`
	Total int64  `json:"total"` // 0 while unknown
	Text  string `json:"text,omitempty"`
}

// Changes keeps the changes of this run of the appliance; what they achieved is in the stages' own records.
// Make it with NewChanges. Its methods may be called from any goroutine.
type Changes struct {
	mu     sync.Mutex
	list   []*Change
	wakers map[chan struct{}]struct{}
	now    func() time.Time
	id     func() string
}

const keptChanges = 100

// NewChanges makes an empty list; id gives unique ids.
func NewChanges(now func() time.Time, id func() string) *Changes {
	return &Changes{wakers: map[chan struct{}]struct{}{}, now: now, id: id}
}

// Begin notes a new change, or gives the one of the same kind that still runs (joined is true).
func (c *Changes) Begin(kind, by string) (change Change, joined bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.list {
		if x.Kind == kind && x.State == "running" {
			return x.copy(), true
		}
	}
	x := &Change{ID: c.id(), Kind: kind, State: "running", By: by, Started: c.now().UTC(), Parts: []Part{}, Version: 1}
	c.list = append(c.list, x)
	if len(c.list) > keptChanges {
		c.list = slices.Delete(c.list, 0, len(c.list)-keptChanges)
	}
	return x.copy(), false
}

// Step sets one part of a running change.
func (c *Changes) Step(id string, p Part) {
	c.update(id, func(x *Change) {
		i := slices.IndexFunc(x.Parts, func(q Part) bool { return q.Name == p.Name })
		if i < 0 {
			x.Parts = append(x.Parts, p)
			return
		}
		x.Parts[i] = p
	})
}

// End closes a change; err is nil when all of it worked.
func (c *Changes) End(id, text string, err error) {
	c.update(id, func(x *Change) {
		x.State, x.Text, x.Ended = "done", text, c.now().UTC()
		if err != nil {
			x.State = "failed"
			x.Text = joinNonEmpty(text, err.Error())
		}
	})
}

func (c *Changes) update(id string, f func(*Change)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.list {
		if x.ID == id {
			f(x)
			x.Version++
		}
	}
	for w := range c.wakers {
		close(w)
		delete(c.wakers, w)
	}
}

// Find gives a change; one that is newer than version after, waiting for it until ctx ends.
func (c *Changes) Find(ctx context.Context, id string, after int) (Change, error) {
	for {
		x, wake, err := c.look(id, after)
		if err != nil || wake == nil {
			return x, err
		}
		select {
		case <-ctx.Done():
			c.mu.Lock()
			delete(c.wakers, wake)
			c.mu.Unlock()
			return x, nil
		case <-wake:
		}
	}
}

func (c *Changes) look(id string, after int) (Change, chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.list {
		if x.ID != id {
			continue
		}
		if x.Version > after || x.State != "running" {
			return x.copy(), nil, nil
		}
		wake := make(chan struct{})
		c.wakers[wake] = struct{}{}
		return x.copy(), wake, nil
	}
	return Change{}, nil, &patch.Error{Kind: patch.NotFound, What: phrase.Of("no change is called {1}", id), Why: "changes are forgotten when the appliance restarts"}
}

func (c *Change) copy() Change {
	x := *c
	x.Parts = slices.Clone(c.Parts)
	return x
}
