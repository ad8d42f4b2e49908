package agent

import (
	"context"
	"sync"
	"time"
)

// outage is what all loops of an agent know together about an appliance that does not answer. The zero value is one that does.
type outage struct {
	mu    sync.Mutex
	since time.Time
	over  chan struct{} // closed at the end
}

// soon is how long an outage is met with quick tries. A fleet that went on with them would come back as one.
const soon = time.Minute

// failed notes a try that failed and gives how long the appliance has been away.
func (o *outage) failed(now time.Time) time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.since.IsZero() {
		o.since = now
	}
	return now.Sub(o.since)
}

// ended notes that the appliance answered, and lets everybody try who waits.
func (o *outage) ended() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.since = time.Time{}
	if o.over != nil {
		close(o.over)
		o.over = nil
	}
}

// wait waits for d, or for the end of the outage.
func (o *outage) wait(ctx context.Context, d time.Duration) error {
	o.mu.Lock()
	if o.over == nil {
		o.over = make(chan struct{})
	}
	over := o.over
	o.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-over:
	case <-t.C:
	}
	return nil
}
