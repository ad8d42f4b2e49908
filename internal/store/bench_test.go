package store

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func durablePostgresURL(b testing.TB) string {
	url := postgresURL(b)
	c, err := postgres()
	must(b, err)
	must(b, c.sync(true))
	b.Cleanup(func() { must(b, c.sync(false)) })
	return url
}

// BenchmarkPutSnapshot stores durable snapshots of 35,000 verdicts that differ from each other: SQLite skips writing equal pages.
func BenchmarkPutSnapshot(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": durablePostgresURL} {
		b.Run(name, func(b *testing.B) {
			s := open(b, url(b))
			const machines = 500
			ids := make([]patch.MachineID, machines)
			for i := range ids {
				ids[i] = patch.MachineID(fmt.Sprintf("m-%04d", i))
			}
			enrol(b, s, ids...)
			template := make([]patch.Verdict, 35_000)
			for range 300 {
				template[rand.IntN(len(template))] = patch.Verdict(1 + rand.IntN(2))
			}
			var next atomic.Int64
			b.ResetTimer()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := next.Add(1)
					v := snapshot(ids[n%machines], uint64(n), bookworm, template...)
					for range 20 {
						v.Verdicts.Set(rand.IntN(35_000), patch.Patched)
					}
					if err := s.PutSnapshot(ctx, v, nil); err != nil && patch.KindOf(err) != patch.Conflict {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "snapshots/s")
		})
	}
}

// BenchmarkFirstRevision stores a catalog of Debian's size for the first time, BenchmarkNextRevision one that changes ten patches.
func BenchmarkFirstRevision(b *testing.B) { benchmarkRevision(b, true) }

func BenchmarkNextRevision(b *testing.B) { benchmarkRevision(b, false) }

func benchmarkRevision(b *testing.B, first bool) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": durablePostgresURL} {
		b.Run(name, func(b *testing.B) {
			s := open(b, url(b))
			ps := make([]patch.Patch, 35_000)
			for i := range ps {
				ps[i] = aPatch(fmt.Sprintf("bookworm/source%05d/1.0-%d", i, i%9))
			}
			must(b, s.PutRevision(ctx, revision("r0", "warm", len(ps)), []byte("e"), ps))
			b.ResetTimer()
			for i := range b.N {
				os := patch.HostOS("warm")
				if first {
					os = patch.HostOS(fmt.Sprint("os", i))
				} else {
					for k := range 10 {
						ps[k] = aPatch(fmt.Sprintf("bookworm/source%05d/2.0-%d", k, i))
					}
				}
				must(b, s.PutRevision(ctx, revision(patch.RevisionID(fmt.Sprint("r", i+1)), os, len(ps)), []byte("e"), ps))
			}
		})
	}
}
