package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Bounds of what the appliance may ask for as the time to the next check-in, and the age at which a snapshot is renewed by itself.
const (
	minInterval   = 2 * time.Second
	maxInterval   = 24 * time.Hour
	snapshotLife  = 6 * time.Hour
	answerTimeout = 90 * time.Second
)

// glance is what a check-in says about the machine.
type glance struct {
	facts     patch.Facts
	factsHash patch.Hash
	inventory []byte
	invHash   patch.Hash
	err       error
}

// look reads the machine once. While packages are being installed its database is in motion, and the last known hashes are used.
func (s *session) look(ctx context.Context) glance {
	st := s.get()
	g := glance{factsHash: st.Facts, invHash: st.Inventory}
	if s.activity() != "" {
		return g
	}
	f, err := s.cfg.Host.Facts(ctx)
	if err != nil {
		g.err = err
		return g
	}
	b, err := json.Marshal(f)
	if err != nil {
		g.err = err
		return g
	}
	g.facts, g.factsHash = f, hashOf(b)
	inv, err := s.cfg.Host.Inventory(ctx, f)
	if err != nil {
		g.err = err
		return g
	}
	inv.Facts = g.factsHash
	if inv.Services, err = s.tend(ctx, f.Packages, true); err != nil {
		s.log.Error("cannot look after other patch services", "err", err)
	}
	if len(inv.Services) > 0 {
		inv.Updaters = acting(inv.Services)
	}
	if g.inventory, g.err = json.Marshal(inv); g.err == nil {
		g.invHash = hashOf(g.inventory)
	}
	return g
}

// acting names the services that are on.
func acting(all []patch.UpdaterState) (names []string) {
	for _, u := range all {
		if u.Enabled {
			names = append(names, u.Name)
		}
	}
	return names
}

// checkin says where this machine is and does what the answer asks for, as far as it needs no worker. It gives the answer.
func (s *session) checkin(ctx context.Context, g glance) (wire.CheckinReply, error) {
	var reply wire.CheckinReply
	if err := s.renew(ctx); err != nil {
		s.log.Warn("cannot renew the certificate", "err", err)
	}
	number, err := s.next(&s.number, (*state).checkins)
	if err != nil {
		return reply, err
	}
	var known uint64 // to the appliance, before it is asked
	if s.journal != nil {
		known = s.journal.acknowledged()
	}
	if err := s.exchange(ctx, g, number, &reply); err != nil {
		if patch.KindOf(err) == patch.Unauthenticated {
			s.renewNext() // this machine's clock is behind: by it, the certificate is good for long
		}
		return reply, err
	}
	s.mu.Lock()
	s.said = said{reply.Revision, reply.Built, s.cfg.Now()}
	s.mu.Unlock()
	err = s.set(func(st *state) {
		st.State, st.CheckedIn = reply.State, s.cfg.Now().UTC()
		st.Skew = 0
		st.hear(reply.Now, st.CheckedIn)
	})
	if err != nil || reply.State != patch.Admitted {
		return reply, err
	}
	if s.journal != nil {
		if err := s.journal.acknowledge(reply.ResultsAck); err != nil {
			return reply, err
		}
		if reply.ResultsAck < known {
			n := s.journal.again(reply.ResultsAck)
			s.log.Info("the appliance was restored from a backup", "results to tell again", n)
		}
	}
	return reply, s.supply(ctx, g, reply)
}

// block is how many check-ins, or detects, share one write of the number that none of them is above.
const block = 64

// next gives a check-in or a detect its number, above that of every one before, whatever becomes of this process or of the machine's power.
func (s *session) next(number *uint64, bound func(*state) *uint64) (uint64, error) {
	if st := s.get(); *number >= *bound(&st) {
		if err := s.set(func(st *state) { *number, *bound(st) = *bound(st), *bound(st)+block }); err != nil {
			return 0, err
		}
	}
	*number++
	return *number, nil
}

func (st *state) checkins() *uint64 { return &st.Counter }
func (st *state) detects() *uint64  { return &st.SnapshotSeq }

func (s *session) exchange(ctx context.Context, g glance, number uint64, reply *wire.CheckinReply) error {
	ctx, stop := context.WithTimeout(ctx, answerTimeout)
	defer stop()
	snap, _, _ := s.snapshot()
	name, _ := os.Hostname()
	off, err := s.offHash()
	if err != nil {
		s.log.Error("cannot read what to keep off", "err", err)
	}
	out := wire.Checkin{
		Counter: number, Boot: s.cfg.Host.Boot(), OS: g.facts.OS.Key, Agent: s.cfg.Version, Hostname: name,
		Inventory: g.invHash, Facts: g.factsHash, Snapshot: snap.Seq, Revision: snap.Revision,
		Busy: cmp.Or(s.activity(), s.waitsForRoom(), s.rebootText()), RebootOwed: s.cfg.Host.Reboot().Owed, Policy: s.cfg.policy().String(),
		Updaters: off,
	}
	if out.OS == "" {
		out.OS = snap.OS
	}
	out.Health = s.health(ctx)
	if s.journal != nil {
		out.Results, _ = s.journal.position()
	}
	_, err = s.client().call(ctx, wire.PathCheckin, "", out, reply)
	return err
}

