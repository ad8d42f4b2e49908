package wire

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

func clone(s patch.Snapshot) patch.Snapshot {
	s.Verdicts, _ = patch.VectorFrom(s.Verdicts.Len(), bytes.Clone(s.Verdicts.Bits()))
	return s
}

// later makes a snapshot that follows s, with some verdicts changed.
func later(s patch.Snapshot, flips int) patch.Snapshot {
	n := clone(s)
	n.Seq++
	n.Started, n.Ended = s.Ended.Add(time.Hour+7), s.Ended.Add(time.Hour+time.Second+9)
	for range flips {
		i := rand.IntN(n.Verdicts.Len())
		n.Verdicts.Set(i, patch.Verdict(rand.IntN(4)))
	}
	n.Errors = n.Verdicts.Counts()[patch.Faulty]
	return n
}

func TestChangeComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := sample(rapid.IntRange(1, 3000).Draw(t, "patches"))
		next := later(base, rapid.IntRange(0, 40).Draw(t, "flips"))
		if rapid.Bool().Draw(t, "facts") {
			next.Facts = patch.Hash(strings.Repeat("ab", 32))
		}
		next.Boot = rapid.SampledFrom([]string{base.Boot, "another", ""}).Draw(t, "boot")
		next.Agent = rapid.SampledFrom([]string{base.Agent, "2.0"}).Draw(t, "agent")
		next.Order = rapid.SampledFrom([]string{"", "o-1"}).Draw(t, "order")
		if rapid.Bool().Draw(t, "aged") {
			next.FactsAt = next.Started.Add(time.Duration(rapid.IntRange(0, 1_000_000_000).Draw(t, "age")))
			base.FactsAt = base.Started
		}
		base.Lists = rapid.SampledFrom([]time.Time{{}, time.Unix(1_700_000_000, 0).UTC()}).Draw(t, "lists before")
		next.Lists = rapid.SampledFrom([]time.Time{{}, base.Lists, time.Unix(1_700_000_001, 0).UTC()}).Draw(t, "lists")
		base.Received = base.Ended.Add(time.Second) // as the appliance keeps it
		b, ok := EncodeChange(base, next)
		if !ok {
			t.Fatal("no change can be told")
		}
		c, err := DecodeChange(b)
		if err != nil {
			t.Fatal(err)
		}
		kept := bytes.Clone(base.Verdicts.Bits())
		got, err := c.Apply(&base, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !cmp.Equal(next.Receipt, got.Receipt) || !bytes.Equal(next.Verdicts.Bits(), got.Verdicts.Bits()) {
			t.Fatalf("the change does not come back: %s", cmp.Diff(next.Receipt, got.Receipt))
		}
		if !bytes.Equal(kept, base.Verdicts.Bits()) {
			t.Fatal("the base was changed")
		}
	})
}

func TestUnchangedCostsAHash(t *testing.T) {
	base := sample(30_000)
	whole, err := EncodeSnapshot(base)
	if err != nil {
		t.Fatal(err)
	}
	unchanged, _ := EncodeChange(base, later(base, 0))
	changed, _ := EncodeChange(base, later(base, 20))
	if len(unchanged) > 48 || len(changed) > 120 || len(whole) > 2000 {
		t.Errorf("%d bytes for nothing new, %d for 20 verdicts, %d for all", len(unchanged), len(changed), len(whole))
	}
}

// A change gives the snapshot that the agent had, or nothing.
func TestChangeAgainstAnythingElseIsRefused(t *testing.T) {
	base := sample(1000)
	next := later(base, 9)
	b, _ := EncodeChange(base, next)
	c, err := DecodeChange(b)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*patch.Snapshot){
		"an older one":     func(s *patch.Snapshot) { s.Seq-- },
		"a newer one":      func(s *patch.Snapshot) { s.Seq++ },
		"other verdicts":   func(s *patch.Snapshot) { s.Verdicts.Set(998, patch.Patched) },
		"another boot":     func(s *patch.Snapshot) { s.Boot = "x" },
		"other facts":      func(s *patch.Snapshot) { s.Facts = patch.Hash(strings.Repeat("1", 64)) },
		"another revision": func(s *patch.Snapshot) { s.Revision = "x" },
		"another machine":  func(s *patch.Snapshot) { s.Machine = "m-2" },
		"a shorter list":   func(s *patch.Snapshot) { s.Verdicts = patch.NewVector(3) },
	} {
		other := clone(base)
		change(&other)
		if got, err := c.Apply(&other, nil); patch.KindOf(err) != patch.Conflict {
			t.Errorf("%s: %+v, %v", name, got.Receipt, err)
		}
	}
}

