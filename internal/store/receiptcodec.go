package store

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// A packed receipt is: flags; the number of the word that says what many receipts say alike; when the detect ended; its other moments as
// distances from that; how many verdicts are errors and, where it differs from what was expected, how many were given; boot, facts and order.
// Numbers are varints. Boot and facts are bytes where they are a UUID and a hash, else texts after their length. Machine and sequence number
// are in the row.

const (
	hasReceived = 1 << iota
	hasFactsAt
	hasLists
	hasDated
	hasUUID
	hasHash
	hasOrder
	hasEvaluated
)

// alike is what many receipts of an OS say alike.
func alike(r patch.Receipt) string {
	return strings.Join([]string{cleanText(string(r.OS)), cleanText(string(r.Revision)), cleanText(r.Agent)}, "\n")
}

// packReceipt packs all of a receipt but its machine and number; word is that of what it says alike with others.
func packReceipt(r patch.Receipt, word int64) []byte {
	b := binary.AppendUvarint([]byte{0}, uint64(word))
	flags := byte(0)
	b = appendMoment(b, r.Ended)
	b = binary.AppendVarint(b, int64(r.Started.Sub(r.Ended)))
	for _, m := range []struct {
		flag byte
		at   time.Time
	}{{hasReceived, r.Received}, {hasFactsAt, r.FactsAt}, {hasLists, r.Lists}, {hasDated, r.Dated}} {
		if !m.at.IsZero() {
			flags |= m.flag
			b = appendMoment(b, m.at)
		}
	}
	b = binary.AppendVarint(b, int64(r.Expected))
	b = binary.AppendVarint(b, int64(r.Errors))
	if r.Evaluated != r.Expected {
		flags |= hasEvaluated
		b = binary.AppendVarint(b, int64(r.Evaluated))
	}
	if id, ok := uuid(r.Boot); ok {
		flags |= hasUUID
		b = append(b, id...)
	} else {
		b = appendText(b, cleanText(r.Boot))
	}
	if h, err := hex.DecodeString(string(r.Facts)); err == nil && len(h) == 32 && hex.EncodeToString(h) == string(r.Facts) {
		flags |= hasHash
		b = append(b, h...)
	} else {
		b = appendText(b, cleanText(string(r.Facts)))
	}
	if r.Order != "" {
		flags |= hasOrder
		b = appendText(b, cleanText(r.Order))
	}
	b[0] = flags
	return b
}

// asKept is a receipt as it comes back: see packReceipt.
func asKept(r patch.Receipt) *patch.Receipt {
	for _, t := range []*string{(*string)(&r.OS), (*string)(&r.Revision), &r.Agent, &r.Boot, (*string)(&r.Facts), &r.Order} {
		*t = cleanText(*t)
	}
	took := r.Started.Sub(r.Ended)
	r.Ended = time.Unix(0, r.Ended.UnixNano()).UTC()
	r.Started = r.Ended.Add(took)
	for _, t := range []*time.Time{&r.Received, &r.FactsAt, &r.Lists, &r.Dated} {
		if !t.IsZero() {
			*t = time.Unix(0, t.UnixNano()).UTC()
		}
	}
	return &r
}

// unpackReceipt reads packReceipt's bytes.
func (s *Store) unpackReceipt(ctx context.Context, id patch.MachineID, seq uint64, b []byte) (patch.Receipt, error) {
	broken := func() error {
		return patch.Errorf(patch.Internal, "the stored receipt %d of the machine %s cannot be read", seq, id)
	}
	if len(b) == 0 {
		return patch.Receipt{}, broken()
	}
	flags, in := b[0], movesReader{b: b[1:]}
	word, err := s.words.text(ctx, s, int64(in.number()))
	if err != nil {
		return patch.Receipt{}, err
	}
	said := strings.Split(word, "\n")
	if len(said) != 3 {
		return patch.Receipt{}, broken()
	}
	r := patch.Receipt{Machine: id, Seq: seq, OS: patch.HostOS(said[0]), Revision: patch.RevisionID(said[1]), Agent: said[2]}
	r.Ended = in.moment()
	r.Started = r.Ended.Add(time.Duration(in.signed()))
	for _, m := range []struct {
		flag byte
		into *time.Time
	}{{hasReceived, &r.Received}, {hasFactsAt, &r.FactsAt}, {hasLists, &r.Lists}, {hasDated, &r.Dated}} {
		if flags&m.flag != 0 {
			*m.into = in.moment()
		}
	}
	r.Expected, r.Errors = int(in.signed()), int(in.signed())
	if r.Evaluated = r.Expected; flags&hasEvaluated != 0 {
		r.Evaluated = int(in.signed())
	}
	if flags&hasUUID != 0 {
		r.Boot = uuidText(in.take(16))
	} else {
		r.Boot = in.text()
	}
	if flags&hasHash != 0 {
		r.Facts = patch.Hash(hex.EncodeToString(in.take(32)))
	} else {
		r.Facts = patch.Hash(in.text())
	}
	if flags&hasOrder != 0 {
		r.Order = in.text()
	}
	if in.bad {
		return patch.Receipt{}, broken()
	}
	return r, nil
}

// appendMoment writes a time as its nanoseconds without trailing zeros: three at a time, as many groups as the lowest two bits say.
func appendMoment(b []byte, t time.Time) []byte {
	n, zeros := t.UnixNano(), int64(0)
	for zeros < 3 && n%1000 == 0 {
		n, zeros = n/1000, zeros+1
	}
	return binary.AppendVarint(b, n<<2|zeros)
}

func (r *movesReader) moment() time.Time {
	v := r.signed()
	n := v >> 2
	for range v & 3 {
		n *= 1000
	}
	return time.Unix(0, n).UTC()
}

func (r *movesReader) signed() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// take gives n bytes; zeros where they are not there.
func (r *movesReader) take(n int) []byte {
	if len(r.b) < n {
		r.bad, r.b = true, nil
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// uuid gives the 16 bytes of a UUID that is written as the kernel writes them.
func uuid(text string) ([]byte, bool) {
	b, err := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(b) != 16 || uuidText(b) != text {
		return nil, false
	}
	return b, true
}

func uuidText(b []byte) string {
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
