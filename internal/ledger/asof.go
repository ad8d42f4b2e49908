package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Past is one machine as the ledger knew it at a moment: what its newest complete detect of that time said, and what has changed since.
type Past struct {
	At       time.Time       `json:"at"`
	Machine  patch.MachineID `json:"machine"`
	Name     string          `json:"name"`
	Sentence phrase.Phrase   `json:"sentence"`
	// Receipt is the complete detect that was in force; nil where there was none yet.
	Receipt *patch.Receipt `json:"receipt,omitempty"`
	Stale   bool           `json:"stale"` // it was too old to speak of that moment
	// Facts: those that the detect judged are here, so that its verdicts can be explained once more.
	Facts    bool         `json:"facts"`
	Verdicts patch.Counts `json:"verdicts"` // over its list; all unknown before the first detect
	// Rows are the patches that were needed, then those that could not be judged, by ID.
	Rows []PastRow `json:"rows"`
	// Since are the verdicts that have moved after that moment, newest first.
	Since []patch.Transition `json:"since"`
}

// PastRow is one patch at that moment, and now.
type PastRow struct {
	OS      patch.HostOS  `json:"os"`
	Patch   patch.ID      `json:"patch"`
	Verdict patch.Verdict `json:"verdict"`
	Now     patch.Verdict `json:"now"` // unknown where the patch is not on the machine's list any more
}

type pastKey struct {
	os    patch.HostOS
	patch patch.ID
}

// AsOf tells how one machine stood at a moment, from its newest verdicts and the changes since, walked backwards.
func (l *Ledger) AsOf(ctx context.Context, id patch.MachineID, at time.Time) (Past, error) {
	v := l.World.Records()
	if at.After(v.Now) {
		return Past{}, &patch.Error{Kind: patch.Invalid, What: "cannot tell how things stand in the future", Do: "Name a moment that has passed."}
	}
	s, err := v.Sight(ctx, id)
	if err != nil {
		return Past{}, err
	}
	p := Past{At: at, Machine: id, Name: s.Machine.Name, Rows: []PastRow{}, Since: []patch.Transition{}}
	receipts, err := l.Store.ListReceipts(ctx, id, 0)
	if err != nil {
		return p, err
	}
	for i := range receipts { // newest first
		if !receipts[i].Ended.After(at) {
			p.Receipt = &receipts[i]
			p.Stale = at.Sub(receipts[i].Ended) > v.Limits.Stale
			break
		}
	}
	if p.Receipt != nil {
		if p.Facts, err = l.Store.HasFacts(ctx, p.Receipt.Facts); err != nil {
			return p, err
		}
	}
	now, err := l.present(ctx, v, id)
	if err != nil {
		return p, err
	}
	was, err := l.rewind(ctx, &p, now)
	if err != nil {
		return p, err
	}
	p.count(was, now)
	p.Sentence = p.sentence(v.Now)
	return p, nil
}

// present are the verdicts of the machine's newest complete detect, those that are not applicable left out. They are those of the list that it
// judged, and of the OS that it was made on: a machine may have another OS by now, and not have detected on it yet.
func (l *Ledger) present(ctx context.Context, v *world.View, id patch.MachineID) (map[pastKey]patch.Verdict, error) {
	now := map[pastKey]patch.Verdict{}
	snap, err := l.World.Store.NewestSnapshot(ctx, id)
	if err != nil {
		if patch.KindOf(err) == patch.NotFound {
			return now, nil
		}
		return nil, err
	}
	list, err := v.Shelf(ctx, snap.OS, snap.Revision)
	if err != nil || list == nil {
		return now, err
	}
	for i, p := range list.List.Patches() {
		if i < snap.Verdicts.Len() && snap.Verdicts.At(i) != patch.NotApplicable {
			now[pastKey{snap.OS, p.ID}] = snap.Verdicts.At(i)
		}
	}
	return now, nil
}

// rewind takes back every change after the moment.
func (l *Ledger) rewind(ctx context.Context, p *Past, now map[pastKey]patch.Verdict) (map[pastKey]patch.Verdict, error) {
	was := make(map[pastKey]patch.Verdict, len(now))
	for k, v := range now {
		was[k] = v
	}
	all, err := l.World.Store.ListTransitions(ctx, patch.TransitionFilter{Machine: p.Machine, Since: p.At})
	if err != nil {
		return nil, err
	}
	for _, t := range all { // newest first
		if !t.At.After(p.At) {
			continue
		}
		p.Since = append(p.Since, t)
		was[pastKey{t.OS, t.Patch}] = t.From
	}
	return was, nil
}

func (p *Past) count(was, now map[pastKey]patch.Verdict) {
	if p.Receipt == nil {
		return
	}
	for k, v := range was {
		if k.os != p.Receipt.OS || v >= patch.Unknown || v == patch.NotApplicable {
			continue
		}
		p.Verdicts[v]++
		if v == patch.Patched {
			continue
		}
		r := PastRow{OS: k.os, Patch: k.patch, Verdict: v, Now: patch.Unknown}
		if n, known := now[k]; known {
			r.Now = n
		}
		p.Rows = append(p.Rows, r)
	}
	p.Verdicts[patch.NotApplicable] = max(0, p.Receipt.Expected-p.Verdicts.Total())
	slices.SortFunc(p.Rows, func(a, b PastRow) int {
		return cmp.Or(cmp.Compare(a.Verdict, b.Verdict), strings.Compare(string(a.Patch), string(b.Patch)))
	})
}

func (p *Past) sentence(now time.Time) phrase.Phrase {
	at := phrase.On(now, p.At)
	if p.Receipt == nil {
		return phrase.Of("At {1}, {2} had not completed a detect: nothing was known.", at, p.Name)
	}
	s := phrase.Count(p.Verdicts[patch.NotPatched], "At {1}, {2} needed {n} patch", "At {1}, {2} needed {n} patches", at, p.Name)
	if n := p.Verdicts[patch.Faulty]; n > 0 {
		s = phrase.Of("{1}, {2} could not be judged", s, n)
	}
	s = phrase.Of("{1}, by the detect of {2}", s, phrase.On(now, p.Receipt.Ended))
	if p.Stale {
		s = phrase.Of("{1}, which was too old to rely on", s)
	}
	s = phrase.Count(len(p.Since), "{1}. {n} verdict has changed since.", "{1}. {n} verdicts have changed since.", s)
	if !p.Facts {
		s = phrase.Of("{1} The facts that it judged are not here (see `fettle storage`), so that what it said stays, and its reasons cannot be shown again.", s)
	}
	return s
}
