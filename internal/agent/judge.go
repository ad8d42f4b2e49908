package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// judgeMachine makes one complete snapshot: facts read now, every definition of the newest catalog evaluated, the result kept locally before
// anything is sent. It uses the catalog files that are here when the appliance is away.
func (s *session) judgeMachine(ctx context.Context, order string) (patch.Snapshot, error) {
	defer s.cfg.Release()
	started := s.cfg.Now().UTC()
	facts, err := s.cfg.Host.Facts(ctx)
	if err != nil {
		return patch.Snapshot{}, err
	}
	read := s.cfg.Now().UTC()
	if _, err := s.tend(ctx, facts.Packages, false); err != nil {
		s.log.Error("cannot look after other patch services", "err", err)
	}
	meta, err := s.refreshCatalog(ctx, facts.OS.Key)
	if err != nil {
		if meta = s.get().Newest; meta.OS != facts.OS.Key || patch.KindOf(err) == patch.NotFound {
			return patch.Snapshot{}, err
		}
		s.log.Warn("detecting with the catalog that is here", "revision", meta.ID, "err", err)
	}
	snap, err := s.evaluate(ctx, meta, &facts)
	if err != nil {
		return patch.Snapshot{}, err
	}
	snap.Started, snap.Ended, snap.Order = started, s.cfg.Now().UTC(), order
	if snap.Ended.Before(started) {
		snap.Ended = started // the clock was set back in between
	}
	snap.FactsAt, snap.Dated = within(read, snap.Started, snap.Ended), meta.MetadataDate().UTC()
	snap.Lists = s.cfg.Host.Lists().UTC().Truncate(time.Second)
	return snap, s.keep(&snap, facts)
}

// within moves a moment that a clock which was set has put outside into a span.
func within(t, from, to time.Time) time.Time {
	if t.Before(from) {
		return from
	}
	if t.After(to) {
		return to
	}
	return t
}

func (s *session) evaluate(ctx context.Context, meta patch.RevisionMeta, facts *patch.Facts) (patch.Snapshot, error) {
	b, err := readFile(s.files.on(), blob{Hash: meta.Signatures, Dir: s.files.catalog()}.path())
	if err != nil {
		return patch.Snapshot{}, patch.Errorf(patch.Unavailable, "cannot read the signatures of revision %s: %w", meta.ID, err)
	}
	if hashOf(b) != meta.Signatures {
		return patch.Snapshot{}, patch.Errorf(patch.Untrusted, "the signatures of revision %s changed on this machine's disk", meta.ID)
	}
	sigs, err := detect.Open(b)
	if err != nil {
		return patch.Snapshot{}, err
	}
	if err := s.cfg.Host.Collect(ctx, sigs, facts); err != nil {
		return patch.Snapshot{}, err
	}
	result, err := sigs.Evaluate(facts)
	if err != nil {
		return patch.Snapshot{}, err
	}
	return patch.Snapshot{Verdicts: result.Verdicts, Receipt: patch.Receipt{
		Machine: s.who().Machine, OS: facts.OS.Key, Revision: meta.ID, Boot: s.cfg.Host.Boot(), Agent: s.cfg.Version,
		Expected: sigs.Len(), Evaluated: result.Verdicts.Len(), Errors: result.Errors,
	}}, nil
}

// keep gives the snapshot its number and makes it and its facts durable, the number first: a number is never used twice.
func (s *session) keep(snap *patch.Snapshot, facts patch.Facts) error {
	b, err := json.Marshal(facts)
	if err != nil {
		return patch.Errorf(patch.Internal, "cannot encode the facts: %w", err)
	}
	snap.Facts = hashOf(b)
	if snap.Seq, err = s.next(&s.seq, (*state).detects); err != nil {
		return err
	}
	if err := snap.Check(); err != nil {
		return err
	}
	raw, err := wire.EncodeSnapshot(*snap)
	if err != nil {
		return err
	}
	s.remember(nil)
	if err := errors.Join(s.keepFacts(snap.Facts, b), s.keepFile(s.files.snapshot(), raw)); err != nil {
		return patch.Errorf(patch.Unavailable, "cannot keep the snapshot: %w", err)
	}
	s.remember(&kept{*snap, raw})
	return nil
}

// keepFacts makes the facts of the newest snapshot durable. Most are those of the one before, which are there.
func (s *session) keepFacts(h patch.Hash, b []byte) error {
	if s.facts == h {
		return nil
	}
	s.facts = ""
	err := s.keepFile(s.files.facts(), b)
	if err == nil {
		s.facts = h
	}
	return err
}

