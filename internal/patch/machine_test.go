package patch_test

import (
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// A clock that was put right by a moment changes nothing; one that was a year ahead told nothing of when a machine was there.
func TestAMachineSeenInATimeToComeIsQuiet(t *testing.T) {
	now := time.Date(2026, 7, 26, 10, 0, 0, 0, time.UTC)
	for seen, want := range map[time.Time]time.Duration{
		now.Add(-time.Hour): time.Hour, now.Add(time.Minute): time.Minute, now.Add(8760 * time.Hour): 8760 * time.Hour, {}: 1<<63 - 1,
	} {
		if got := patch.Quiet(seen, now); got != want {
			t.Errorf("seen %s: quiet for %s", seen, got)
		}
	}
}
