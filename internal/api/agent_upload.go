package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

const (
	uploadLimit   = 4 << 20  // compressed facts or inventory
	unpackedLimit = 32 << 20 // the same, unpacked
	textLimit     = 4 << 10
	logLimit      = 16 << 10
	resultsLimit  = 2000 // journal lines in one upload
)

func (s *agents) inventory(c *call) (any, error) {
	h, inv, body, err := readUpload[patch.Inventory](c)
	if err != nil {
		return nil, err
	}
	if err := s.Store.PutInventory(c.Context(), c.machine.ID, h, body); err != nil {
		return nil, err
	}
	s.Ledger.Learn(h, inv.Changes)
	if zone := plainZone(inv.Zone); zone != c.machine.Zone {
		if err := s.Store.PutZone(c.Context(), c.machine.ID, zone); err != nil {
			return nil, err
		}
	}
	inv.Services = plainServices(inv.Services)
	return nil, s.Updaters.Note(c.Context(), c.machine, inv)
}

// plainZone is the time zone that a machine names, if there is one of that name.
func plainZone(name string) string {
	if name == "Local" || len(name) > 64 || plainName(name) != name {
		return ""
	}
	if _, err := time.LoadLocation(name); err != nil {
		return ""
	}
	return name
}

// mostServices is how many other patch services one machine may name.
const mostServices = 64

// plainServices keeps hostile text out of alarms and tables.
func plainServices(all []patch.UpdaterState) []patch.UpdaterState {
	seen := map[string]bool{}
	out := make([]patch.UpdaterState, 0, len(all))
	for _, u := range all[:min(len(all), mostServices)] {
		u.Name = clip(plainName(u.Name), 64)
		u.Evidence, u.Text, u.Hand = clip(plainText(u.Evidence), 400), clip(plainText(u.Text), 400), patch.Hand(clip(plainName(string(u.Hand)), 16))
		if u.Name != "" && !seen[u.Name] {
			seen[u.Name] = true
			out = append(out, u)
		}
	}
	return out
}

// updaters tells a machine which other patch services to keep off, signed by the approver.
func (s *agents) updaters(c *call) (any, error) {
	return s.Updaters.Order(c.Context(), c.machine.ID)
}

func (s *agents) facts(c *call) (any, error) {
	h, plain, body, err := readBytes(c)
	if err != nil {
		return nil, err
	}
	known, err := s.Store.HasFacts(c.Context(), h) // machines of one image say the same; it was read when the first one brought it
	if err != nil {
		return nil, err
	}
	if !known {
		if _, err := decodeUpload[patch.Facts](plain); err != nil {
			return nil, err
		}
	}
	if err := s.Store.PutFacts(c.Context(), c.machine.ID, h, body); err != nil {
		return nil, err
	}
	if c.machine.OrderNumber > 0 { // facts may come after the snapshot of which they prove what went back
		if err := s.Ledger.Settle(c.Context(), c.machine.ID); err != nil {
			return nil, err
		}
	}
	s.noteFacts(c.Context(), c.machine.ID)
	s.Wanted.Beat()
	return nil, nil
}

// readUpload takes a compressed JSON T whose address is the SHA-256 of its unpacked bytes, and gives it as it came.
func readUpload[T any](c *call) (h patch.Hash, v T, body []byte, err error) {
	h, plain, body, err := readBytes(c)
	if err != nil {
		return "", v, nil, err
	}
	v, err = decodeUpload[T](plain)
	return h, v, body, err
}

// readBytes is readUpload without a look at what the bytes say.
func readBytes(c *call) (h patch.Hash, plain, body []byte, err error) {
	h = patch.Hash(c.PathValue("hash"))
	if !h.Valid() {
		return "", nil, nil, &patch.Error{Kind: patch.Invalid, What: "the upload's address is not a SHA-256"}
	}
	if body, err = io.ReadAll(c.Body); err != nil {
		return "", nil, nil, err
	}
	if plain, err = unpack(body, unpackedLimit); err != nil {
		return "", nil, nil, err
	}
	if sum := sha256.Sum256(plain); hex.EncodeToString(sum[:]) != string(h) {
		return "", nil, nil, &patch.Error{Kind: patch.Untrusted, What: "the upload's bytes do not have the hash that its address names"}
	}
	return h, plain, body, nil
}

func decodeUpload[T any](plain []byte) (v T, err error) {
	if err := json.Unmarshal(plain, &v); err != nil {
		return v, &patch.Error{Kind: patch.Invalid, What: "cannot read the upload", Why: patch.Said(err)}
	}
	return v, nil
}

