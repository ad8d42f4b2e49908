package patch

import (
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestVectorKeepsWhatWasSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Custom(func(t *rapid.T) Verdict { return Verdict(rapid.IntRange(0, 3).Draw(t, "v")) })).Draw(t, "verdicts")
		v := NewVector(len(want))
		for _, i := range rapid.Permutation(indices(len(want))).Draw(t, "order") {
			v.Set(i, Faulty)
			v.Set(i, want[i])
		}
		back, err := VectorFrom(v.Len(), v.Bits())
		if err != nil {
			t.Fatal(err)
		}
		var counts Counts
		for i, d := range want {
			counts[d]++
			if back.At(i) != d {
				t.Fatalf("verdict %d is %v, not %v", i, back.At(i), d)
			}
		}
		if back.Counts() != counts || counts.Total() != len(want) || back.Errors() != counts[Faulty] {
			t.Fatalf("counts %v, not %v", back.Counts(), counts)
		}
	})
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestFillIsSetAtEveryPlace(t *testing.T) {
	for from := range 11 {
		for to := from; to < 11; to++ {
			filled, set := NewVector(11), NewVector(11)
			for i := range 11 {
				filled.Set(i, Faulty)
				set.Set(i, Faulty)
			}
			filled.Fill(from, to, Patched)
			for i := from; i < to; i++ {
				set.Set(i, Patched)
			}
			if !slices.Equal(filled.Bits(), set.Bits()) {
				t.Errorf("from %d to %d: %x, not %x", from, to, filled.Bits(), set.Bits())
			}
		}
	}
}

func TestVectorRefusesTheWrongLength(t *testing.T) {
	for _, n := range []int{-1, 1, 9} {
		if _, err := VectorFrom(n, make([]byte, 2)); KindOf(err) != Invalid {
			t.Errorf("%d verdicts in 2 bytes: %v", n, err)
		}
	}
}

func TestSnapshotCheck(t *testing.T) {
	good := func() Snapshot {
		v := NewVector(5)
		v.Set(2, Faulty)
		now := time.Date(2026, 11, 23, 6, 12, 0, 0, time.UTC)
		return Snapshot{Receipt: Receipt{Seq: 1, OS: "debian-12-amd64", Revision: "0123456789abcdef", Started: now, Ended: now.Add(time.Second),
			Expected: 5, Evaluated: 5, Errors: 1, Facts: Hash(strings.Repeat("a", 64))}, Verdicts: v}
	}
	if err := good().Check(); err != nil {
		t.Fatalf("a complete snapshot is refused: %v", err)
	}
	for name, spoil := range map[string]func(*Snapshot){
		"partial":       func(s *Snapshot) { s.Evaluated = 4 },
		"truncated":     func(s *Snapshot) { s.Verdicts = NewVector(4) },
		"no sequence":   func(s *Snapshot) { s.Seq = 0 },
		"no facts":      func(s *Snapshot) { s.Facts = "../../etc/passwd" },
		"no OS":         func(s *Snapshot) { s.OS = "" },
		"no revision":   func(s *Snapshot) { s.Revision = "" },
		"old facts":     func(s *Snapshot) { s.FactsAt = s.Started.Add(-time.Hour) },
		"facts to come": func(s *Snapshot) { s.FactsAt = s.Ended.Add(time.Second) },
		"ends early":    func(s *Snapshot) { s.Ended = s.Started.Add(-time.Second) },
		"hides errors":  func(s *Snapshot) { s.Errors = 0 },
		"invents error": func(s *Snapshot) { s.Errors = 2 },
	} {
		s := good()
		spoil(&s)
		if err := s.Check(); KindOf(err) != Invalid {
			t.Errorf("%s: accepted (%v)", name, err)
		}
	}
}

func TestVerdictNames(t *testing.T) {
	for v := NotApplicable; v <= Unknown; v++ {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back Verdict
		if err := json.Unmarshal(b, &back); err != nil || back != v {
			t.Errorf("%s does not come back: %v, %v", b, back, err)
		}
	}
	var v Verdict
	if err := v.UnmarshalText([]byte("probably fine")); KindOf(err) != Invalid {
		t.Errorf("an unknown verdict is read as %v, %v", v, err)
	}
}

func TestErrorTellsCauseOnce(t *testing.T) {
	err := Errorf(Unavailable, "cannot read the feed: %w", fs.ErrNotExist)
	if !errors.Is(err, fs.ErrNotExist) || KindOf(err) != Unavailable {
		t.Errorf("the cause or the kind is lost: %v", err)
	}
	if n := strings.Count(err.Error(), fs.ErrNotExist.Error()); n != 1 {
		t.Errorf("the cause stands %d times in %q", n, err)
	}
	full := &Error{Kind: Conflict, What: "cannot apply the plan", Why: "the label changed", Do: "Make a new plan."}
	if got := full.Error(); got != "cannot apply the plan: the label changed. Make a new plan." {
		t.Errorf("got %q", got)
	}
	for k := Internal; k <= Untrusted; k++ {
		if KindNamed(k.String()) != k {
			t.Errorf("kind %v does not come back from its name", k)
		}
	}
}
