package gate

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

// reword changes what no gate decides by: names, IDs, and moments that stay on their side of every limit.
func reword(t *rapid.T, w World) World {
	w.Machine.ID, w.Machine.Name, w.Machine.Address = "m-other", "other", "192.0.2.9"
	w.Machine.SeenAt = w.Machine.SeenAt.Add(-time.Duration(rapid.IntRange(0, 1).Draw(t, "seconds")) * time.Second)
	if w.Receipt != nil {
		r := *w.Receipt
		r.Seq, r.Machine, r.Boot = r.Seq+7, "m-other", "another boot"
		r.Ended = r.Ended.Add(-time.Duration(rapid.IntRange(0, 1).Draw(t, "seconds")) * time.Second)
		w.Receipt = &r
	}
	attempts := append([]patch.Attempt(nil), w.Attempts...)
	for i := range attempts {
		attempts[i].ID, attempts[i].Text, attempts[i].Number = attempts[i].ID+"x", "other words", 3
	}
	w.Attempts = attempts
	return w
}

// Worlds in one situation have the same answer, whatever they are called; so one of them speaks for all.
func TestOneSituationHasOneAnswer(t *testing.T) {
	type told struct {
		brief Brief
		world World
	}
	seen := map[string]told{}
	shared := 0
	rapid.Check(t, func(t *rapid.T) {
		for i := range 20 {
			w := anyWorld(t)
			if rapid.IntRange(0, 3).Draw(t, "blocked") == 0 {
				w.Blocked = &patch.Attempt{State: patch.ExecFailed, Cause: rapid.SampledFrom([]patch.FailCause{patch.FailLock, patch.FailDisk, patch.FailNetwork}).Draw(t, "block"),
					EndedAt: now.Add(-time.Duration(rapid.IntRange(0, 90).Draw(t, "since")) * time.Minute)}
			}
			if rapid.Bool().Draw(t, "scheduled") {
				w.Schedules = []ScheduleFact{{Name: rapid.SampledFrom([]string{"nightly", "weekly"}).Draw(t, "schedule"), Start: now.Add(time.Hour)}}
			}
			if rapid.IntRange(0, 3).Draw(t, "proposed") == 0 {
				w.Proposed = &patch.Proposal{ID: rapid.SampledFrom([]string{"p1", "p2"}).Draw(t, "proposal"), By: "x"}
			}
			if rapid.Bool().Draw(t, "ringed") {
				w.Rings = ringsBefore(rapid.Bool().Draw(t, "passed"), rapid.IntRange(0, 9).Draw(t, "unproven"))
			}
			if rapid.IntRange(0, 3).Draw(t, "frozen") == 0 {
				w.Freezes = []patch.Blackout{{Name: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "freeze"), From: now.Add(-time.Hour), Until: now.Add(time.Hour)}}
			}
			if rapid.IntRange(0, 3).Draw(t, "unmet") == 0 {
				w.Unmet = &patch.Unmet{By: patch.Payload{Name: "app"}, Clause: "libfoo", Patch: rapid.SampledFrom([]patch.ID{"", "p", "q"}).Draw(t, "needed"),
					Held: rapid.Bool().Draw(t, "held there"), Policy: patch.Policy{Stand: rapid.SampledFrom([]patch.Stand{patch.Undecided, patch.Declined}).Draw(t, "stand")}}
			}
			w.RebootsMost, w.Rebooting = rapid.IntRange(0, 1).Draw(t, "most"), rapid.IntRange(0, 1).Draw(t, "rebooting")
			w.Machine.RebootOwed, w.Machine.Busy = rapid.Bool().Draw(t, "owed"), rapid.SampledFrom([]string{"", "", "locked by apt (7)"}).Draw(t, "busy")
			w.Machine.Policy = rapid.SampledFrom([]string{"", "", "detect-only"}).Draw(t, "owner")
			for j := range w.Attempts {
				a := &w.Attempts[j]
				a.Effect = rapid.SampledFrom([]patch.Effect{patch.EffectNone, patch.EffectVerified, patch.EffectNeedsReboot, patch.EffectNotEffective, patch.EffectUndone}).Draw(t, "effect")
				a.RebootOwed, a.VerifiedSeq = rapid.Bool().Draw(t, "owes"), uint64(rapid.IntRange(0, 1).Draw(t, "verified"))
			}
			w.Finding.Reason.Code = rapid.SampledFrom([]string{"", patch.ReasonHeld, patch.ReasonNotInstalled, patch.ReasonPhased}).Draw(t, "reason")
			for j, x := range []World{w, reword(t, w)} {
				key := string(Situation(nil, &x))
				// Decisions of one name are not the same decision in two of these worlds, and neither are windows.
				key += fmt.Sprint(x.Policy.Decisions, x.Window)
				b := Walk(x).Brief()
				if other, ok := seen[key]; ok {
					shared++
					if other.brief != b {
						t.Fatalf("world %d/%d: one situation, two answers:\n%+v\n%+v\nof %+v\nand %+v", i, j, b, other.brief, x, other.world)
					}
					continue
				}
				seen[key] = told{b, x}
			}
		}
	})
	if t.Logf("%d worlds shared a situation with another", shared); shared < 100 {
		t.Errorf("only %d worlds shared a situation", shared)
	}
}
