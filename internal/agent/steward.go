package agent

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"maps"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Steward looks at other patch services and turns them off, by a fixed table.
type Steward interface {
	Updaters(packages []patch.Package) []patch.UpdaterState
	Plan(name string) (host.TakenOver, error)
	TakeOver(ctx context.Context, name string, plan host.TakenOver) error
	GiveBack(ctx context.Context, name string, made host.TakenOver) error
	Missing(name string, made host.TakenOver) []string
}

// charge is the agent's memory of what it was asked to keep off, and what it did.
type charge struct {
	Issued time.Time         `json:"issued,omitzero"`
	Off    []wire.Off        `json:"off,omitempty"`
	Taken  map[string]*taken `json:"taken,omitempty"`
}

// taken is one service that was asked for.
type taken struct {
	Asked time.Time      `json:"asked"` // the request that it answers
	Made  host.TakenOver `json:"made"`  // kept before it is made
	Hand  patch.Hand     `json:"hand"`
	Since time.Time      `json:"since"`
	Text  string         `json:"text,omitempty"`
}

// maxOff bounds how many services one stewardship names.
const maxOff = 64

func (c *charge) asked(name string) (wire.Off, bool) {
	i := slices.IndexFunc(c.Off, func(o wire.Off) bool { return o.Name == name })
	if i < 0 {
		return wire.Off{}, false
	}
	return c.Off[i], true
}

// tend looks at every other patch service and gives how each stands. With act it does at most one thing: turn one off that it was asked to,
// or give one back. One that somebody turned on again is reported and left alone until it is asked for anew: two programs that undo each
// other's work would never end.
func (s *session) tend(ctx context.Context, packages []patch.Package, act bool) ([]patch.UpdaterState, error) {
	s.tending.Lock()
	defer s.tending.Unlock()
	c, err := s.readCharge()
	if err != nil {
		return nil, err
	}
	if c.Taken == nil {
		c.Taken = map[string]*taken{}
	}
	t := &tender{session: s, charge: &c, act: act, now: s.cfg.Now().UTC()}
	states := s.cfg.Steward.Updaters(packages)
	for i := range states {
		if err := t.one(ctx, &states[i]); err != nil {
			return states, err
		}
	}
	gone := func(name string) bool {
		return !slices.ContainsFunc(states, func(u patch.UpdaterState) bool { return u.Name == name })
	}
	for name := range c.Taken {
		if gone(name) {
			if err := t.one(ctx, &patch.UpdaterState{Name: name}); err != nil {
				return states, err
			}
		}
	}
	if !t.changed {
		return states, nil
	}
	return states, t.save()
}

// tender is one cycle.
type tender struct {
	*session
	charge  *charge
	act     bool // something may still be done in this cycle
	changed bool
	now     time.Time
}

func (t *tender) save() error {
	t.changed = false
	return t.keepCharge(*t.charge)
}

func (t *tender) one(ctx context.Context, u *patch.UpdaterState) error {
	off, wanted := t.charge.asked(u.Name)
	had := t.charge.Taken[u.Name]
	switch {
	case !wanted && had == nil:
		return nil
	case !wanted:
		return t.release(ctx, u, had)
	case had == nil || off.Asked.After(had.Asked):
		return t.take(ctx, u, off, had)
	}
	t.verify(u, had)
	report(u, had)
	return nil
}

func report(u *patch.UpdaterState, h *taken) { u.Hand, u.Since, u.Text = h.Hand, h.Since, h.Text }

// take turns a service off, unless it is off, or its owner forbids it, or this cycle has done something already.
func (t *tender) take(ctx context.Context, u *patch.UpdaterState, off wire.Off, had *taken) error {
	if ok, word := t.cfg.policy().TakesOver(); !ok {
		u.Hand, u.Text = patch.HandVetoed, "the owner of this machine does not allow it ("+word+")"
		return nil
	}
	next := &taken{Asked: off.Asked, Hand: patch.HandOff, Since: t.now}
	if had != nil {
		next.Made = had.Made
	}
	if !u.Enabled {
		next.Text = "it was off already"
		return t.settle(u, next)
	}
	if !t.act {
		u.Hand = patch.HandWaiting
		return nil
	}
	t.act = false
	plan, err := t.cfg.Steward.Plan(u.Name)
	if err != nil {
		next.Hand, next.Text = patch.HandFailed, clip(err.Error(), 300)
		return t.settle(u, next)
	}
	next.Made = merge(next.Made, plan)
	next.Hand, next.Text = patch.HandFailed, "the agent was stopped while it turned it off"
	if err := t.settle(u, next); err != nil { // what will be made is kept before it is
		return err
	}
	t.log.Info("turning another patch service off", "name", u.Name)
	err = t.cfg.Steward.TakeOver(ctx, u.Name, plan)
	return t.after(ctx, u, next, err)
}

// after looks again once it was done: only what the machine then says counts.
func (t *tender) after(ctx context.Context, u *patch.UpdaterState, next *taken, failed error) error {
	if err := t.look(ctx, u); err != nil {
		return err
	}
	next.Hand, next.Text = patch.HandOff, ""
	switch {
	case failed != nil:
		next.Hand, next.Text = patch.HandFailed, clip(failed.Error(), 300)
	case u.Enabled:
		next.Hand, next.Text = patch.HandFailed, "it is still on: "+u.Evidence
	}
	return t.settle(u, next)
}

