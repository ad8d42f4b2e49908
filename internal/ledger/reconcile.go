package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
	"github.com/fettle-project/fettle/internal/world"
)

// Reconciliation lays what a machine's own history says beside what its newest detect says. Neither changes the other.
type Reconciliation struct {
	At       time.Time       `json:"at"`
	Machine  patch.MachineID `json:"machine"`
	Name     string          `json:"name"`
	OS       patch.HostOS    `json:"os"`
	Sentence phrase.Phrase   `json:"sentence"`
	Receipt  *patch.Receipt  `json:"receipt,omitempty"` // the detect; nil where there is none
	History  time.Time       `json:"history,omitzero"`  // the newest line of the machine's own history
	// Installed are the patches that the history says are installed: Agreed of them detection calls patched.
	Installed int            `json:"installed"`
	Agreed    int            `json:"agreed"`
	Items     []Disagreement `json:"items"` // by kind, then patch
}

// Disagreement is one patch about which inventory and detection say different things.
type Disagreement struct {
	Kind    DisagreementKind `json:"kind"`
	Patch   patch.ID         `json:"patch"`
	Title   string           `json:"title,omitempty"`
	Verdict patch.Verdict    `json:"verdict"`          // detection's
	Change  patch.PkgChange  `json:"change"`           // the inventory's newest line about it
	Newer   string           `json:"newer"`            // "inventory" or "detection"
	Writer  string           `json:"writer,omitempty"` // who probably wrote what the inventory says
	Meaning phrase.Phrase    `json:"meaning"`
	Do      phrase.Phrase    `json:"do,omitempty"`
}

// DisagreementKind is a stable name of what differs.
type DisagreementKind string

const (
	SinceDetect      DisagreementKind = "since-detect"             // the machine changed after the detect
	GoneAgain        DisagreementKind = "installed-not-patched"    // installed by the history, missing by detection
	NotForThis       DisagreementKind = "installed-not-applicable" // installed by the history, and it does not apply here
	Unjudged         DisagreementKind = "installed-error"          // installed by the history, and detection could not judge it
	WithoutTrace     DisagreementKind = "patched-not-in-history"   // there by detection, older or removed by the history
	PartlyInstalled  DisagreementKind = "partly-installed"         // installed by the history, but another package of it is older
	maxDisagreements                  = 500
)

// Reconcile compares a machine's inventory with its newest complete detect.
func (l *Ledger) Reconcile(ctx context.Context, id patch.MachineID) (Reconciliation, error) {
	v := l.World.Records()
	s, err := v.Sight(ctx, id)
	if err != nil {
		return Reconciliation{}, err
	}
	r := Reconciliation{At: v.Now, Machine: id, Name: s.Machine.Name, OS: s.OS, Receipt: s.Receipt, Items: []Disagreement{}}
	h := historyOf(l.changesOn(ctx, s.Machine), s.OS)
	r.History = h.newest
	if s.Receipt == nil || s.Shelf == nil || len(h.byName)+len(h.byKB) == 0 {
		r.Sentence = r.sentence()
		return r, nil
	}
	for _, p := range s.Shelf.List.Patches() {
		if err := r.compare(ctx, s, h, p); err != nil {
			return r, err
		}
	}
	slices.SortStableFunc(r.Items, func(a, b Disagreement) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Patch, b.Patch))
	})
	r.Sentence = r.sentence()
	return r, nil
}

// past is a machine's history by what it is about: the newest line of each.
type past struct {
	scheme version.Scheme
	byName map[string]patch.PkgChange
	byKB   map[string]patch.PkgChange // Windows' own updates, by their article's number
	newest time.Time
}

func historyOf(changes []patch.PkgChange, os patch.HostOS) past {
	h := past{scheme: version.Of(os), byName: map[string]patch.PkgChange{}, byKB: map[string]patch.PkgChange{}}
	for _, c := range changes { // newest first
		if c.At.After(h.newest) {
			h.newest = c.At
		}
		if number, ok := strings.CutPrefix(c.Name, "KB"); ok && c.To == "" {
			if _, later := h.byKB[number]; !later {
				h.byKB[number] = c
			}
		}
		if _, later := h.byName[c.Name]; !later {
			h.byName[c.Name] = c
		}
	}
	return h
}

// about is the newest line of the history about a patch, and whether it says that the patch is there. That a package was removed counts only
// where the history says nothing else: a machine without one of a patch's packages needs the others alone.
func (h past) about(p patch.Patch) (c patch.PkgChange, there, found bool) {
	if c, ok := h.byKB[strings.TrimPrefix(p.Advisory, "KB")]; ok && p.Advisory != "" {
		return c, true, true
	}
	for _, f := range p.Payloads {
		x, ok := h.byName[f.Name]
		if !ok || x.Arch != "" && f.Arch != "" && x.Arch != f.Arch && f.Arch != "all" && x.Arch != "all" {
			continue
		}
		if removed := x.To == ""; found && (removed && c.To != "" || removed == (c.To == "") && x.At.Before(c.At)) {
			continue
		}
		c, found = x, true
		n, err := version.Compare(h.scheme, x.To, f.Version)
		there = x.To != "" && err == nil && n >= 0
	}
	return c, there, found
}

