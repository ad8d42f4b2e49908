package bundle

import (
	"context"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// memory keeps feed generations for one run; alarms are the run's errors, so they need no keeping.
type memory struct {
	mu     sync.Mutex
	states map[string]patch.FeedState
}

func (m *memory) FindFeedState(_ context.Context, name string) (patch.FeedState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	state, ok := m.states[name]
	if !ok {
		return state, patch.Errorf(patch.NotFound, "the feed %s has no generation yet", name)
	}
	return state, nil
}

func (m *memory) PutFeedRun(_ context.Context, run patch.FeedRun, state *patch.FeedState) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if state == nil {
		return nil
	}
	if m.states == nil {
		m.states = map[string]patch.FeedState{}
	}
	m.states[run.Feed] = *state
	return nil
}

func (m *memory) RaiseAlarm(context.Context, patch.Alarm) error { return nil }

func (m *memory) ClearAlarm(context.Context, string, time.Time) error { return nil }