func unpack(b []byte, limit int64) ([]byte, error) {
	dec, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(16<<20))
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot unpack the upload", Err: err}
	}
	defer dec.Close()
	plain, err := io.ReadAll(io.LimitReader(dec, limit+1))
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot unpack the upload", Why: patch.Said(err)}
	}
	if int64(len(plain)) > limit {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot unpack the upload", Why: "it is too large when unpacked"}
	}
	return plain, nil
}

// snapshot accepts one complete detect, whole or as what changed, and acknowledges it when it is durable.
func (s *agents) snapshot(c *call) (any, error) {
	body, err := toldBy(c)
	if err != nil {
		return nil, err
	}
	reply, err := s.accept(c, body)
	if err != nil {
		return nil, err
	}
	if reply.Seq > c.machine.SnapshotSeq { // else it was sent again, and made before anybody asked for one
		s.Hub.DetectDone(c.machine.ID)
	}
	s.Pulse.Beat(patch.TopicMachines, patch.TopicDeployments, patch.TopicRings)
	s.Wanted.Beat()
	if c.machine.DetectFailed != "" {
		m, err := s.Store.FindMachine(c.Context(), c.machine.ID)
		if err != nil {
			return nil, err
		}
		if m.DetectFailed != "" {
			return nil, nil // it was the one from before that detect, sent again because its acknowledgement was lost
		}
		if err := s.Store.ClearAlarm(c.Context(), detectAlarm(c.machine.ID), s.Now()); err != nil {
			return nil, err
		}
	}
	if !reply.WantFacts {
		return nil, nil // acknowledged, and that is all
	}
	return reply, nil
}

// toldBy gives what a request says of a snapshot: its body, or what is in its address.
func toldBy(c *call) ([]byte, error) {
	if c.URL.RawQuery != "" {
		return wire.FromAddress(c.URL.RawQuery)
	}
	return io.ReadAll(c.Body)
}

func (s *agents) accept(c *call, body []byte) (wire.SnapshotReply, error) {
	if wire.IsChange(body) {
		change, err := wire.DecodeChange(body)
		if err != nil {
			return wire.SnapshotReply{}, err
		}
		return s.Ledger.AcceptChange(c.Context(), &c.machine, &change)
	}
	snap, err := wire.DecodeSnapshot(body)
	if err != nil {
		return wire.SnapshotReply{}, err
	}
	if snap.Machine != "" && snap.Machine != c.machine.ID {
		return wire.SnapshotReply{}, &patch.Error{Kind: patch.Forbidden, What: "cannot accept the snapshot", Why: "it is another machine's"}
	}
	snap.Machine = c.machine.ID
	return s.Ledger.AcceptWhole(c.Context(), &c.machine, &snap)
}

func detectAlarm(id patch.MachineID) string { return "detect/" + string(id) }

// detectFailed notes that a detect did not complete; the newest complete one stays.
func (s *agents) detectFailed(c *call) (any, error) {
	in, err := decodeAgent[wire.DetectFailed](c)
	if err != nil {
		return nil, err
	}
	id, text := c.machine.ID, clip(plainText(in.Text), textLimit)
	if err := s.Store.PutDetectFailed(c.Context(), id, s.Now(), text); err != nil {
		return nil, err
	}
	s.Pulse.Beat(patch.TopicMachines)
	if err := s.Store.RaiseAlarm(c.Context(), patch.Alarm{
		Key: detectAlarm(id), Kind: "detect", RaisedAt: s.Now(), SeenAt: s.Now(),
		Text: phrase.Of("the detect on {1} failed: {2}", c.machine.Name, clip(text, 500)), Do: "Look at the machine; its last complete detect stays in force and grows old.",
	}); err != nil {
		return nil, err
	}
	m, err := s.Store.FindMachine(c.Context(), id)
	if err != nil || m.DetectFailed != "" {
		return nil, err
	}
	return nil, s.Store.ClearAlarm(c.Context(), detectAlarm(id), s.Now()) // a newer detect is complete, so nothing would clear it
}

// results takes journal lines; foreign attempts and gaps are the desk's to refuse.
func (s *agents) results(c *call) (any, error) {
	in, err := decodeAgent[wire.Results](c)
	if err != nil {
		return nil, err
	}
	if len(in.Results) > resultsLimit {
		return nil, &patch.Error{Kind: patch.Invalid, What: "too many results in one upload", Do: "Send at most 2000 at once."}
	}
	for i := range in.Results {
		in.Results[i].Text = clip(plainText(in.Results[i].Text), textLimit)
		in.Results[i].Log = clipTail(plainText(in.Results[i].Log), logLimit)
	}
	reply, err := s.Deploy.Accept(c.Context(), c.machine.ID, in)
	if err != nil {
		return nil, err
	}
	s.Pulse.Beat(patch.TopicMachines, patch.TopicDeployments, patch.TopicRings)
	return reply, nil
}
