package item

import (
	"fmt"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

// tenThousand is 10,000 tests of the versions and sizes of files, and facts for them.
func tenThousand(tb testing.TB) ([]byte, []patch.Collected) {
	tb.Helper()
	var b Builder
	for n := range 10_000 {
		o := &Object{Class: "file", Entities: []Entity{{Name: "path", Value: fmt.Sprintf("/usr/lib/app%d", n%700)}, {Name: "filename", Value: fmt.Sprintf("lib%d.so", n)}}}
		s := &State{Class: "file", Entities: []Entity{{Name: "size", Datatype: Int, Operation: LessThan, Value: fmt.Sprint(n % 900)}}}
		if n%2 == 0 {
			s = &State{Class: "file", Entities: []Entity{{Name: "version", Datatype: Version, Operation: LessThan, Value: fmt.Sprintf("%d.%d.%d", n%7, n%40, n%300)}}}
		}
		if _, err := b.Test(&Test{Class: "file", Object: o, States: []*State{s}}); err != nil {
			tb.Fatal(err)
		}
	}
	raw, err := b.Bytes()
	if err != nil {
		tb.Fatal(err)
	}
	m, err := Decode(raw)
	if err != nil {
		tb.Fatal(err)
	}
	src := &answers{}
	facts := NewJudge(m, src).Collect(tb.Context())
	for i := range facts {
		if i%3 > 0 {
			facts[i].Flag, facts[i].Items = patch.FlagComplete, []patch.Item{{Fields: []patch.Field{{Name: "size", Type: "int", Value: fmt.Sprint(i % 1000)},
				{Name: "version", Type: "version", Value: fmt.Sprintf("%d.%d", i%9, i%50)}}}}
		}
	}
	return raw, facts
}

func BenchmarkTenThousandFiles(b *testing.B) {
	raw, facts := tenThousand(b)
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(raw)), "raw-bytes")
	b.ReportMetric(float64(len(enc.EncodeAll(raw, nil))), "zstd-bytes")
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	m, err := Decode(raw)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			NewStored(facts)
		}
	})
	stored := NewStored(facts)
	b.Run("judge", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			j := NewJudge(m, stored)
			for n := range m.Tests() {
				j.Value(b.Context(), n)
			}
		}
	})
}