// compare adds one patch to the account.
func (r *Reconciliation) compare(ctx context.Context, s *world.Sight, h past, p patch.Patch) error {
	c, there, found := h.about(p)
	if !found {
		return nil
	}
	v := s.Verdict(p.ID)
	if there {
		r.Installed++
	}
	switch {
	case there && v == patch.Patched:
		r.Agreed++
		return nil
	case there == (v == patch.Patched), v == patch.Unknown, !there && v != patch.Patched:
		return nil
	case len(r.Items) == maxDisagreements:
		return nil
	}
	d := Disagreement{Patch: p.ID, Title: p.Title, Verdict: v, Change: c, Newer: "detection", Writer: c.By}
	f, _, err := s.Finding(ctx, p.ID)
	if err != nil {
		return err
	}
	if c.To == "" && v == patch.Patched && !slices.ContainsFunc(f.Packages, func(a patch.AffectedPackage) bool { return a.Name == c.Name && a.Installed != "" }) {
		return nil // it was removed and is not there: the patch is about the machine's other packages
	}
	d.explain(s.Machine.Name, r.At, s.Receipt.Taken(), f, there)
	r.Items = append(r.Items, d)
	return nil
}

// explain says what a disagreement means, and what to do about it.
func (d *Disagreement) explain(machine string, now, taken time.Time, f patch.Finding, there bool) {
	what := strings.TrimSpace(d.Change.Name + " " + d.Change.To)
	when := phrase.On(now, d.Change.At)
	why := phrase.Clause(f.Reason.Text)
	other := slices.ContainsFunc(f.Packages, func(a patch.AffectedPackage) bool { return a.Name != d.Change.Name }) &&
		!slices.ContainsFunc(f.Packages, func(a patch.AffectedPackage) bool { return a.Name == d.Change.Name })
	switch {
	case d.Change.At.After(taken):
		d.Kind, d.Newer = SinceDetect, "inventory"
		d.Meaning = phrase.Of("the machine was changed {1}, after the newest detect, which speaks of {2}", when, phrase.On(now, taken))
		d.Do = phrase.Of("Nothing: the next detect says how it stands. Now: fettle machines detect {1}", machine)
	case !there:
		d.Kind = WithoutTrace
		d.Meaning = phrase.Of("the history ends with {1} of {2} on {3}, and the machine has a newer one: it came without the package manager's log, by an image, a restore or a log that was cut", patch.ActionWord(d.Change.Action), what, when)
	case d.Verdict == patch.NotApplicable:
		d.Kind = NotForThis
		d.Meaning = phrase.Of("{1} was installed on {2}, and the patch does not apply: {3}. What was installed is there all the same; Fettle counts only what its definition asks for", what, when, or(why, "a prerequisite does not hold"))
		d.Do = phrase.Of("Look at the prerequisites: fettle explain {1} {2}. Where a service pack has moved the machine to another OS, its older patches close as satisfied by upgrade.", machine, string(d.Patch))
	case d.Verdict == patch.Faulty:
		d.Kind = Unjudged
		d.Meaning = phrase.Of("{1} was installed on {2}, and detection could not judge it: {3}", what, when, or(why, "no reason is at hand"))
		d.Do = "Mend what it names; every detect tries again."
	case other:
		d.Kind = PartlyInstalled
		d.Meaning = phrase.Of("{1} was installed on {2}, but another package of the same patch is older: {3}", what, when, why)
	default:
		d.Kind = GoneAgain
		d.Meaning = phrase.Of("{1} was installed on {2}, and the machine has an older one now ({3}): it was put back without the package manager's log, by a restored disk or snapshot, or its installation did not take effect", what, when, or(why, "by detection"))
		d.Do = "Find out what put it back. Fettle deploys it again when it is approved."
	}
}

func or(s, otherwise phrase.Phrase) phrase.Phrase {
	if s != "" {
		return s
	}
	return otherwise
}

func (r *Reconciliation) sentence() phrase.Phrase {
	switch {
	case r.Receipt == nil:
		return phrase.Of("{1} has never completed a detect: there is nothing to hold its inventory against.", r.Name)
	case r.History.IsZero() && r.Installed == 0:
		return phrase.Of("The history that {1} itself keeps tells of no package that was installed or removed: nothing was changed since it begins, or it was emptied. Detection goes by what is there, and needs no history.", r.Name)
	}
	s := phrase.Count(r.Installed, "By its own history {1} has {n} patch of its list; detection agrees on {2}", "By its own history {1} has {n} patches of its list; detection agrees on {2}", r.Name, r.Agreed)
	if len(r.Items) == 0 {
		return phrase.Of("{1} and contradicts none.", s)
	}
	return phrase.Count(len(r.Items), "{1}. {n} disagreement.", "{1}. {n} disagreements.", s)
}
