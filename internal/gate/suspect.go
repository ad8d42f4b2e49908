package gate

import (
	"fmt"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// flaps are the installs of the patch on this machine that ended well and were then found missing, the oldest first, since a person last
// approved it. A patch that keeps doing so is not what its definition says, or something takes it away each time.
func (w World) flaps() []patch.Attempt {
	var cleared time.Time
	for _, d := range withVerb(w.Policy, patch.Approve) {
		if !strings.HasPrefix(d.By, patch.ByRule) && d.At.After(cleared) {
			cleared = d.At
		}
	}
	var out []patch.Attempt
	for _, a := range w.Attempts {
		if !a.TakesBack() && a.State == patch.ExecDone && (a.Effect == patch.EffectUndone || a.Effect == patch.EffectNotEffective) && !a.CreatedAt.Before(cleared) {
			out = append(out, a)
		}
	}
	return out
}

// suspect closes the hold for a patch that was installed and found missing too often. Only a person clears it.
func suspect(w World, g *Gate) bool {
	flaps := w.flaps()
	if w.Verdict != patch.NotPatched || w.Limits.Flaps <= 0 || len(flaps) < w.Limits.Flaps {
		return false
	}
	g.close(CodeSuspect, fmt.Sprintf("definition suspect: it was installed %s and each time it was missing afterwards", times(len(flaps))))
	var told []string
	for _, a := range flaps[max(0, len(flaps)-w.Limits.Flaps):] {
		what := "a later detect found it gone"
		if a.Effect == patch.EffectNotEffective {
			what = fmt.Sprintf("snapshot %d still said not patched", a.VerifiedSeq)
		}
		told = append(told, fmt.Sprintf("attempt %d ended well %s, %s", a.Number, clock(w.Now, a.EndedAt), what))
	}
	g.Evidence = phrase.Verbatim(strings.Join(told, "; "))
	if w.Changed != nil && w.Changed.Note != "" {
		g.Evidence = phrase.Of("{1}; the last time: {2}", g.Evidence, w.Changed.Note)
	}
	g.At = flaps[len(flaps)-1].EndedAt
	g.until(Person, "nothing until somebody has looked; approving it again clears this")
	return true
}

func times(n int) string {
	if n == 2 {
		return "twice"
	}
	return Number(n) + " times"
}
