package wire

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestEnvelope(t *testing.T) {
	pub, key, _ := ed25519.GenerateKey(nil)
	other, _, _ := ed25519.GenerateKey(nil)
	sent := Order{ID: "o-1", Machine: "m-1", Number: 7}
	sealed, err := Seal(key, TypeOrder, sent)
	if err != nil {
		t.Fatal(err)
	}
	var got Order
	if err := sealed.Open(pub, TypeOrder, &got); err != nil || !cmp.Equal(sent, got) {
		t.Fatalf("a sealed order does not open: %v %v", got, err)
	}
	flipped := sealed
	flipped.Payload = bytes.Replace(sealed.Payload, []byte("m-1"), []byte("m-2"), 1)
	retyped := sealed
	retyped.Type = TypeRevision
	unsigned := sealed
	unsigned.Signature = nil
	for name, c := range map[string]struct {
		e   Envelope
		key ed25519.PublicKey
		typ string
	}{
		"another key":       {sealed, other, TypeOrder},
		"no key":            {sealed, nil, TypeOrder},
		"changed payload":   {flipped, pub, TypeOrder},
		"another type":      {sealed, pub, TypeRevision},
		"renamed type":      {retyped, pub, TypeRevision},
		"missing signature": {unsigned, pub, TypeOrder},
	} {
		opened := Order{}
		if err := c.e.Open(c.key, c.typ, &opened); patch.KindOf(err) != patch.Untrusted || opened.ID != "" {
			t.Errorf("%s: opened as %v, %v", name, opened, err)
		}
	}
}

func sample(n int) patch.Snapshot {
	v := patch.NewVector(n)
	for i := 0; i < n; i += 97 {
		v.Set(i, patch.Verdict(i%4))
	}
	at := time.Date(2026, 11, 23, 6, 12, 0, 0, time.UTC)
	return patch.Snapshot{Verdicts: v, Receipt: patch.Receipt{Machine: "m-1", Seq: 9, OS: "debian-12-amd64", Revision: "r", Started: at, Ended: at,
		Expected: n, Evaluated: n, Errors: v.Counts()[patch.Faulty], Facts: patch.Hash(strings.Repeat("0", 64))}}
}

func TestSnapshotComesBack(t *testing.T) {
	for _, n := range []int{0, 1, 4, 5, 36000} {
		want := sample(n)
		b, err := EncodeSnapshot(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeSnapshot(b)
		if err != nil {
			t.Fatalf("%d verdicts: %v", n, err)
		}
		if !cmp.Equal(want.Receipt, got.Receipt) || !bytes.Equal(want.Verdicts.Bits(), got.Verdicts.Bits()) {
			t.Errorf("%d verdicts do not come back", n)
		}
	}
}

func TestCutSnapshotIsRefusedAtEveryByte(t *testing.T) {
	b, err := EncodeSnapshot(sample(4000))
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := DecodeSnapshot(b[:n]); err == nil {
			t.Fatalf("a snapshot cut after %d of %d bytes is accepted", n, len(b))
		}
	}
}

func FuzzDecodeSnapshot(f *testing.F) {
	b, _ := EncodeSnapshot(sample(100))
	f.Add(b)
	f.Add(snapshotMagic)
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSnapshot(b)
		if err == nil && s.Verdicts.Len() != s.Expected {
			t.Errorf("%d verdicts decoded for %d definitions", s.Verdicts.Len(), s.Expected)
		}
	})
}
