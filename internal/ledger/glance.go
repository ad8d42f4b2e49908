package ledger

import (
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Glance answers "did my detect complete?" for one machine, from its newest receipt and what came after it.
type Glance struct {
	Complete bool          `json:"complete"` // the newest detect that was tried is a complete one
	Sentence phrase.Phrase `json:"sentence"`
	// Details are the receipt in words, each with its name: list, judged, time, boot, ages.
	Details []Detail `json:"details,omitempty"`
}

// Detail is one named fact of a receipt.
type Detail struct {
	Name phrase.Phrase `json:"name"`
	Text phrase.Phrase `json:"text"`
}

// GlanceAt says whether a machine's newest detect completed, and all about the one that counts. r is nil where it never completed one.
func GlanceAt(m patch.Machine, r *patch.Receipt, now time.Time) Glance {
	if r == nil {
		g := Glance{Sentence: "No: it has never completed a detect."}
		if m.DetectFailed != "" {
			g.Sentence = phrase.Of("No: it has never completed a detect, and the newest one failed: {1}.", phrase.Recall(strings.TrimSuffix(m.DetectFailed, ".")))
		}
		return g
	}
	taken := r.Taken()
	g := Glance{Complete: true, Details: details(*r, m, now)}
	judged := phrase.Count(r.Expected, "snapshot {1} judged {2} of {n} patch, {3} ago", "snapshot {1} judged {2} of {n} patches, {3} ago", strconv.FormatUint(r.Seq, 10), r.Evaluated, now.Sub(taken))
	switch {
	case m.OS != "" && m.OS != r.OS:
		g.Complete, g.Sentence = false, phrase.Of("No: it runs {1} now, and no detect of that has completed. The last complete one was of {2}: {3}.", string(m.OS), string(r.OS), judged)
	case r.Evaluated != r.Expected:
		g.Complete, g.Sentence = false, phrase.Of("No: {1}.", judged)
	case m.DetectFailed != "" && m.DetectFailedAt.After(taken):
		g.Complete = false
		g.Sentence = phrase.Of("No: the newest one failed {1} ago: {2}. What counts is the last complete one: {3}.", now.Sub(m.DetectFailedAt), phrase.Recall(strings.TrimSuffix(m.DetectFailed, ".")), judged)
	default:
		g.Sentence = phrase.Of("Yes: {1}.", judged)
		if r.Errors > 0 {
			g.Sentence = phrase.Of("Yes: {1}. {2} could not be judged.", judged, r.Errors)
		}
	}
	return g
}

func details(r patch.Receipt, m patch.Machine, now time.Time) []Detail {
	out := []Detail{
		{"list", phrase.Of("{1} of {2}", string(r.Revision), string(r.OS))},
		{"judged", phrase.Count(r.Errors, "{1} of {2}, {n} error", "{1} of {2}, {n} errors", r.Evaluated, r.Expected)},
		{"time", phrase.Of("{1} to {2}", r.Started.UTC().Format("2006-01-02 15:04:05"), r.Ended.UTC().Format("15:04:05 UTC"))},
	}
	if r.Boot != "" {
		text := phrase.Verbatim(r.Boot)
		if m.BootID != "" && m.BootID != r.Boot {
			text = phrase.Of("{1}; it has booted again since", r.Boot)
		}
		out = append(out, Detail{"boot", text})
	}
	if !r.FactsAt.IsZero() {
		out = append(out, Detail{"facts", phrase.Of("{1} old when the detect ended", r.Age())})
	}
	if !r.Dated.IsZero() {
		out = append(out, Detail{"vendor's data", aged(r.Dated, now)})
	}
	if !r.Lists.IsZero() {
		out = append(out, Detail{"machine's own lists", phrase.Of("{1}; detection does not rest on them", aged(r.Lists, now))})
	}
	return out
}

func aged(t, now time.Time) phrase.Phrase {
	return phrase.Of("of {1}, {2} old", phrase.On(now, t), now.Sub(t))
}
