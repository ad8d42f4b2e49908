package story_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/prediction"
)

// crowd is a site with many machines that were put into the store as if they had detected: 30,000 patches, of which each machine has some 345,
// most of them the same ones, and needs 40. FETTLE_BENCH_MACHINES says how many; 10,000 where it is not set.
func crowd(b *testing.B) (*site, int) {
	n := 10_000
	if text := os.Getenv("FETTLE_BENCH_MACHINES"); text != "" {
		n, _ = strconv.Atoi(text)
	}
	s := newSite(b)
	var sources []src
	for i := range 30_000 {
		sources = append(sources, src{"bookworm-security", fmt.Sprintf("source%05d", i), "1.2-3", []string{fmt.Sprintf("source%05d", i)}})
	}
	rev := s.publish(bookworm, sources...)
	sum := sha256.Sum256([]byte("crowd"))
	token := patch.Token{Name: "crowd", Hash: patch.Hash(hex.EncodeToString(sum[:])), Uses: n, Admit: true, ExpiresAt: s.now.Add(time.Hour), CreatedAt: s.now}
	s.must(s.store.PutToken(s.ctx(), s.admin, token))
	var work sync.WaitGroup
	for w := range 32 {
		work.Go(func() {
			for i := w; i < n; i += 32 {
				s.join(rev, token.Hash, i)
			}
		})
	}
	work.Wait()
	s.decide(patch.Approve, "all", sources[0].id(), sources[90].id(), sources[80].id(), sources[160].id(), sources[240].id(), sources[320].id())
	s.decide(patch.Decline, "all", sources[180].id())
	s.fetch(bookworm, sources[0].id(), sources[80].id(), sources[160].id(), sources[240].id(), sources[320].id())
	return s, n
}

// join makes one machine of the crowd.
func (s *site) join(rev patch.RevisionID, token patch.Hash, i int) {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	id := patch.MachineID(fmt.Sprintf("m-%026d", i))
	m := patch.Machine{ID: id, Name: fmt.Sprintf("web-%05d", i)}
	_, err := s.store.RedeemToken(s.ctx(), token, s.now, m)
	s.must(err)
	s.must(s.store.PutCheckin(s.ctx(), id, patch.CheckinUpdate{At: s.now, Counter: 1, Boot: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), OS: bookworm, Hostname: m.Name, Agent: "1.0.0"}))
	facts := patch.Facts{OS: patch.OSFacts{Key: bookworm, ID: "debian", Arch: "amd64", Provides: true}}
	v := patch.NewVector(30_000)
	for k := range 345 {
		v.Set(k*80, patch.Patched)
		if k < 40 {
			v.Set(k*80, patch.NotPatched)
		}
	}
	for range 20 {
		v.Set(r.IntN(30_000), patch.Verdict(r.IntN(3)))
	}
	for k := range v.Len() {
		switch name := fmt.Sprintf("source%05d", k); v.At(k) {
		case patch.Patched:
			facts.Packages = append(facts.Packages, patch.Package{Name: name, Arch: "amd64", Version: "1.2-3", State: patch.Installed})
		case patch.NotPatched:
			facts.Packages = append(facts.Packages, patch.Package{Name: name, Arch: "amd64", Version: fmt.Sprintf("1.2-%d", i%3), State: patch.Installed})
		}
	}
	sum := sha256.Sum256([]byte(id))
	hash := patch.Hash(hex.EncodeToString(sum[:]))
	s.parts.Put(prediction.Seat{Machine: id, Name: m.Name, At: s.now, Seq: 1, Revision: rev}, hash, &facts)
	ended := s.now.Add(-time.Duration(r.IntN(80*3600)) * time.Second)
	s.must(s.store.PutSnapshotAfter(s.ctx(), nil, patch.Snapshot{Verdicts: v, Receipt: patch.Receipt{Machine: id, Seq: 1, OS: bookworm, Revision: rev, Boot: fmt.Sprintf("%08x-0000-4000-8000-%012x", i, i), Started: ended.Add(-time.Second),
		Ended: ended, Received: ended.Add(time.Second), Expected: v.Len(), Evaluated: v.Len(), Facts: hash, Agent: "1.0.0"}}, nil, nil))
}

// BenchmarkFleet asks about all machines at once.
func BenchmarkFleet(b *testing.B) {
	began := time.Now()
	s, n := crowd(b)
	b.Logf("%d machines in %v", n, time.Since(began))
	reader := s.ledger.World
	began = time.Now()
	index := fleet.New(s.store, reader.Lists)
	_, err := index.Look(s.ctx())
	s.must(err)
	b.Logf("index read in %v", time.Since(began))
	reader.Fleet = index
	var mem runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&mem)
	b.Logf("heap %d MiB, file %d bytes a machine", mem.HeapAlloc>>20, s.fileSize()/int64(n))
	hot, common := patch.ID("bookworm-security/source00000/1.2-3"), patch.ID("bookworm-security/source00080/1.2-3")
	for _, c := range []struct {
		name string
		do   func()
	}{
		{"Missing", func() { _, err := index.Having(s.ctx(), bookworm, common, patch.NotPatched); s.must(err) }},
		{"Tally", func() { _, _, err := index.Tally(s.ctx(), bookworm, s.cat.newest[bookworm].meta.ID); s.must(err) }},
		{"Compliance", func() {
			_, err := s.ledger.Compliance(s.ctx(), []string{"all"}, patch.DefaultAllowance())
			s.must(err)
		}},
		{"ExplainLabel", func() { _, err := s.ledger.ExplainLabel(s.ctx(), "all", hot); s.must(err) }},
		{"ExplainOne", func() { _, err := s.ledger.Explain(s.ctx(), "m-00000000000000000000000007", hot); s.must(err) }},
		{"Rows", func() {
			_, _, err := s.ledger.Rows(s.ctx(), "m-00000000000000000000000007", ledger.RowFilter{Limit: 100})
			s.must(err)
		}},
		{"PatchCounts", func() {
			_, _, err := s.ledger.PatchCounts(s.ctx(), bookworm, ledger.RowFilter{Limit: 100})
			s.must(err)
		}},
		{"PatchRows", func() {
			_, _, err := s.ledger.PatchRows(s.ctx(), hot, ledger.RowFilter{Limit: 100})
			s.must(err)
		}},
		{"Status", func() { _, err := s.ledger.Status(s.ctx()); s.must(err) }},
		{"Machines100", func() { _, _, err := s.ledger.MachinesPage(s.ctx(), patch.MachineFilter{}, 0, 100); s.must(err) }},
		{"Roll", func() { _, err := s.ledger.Roll(s.ctx()); s.must(err) }},
		{"Plan", func() {
			_, err := s.planner.Make(s.ctx(), s.admin, plan.Request{Label: "all"})
			s.must(err)
		}},
		{"Members", func() { _, err := s.book.Members(s.ctx(), "all"); s.must(err) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.do()
			}
		})
	}
}

func (s *site) fileSize() (n int64) {
	for _, end := range []string{"", "-wal"} {
		if f, err := os.Stat(s.path + end); err == nil {
			n += f.Size()
		}
	}
	return n
}
