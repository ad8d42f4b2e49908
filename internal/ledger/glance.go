package ledger

import (
	"fmt"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// Glance answers "did my detect complete?" for one machine, from its newest receipt and what came after it.
type Glance struct {
	Complete bool   `json:"complete"` // the newest detect that was tried is a complete one
	Sentence string `json:"sentence"`
	// Details are the receipt in words, each with its name: list, judged, time, boot, ages.
	Details []Detail `json:"details,omitempty"`
}

// Detail is one named fact of a receipt.
type Detail struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// GlanceAt says whether a machine's newest detect completed, and all about the one that counts. r is nil where it never completed one.
func GlanceAt(m patch.Machine, r *patch.Receipt, now time.Time) Glance {
	if r == nil {
		g := Glance{Sentence: "No: it has never completed a detect."}
		if m.DetectFailed != "" {
			g.Sentence = "No: it has never completed a detect, and the newest one failed: " + strings.TrimSuffix(m.DetectFailed, ".") + "."
		}
		return g
	}
	taken := gate.Taken(r)
	g := Glance{Complete: true, Details: details(*r, m, now)}
	judged := fmt.Sprintf("snapshot %d judged %s of %s, %s ago", r.Seq, gate.Number(r.Evaluated), gate.Count(r.Expected, "patch", "patches"), gate.Span(now.Sub(taken)))
	switch {
	case r.Evaluated != r.Expected:
		g.Complete, g.Sentence = false, "No: "+judged+"."
	case m.DetectFailed != "" && m.DetectFailedAt.After(taken):
		g.Complete = false
		g.Sentence = fmt.Sprintf("No: the newest one failed %s ago: %s. What counts is the last complete one: %s.", gate.Span(now.Sub(m.DetectFailedAt)), strings.TrimSuffix(m.DetectFailed, "."), judged)
	default:
		g.Sentence = "Yes: " + judged + "."
		if r.Errors > 0 {
			g.Sentence += fmt.Sprintf(" %s could not be judged.", gate.Number(r.Errors))
		}
	}
	return g
}

func details(r patch.Receipt, m patch.Machine, now time.Time) []Detail {
	out := []Detail{
		{"list", string(r.Revision) + " of " + string(r.OS)},
		{"judged", fmt.Sprintf("%s of %s, %s", gate.Number(r.Evaluated), gate.Number(r.Expected), gate.Count(r.Errors, "error", "errors"))},
		{"time", fmt.Sprintf("%s to %s", r.Started.UTC().Format("2006-01-02 15:04:05"), r.Ended.UTC().Format("15:04:05 UTC"))},
	}
	if r.Boot != "" {
		text := r.Boot
		if m.BootID != "" && m.BootID != r.Boot {
			text += "; it has booted again since"
		}
		out = append(out, Detail{"boot", text})
	}
	if !r.FactsAt.IsZero() {
		out = append(out, Detail{"facts", gate.Span(r.Age()) + " old when the detect ended"})
	}
	if !r.Dated.IsZero() {
		out = append(out, Detail{"vendor's data", aged(r.Dated, now)})
	}
	if !r.Lists.IsZero() {
		out = append(out, Detail{"machine's own lists", aged(r.Lists, now) + "; detection does not rest on them"})
	}
	return out
}

func aged(t, now time.Time) string {
	return fmt.Sprintf("of %s, %s old", t.UTC().Format("2006-01-02 15:04 UTC"), gate.Span(now.Sub(t)))
}
