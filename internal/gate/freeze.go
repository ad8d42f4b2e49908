package gate

import (
	"cmp"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// freeze keeps deployments out of blackouts: of the moment at which the install would start.
func freeze(w *World) Gate {
	g := Gate{Name: Freeze, Title: "no blackout"}
	b, until, frozen := Frozen(w.Freezes, w.start())
	switch {
	case frozen:
		g.closes(CodeFrozen, freezeText(w.Now, b))
		g.At, g.Evidence = b.CreatedAt, phrase.Of("blackout {1}", b.Name)
		g.ends(Time, "the blackout ends")
		g.NextAt = until
	case len(w.Freezes) > 0:
		next := w.Freezes[0]
		g.opens(phrase.Of("the next one, {1}, begins {2}", next.Name, phrase.At(w.Now, next.From)))
		g.Evidence = phrase.Of("blackout {1}", next.Name)
	default:
		g.opens("none is announced")
	}
	return g
}

func freezeText(now time.Time, b patch.Blackout) phrase.Phrase {
	text := phrase.Of("blackout until {1}", phrase.At(now, b.Until))
	if b.Owner != "" {
		text = phrase.Of("{1}, by {2}", text, b.Owner)
	}
	if b.Reason != "" {
		text = phrase.Of("{1}: {2}", text, clause(b.Reason))
	}
	return text
}

// Frozen finds the blackout that covers a moment, and when nothing of what follows without a gap covers it any more. Blackouts are in the order
// in which they begin.
func Frozen(all []patch.Blackout, t time.Time) (by patch.Blackout, until time.Time, frozen bool) {
	until = t
	for _, b := range all {
		if b.Covers(until) {
			if !frozen {
				by, frozen = b, true
			}
			until = b.Until
		}
	}
	return by, until, frozen
}

// SortBlackouts puts blackouts in the order in which they begin.
func SortBlackouts(all []patch.Blackout) {
	slices.SortFunc(all, func(a, b patch.Blackout) int { return cmp.Or(a.From.Compare(b.From), cmp.Compare(a.Name, b.Name)) })
}