// look reads a service's state from the machine as it is now.
func (t *tender) look(ctx context.Context, u *patch.UpdaterState) error {
	facts, err := t.cfg.Host.Facts(ctx)
	if err != nil {
		return err
	}
	for _, s := range t.cfg.Steward.Updaters(facts.Packages) {
		if s.Name == u.Name {
			u.Enabled, u.Evidence = s.Enabled, s.Evidence
		}
	}
	return nil
}

func (t *tender) settle(u *patch.UpdaterState, next *taken) error {
	t.charge.Taken[u.Name] = next
	report(u, next)
	return t.save()
}

// verify holds what we turned off against the machine as it is now.
func (t *tender) verify(u *patch.UpdaterState, had *taken) {
	switch {
	case u.Enabled && had.Hand == patch.HandOff:
		had.Hand, had.Since, had.Text = patch.HandUndone, t.now, "it is on again: "+u.Evidence
		for _, m := range t.cfg.Steward.Missing(u.Name, had.Made) {
			had.Text += "; " + m + " is gone"
		}
		had.Text = clip(had.Text, 400)
		t.changed = true
		t.log.Warn("a patch service that was turned off is on again", "name", u.Name, "why", had.Text)
	case !u.Enabled && had.Hand != patch.HandOff:
		had.Hand, had.Since, had.Text = patch.HandOff, t.now, ""
		t.changed = true
	}
}

// release gives a service back: exactly what we made is undone.
func (t *tender) release(ctx context.Context, u *patch.UpdaterState, had *taken) error {
	if !t.act {
		report(u, had)
		return nil
	}
	t.act = false
	if err := t.cfg.Steward.GiveBack(ctx, u.Name, had.Made); err != nil {
		had.Text = clip(err.Error(), 300)
		report(u, had)
		return t.save()
	}
	delete(t.charge.Taken, u.Name)
	t.log.Info("gave another patch service back", "name", u.Name)
	if err := t.save(); err != nil {
		return err
	}
	return t.look(ctx, u)
}

func merge(a, b host.TakenOver) host.TakenOver {
	union := func(x, y []string) []string {
		out := append(slices.Clone(x), y...)
		slices.Sort(out)
		return slices.Compact(out)
	}
	values := maps.Clone(a.Values)
	if values == nil {
		values = b.Values
	} else {
		maps.Copy(values, b.Values)
	}
	return host.TakenOver{Files: union(a.Files, b.Files), Units: union(a.Units, b.Units), Values: values}
}

// readCharge gives what the agent was asked to keep off. Most never were, and look for the file once. Its caller holds tending.
func (s *session) readCharge() (c charge, err error) {
	if s.free {
		return c, nil
	}
	found, err := s.files.readJSON(s.files.takeover(), &c)
	s.free = err == nil && !found
	return c, err
}

func (s *session) keepCharge(c charge) error {
	s.free = false
	return s.keepJSON(s.files.takeover(), c)
}

// offHash is the hash of what the agent was asked to keep off.
func (s *session) offHash() (patch.Hash, error) {
	s.tending.Lock()
	defer s.tending.Unlock()
	c, err := s.readCharge()
	if err != nil {
		return "", err
	}
	return wire.HashOff(c.Off)
}

// takeStewardship fetches what to keep off, and keeps it where it is signed by the approver, for this machine and not older than what is
// kept.
func (s *session) takeStewardship(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, answerTimeout)
	defer stop()
	var e wire.Envelope
	if _, err := s.client().call(ctx, wire.PathUpdaters, "", nil, &e); err != nil {
		return err
	}
	var w wire.Stewardship
	id := s.who()
	if err := e.Open(ed25519.PublicKey(id.ApproverKey), wire.TypeUpdaters, &w); err != nil {
		return err
	}
	return s.charged(w, id.Machine)
}

func (s *session) charged(w wire.Stewardship, me patch.MachineID) error {
	s.tending.Lock()
	defer s.tending.Unlock()
	c, err := s.readCharge()
	if err != nil {
		return err
	}
	switch {
	case w.Machine != me:
		return patch.Errorf(patch.Untrusted, "what to keep off is for machine %.80q and not for this one", string(w.Machine))
	case w.Issued.Before(c.Issued):
		return patch.Errorf(patch.Untrusted, "what to keep off is of %s, and what is kept of %s", w.Issued, c.Issued)
	case len(w.Off) > maxOff:
		return patch.Errorf(patch.Invalid, "%d services are to be kept off", len(w.Off))
	}
	for _, o := range w.Off {
		if !host.ValidAttempt(o.Name) {
			return patch.Errorf(patch.Invalid, "%.80q is not a service's name", o.Name)
		}
	}
	c.Issued, c.Off = w.Issued, w.Off
	slices.SortFunc(c.Off, func(a, b wire.Off) int { return cmp.Compare(a.Name, b.Name) })
	return s.keepCharge(c)
}

// liveSteward is the machine that runs.
type liveSteward struct{ root string }

func (l liveSteward) Updaters(packages []patch.Package) []patch.UpdaterState {
	return host.Updaters(l.root, packages)
}
func (l liveSteward) Plan(name string) (host.TakenOver, error) {
	return host.PlanTakeOver(l.root, name)
}
func (l liveSteward) TakeOver(ctx context.Context, name string, plan host.TakenOver) error {
	return host.TakeOver(ctx, l.root, name, plan)
}
func (l liveSteward) GiveBack(ctx context.Context, name string, made host.TakenOver) error {
	return host.GiveBack(ctx, l.root, name, made)
}
func (l liveSteward) Missing(name string, made host.TakenOver) []string {
	return made.Missing(l.root, name)
}
