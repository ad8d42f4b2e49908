package world

import (
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// What ended while the appliance's clock was ahead is not the newest until that time has come.
func TestATimeToComeIsNotTheNewest(t *testing.T) {
	now := time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	ahead := patch.Attempt{ID: "ahead", State: patch.ExecDone, EndedAt: now.Add(24 * time.Hour)}
	locked := patch.Attempt{ID: "locked", State: patch.ExecFailed, Cause: patch.FailLock, EndedAt: now.Add(-time.Minute)}
	if b := blocked([]patch.Attempt{ahead, locked}, now); b == nil || b.ID != "locked" {
		t.Errorf("%+v", b)
	}
	ahead.State, ahead.Cause, locked.State, locked.Cause = patch.ExecFailed, patch.FailLock, patch.ExecDone, ""
	if b := blocked([]patch.Attempt{ahead, locked}, now); b != nil {
		t.Errorf("something worked since: %+v", b)
	}
}