func hashOf(b []byte) patch.Hash {
	sum := sha256.Sum256(b)
	return patch.Hash(hex.EncodeToString(sum[:]))
}

// pack is the compressed form of facts and inventory on the wire.
func pack(b []byte) ([]byte, error) {
	if len(b) <= wire.PackLimit {
		return wire.Pack(b)
	}
	level := zstd.SpeedDefault
	if len(b) < 32<<10 {
		level = zstd.SpeedFastest // making the tables of a better one takes longer than what is saved
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(level), zstd.WithWindowSize(256<<10))
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot compress: %w", err)
	}
	return enc.EncodeAll(b, nil), enc.Close()
}

// kept is the newest snapshot as it is on the disk.
type kept struct {
	snap patch.Snapshot
	raw  []byte
}

func (s *session) remember(k *kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.snap = k
}

// snapshot gives the newest local snapshot, which is read once.
func (s *session) snapshot() (snap patch.Snapshot, raw []byte, found bool) {
	s.mu.Lock()
	k := s.snap
	s.mu.Unlock()
	if k != nil {
		return k.snap, k.raw, true
	}
	snap, raw, found = readSnapshot(s.files)
	s.mu.Lock()
	defer s.mu.Unlock()
	if found && s.snap == nil { // else a newer one was kept meanwhile
		s.snap = &kept{snap, raw}
	}
	return snap, raw, found
}

// readSnapshot gives the newest local snapshot; found is false where there is none that is whole.
func readSnapshot(l layout) (snap patch.Snapshot, raw []byte, found bool) {
	return l.snapshotAt(l.snapshot())
}

func (l layout) snapshotAt(path string) (snap patch.Snapshot, raw []byte, found bool) {
	raw, err := readFile(l.on(), path)
	if err != nil {
		return snap, nil, false
	}
	snap, err = wire.DecodeSnapshot(raw)
	return snap, raw, err == nil
}

// uploadSnapshot sends the newest local snapshot. The appliance that already has a newer one answers with a conflict, which settles it.
func (s *session) uploadSnapshot(ctx context.Context) error {
	snap, raw, found := s.snapshot()
	if !found {
		return nil
	}
	if err := s.uploadFacts(ctx, snap.Facts); err != nil {
		return err
	}
	reply, err := s.client().tell(ctx, s.acknowledged(), snap, func() ([]byte, error) { return raw, nil })
	if err != nil && patch.KindOf(err) != patch.Conflict {
		return err
	}
	took := func(st *state) {
		st.Uploaded = max(st.Uploaded, snap.Seq)
		if reply.WantFacts {
			st.Facts = ""
		}
	}
	if err != nil {
		s.log.Warn("the appliance has a newer snapshot than this one", "seq", snap.Seq, "err", err)
		return s.set(took)
	}
	if err := s.keepAcknowledged(snap, raw); err != nil {
		return err
	}
	s.remark(took) // the file that was just kept says as much, and a check-in asks again for facts that are wanted
	return nil
}

// uploaded says whether the appliance has acknowledged a snapshot, or a newer one.
func (s *session) uploaded(seq uint64) bool {
	return seq <= s.get().Uploaded || seq <= s.acknowledged().Seq
}

// acknowledged gives the newest snapshot that the appliance has acknowledged, which is read once; none where there is none that is whole.
func (s *session) acknowledged() patch.Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told == nil {
		snap, _, _ := s.files.snapshotAt(s.files.told())
		s.told = &snap
	}
	return *s.told
}

func (s *session) keepAcknowledged(snap patch.Snapshot, raw []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = nil
	if err := s.keepFile(s.files.told(), raw); err != nil {
		return patch.Errorf(patch.Unavailable, "cannot keep the snapshot: %w", err)
	}
	s.told = &snap
	return nil
}

// tell sends a snapshot: as what changed since base, which the appliance acknowledged, where it takes that, and else whole.
func (c *client) tell(ctx context.Context, base, snap patch.Snapshot, whole func() ([]byte, error)) (reply wire.SnapshotReply, err error) {
	reply.Seq = snap.Seq // an answer without a body says no more
	if b, ok := wire.EncodeChange(base, snap); ok {
		if path, short := wire.InAddress(b); short {
			_, err = c.call(ctx, path, "", nil, &reply)
		} else {
			_, err = c.call(ctx, wire.PathSnapshot, "", b, &reply)
		}
		if err == nil || retryable(err) {
			return reply, err
		}
	}
	raw, err := whole()
	if err == nil {
		_, err = c.call(ctx, wire.PathSnapshot, "", raw, &reply)
	}
	return reply, err
}
