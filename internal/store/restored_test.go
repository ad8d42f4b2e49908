package store

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func restoredAgain(t *testing.T, s *Store) {
	t.Helper()
	must(t, s.Restore(ctx, alice, Restored{At: then, Version: "v1", Sign: func(m patch.RevisionMeta) (patch.RevisionMeta, []byte, error) {
		m.Built = then.Add(48 * time.Hour)
		return m, []byte("signed again"), nil
	}}))
}

// After a restore nothing that the backup knew of a machine is shown as the truth until the machine detects again; then the detect is held
// against what was known.
func TestRestoredIsUnconfirmed(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		must(t, s.PutRevision(ctx, revision("r1", bookworm, 1), []byte("e"), []patch.Patch{aPatch("s/p/1")}))
		known := snapshot("m-1", 3, bookworm, patch.NotPatched)
		must(t, s.PutSnapshot(ctx, known, nil))
		must(t, s.PutToken(ctx, alice, token("a", 1, true)))
		restoredAgain(t, s)
		_, err := s.NewestSnapshot(ctx, "m-1")
		wantKind(t, err, patch.NotFound)
		if all := got[[]patch.Token](t)(s.ListTokens(ctx)); len(all) != 0 {
			t.Errorf("tokens can be used twice: %+v", all)
		}
		if alarms := got[[]patch.Alarm](t)(s.ListAlarms(ctx, true)); len(alarms) != 1 || alarms[0].Key != restoredAlarm {
			t.Errorf("%+v", alarms)
		}
		if all := got[[]patch.Blackout](t)(s.ListBlackouts(ctx)); len(all) != 1 || all[0].Label != patch.LabelAll {
			t.Errorf("deployments go on: %+v", all)
		}
		m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))
		if m.DetectFailed == "" || m.OrderNumber != orderGap || m.SnapshotSeq != 3 {
			t.Errorf("%+v", m)
		}
		if meta, envelope, err := s.NewestRevision(ctx, bookworm); err != nil || string(envelope) != "signed again" || !meta.Built.Equal(then.Add(48*time.Hour)) {
			t.Errorf("%+v %q %v", meta, envelope, err)
		}
		before := got[patch.Snapshot](t)(s.KnownSnapshot(ctx, "m-1", nil))
		if diff := cmp.Diff(known, before, sameVector); diff != "" {
			t.Error(diff)
		}
		// The same verdicts once more: what is not written again comes from what was set aside.
		must(t, s.PutSnapshotAfter(ctx, &before, snapshot("m-1", 4, bookworm, patch.NotPatched), nil, nil))
		now := got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1"))
		if now.Seq != 4 || now.Verdicts.At(0) != patch.NotPatched {
			t.Errorf("%+v", now)
		}
		if all := got[[]patch.Receipt](t)(s.ListReceipts(ctx, "m-1", 0)); len(all) != 2 {
			t.Errorf("of two detects %d are kept", len(all))
		}
		if alarms := got[[]patch.Alarm](t)(s.ListAlarms(ctx, true)); len(alarms) != 0 {
			t.Errorf("every machine that had detected has done so again: %+v", alarms)
		}
		must(t, s.VerifyAudit(ctx))
	})
}

// A machine that went on after the backup is heard: its results go on where it is, tell how open attempts ended, and may be about orders
// that nobody knows any more. It still reaches no other machine's attempts.
func TestRestoredHearsWhatMachinesDid(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		restoredAgain(t, s)
		if a := findAttempt(t, s, "a1"); a.State != patch.ExecWithdrawn || a.Text == "" {
			t.Errorf("%+v", a)
		}
		_, err := s.ApplyResults(ctx, "m-2", []patch.AttemptUpdate{line(1, "a1", patch.ExecDone)})
		wantKind(t, err, patch.Forbidden)
		ack := got[uint64](t)(s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{line(70, "a1", patch.ExecDone), line(71, "given out since", patch.ExecDone)}))
		if a := findAttempt(t, s, "a1"); ack != 71 || a.State != patch.ExecDone {
			t.Errorf("%d, %+v", ack, a)
		}
		_, err = s.ApplyResults(ctx, "m-1", []patch.AttemptUpdate{line(80, "a2", patch.ExecDone)})
		wantKind(t, err, patch.Conflict)
	})
}

// A copy is taken while others write, and is whole.
func TestCopyOfADatabaseInUse(t *testing.T) {
	url := sqliteURL(t)
	s := open(t, url)
	enrol(t, s, "m-1")
	ended := make(chan error, 1)
	stop := make(chan struct{})
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			if err := s.PutSetting(ctx, alice, "k", string(rune('a'+i%26))); err != nil {
				ended <- err
				return
			}
		}
	}()
	to := filepath.Join(t.TempDir(), "copy.db")
	all, err := Copy(ctx, url, to)
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err != nil || all[0] != (Tally{"machines", 1}) {
		t.Fatalf("%+v, %v", all, err)
	}
	copied := open(t, "sqlite://"+to)
	must(t, copied.VerifyAudit(ctx))
	got[patch.Machine](t)(copied.FindMachine(ctx, "m-1"))
	if _, err := Copy(ctx, "postgres://x", to); patch.KindOf(err) != patch.Invalid {
		t.Error(err)
	}
}

// Those who follow machines learn of a restore: marks never go back, though the newest detects that carried them are gone.
func TestARestoreIsTold(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		for seq := range uint64(3) {
			must(t, s.PutSnapshot(ctx, snapshot("m-1", 1+seq, bookworm, patch.NotPatched), nil))
		}
		f := following(s)
		f.follow(t)
		restoredAgain(t, s)
		if f.follow(t) != 1 || f.all["m-1"].DetectFailed == "" {
			t.Errorf("what is followed is %+v", f.all)
		}
	})
}
