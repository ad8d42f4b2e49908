package deploy

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

func TestCauseIn(t *testing.T) {
	for r, want := range map[[2]string]patch.FailCause{
		{"failed", "lock"}: patch.FailLock, {"failed", ""}: patch.FailPatch, {"failed", "<script>"}: patch.FailPatch, {"done", "lock"}: "",
		{"withdrawn", ""}: "", {"withdrawn", "window"}: patch.FailWindow, {"installing", "patch"}: "",
	} {
		if got := causeIn(wire.Result{State: patch.Execution(r[0]), Cause: patch.FailCause(r[1])}); got != want {
			t.Errorf("%v gives %q", r, got)
		}
	}
}

func FuzzClip(f *testing.F) {
	f.Add("héllo\x00", 3)
	f.Add(strings.Repeat("\xff", 40), 16)
	f.Fuzz(func(t *testing.T, s string, n int) {
		n = max(0, n%64)
		got := clip(s, n)
		if len(got) > n || !utf8.ValidString(got) || strings.Contains(got, "\x00") {
			t.Errorf("clip(%q, %d) = %q", s, n, got)
		}
	})
}
