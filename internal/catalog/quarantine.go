package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Alarms is the storage of alarms.
type Alarms interface {
	RaiseAlarm(ctx context.Context, a patch.Alarm) error
	ClearAlarm(ctx context.Context, key string, now time.Time) error
}

// Quarantine is a revision that was built and is not published: a person has to look at it. The one in force stays.
type Quarantine struct {
	Revision patch.RevisionMeta `json:"revision"`
	InForce  patch.RevisionID   `json:"in_force"`
	At       time.Time          `json:"at"`
	Reasons  []phrase.Phrase    `json:"reasons"`
	Canary   *Canary            `json:"canary,omitempty"`
}

// Name is what a person accepts: host OS and revision, so that nothing else is taken over with it.
func (q *Quarantine) Name() string { return string(q.Revision.OS) + "/" + string(q.Revision.ID) }

func (q *Quarantine) do() phrase.Phrase {
	return phrase.Of("Look at {1}. If the change is right, publish exactly this revision with {2}. Until then the last good one stays in force.",
		fmt.Sprintf("`fettle catalog diff %s %s --os %s`", q.InForce, q.Revision.ID, q.Revision.OS), fmt.Sprintf("`fettle catalog sync --accept %s`", q.Name()))
}

// Quarantined lists what waits for a person, by host OS.
func (c *Catalog) Quarantined() []Quarantine {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := []Quarantine{}
	for _, os := range slices.Sorted(maps.Keys(c.held)) {
		all = append(all, *c.held[os])
	}
	return all
}

// examine gives the reasons against publishing, if there are any.
func (c *Catalog) examine(ctx context.Context, k *candidate, signatures []byte) (*Quarantine, error) {
	bounds := c.Bounds.orDefault()
	q := &Quarantine{Revision: k.after, InForce: k.before.ID, At: c.Now().UTC(), Reasons: k.implausible(bounds)}
	var err error
	if q.Canary, err = c.rehearse(ctx, k, signatures, bounds.Machines); err != nil {
		return nil, fmt.Errorf("cannot judge stored facts with the new revision: %w", err)
	}
	if why := q.Canary.alarming(bounds); why != "" {
		q.Reasons = append(q.Reasons, why)
	}
	if len(q.Reasons) == 0 {
		return nil, nil
	}
	return q, nil
}

func alarmKey(os patch.HostOS) string { return "catalog/" + string(os) }

// hold keeps a revision from being published, and says so. Its files are kept so that it can be looked at.
func (c *Catalog) hold(ctx context.Context, q *Quarantine, b Built) error {
	for _, file := range [][]byte{b.List, b.Signatures, b.Payloads} {
		if _, err := c.Files.PutBytes(ctx, file); err != nil {
			return err
		}
	}
	c.mu.Lock()
	if c.held == nil {
		c.held = map[patch.HostOS]*Quarantine{}
	}
	c.held[q.Revision.OS] = q
	c.mu.Unlock()
	text := phrase.Of("the new catalog of {1} is in quarantine (revision {2}): {3}", string(q.Revision.OS), string(q.Revision.ID), phrase.Join(q.Reasons, "; "))
	err := c.Store.RaiseAlarm(ctx, patch.Alarm{Key: alarmKey(q.Revision.OS), Kind: "catalog", Text: text, Do: q.do(), RaisedAt: q.At, SeenAt: q.At})
	if err != nil {
		return err
	}
	return &patch.Error{Kind: patch.Untrusted, What: text, Do: q.do()}
}

// release forgets what was held of an OS: what is in force is what the feeds say.
func (c *Catalog) release(ctx context.Context, m patch.RevisionMeta) error {
	c.mu.Lock()
	delete(c.held, m.OS)
	c.mu.Unlock()
	if err := c.Store.ClearAlarm(ctx, alarmKey(m.OS), c.Now()); err != nil {
		return err
	}
	key := "catalog-faults/" + string(m.OS)
	if m.Faults.Selves+m.Faults.Cyclic == 0 {
		return c.Store.ClearAlarm(ctx, key, c.Now())
	}
	return c.Store.RaiseAlarm(ctx, patch.Alarm{
		Key: key, Kind: "catalog", RaisedAt: c.Now(), SeenAt: c.Now(),
		Text: phrase.Of("feeds of {1} contradict themselves: {2} patches supersede each other in a circle, {3} supersede themselves; these statements are left out", string(m.OS), m.Faults.Cyclic, m.Faults.Selves),
		Do:   "Nothing is lost: each of these patches stands for itself. Tell the vendor.",
	})
}
