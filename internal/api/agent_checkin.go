package api

import (
	"context"
	"log/slog"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

// A machine that waits for admission asks again soon while somebody probably sits in front of it, and rarely later.
const (
	pendingSoon  = 5 * time.Second
	pendingLater = time.Minute
	pendingNew   = 15 * time.Minute
)

func (s *agents) pendingWait(m patch.Machine) int {
	if s.Now().Sub(m.EnrolledAt) < pendingNew {
		return int(pendingSoon.Seconds())
	}
	return int(pendingLater.Seconds())
}

// checkin notes where the machine is and tells it what the appliance lacks.
func (s *agents) checkin(c *call) (any, error) {
	in, err := decodeAgent[wire.Checkin](c)
	if err != nil {
		return nil, err
	}
	m := c.machine
	if m.State == patch.Revoked {
		return wire.CheckinReply{State: patch.Revoked, NextSeconds: int(s.options.Checkin.Seconds()), Now: s.Now().UTC()}, nil
	}
	s.Hub.Seen(m.ID)
	if err := s.noteCheckin(c, m, in); err != nil {
		return nil, err
	}
	s.Pulse.Tell(patch.TopicMachines)
	if m.State == patch.Pending {
		return wire.CheckinReply{State: patch.Pending, NextSeconds: s.pendingWait(m), Now: s.Now().UTC()}, nil
	}
	if in.Health != nil {
		if err := s.Store.PutHealth(c.Context(), m.ID, plainHealth(*in.Health, s.Now())); err != nil {
			return nil, err
		}
	}
	return s.wanted(c.Context(), m, in)
}

// plainHealth makes what a machine says about its health fit for a row; it cannot be of a time to come.
func plainHealth(h patch.Health, now time.Time) patch.Health {
	out := patch.Health{At: h.At.UTC(), Boot: plainName(h.Boot), Order: plainName(h.Order)}
	if out.At.After(now) {
		out.At = now.UTC()
	}
	for _, p := range h.Probes[:min(len(h.Probes), 20)] {
		out.Probes = append(out.Probes, patch.ProbeAnswer{Probe: patch.Probe(plainName(string(p.Probe))), OK: p.OK, Seen: clip(plainName(p.Seen), 200), Ill: p.Ill.UTC()})
	}
	return out
}

func (s *agents) noteCheckin(c *call, m patch.Machine, in wire.Checkin) error {
	err := s.Store.PutCheckin(c.Context(), m.ID, patch.CheckinUpdate{
		At: s.Now(), Address: addressOf(c.Request), Counter: in.Counter, Boot: plainName(in.Boot), OS: patch.HostOS(plainName(string(in.OS))),
		Agent: plainName(in.Agent), Hostname: plainName(in.Hostname), Busy: plainName(in.Busy), RebootOwed: in.RebootOwed, Policy: plainName(in.Policy),
		Inventory: announced(in.Inventory), Facts: announced(in.Facts),
	})
	if patch.KindOf(err) != patch.Conflict {
		return err
	}
	s.log.WarnContext(c.Context(), "check-in counter stepped back", slog.String("machine", string(m.ID)), slog.Uint64("counter", in.Counter))
	if alarm := s.Store.RaiseAlarm(c.Context(), patch.Alarm{
		Key: "clone/" + string(m.ID), Kind: "mismatch", RaisedAt: s.Now(), SeenAt: s.Now(),
		Text: phrase.Of("two machines use the key of {1}: a check-in counter was used twice", m.Name),
		Do:   "A copy of the machine or a restored backup uses the same agent key. Revoke it and enrol each copy on its own.",
	}); alarm != nil {
		return alarm
	}
	return err
}

// wanted compares what the machine has with what the appliance has of it.
func (s *agents) wanted(ctx context.Context, m patch.Machine, in wire.Checkin) (wire.CheckinReply, error) {
	reply := wire.CheckinReply{State: m.State, NextSeconds: int(s.options.Checkin.Seconds()), Now: s.Now().UTC(), ResultsAck: m.ResultsAck}
	if meta, ok := s.Catalog.Meta(in.OS); ok {
		reply.Revision, reply.Built = meta.ID, meta.Built
	}
	order, err := s.Deploy.HasOrder(ctx, m.ID)
	if err != nil {
		return reply, err
	}
	reply.Order = order
	if reply.Updaters, err = s.Updaters.Wanted(ctx, m.ID); err != nil {
		return reply, err
	}
	reply.WantInventory = in.Inventory != m.Inventory
	if in.Facts != m.Facts {
		there, err := s.Store.UseFacts(ctx, m.ID, announced(in.Facts))
		if err != nil {
			return reply, err
		}
		if reply.WantFacts = !there; there {
			s.noteFacts(ctx, m.ID)
			s.Wanted.Beat()
		}
	}
	reply.WantSnapshot = in.Snapshot > m.SnapshotSeq
	reply.WantDetect = reply.Revision != "" && (in.Revision != reply.Revision || in.Snapshot == 0 || in.Snapshot < m.SnapshotSeq || m.DetectFailed != "" || s.Hub.DetectAsked(m.ID))
	return reply, nil
}

// announced takes a hash as a machine gives it; anything else counts as none.
func announced(h patch.Hash) patch.Hash {
	if !h.Valid() {
		return ""
	}
	return h
}
