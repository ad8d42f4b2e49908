package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Change is a snapshot told by what differs from one that the appliance acknowledged before: a detect that found nothing new is little
// more than a hash. It travels under PathSnapshot in the place of a compact snapshot, and means exactly one complete snapshot: see Apply.
type Change struct {
	Base uint64 // Seq of the snapshot that it is told against: of the same host OS and revision
	Seq  uint64

	receipt patch.Receipt // Boot, Agent, Facts and Order only where they differ
	given   byte          // which of them do
	steps   []step
	sum     [sumSize]byte // of the whole snapshot that comes out
}

// step is one verdict that is another one than before.
type step struct {
	at   int
	flip byte // old verdict xor new verdict
}

// A change is: magic, base, seq - base, the fields that differ (a bit each), started (nanoseconds), ended - started, those fields in their order,
// the number of steps, each step as (distance << 2 | flip), and the first half of the SHA-256 over the whole new snapshot. Numbers are uvarints.
var changeMagic = []byte("FTLCHNG1")

const (
	givesBoot = 1 << iota
	givesAgent
	givesFacts
	givesOrder
	givesAge   // when the facts were read, after the start
	givesLists // of when the machine's own package lists are
)

const (
	sumSize   = 16
	maxText   = 1024 // boot, agent and order in bytes each
	maxChange = 1 << 20
	fewSteps  = 64 // and a 16th of the list: with more the whole snapshot is as small
)

// maxInAddress is how many bytes of a change travel in the address of a request.
const maxInAddress = 1 << 10

// InAddress gives the path of a request without a body that tells a change, as long as it is short: with a body a request is two writes on one side
// and two reads on the other, which cost more than all that is done with most changes.
func InAddress(change []byte) (path string, ok bool) {
	return PathSnapshot + "?" + base64.RawURLEncoding.EncodeToString(change), len(change) <= maxInAddress
}

// FromAddress gives the change that InAddress put into the query of an address.
func FromAddress(query string) ([]byte, error) {
	if len(query) > base64.RawURLEncoding.EncodedLen(maxInAddress) {
		return nil, patch.Errorf(patch.Invalid, "the address is too long to tell a change")
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(query)
	if err != nil {
		return nil, patch.Errorf(patch.Invalid, "the address tells no change: %w", err)
	}
	return b, nil
}

// IsChange tells a change from a compact snapshot.
func IsChange(b []byte) bool { return bytes.HasPrefix(b, changeMagic) }

// EncodeChange tells next against base. ok is false where only the whole snapshot will do: another host OS or revision, or too much changed.
func EncodeChange(base, next patch.Snapshot) (b []byte, ok bool) {
	if base.OS != next.OS || base.Revision != next.Revision || base.Machine != next.Machine || base.Seq == 0 || base.Seq >= next.Seq ||
		base.Verdicts.Len() != next.Verdicts.Len() || next.Expected != next.Verdicts.Len() || next.Evaluated != next.Expected || next.Ended.Before(next.Started) {
		return nil, false
	}
	steps := stepsBetween(base.Verdicts, next.Verdicts)
	if len(steps) > fewSteps+next.Expected/16 {
		return nil, false
	}
	b = append(b, changeMagic...)
	b = binary.AppendUvarint(b, base.Seq)
	b = binary.AppendUvarint(b, next.Seq-base.Seq)
	b = appendReceipt(b, base.Receipt, next.Receipt)
	b = binary.AppendUvarint(b, uint64(len(steps)))
	last := 0
	for _, s := range steps {
		b = binary.AppendUvarint(b, uint64(s.at-last)<<2|uint64(s.flip))
		last = s.at
	}
	sum, ok := sumOf(&next)
	b = append(b, sum[:]...)
	return b, ok && len(b) <= maxChange && len(next.Boot) <= maxText && len(next.Agent) <= maxText && len(next.Order) <= maxText
}

func appendReceipt(b []byte, base, next patch.Receipt) []byte {
	at := len(b)
	b = append(b, 0)
	b = binary.AppendUvarint(b, uint64(next.Started.UnixNano()))
	b = binary.AppendUvarint(b, uint64(next.Ended.Sub(next.Started)))
	for _, x := range [...]struct {
		bit      byte
		was, now string
	}{{givesBoot, base.Boot, next.Boot}, {givesAgent, base.Agent, next.Agent}, {givesFacts, string(base.Facts), string(next.Facts)}, {givesOrder, "", next.Order}} {
		if x.was != x.now {
			b[at] |= x.bit
		}
	}
	put := func(bit byte, s string) {
		if b[at]&bit != 0 {
			b = binary.AppendUvarint(b, uint64(len(s)))
			b = append(b, s...)
		}
	}
	put(givesBoot, next.Boot)
	put(givesAgent, next.Agent)
	if raw, err := hex.DecodeString(string(next.Facts)); err == nil {
		put(givesFacts, string(raw))
	}
	put(givesOrder, next.Order)
	if !next.FactsAt.IsZero() {
		b[at] |= givesAge
		b = binary.AppendUvarint(b, uint64(max(0, next.FactsAt.Sub(next.Started))))
	}
	if !next.Lists.Equal(base.Lists) {
		b[at] |= givesLists
		b = binary.AppendUvarint(b, uint64(max(0, seconds(next.Lists))))
	}
	return b
}

// seconds is a time as a change carries it; 0 for none.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func stepsBetween(a, b patch.Vector) []step {
	var out []step
	for i := range a.Differences(b) {
		out = append(out, step{at: i, flip: byte(a.At(i) ^ b.At(i))})
	}
	return out
}

