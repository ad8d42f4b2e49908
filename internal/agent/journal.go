package agent

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// event is one line of the journal. Exactly one of its parts is set.
type event struct {
	At     time.Time    `json:"at"`
	Begin  *beginning   `json:"begin,omitempty"`
	Order  *wire.Order  `json:"order,omitempty"`
	Intent *intent      `json:"intent,omitempty"`
	Result *wire.Result `json:"result,omitempty"`
	Hook   *hookRun     `json:"hook,omitempty"` // of the newest order
	Ack    uint64       `json:"ack,omitempty"`
	Closed string       `json:"closed,omitempty"` // an order whose closing snapshot is durable
}

// beginning carries over what a journal that was rewritten must not forget.
type beginning struct {
	Seq    uint64 `json:"seq"`
	Number uint64 `json:"number"`
}

// intent is written before the package manager is started: all that may change, and every attempt that this is part of.
type intent struct {
	host.Transaction
	Attempts []string `json:"attempts"`
}

// course is one order and how far it is.
type course struct {
	Order   wire.Order
	Intents []intent
	Hooks   []hookRun
	Told    bool                   // how the hooks went
	Last    map[string]wire.Result // newest result by attempt
	Closed  bool
}

func (c *course) take(r wire.Result) {
	if r.Adds {
		c.Told = true
		return
	}
	c.Last[r.Attempt] = r
}

// outcome gives an attempt's final result, if it has one.
func (c *course) outcome(attempt string) (wire.Result, bool) {
	r, ok := c.Last[attempt]
	return r, ok && r.State.Ended()
}

// failed gives how an attempt failed that has no outcome yet, because its repair had to wait; nil for all others.
func (c *course) failed(attempt string) *host.Failure {
	r, ok := c.Last[attempt]
	if !ok || r.State.Ended() || r.Cause == "" {
		return nil
	}
	return &host.Failure{Cause: r.Cause, Text: r.Text, Log: r.Log}
}

func (c *course) has(attempt string) bool {
	return slices.ContainsFunc(c.Order.Items, func(i wire.OrderItem) bool { return i.Attempt == attempt })
}

// journal is the agent's memory of what it was told to do, is about to do and has done. Each event is durable before append returns.
// It is safe for concurrent use.
type journal struct {
	mu      sync.Mutex
	f       File
	size    int64
	now     func() time.Time
	number  uint64 // of the newest order
	seq     uint64 // of the newest result
	acked   uint64
	pending []wire.Result
	told    []wire.Result // acknowledged ones, until the journal is rewritten
	last    *course       // newest order, open or closed
	grown   chan struct{}
	failed  error // set by the first write that failed; nothing is written after it
	disk    Disk
	trouble func(step string) error
}

// apply takes one event into memory.
func (j *journal) apply(e event) error {
	switch {
	case e.Begin != nil:
		j.seq, j.acked, j.number = e.Begin.Seq, e.Begin.Seq, e.Begin.Number
	case e.Order != nil:
		j.number = e.Order.Number
		j.last = &course{Order: *e.Order, Last: map[string]wire.Result{}}
	case e.Intent != nil && j.last != nil:
		j.last.Intents = append(j.last.Intents, *e.Intent)
	case e.Hook != nil && j.last != nil:
		j.last.Hooks = append(j.last.Hooks, *e.Hook)
	case e.Result != nil:
		if e.Result.Seq != j.seq+1 {
			return patch.Errorf(patch.Internal, "the journal jumps from result %d to %d", j.seq, e.Result.Seq)
		}
		j.seq = e.Result.Seq
		j.pending = append(j.pending, *e.Result)
		if j.last != nil && e.Result.Order == j.last.Order.ID {
			j.last.take(*e.Result)
		}
	case e.Ack != 0:
		j.forget(e.Ack)
	case e.Closed != "":
		if j.last != nil && j.last.Order.ID == e.Closed {
			j.last.Closed = true
		}
	default:
		return patch.Errorf(patch.Internal, "the journal has an event of no known kind")
	}
	return nil
}

func (j *journal) forget(ack uint64) {
	j.acked = max(j.acked, ack)
	j.seq = max(j.seq, ack)
	for len(j.pending) > 0 && j.pending[0].Seq <= ack {
		j.told = append(j.told, j.pending[0])
		j.pending = j.pending[1:]
	}
}

// append makes one event durable and then takes it into memory.
func (j *journal) append(e event) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.appendLocked(e)
}

func (j *journal) appendLocked(e event) error {
	if j.failed != nil {
		return j.failed
	}
	e.At = j.now().UTC()
	if e.Result != nil {
		e.Result.Seq = j.seq + 1
	}
	b, err := json.Marshal(e)
	if err != nil {
		return patch.Errorf(patch.Internal, "cannot encode a journal event: %w", err)
	}
	line := journalLine(b)
	if err := j.write(line); err != nil {
		return err
	}
	j.size += int64(len(line))
	if err := j.apply(e); err != nil {
		return err
	}
	if e.Result != nil {
		select {
		case j.grown <- struct{}{}:
		default:
		}
	}
	return nil
}

