package wire

import (
	"crypto/sha256"
	"encoding/json"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// sumOf covers everything that a snapshot says, as its agent knows it; ok is false where its times are out of range, and nobody could be told them.
func sumOf(s *patch.Snapshot) (out [sumSize]byte, ok bool) {
	r := s.Receipt
	r.Received, r.Started, r.Ended = time.Time{}, r.Started.UTC(), r.Ended.UTC()
	r.FactsAt, r.Lists, r.Dated = r.FactsAt.UTC(), r.Lists.UTC(), r.Dated.UTC()
	head, ok := receiptJSON(make([]byte, 0, 640), &r)
	if !ok {
		var err error
		if head, err = json.Marshal(r); err != nil {
			return out, false
		}
	}
	h := sha256.New()
	h.Write(head)
	h.Write(s.Verdicts.Bits())
	var sum [sha256.Size]byte
	copy(out[:], h.Sum(sum[:0]))
	return out, true
}

// receiptJSON appends what json.Marshal makes of a receipt, which every detect is summed with on both sides; ok is false where its texts
// or times would need more than to be copied.
func receiptJSON(b []byte, r *patch.Receipt) (_ []byte, ok bool) {
	ok = true
	text := func(name, s string) {
		b = append(append(b, name...), '"')
		b = append(append(b, s...), '"')
		ok = ok && plain(s)
	}
	number := func(name string, n int) { b = strconv.AppendInt(append(b, name...), int64(n), 10) }
	moment := func(name string, t time.Time) {
		var err error
		b, err = t.AppendText(append(append(b, name...), '"'))
		b = append(b, '"')
		ok = ok && err == nil
	}
	text(`{"machine":`, string(r.Machine))
	b = strconv.AppendUint(append(b, `,"seq":`...), r.Seq, 10)
	text(`,"os":`, string(r.OS))
	text(`,"revision":`, string(r.Revision))
	text(`,"boot":`, r.Boot)
	moment(`,"started":`, r.Started)
	moment(`,"ended":`, r.Ended)
	number(`,"expected":`, r.Expected)
	number(`,"evaluated":`, r.Evaluated)
	number(`,"errors":`, r.Errors)
	text(`,"facts":`, string(r.Facts))
	text(`,"agent":`, r.Agent)
	if r.Order != "" {
		text(`,"order":`, r.Order)
	}
	for _, m := range []struct {
		name string
		at   time.Time
	}{{`,"received":`, r.Received}, {`,"facts_at":`, r.FactsAt}, {`,"lists":`, r.Lists}, {`,"dated":`, r.Dated}} {
		if !m.at.IsZero() {
			moment(m.name, m.at)
		}
	}
	return append(b, '}'), ok
}

// plain reports whether a text stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}
