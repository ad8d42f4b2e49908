package gate

import (
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// flaps are the installs of the patch on this machine that ended well and were then found missing, the oldest first, since a person last
// approved it. A patch that keeps doing so is not what its definition says, or something takes it away each time.
func (w *World) flaps() []patch.Attempt {
	cleared := w.cleared()
	var out []patch.Attempt
	for _, a := range w.Attempts {
		if !a.TakesBack() && a.State == patch.ExecDone && (a.Effect == patch.EffectUndone || a.Effect == patch.EffectNotEffective) && !a.CreatedAt.Before(cleared) {
			out = append(out, a)
		}
	}
	return out
}

// cleared is when a person last approved the patch: what was before says nothing against it any more.
func (w *World) cleared() (at time.Time) {
	for d := range withVerb(w.Policy, patch.Approve) {
		if !strings.HasPrefix(d.By, patch.ByRule) && d.At.After(at) {
			at = d.At
		}
	}
	return at
}

// suspect closes the hold for a patch that was installed and found missing too often. Only a person clears it.
func suspect(w *World, g *Gate) bool {
	flaps := w.flaps()
	if w.Verdict != patch.NotPatched || w.Limits.Flaps <= 0 || len(flaps) < w.Limits.Flaps {
		return false
	}
	g.closes(CodeSuspect, gone(len(flaps)))
	var told phrase.Phrase
	for _, a := range flaps[max(0, len(flaps)-w.Limits.Flaps):] {
		what := phrase.Phrase("a later detect found it gone")
		if a.Effect == patch.EffectNotEffective {
			what = phrase.Of("{1} still said not patched", snapshotNamed(a.VerifiedSeq))
		}
		one := phrase.Of("attempt {1} ended well {2}, {3}", a.Number, phrase.At(w.Now, a.EndedAt), what)
		if told != "" {
			one = phrase.Of("{1}; {2}", told, one)
		}
		told = one
	}
	g.Evidence = told
	if w.Changed != nil && w.Changed.Note != "" {
		g.Evidence = phrase.Of("{1}; the last time: {2}", g.Evidence, w.Changed.Note)
	}
	g.At = flaps[len(flaps)-1].EndedAt
	g.ends(Person, "nothing until somebody has looked; approving it again clears this")
	return true
}

func gone(times int) phrase.Phrase {
	if times == 2 {
		return "definition suspect: it was installed twice and each time it was missing afterwards"
	}
	return phrase.Count(times, "definition suspect: it was installed {n} time and was missing afterwards", "definition suspect: it was installed {n} times and each time it was missing afterwards")
}
