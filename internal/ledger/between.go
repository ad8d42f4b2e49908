package ledger

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Difference is what has changed on one machine between two moments.
type Difference struct {
	Machine  patch.MachineID `json:"machine"`
	Name     string          `json:"name"`
	From     Standing        `json:"from"`
	To       Standing        `json:"to"`
	Sentence phrase.Phrase   `json:"sentence"`
	// Moved are the verdicts that moved in between, newest first, each with its cause.
	Moved []patch.Transition `json:"moved"`
	// Causes counts them by cause.
	Causes map[patch.Cause]int `json:"causes"`
}

// Standing is how a machine stood at a moment, in numbers.
type Standing struct {
	At       time.Time      `json:"at"`
	Receipt  *patch.Receipt `json:"receipt,omitempty"` // in force then; nil where there was none yet
	Verdicts patch.Counts   `json:"verdicts"`
}

// Between tells what has changed on a machine from one moment to a later one.
func (l *Ledger) Between(ctx context.Context, id patch.MachineID, from, to time.Time) (Difference, error) {
	if !from.Before(to) {
		return Difference{}, &patch.Error{Kind: patch.Invalid, What: "cannot compare these moments", Why: "the first is not before the second", Do: "Give the earlier one as --as-of and the later one as --to."}
	}
	then, err := l.AsOf(ctx, id, from)
	if err != nil {
		return Difference{}, err
	}
	now, err := l.AsOf(ctx, id, to)
	if err != nil {
		return Difference{}, err
	}
	d := Difference{Machine: id, Name: then.Name, From: Standing{from, then.Receipt, then.Verdicts}, To: Standing{to, now.Receipt, now.Verdicts},
		Moved: []patch.Transition{}, Causes: map[patch.Cause]int{}}
	for _, t := range then.Since {
		if t.At.After(to) {
			continue
		}
		d.Moved = append(d.Moved, t)
		d.Causes[t.Cause]++
	}
	d.Sentence = d.sentence(l.World.Records().Now)
	return d, nil
}

func (d *Difference) sentence(zone time.Time) phrase.Phrase {
	from, to := phrase.On(zone, d.From.At), phrase.On(zone, d.To.At)
	if d.To.Receipt == nil {
		return phrase.Of("Between {1} and {2}, {3} had not completed a detect.", from, to, d.Name)
	}
	needed := func(s Standing) phrase.Phrase {
		if s.Receipt == nil {
			return "number of patches\x04unknown"
		}
		return phrase.Of("{1}", s.Verdicts[patch.NotPatched])
	}
	s := phrase.Count(len(d.Moved), "Between {1} and {2}, {3} went from {4} to {5} needed patches; {n} verdict moved",
		"Between {1} and {2}, {3} went from {4} to {5} needed patches; {n} verdicts moved", from, to, d.Name, needed(d.From), needed(d.To))
	if d.From.Receipt != nil && d.From.Receipt.OS != d.To.Receipt.OS {
		s = phrase.Of("{1}; its OS became {2}", s, string(d.To.Receipt.OS))
	}
	var by []phrase.Phrase
	for _, c := range []patch.Cause{patch.ByFettle, patch.ByService, patch.ByPerson, patch.ByOther, patch.CatalogChange, patch.OSChange, patch.FirstDetect} {
		if n := d.Causes[c]; n > 0 {
			by = append(by, phrase.Of("{1} {2}", n, c.Words()))
		}
	}
	if len(by) > 0 {
		s = phrase.Of("{1}: {2}", s, phrase.Join(by, ", "))
	}
	return phrase.Of("{1}.", s)
}
