package store

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// acknowledged is what the writing child says about one round after all its calls returned.
type acknowledged struct {
	Round  uint64 // snapshot 1…Round and result lines 1…Round of m-1 are durable
	Caught string // an error ends the child; it must not be one
}

// writeUntilKilled is the child of TestKillLosesNothing: it does what an appliance does and says after each round that it is done.
func writeUntilKilled(url string) int {
	out := json.NewEncoder(os.Stdout)
	s, err := Open(ctx, url, Options{})
	if err != nil {
		out.Encode(acknowledged{Caught: err.Error()})
		return 1
	}
	m, err := s.FindMachine(ctx, "m-1")
	for round := m.SnapshotSeq + 1; err == nil; round++ {
		if err = writeRound(ctx, s, round); err == nil {
			err = out.Encode(acknowledged{Round: round})
		}
	}
	out.Encode(acknowledged{Caught: err.Error()})
	return 1
}

func writeRound(ctx context.Context, s *Store, round uint64) error {
	v := snapshot("m-1", round, bookworm, verdictsOf(round)...)
	ts := []patch.Transition{{Machine: "m-1", OS: bookworm, Patch: "s/p/1", At: then, Seq: round}}
	if err := s.PutSnapshot(ctx, v, ts); err != nil {
		return err
	}
	l := line(round, "a1", patch.ExecDownloading)
	l.Bytes = int64(round)
	// A kill between the two leaves this one behind by a round; the machine then sends it again.
	m, err := s.FindMachine(ctx, "m-1")
	if err != nil {
		return err
	}
	for missing := m.ResultsAck + 1; missing <= round; missing++ {
		l.Seq = missing
		if _, err := s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{l}); err != nil {
			return err
		}
	}
	return s.PutSetting(ctx, alice, fmt.Sprint("round ", round), fmt.Sprint(round))
}

// verdictsOf differ from round to round: SQLite would skip writing pages that do not change.
func verdictsOf(round uint64) []patch.Verdict {
	r := rand.New(rand.NewPCG(round, 1))
	vs := make([]patch.Verdict, 400)
	for i := range vs {
		vs[i] = patch.Verdict(r.IntN(3))
	}
	return vs
}

func TestKillLosesNothing(t *testing.T) {
	kills := 12
	if os.Getenv("FETTLE_TORTURE") != "" {
		kills = 1000
	}
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": postgresURL} {
		t.Run(name, func(t *testing.T) {
			for left := kills; left > 0 && !t.Failed(); left -= 100 { // a new database now and then: each check reads all of it
				killAndCheck(t, url(t), min(left, 100))
			}
		})
	}
}

func killAndCheck(t *testing.T, url string, kills int) {
	s, err := Open(ctx, url, Options{})
	must(t, err)
	deployed(t, s)
	must(t, s.Close())
	var acked uint64
	for range kills {
		acked = max(acked, writeAndKill(t, url, 20+rand.IntN(150)))
		awaitBackends(t, url)
		checkAcknowledged(t, url, acked)
	}
	t.Logf("%d kills, %d rounds of three acknowledged calls", kills, acked)
}

// awaitBackends waits until PostgreSQL's own processes, which outlive the client that was killed, have ended: one may still be committing.
func awaitBackends(t *testing.T, url string) {
	t.Helper()
	if !strings.HasPrefix(url, "postgres") {
		return
	}
	db, err := sql.Open("pgx", url)
	must(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	for left := 1; left > 0; time.Sleep(time.Millisecond) {
		must(t, db.QueryRow(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`).Scan(&left))
	}
}

// writeAndKill kills a child some milliseconds after its first acknowledgement and gives the last round that it acknowledged.
func writeAndKill(t *testing.T, url string, after int) (acked uint64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "FETTLE_TEST_WRITER="+url)
	child.Stderr = os.Stderr
	pipe, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	lines := bufio.NewScanner(pipe)
	var killer *time.Timer
	for lines.Scan() {
		var a acknowledged
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			break // cut by the kill
		}
		if a.Caught != "" {
			t.Errorf("the child failed: %s", a.Caught)
			break
		}
		acked = a.Round
		if killer == nil {
			killer = time.AfterFunc(time.Duration(after)*time.Millisecond, func() { child.Process.Kill() })
		}
	}
	child.Process.Kill()
	child.Wait()
	if killer != nil {
		killer.Stop()
	}
	return acked
}

func checkAcknowledged(t *testing.T, url string, acked uint64) {
	t.Helper()
	s, err := Open(ctx, url, Options{})
	must(t, err)
	defer s.Close()
	v := got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1"))
	want := snapshot("m-1", v.Seq, bookworm, verdictsOf(v.Seq)...)
	if v.Seq < acked || !equalVectors(v.Verdicts, want.Verdicts) {
		t.Fatalf("snapshot %d was acknowledged, %d is there, its verdicts equal: %v", acked, v.Seq, equalVectors(v.Verdicts, want.Verdicts))
	}
	if n := len(got[[]patch.Receipt](t)(s.ListReceipts(ctx, "m-1", 0))); n != int(v.Seq) {
		t.Fatalf("%d receipts for %d snapshots", n, v.Seq)
	}
	if n := len(got[[]patch.Transition](t)(s.ListTransitions(ctx, patch.TransitionFilter{Machine: "m-1"}))); n != int(v.Seq) {
		t.Fatalf("%d transitions for %d snapshots", n, v.Seq)
	}
	m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))
	if n := len(got[[]patch.AttemptUpdate](t)(s.ListResults(ctx, "m-1", "a1"))); m.ResultsAck < acked || n != int(m.ResultsAck) {
		t.Fatalf("%d results were acknowledged, %d are there, %d lines", acked, m.ResultsAck, n)
	}
	if acked > 0 {
		got[string](t)(s.FindSetting(ctx, fmt.Sprint("round ", acked)))
	}
	must(t, s.VerifyAudit(ctx))
}

func equalVectors(a, b patch.Vector) bool {
	return a.Len() == b.Len() && string(a.Bits()) == string(b.Bits())
}

// Durability is a matter of settings: these tests would pass without a single fsync, because kill -9 leaves the page cache.
func TestCommitsWaitForTheDisk(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		s := open(t, sqliteURL(t))
		for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "15000"} {
			var value string
			must(t, s.writer.QueryRow("PRAGMA "+pragma).Scan(&value))
			if value != want {
				t.Errorf("%s is %s, want %s", pragma, value, want)
			}
		}
		if _, err := s.reader.Exec(`DELETE FROM audit`); err == nil {
			t.Error("a reading connection can write")
		}
	})
	t.Run("postgres", func(t *testing.T) {
		url := postgresURL(t)
		first := open(t, url)
		if _, err := first.writer.Exec(`ALTER ROLE CURRENT_USER SET synchronous_commit = off`); err != nil {
			t.Fatal(err)
		}
		defer first.writer.Exec(`ALTER ROLE CURRENT_USER RESET synchronous_commit`)
		var value string
		must(t, open(t, url).writer.QueryRow("SHOW synchronous_commit").Scan(&value))
		if value != "on" {
			t.Errorf("synchronous_commit is %s", value)
		}
	})
}