func TestOnlyTheSameListMakesAChange(t *testing.T) {
	base := sample(1000)
	for name, change := range map[string]func(*patch.Snapshot){
		"another OS":       func(s *patch.Snapshot) { s.OS = "debian-13-amd64" },
		"another revision": func(s *patch.Snapshot) { s.Revision = "x" },
		"a longer list":    func(s *patch.Snapshot) { s.Verdicts, s.Expected, s.Evaluated = patch.NewVector(1001), 1001, 1001 },
		"a partial detect": func(s *patch.Snapshot) { s.Evaluated = 999 },
		"not newer":        func(s *patch.Snapshot) { s.Seq = base.Seq },
	} {
		next := later(base, 1)
		change(&next)
		if _, ok := EncodeChange(base, next); ok {
			t.Errorf("%s: told as a change", name)
		}
	}
}

func TestCutChangeIsRefusedAtEveryByte(t *testing.T) {
	base := sample(4000)
	next := later(base, 30)
	next.Boot, next.Order = "b", "o"
	b, _ := EncodeChange(base, next)
	for n := range b {
		c, err := DecodeChange(b[:n])
		if err != nil {
			continue
		}
		if _, err := c.Apply(&base, nil); err == nil {
			t.Fatalf("a change cut after %d of %d bytes is accepted", n, len(b))
		}
	}
}

// A short change is told in the address of a request, and comes out of it as it was; anything else there is refused.
// A time that JSON cannot tell has no sum, so that no change comes to it: whoever is told such a receipt would be told nothing at all.
func TestTimesOutOfRangeAreRefused(t *testing.T) {
	base := sample(40)
	next := later(base, 3)
	next.Lists = time.Date(30_000, 1, 1, 0, 0, 0, 0, time.UTC)
	b, ok := EncodeChange(base, next)
	if ok {
		t.Error("an agent tells it as a change")
	}
	c, err := DecodeChange(b)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Apply(&base, nil); patch.KindOf(err) != patch.Conflict {
		t.Errorf("%v: %+v", err, got.Receipt)
	}
}

func TestAChangeInAnAddress(t *testing.T) {
	base := sample(30_000)
	b, _ := EncodeChange(base, later(base, 20))
	path, ok := InAddress(b)
	_, query, _ := strings.Cut(path, "?")
	got, err := FromAddress(query)
	if !ok || err != nil || !bytes.Equal(b, got) || !strings.HasPrefix(path, PathSnapshot) {
		t.Errorf("%x came back as %x: %v", b, got, err)
	}
	if _, ok := InAddress(make([]byte, maxInAddress+1)); ok {
		t.Error("a long change travels in an address")
	}
	for _, query := range []string{"change=" + query, query + "=", query + "%0A", strings.Repeat("A", 2000)} {
		if b, err := FromAddress(query); err == nil {
			t.Errorf("%.40q tells %x", query, b)
		}
	}
}

func FuzzDecodeChange(f *testing.F) {
	base := sample(100)
	b, _ := EncodeChange(base, later(base, 5))
	f.Add(b)
	f.Add(changeMagic)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeChange(b)
		if err != nil {
			return
		}
		s, err := c.Apply(&base, nil)
		if err == nil && (s.Seq <= base.Seq || s.Verdicts.Len() != base.Verdicts.Len() || s.Check() != nil) {
			t.Errorf("%+v was made of %x", s.Receipt, b)
		}
	})
}
