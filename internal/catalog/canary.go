package catalog

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Fleet is where the canary's facts come from.
type Fleet interface {
	// StoredFacts gives the newest facts of at most n machines of a host OS, of those first that were seen last.
	StoredFacts(ctx context.Context, os patch.HostOS, n int) iter.Seq2[StoredFacts, error]
}

// StoredFacts are one machine's.
type StoredFacts struct {
	Machine string // its name
	Facts   *patch.Facts
}

// Canary is what a new revision says about machines whose facts are at hand, beside what the revision in force says about the same
// facts. Patches that only one of the two has are not compared.
type Canary struct {
	Machines int            `json:"machines"`
	Judged   int            `json:"judged"` // verdicts compared, not counting those that are "not-applicable" in both
	Flips    int            `json:"flips"`
	Kinds    map[string]int `json:"kinds"` // "patched → not-patched": how many
	Examples []Flip         `json:"examples"`
}

// Flip is one verdict that changed though the facts did not.
type Flip struct {
	Machine string        `json:"machine"`
	Patch   patch.ID      `json:"patch"`
	From    patch.Verdict `json:"from"`
	To      patch.Verdict `json:"to"`
}

// alarming says why a person should look; empty where there is no reason.
func (r *Canary) alarming(b Bounds) phrase.Phrase {
	if r == nil || r.Flips <= smallFaults || float64(r.Flips)*100 <= b.Flips*float64(r.Judged) {
		return ""
	}
	var kinds []string
	var seen []phrase.Phrase
	for kind, n := range r.Kinds {
		kinds = append(kinds, fmt.Sprintf("%d %s", n, kind))
	}
	slices.Sort(kinds)
	for _, f := range r.Examples[:min(3, len(r.Examples))] {
		seen = append(seen, phrase.Of("{1} on {2}", string(f.Patch), f.Machine))
	}
	return phrase.Of("{1} of {2} verdicts change over the same facts of {3} machines ({4}), for example {5}",
		r.Flips, r.Judged, r.Machines, strings.Join(kinds, ", "), phrase.Join(seen, ", "))
}

// rehearse judges stored facts with both revisions; nil where there are no facts or the old signatures are lost.
func (c *Catalog) rehearse(ctx context.Context, k *candidate, signatures []byte, n int) (*Canary, error) {
	if c.Fleet == nil || k.was == nil {
		return nil, nil
	}
	before := k.before
	old, err := c.Signatures(ctx, before.OS, before.ID)
	if kind := patch.KindOf(err); err != nil && kind != patch.Unavailable && kind != patch.NotFound && kind != patch.Invalid {
		return nil, err
	}
	if err != nil {
		c.Log.WarnContext(ctx, "the revision in force cannot be compared with", "os", before.OS, "error", err)
		return nil, nil
	}
	if old.Len() != k.was.Len() {
		return nil, nil
	}
	next, err := detect.Open(signatures)
	if err != nil {
		return nil, err
	}
	r := rehearsal{old: old, next: next, list: k.was, order: k.was.byID(), moved: places(k.was, k.is), Canary: &Canary{Kinds: map[string]int{}, Examples: []Flip{}}}
	for f, err := range c.Fleet.StoredFacts(ctx, before.OS, n) {
		if err != nil {
			return nil, err
		}
		r.judge(f)
	}
	if r.Machines == 0 {
		return nil, nil
	}
	return r.Canary, nil
}

// places gives for each patch of a list its number on another, -1 where it is not there.
func places(was, is *List) []int {
	at := make([]int, was.Len())
	for i := range at {
		at[i] = -1
		if j, ok := is.Index(was.At(i).ID); ok {
			at[i] = j
		}
	}
	return at
}

type rehearsal struct {
	*Canary
	old, next *detect.Signatures
	list      *List // of the old one
	order     []int // in which it is gone through
	moved     []int
}

// judge compares one machine. Facts that the old revision cannot judge say nothing about the new one.
func (r *rehearsal) judge(f StoredFacts) {
	was, err := r.old.Evaluate(f.Facts)
	if err != nil {
		return
	}
	is, refused := r.next.Evaluate(f.Facts)
	r.Machines++
	for _, i := range r.order {
		j := r.moved[i]
		if j < 0 {
			continue
		}
		from, to := was.Verdicts.At(i), patch.Faulty
		if refused == nil {
			to = is.Verdicts.At(j)
		}
		if from == patch.NotApplicable && to == patch.NotApplicable {
			continue
		}
		r.Judged++
		if from == to {
			continue
		}
		r.Flips++
		r.Kinds[from.String()+" → "+to.String()]++
		if len(r.Examples) < examples {
			r.Examples = append(r.Examples, Flip{Machine: f.Machine, Patch: r.list.At(i).ID, From: from, To: to})
		}
	}
}