// write puts a line at the end. When there is no room, the journal is cut back to its last whole line and stays usable. After a failed
// fsync nobody knows what is on the disk, so nothing more is written: the agent stops and reads the journal afresh.
func (j *journal) write(line []byte) error {
	if err := j.step("write"); err != nil {
		return err
	}
	if _, err := j.f.WriteAt(line, j.size); err != nil {
		if cut := j.f.Truncate(j.size); cut != nil {
			j.failed = patch.Errorf(patch.Internal, "cannot write the journal: %w", cut)
		}
		return &patch.Error{Kind: patch.Unavailable, What: "cannot write the journal", Err: err, Do: "Make room on the agent's disk."}
	}
	if err := j.step("sync"); err != nil {
		return err
	}
	if err := j.f.Sync(); err != nil {
		j.failed = patch.Errorf(patch.Internal, "cannot make the journal durable: %w", err)
		return j.failed
	}
	return j.step("written")
}

// step lets a test end the agent here.
func (j *journal) step(name string) error {
	if j.trouble == nil {
		return nil
	}
	return j.trouble(name)
}

// untold says whether the appliance has not acknowledged yet what became of one of an order's attempts. It cannot have known, then, that it was made, where
// the detect that followed came before the results.
func (j *journal) untold(o wire.Order) bool {
	return slices.ContainsFunc(j.pending, func(r wire.Result) bool {
		return slices.ContainsFunc(o.Items, func(i wire.OrderItem) bool { return i.Attempt == r.Attempt })
	})
}

// errUntold is why an order is not taken yet.
var errUntold = patch.Errorf(patch.Unavailable, "the appliance has not heard yet what became of the order before")

// begin takes a new order. Its number must be above every number seen, and it must have been made by one who knows what became of its attempts.
func (j *journal) begin(o wire.Order) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if o.Number <= j.number {
		return patch.Errorf(patch.Conflict, "order number %d is not above %d, the newest one this machine has taken", o.Number, j.number)
	}
	if j.untold(o) {
		return errUntold
	}
	return j.appendLocked(event{Order: &o})
}

func (j *journal) intend(in intent) error { return j.append(event{Intent: &in}) }

func (j *journal) report(r wire.Result) error {
	_, err := j.reportOpen(r)
	return err
}

// reportOpen writes a line about an attempt of the newest order and says whether it did: after an outcome nothing is said but what adds to it. An attempt may
// have been taken back a moment ago.
func (j *journal) reportOpen(r wire.Result) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if c := j.last; c != nil && c.Order.ID == r.Order && !r.Adds {
		if _, ended := c.outcome(r.Attempt); ended {
			return false, nil
		}
	}
	return true, j.appendLocked(event{Result: &r})
}

// withdraw reports that an attempt of the newest order will not be made, unless it has begun or ended.
func (j *journal) withdraw(r wire.Result) (bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.last
	if c == nil || c.Closed || c.Order.ID != r.Order || c.Last[r.Attempt].State == patch.ExecInstalling || !c.has(r.Attempt) {
		return false, nil
	}
	if _, ended := c.outcome(r.Attempt); ended {
		return false, nil
	}
	for _, in := range c.Intents {
		if slices.Contains(in.Attempts, r.Attempt) {
			return false, nil
		}
	}
	return true, j.appendLocked(event{Result: &r})
}
func (j *journal) finish(orderID string) error { return j.append(event{Closed: orderID}) }
func (j *journal) position() (seq, last uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq, j.number
}

// acknowledge drops results that the appliance has made durable. An acknowledgement beyond our newest result means that the journal was
// lost: counting goes on above it, because the appliance ignores what it has seen.
func (j *journal) acknowledge(ack uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if ack <= j.acked {
		return nil
	}
	return j.appendLocked(event{Ack: ack})
}

// acknowledged is the newest result that the appliance has made durable, as far as it has said.
func (j *journal) acknowledged() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.acked
}

// again has results sent once more that come after ack and were acknowledged before: an appliance that was restored from a backup has forgotten
// them. It gives how many. What a rewritten journal has forgotten itself is lost.
func (j *journal) again(ack uint64) int {
	j.mu.Lock()
	defer j.mu.Unlock()
	i := slices.IndexFunc(j.told, func(r wire.Result) bool { return r.Seq > ack })
	if i < 0 {
		return 0
	}
	lost := slices.Clone(j.told[i:])
	j.told, j.pending, j.acked = j.told[:i:i], append(lost, j.pending...), lost[0].Seq-1
	select {
	case j.grown <- struct{}{}:
	default:
	}
	return len(lost)
}

// unsent gives the oldest results that are not acknowledged yet.
func (j *journal) unsent(limit int) []wire.Result {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(limit, len(j.pending))
	return append([]wire.Result{}, j.pending[:n]...)
}

// newest gives a copy of the newest order's course; nil where there never was one.
func (j *journal) newest() *course {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.last == nil {
		return nil
	}
	c := *j.last
	c.Last = make(map[string]wire.Result, len(j.last.Last))
	for k, v := range j.last.Last {
		c.Last[k] = v
	}
	return &c
}

// unfinished says whether the newest order waits to be brought to its end.
func (j *journal) unfinished() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last != nil && !j.last.Closed
}

// Close releases the file.
func (j *journal) Close() error {
	if err := j.f.Close(); err != nil {
		return fmt.Errorf("cannot close the journal: %w", err)
	}
	return nil
}

// broken tells why the journal takes nothing more, if so.
func (j *journal) broken() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failed
}
