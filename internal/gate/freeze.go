package gate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// freeze keeps deployments out of blackouts: of the moment at which the install would start.
func freeze(w World) Gate {
	g := Gate{Name: Freeze, Title: "no change freeze"}
	b, until, frozen := Frozen(w.Freezes, w.start())
	switch {
	case frozen:
		g.close(CodeFrozen, freezeText(w.Now, b))
		g.At, g.Evidence = b.CreatedAt, phrase.Of("blackout {1}", b.Name)
		g.until(Time, "the change freeze ends")
		g.NextAt = until
	case len(w.Freezes) > 0:
		next := w.Freezes[0]
		g.open(fmt.Sprintf("the next one, %s, begins %s", next.Name, clock(w.Now, next.From)))
		g.Evidence = phrase.Of("blackout {1}", next.Name)
	default:
		g.open("none is announced")
	}
	return g
}

func freezeText(now time.Time, b patch.Blackout) string {
	text := "change freeze until " + clock(now, b.Until)
	if b.Owner != "" {
		text += ", by " + b.Owner
	}
	if b.Reason != "" {
		text += ": " + clause(b.Reason)
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
