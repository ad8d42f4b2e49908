package api

import (
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// buckets is a set of token buckets, one per key (a machine, an address). Keys that are full again are forgotten.
type buckets struct {
	mu    sync.Mutex
	size  float64 // tokens a full bucket holds
	rate  float64 // tokens a second
	keys  map[string]bucket
	limit int // keys kept at most; beyond it new keys are refused until old ones refill
	now   func() time.Time
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newBuckets(size, perSecond float64, keys int, now func() time.Time) *buckets {
	return &buckets{size: size, rate: perSecond, keys: map[string]bucket{}, limit: keys, now: now}
}

// take uses n tokens of key, or says how long to wait for them.
func (b *buckets) take(key string, n float64) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	cur, known := b.keys[key]
	if !known {
		if len(b.keys) >= b.limit && !b.forgetFull(now) {
			return tooMany(10 * time.Second)
		}
		cur = bucket{tokens: b.size, at: now}
	}
	cur = b.refilled(cur, now)
	n = min(n, b.size)
	if cur.tokens < n {
		b.keys[key] = cur
		return tooMany(time.Duration((n - cur.tokens) / b.rate * float64(time.Second)))
	}
	cur.tokens -= n
	b.keys[key] = cur
	return nil
}

// giveBack returns one token: the request turned out to be a welcome one.
func (b *buckets) giveBack(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c, known := b.keys[key]; known {
		c.tokens = min(b.size, c.tokens+1)
		b.keys[key] = c
	}
}

func (b *buckets) refilled(c bucket, now time.Time) bucket {
	if passed := now.Sub(c.at).Seconds(); passed > 0 {
		c.tokens = min(b.size, c.tokens+passed*b.rate)
	}
	c.at = now
	return c
}

func (b *buckets) forgetFull(now time.Time) bool {
	for k, c := range b.keys {
		if b.refilled(c, now).tokens >= b.size {
			delete(b.keys, k)
		}
	}
	return len(b.keys) < b.limit
}

func tooMany(after time.Duration) error {
	return retryAfter{
		error: &patch.Error{Kind: patch.Exhausted, What: "too many requests", Why: "this caller has used up its share for now", Do: "Wait as long as Retry-After says."},
		after: after,
	}
}

// class orders the agents' work when the appliance is overloaded: the first are turned away last.
type class uint8

const (
	classResults class = iota
	classCheckin
	classInventory
	classPayload
	classPoll // waits, does not work: bounded by its own count only
)

// turnstile bounds how many requests are worked on at once. A class may enter only while less than its share is in use.
type turnstile struct {
	mu    sync.Mutex
	inUse int
	size  int
	polls int
}

// shares are the parts of the turnstile, in percent, that may be in use when a class enters.
var shares = [...]int{classResults: 100, classCheckin: 85, classInventory: 65, classPayload: 50}

const maxPolls = 200_000

func (t *turnstile) enter(c class) (leave func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	count, room := &t.inUse, maxPolls
	if c == classPoll {
		count = &t.polls
	} else {
		room = max(1, t.size*shares[c]/100)
	}
	if *count >= room {
		return nil, retryAfter{
			error: &patch.Error{Kind: patch.Unavailable, What: "the appliance is busy", Do: "Wait as long as Retry-After says."},
			after: 20 * time.Second,
		}
	}
	*count++
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		*count--
	}, nil
}
