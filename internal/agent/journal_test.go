package agent

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// written makes a journal with an order, three results and an acknowledgement.
func written(t *testing.T) (path string, bytes []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path, time.Now)
	must(t, err)
	must(t, j.begin(newOrder(4, newDeb("curl", "1", "2"))))
	for range 3 {
		must(t, j.report(wire.Result{Order: "O4", Attempt: "A4-0", State: patch.ExecDownloading}))
	}
	must(t, j.acknowledge(2))
	must(t, j.Close())
	b, err := os.ReadFile(path)
	must(t, err)
	return path, b
}

func TestJournalSurvivesEveryCut(t *testing.T) {
	path, whole := written(t)
	lines := bytes.Count(whole, []byte("\n"))
	for cut := range len(whole) + 1 {
		must(t, os.WriteFile(path, whole[:cut], 0o600))
		j, err := openJournal(path, time.Now)
		if err != nil {
			t.Fatalf("cut at %d of %d: %v", cut, len(whole), err)
		}
		before, _ := j.position()
		must(t, j.report(wire.Result{Order: "O4", Attempt: "A4-0", State: patch.ExecInstalling}))
		if after, _ := j.position(); after != before+1 {
			t.Fatalf("cut at %d: result %d follows %d", cut, after, before)
		}
		must(t, j.Close())
		again, err := openJournal(path, time.Now)
		if err != nil {
			t.Fatalf("cut at %d, written again: %v", cut, err)
		}
		if kept, _ := again.position(); kept != before+1 {
			t.Fatalf("cut at %d: result %d was written after it, and %d is read", cut, before+1, kept)
		}
		must(t, again.Close())
	}
	if lines != 5 {
		t.Fatalf("the journal has %d lines", lines)
	}
}

// A power loss can leave a length without bytes: zeros at the end are a torn end.
func TestJournalWithZerosAtTheEnd(t *testing.T) {
	path, whole := written(t)
	must(t, os.WriteFile(path, append(whole, make([]byte, 5000)...), 0o600))
	j, err := openJournal(path, time.Now)
	must(t, err)
	if seq, number := j.position(); seq != 3 || number != 4 {
		t.Fatalf("result %d, order %d", seq, number)
	}
}

func TestJournalDamagedInTheMiddle(t *testing.T) {
	path, whole := written(t)
	lastLine := bytes.LastIndexByte(whole[:len(whole)-1], '\n')
	for at := 0; at < lastLine; at += 7 {
		b := bytes.Clone(whole)
		b[at] ^= 0x20
		must(t, os.WriteFile(path, b, 0o600))
		_, err := openJournal(path, time.Now)
		if err == nil || !strings.Contains(err.Error(), "damaged in line") || !strings.Contains(err.Error(), "fettle-agent repair") {
			t.Fatalf("a flipped bit at %d: %v", at, err)
		}
	}
	aside, err := Repair(filepath.Dir(path))
	must(t, err)
	if _, err := os.Stat(aside); err != nil {
		t.Fatal(err)
	}
	j, err := openJournal(path, time.Now)
	must(t, err)
	if seq, number := j.position(); seq == 0 || number != 4 {
		t.Fatalf("after the repair: result %d, order %d", seq, number)
	}
}

// A machine with a damaged journal still starts, says so, and takes no order.
func TestDamagedJournalInstallsNothing(t *testing.T) {
	cfg := enrolled(t, newKeys(t), newBox("curl"), nowhere)
	_, whole := written(t)
	whole[3] ^= 1
	must(t, os.WriteFile(layout{dir: cfg.StateDir}.journal(), whole, 0o600))
	s := open(t, cfg)
	if s.journal != nil || !strings.Contains(s.activity(), "journal is damaged") {
		t.Fatalf("activity %q", s.activity())
	}
}

// A journal that was lost goes on above what the appliance has acknowledged, because it ignores what is below.
func TestLostJournalGoesOnAboveTheAcknowledged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	must(t, os.WriteFile(path, nil, 0o600))
	j, err := openJournal(path, time.Now)
	must(t, err)
	must(t, j.acknowledge(41))
	must(t, j.report(wire.Result{State: patch.ExecDone}))
	must(t, j.Close())
	j, err = openJournal(path, time.Now)
	must(t, err)
	if got := j.unsent(9); len(got) != 1 || got[0].Seq != 42 {
		t.Fatalf("%+v", got)
	}
}

func TestCompactForgetsNothingThatCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path, time.Now)
	must(t, err)
	must(t, j.begin(newOrder(9, newDeb("curl", "1", "2"))))
	for _, state := range []patch.Execution{patch.ExecDownloading, patch.ExecInstalling, patch.ExecDone} {
		must(t, j.report(wire.Result{Order: "O9", Attempt: "A9-0", State: state, Text: strings.Repeat("x", compactAt/2)}))
	}
	if same, err := compact(path, j); same != j || err != nil {
		t.Fatal("compacted an open order")
	}
	must(t, j.acknowledge(3))
	must(t, j.finish("O9"))
	j, err = compact(path, j)
	must(t, err)
	if st, _ := os.Stat(path); st.Size() > 1000 {
		t.Fatalf("still %d bytes", st.Size())
	}
	if seq, number := j.position(); seq != 3 || number != 9 {
		t.Fatalf("result %d, order %d", seq, number)
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(journalLine([]byte(`{"at":"2024-01-01T00:00:00Z","ack":3}`))))
	f.Add([]byte("00000000 2 {}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, whole, err := readJournal(b)
		if whole < 0 || whole > int64(len(b)) {
			t.Fatalf("%d of %d bytes are whole (%v)", whole, len(b), err)
		}
	})
}

// What an appliance has forgotten is sent once more as it was, across orders and restarts, until it is acknowledged again.
func TestJournalTellsAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path, time.Now)
	must(t, err)
	for n := uint64(4); n < 6; n++ {
		must(t, j.begin(newOrder(n, newDeb("curl", "1", "2"))))
		must(t, j.report(wire.Result{Order: fmt.Sprintf("O%d", n), Attempt: fmt.Sprintf("A%d-0", n), State: patch.ExecInstalling}))
		must(t, j.report(wire.Result{Order: fmt.Sprintf("O%d", n), Attempt: fmt.Sprintf("A%d-0", n), State: patch.ExecDone}))
	}
	must(t, j.acknowledge(4))
	for range 2 {
		if n := j.again(1); n != 3 {
			t.Fatalf("%d are told again", n)
		}
		if all := j.unsent(10); len(all) != 3 || all[0].Seq != 2 || all[0].Attempt != "A4-0" || all[2].Seq != 4 {
			t.Fatalf("%+v", all)
		}
		if n := j.again(1); n != 0 {
			t.Errorf("%d are told twice", n)
		}
		must(t, j.Close())
		j, err = openJournal(path, time.Now)
		must(t, err)
		if all := j.unsent(10); len(all) != 0 {
			t.Errorf("before the appliance says what it has, %+v are sent", all)
		}
	}
	j.again(1)
	must(t, j.acknowledge(3))
	if all := j.unsent(10); len(all) != 1 || all[0].Seq != 4 {
		t.Errorf("%+v", all)
	}
	must(t, j.Close())
}