// DecodeChange reads EncodeChange's bytes. It checks shape and size; what it means, only Apply can tell.
func DecodeChange(b []byte) (Change, error) {
	var c Change
	if !IsChange(b) || len(b) > maxChange {
		return c, patch.Errorf(patch.Invalid, "this is not a changed snapshot")
	}
	in := changeReader{b: b[len(changeMagic):]}
	c.Base = in.number(math.MaxInt64)
	c.Seq = c.Base + in.number(math.MaxInt64)
	c.given = in.octet()
	c.receipt.Started = time.Unix(0, int64(in.number(math.MaxInt64))).UTC()
	c.receipt.Ended = c.receipt.Started.Add(time.Duration(in.number(math.MaxInt64 / 4)))
	c.receipt.Boot = in.text(c.given & givesBoot)
	c.receipt.Agent = in.text(c.given & givesAgent)
	if facts := in.text(c.given & givesFacts); facts != "" {
		c.receipt.Facts = patch.Hash(hex.EncodeToString([]byte(facts)))
	}
	c.receipt.Order = in.text(c.given & givesOrder)
	if c.given&givesAge != 0 {
		c.receipt.FactsAt = c.receipt.Started.Add(time.Duration(in.number(math.MaxInt64 / 4)))
	}
	if c.given&givesLists != 0 {
		if s := in.number(1 << 40); s > 0 {
			c.receipt.Lists = time.Unix(int64(s), 0).UTC()
		}
	}
	n := in.number(uint64(len(in.b)))
	c.steps = make([]step, 0, n)
	at := uint64(0)
	for i := range n {
		v := in.number(math.MaxInt64)
		if at += v >> 2; v&3 == 0 || at > math.MaxInt32 || i > 0 && v>>2 == 0 {
			in.bad = true
		}
		if in.bad {
			break
		}
		c.steps = append(c.steps, step{at: int(at), flip: byte(v & 3)})
	}
	if in.bad || c.given >= givesLists<<1 || c.Base == 0 || c.Seq <= c.Base || len(in.b) != sumSize {
		return Change{}, patch.Errorf(patch.Invalid, "the changed snapshot is cut or not well formed")
	}
	copy(c.sum[:], in.b)
	return c, nil
}

// changeReader takes values off the front of b; one that is not there makes it bad, and so all that follow.
type changeReader struct {
	b   []byte
	bad bool
}

func (r *changeReader) number(most uint64) uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || v > most {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *changeReader) octet() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *changeReader) text(given byte) string {
	if given == 0 {
		return ""
	}
	n := r.number(maxText)
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

// Apply makes the snapshot that the change means out of the one that it is told against; base stays as it is. Its verdicts are in scratch, if that
// is large enough. It gives Conflict unless exactly the snapshot comes out that the agent had: then the agent has to send the whole one.
func (c *Change) Apply(base *patch.Snapshot, scratch []byte) (patch.Snapshot, error) {
	if base.Seq != c.Base {
		return patch.Snapshot{}, patch.Errorf(patch.Conflict, "the change is told against snapshot %d, and the newest one here is %d", c.Base, base.Seq)
	}
	bits := append(scratch[:0], base.Verdicts.Bits()...)
	for _, s := range c.steps {
		if s.at >= base.Verdicts.Len() {
			return patch.Snapshot{}, patch.Errorf(patch.Conflict, "the change is about patch %d of %d", s.at+1, base.Verdicts.Len())
		}
		bits[s.at>>2] ^= s.flip << (uint(s.at&3) << 1)
	}
	v, err := patch.VectorFrom(base.Verdicts.Len(), bits)
	if err != nil {
		return patch.Snapshot{}, err
	}
	next := patch.Snapshot{Receipt: base.Receipt, Verdicts: v}
	c.fill(&next.Receipt, v)
	if !c.Means(&next) {
		return patch.Snapshot{}, patch.Errorf(patch.Conflict, "snapshot %d and the change do not give what the agent had", c.Base)
	}
	return next, nil
}

func (c *Change) fill(r *patch.Receipt, v patch.Vector) {
	r.Seq, r.Started, r.Ended, r.Received, r.Order = c.Seq, c.receipt.Started, c.receipt.Ended, time.Time{}, c.receipt.Order
	r.Expected, r.Evaluated, r.Errors = v.Len(), v.Len(), v.Errors()
	if c.given&givesBoot != 0 {
		r.Boot = c.receipt.Boot
	}
	if c.given&givesAgent != 0 {
		r.Agent = c.receipt.Agent
	}
	if c.given&givesFacts != 0 {
		r.Facts = c.receipt.Facts
	}
	r.FactsAt = c.receipt.FactsAt
	if c.given&givesLists != 0 {
		r.Lists = c.receipt.Lists
	}
}

// Means reports whether s is the snapshot that the agent had when it told the change.
func (c *Change) Means(s *patch.Snapshot) bool {
	sum, ok := sumOf(s)
	return ok && c.Seq == s.Seq && c.sum == sum
}
