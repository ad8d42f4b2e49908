package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
	"github.com/fettle-project/fettle/internal/wire"
)

// Limits of an order.
const (
	maxItems    = 5000
	maxPackages = 20000
	maxProbes   = 20
)

// takeOrder fetches the waiting order, holds it against everything that an order must be, and makes it durable. It says whether there
// is one to carry out; it fails where the appliance cannot be asked. A refused order changes nothing; why it was refused is kept for status.
func (s *session) takeOrder(ctx context.Context) (bool, error) {
	asked, stop := context.WithTimeout(ctx, answerTimeout)
	defer stop()
	var e wire.Envelope
	empty, err := s.client().call(asked, wire.PathOrder, "", nil, &e)
	if err != nil || empty {
		return false, err
	}
	err = s.acceptOrder(e)
	if errors.Is(err, errUntold) || errors.Is(err, errRestarts) {
		return false, err
	}
	if err != nil {
		s.log.Error("refused an order", "err", err)
		if err := s.set(func(st *state) { st.Refused = err.Error() }); err != nil {
			s.log.Warn("cannot keep why an order was refused", "err", err)
		}
		return false, nil
	}
	return true, nil
}

func (s *session) acceptOrder(e wire.Envelope) error {
	var o wire.Order
	id := s.who()
	if err := e.Open(ed25519.PublicKey(id.ApproverKey), wire.TypeOrder, &o); err != nil {
		return err
	}
	if err := checkOrder(o, id.Machine); err != nil {
		return err
	}
	if c := s.journal.newest(); c != nil && !c.Closed {
		return patch.Errorf(patch.Conflict, "order %s is still being carried out", c.Order.ID)
	}
	if err := s.begin(o); err != nil {
		return err
	}
	s.stands(o.ID, nil)
	s.log.Info("took an order", "order", o.ID, "number", o.Number, "patches", len(o.Items))
	return s.set(func(st *state) { st.Refused = "" })
}

// errRestarts is why an order is not taken yet.
var errRestarts = patch.Errorf(patch.Unavailable, "this machine restarts")

// begin takes a checked order, unless a restart has begun: it would be cut off in the middle.
func (s *session) begin(o wire.Order) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if due := s.st.Reboot; due != nil && !due.Begun.IsZero() && due.Stopped == "" && due.Boot == s.cfg.Host.Boot() {
		return errRestarts
	}
	return s.journal.begin(o)
}

// checkOrder holds a verified order against this machine and against the grammar of everything in it. An order is right as a whole or
// nothing of it is used.
func checkOrder(o wire.Order, me patch.MachineID) error {
	switch {
	case o.Machine != me:
		return patch.Errorf(patch.Untrusted, "the order is for machine %.80q and not for this one", string(o.Machine))
	case o.Number == 0 || o.Expires.IsZero():
		return patch.Errorf(patch.Invalid, "the order has no number or no end")
	case !host.ValidAttempt(o.ID):
		return patch.Errorf(patch.Invalid, "%.80q is not an order's name", o.ID)
	case len(o.Items) > maxItems:
		return patch.Errorf(patch.Invalid, "the order has %d items", len(o.Items))
	}
	if o.Reboot != nil {
		if err := o.Reboot.Check(); err != nil {
			return err
		}
	}
	if err := o.Manner.Check(); err != nil {
		return err
	}
	if len(o.Probes) > maxProbes {
		return patch.Errorf(patch.Invalid, "the order has %d probes", len(o.Probes))
	}
	for _, p := range o.Probes {
		if err := p.Check(); err != nil {
			return err
		}
	}
	attempts, total := map[string]bool{}, 0
	for _, item := range o.Items {
		if !host.ValidAttempt(item.Attempt) || attempts[item.Attempt] {
			return patch.Errorf(patch.Invalid, "the order names attempt %.80q badly or twice", item.Attempt)
		}
		attempts[item.Attempt] = true
		if item.Patch == patch.Restart {
			if err := checkRestart(o); err != nil {
				return err
			}
			continue
		}
		if total += len(item.Packages); len(item.Packages) == 0 || total > maxPackages {
			return patch.Errorf(patch.Invalid, "the order has no packages for %.80q, or too many", string(item.Patch))
		}
		for _, p := range item.Packages {
			if err := checkPackage(o.OS, p); err != nil {
				return err
			}
			if p.Back != item.Packages[0].Back {
				return patch.Errorf(patch.Invalid, "the order takes %.80q back in part only", string(item.Patch))
			}
		}
	}
	return nil
}

// checkRestart holds an order for a restart alone: it asks for nothing else, and says how.
func checkRestart(o wire.Order) error {
	if len(o.Items) != 1 || len(o.Items[0].Packages) > 0 || o.Manner != nil || o.Reboot == nil || o.Reboot.Mode == patch.RebootNever {
		return patch.Errorf(patch.Invalid, "the order for a restart asks for something else too, or does not say how to restart")
	}
	return nil
}

func checkPackage(os patch.HostOS, p patch.PlanPackage) error {
	if windows := version.Of(os) == version.Windows; windows != (p.Setup != nil) {
		return patch.Errorf(patch.Invalid, "%.80q is not installed on %s in the way that the order says", p.Name, os)
	} else if windows {
		return host.CheckSetup(p) // the file itself carries the vendor's signature, if any
	}
	if version.Of(os) == version.RPM {
		return host.CheckRPM(p) // the package itself carries the vendor's signature
	}
	if err := host.CheckPackage(p); err != nil {
		return err
	}
	if p.Beside || len(p.Replaces) > 0 {
		return patch.Errorf(patch.Invalid, "package %s cannot be installed beside another version or instead of other packages", p.Name)
	}
	o := p.Origin
	if !o.Release.Valid() || !o.Index.Valid() || !debian.ValidSuite(o.Suite) || o.IndexPath == "" || len(o.IndexPath) > 256 {
		return patch.Errorf(patch.Invalid, "package %s does not name the signed index that vouches for it", p.Name)
	}
	return nil
}

// clock is the time that windows and expiry are judged by: never earlier than what the appliance has told before, so that a clock that
// was set back does not make an old order young again. What was told is right again when both clocks agree.
func (s *session) clock() time.Time {
	now := s.cfg.Now()
	if t := s.get().Trusted; t.After(now) {
		return t
	}
	return now
}

// closedNow says why an order may not start another item now; empty when it may.
func (s *session) closedNow(o wire.Order) string {
	now := s.clock()
	doubt := ""
	if own := s.cfg.Now(); now.Sub(own) > mostSkew {
		doubt = fmt.Sprintf("; the appliance told that it is past %s, and this machine's clock says %s: the one that is wrong must be set, and orders are taken again when both agree", clockText(now), clockText(own))
	}
	switch {
	case now.After(o.Expires):
		return "the order expired at " + clockText(o.Expires) + doubt
	case !o.Window.NotAfter.IsZero() && now.After(o.Window.NotAfter):
		return "the window ended at " + clockText(o.Window.NotAfter) + doubt
	case !o.Window.NotBefore.IsZero() && now.Before(o.Window.NotBefore):
		return "the window begins only at " + clockText(o.Window.NotBefore)
	}
	return ""
}