// supply uploads what the appliance lacks.
func (s *session) supply(ctx context.Context, g glance, reply wire.CheckinReply) error {
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	defer stop()
	if g.err != nil {
		return s.reportFailed(ctx, g.facts.OS.Key, g.err)
	}
	if reply.WantInventory && g.inventory != nil {
		if err := s.put(ctx, wire.PathInventory, g.inventory, func(st *state) { st.Inventory = g.invHash }); err != nil {
			return err
		}
	}
	if reply.WantFacts && g.facts.OS.Key != "" {
		b, err := json.Marshal(g.facts)
		if err != nil {
			return err
		}
		if err := s.put(ctx, wire.PathFacts, b, func(st *state) { st.Facts = g.factsHash }); err != nil {
			return err
		}
	}
	snap, _, found := s.snapshot()
	stale := g.facts.OS.Key == "" // packages were in motion; the check-in after that knows whose hand it was
	if found && !stale && (reply.WantSnapshot || !s.uploaded(snap.Seq)) {
		err := s.uploadSnapshot(ctx)
		if err == nil || patch.KindOf(err) != patch.Invalid {
			return err
		}
		// It is by a list that this appliance, which was restored from a backup, does not know. The next detect is by one that it does.
		s.log.Warn("the appliance cannot take the newest snapshot", "seq", snap.Seq, "revision", snap.Revision, "err", err)
	}
	return nil
}

// put uploads a document under its hash.
func (s *session) put(ctx context.Context, path string, b []byte, then func(*state)) error {
	packed, err := pack(b)
	if err != nil {
		return err
	}
	if _, err := s.client().call(ctx, path, string(hashOf(b)), packed, nil); err != nil {
		return err
	}
	return s.set(then)
}

// uploadFacts makes sure that the appliance has the facts which a snapshot judged.
func (s *session) uploadFacts(ctx context.Context, h patch.Hash) error {
	if s.get().Facts == h {
		return nil
	}
	b, err := readFile(s.files.on(), s.files.facts())
	if err != nil || hashOf(b) != h {
		return nil // the snapshot stands without them; the appliance asks again
	}
	return s.put(ctx, wire.PathFacts, b, func(st *state) { st.Facts = h })
}

// reportFailed tells the appliance that a detect did not complete. The newest complete snapshot stays what it is, here and there.
func (s *session) reportFailed(ctx context.Context, hostOS patch.HostOS, why error) error {
	s.note(ctx, why)
	_, err := s.client().call(ctx, wire.PathFailed, "", wire.DetectFailed{OS: hostOS, At: s.cfg.Now().UTC(), Text: why.Error()}, nil)
	return err
}

// renewNext has the next check-in renew the certificate, whatever this machine's clock says.
func (s *session) renewNext() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewAt = time.Time{}
}

// about is what time it is by the appliance, where this machine's clock is known to be wrong.
func (s *session) about() time.Time {
	now := s.cfg.Now()
	if skew := time.Duration(s.get().Skew) * time.Second; skew.Abs() > mostSkew {
		return now.Add(skew)
	}
	return now
}

// renew asks for a new certificate for the same key when half of the old one's life is over.
func (s *session) renew(ctx context.Context) error {
	s.mu.Lock()
	again := s.renewAt
	s.mu.Unlock()
	if s.about().Before(again) {
		return nil
	}
	next := *s.who()
	if next.Request == nil { // it enrolled when that was not kept
		var err error
		if next.Request, err = makeCSR(next.key); err != nil {
			return err
		}
	}
	ctx, stop := context.WithTimeout(ctx, answerTimeout)
	defer stop()
	var reply wire.RenewReply
	if _, err := s.client().call(ctx, wire.PathRenew, "", wire.RenewRequest{CSR: next.Request}, &reply); err != nil {
		return err
	}
	next.Certificate = reply.Certificate
	if _, _, err := next.check(); err != nil {
		return err
	}
	if err := s.keepJSON(s.files.identity(), next); err != nil {
		return err
	}
	s.mu.Lock()
	s.id = &next
	s.mu.Unlock()
	return s.connect()
}
