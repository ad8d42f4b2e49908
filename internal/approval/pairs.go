package approval

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// The places of a preview: each machine is with each patch in exactly one of them.
const (
	Eligible      = "eligible"
	Patched       = "patched"
	NotApplicable = "not-applicable"
	Faulty        = "error"
	Unknown       = "unknown"
	OtherOS       = "other-os"
	Stale         = "stale"
)

// Parts of what is eligible, and what several places have in common.
const (
	Deployable = "deployable"
	Closed     = "closed" // needs it, and would not get it
	Needing    = "needs"  // needs another patch first
	Unsure     = "unsure" // unknown, stale or error
)

// Group is one number of a preview. Empty fields do not narrow.
type Group struct {
	Place string
	Gate  gate.Name // of Closed
	Code  string    // of Closed and NotApplicable
	Needs patch.ID  // of Needing
	Stand patch.Stand
	OS    *patch.HostOS
	Patch patch.ID
}

// Pair is a machine and a patch that a number of a preview counts.
type Pair struct {
	Machine patch.MachineID
	Name    string
	OS      patch.HostOS
	Patch   patch.ID
	Text    phrase.Phrase // why it is there, of one that is like it
}

// placeOf says where a preview counts a machine.
func placeOf(w gate.World, a gate.Answer) string {
	snapshot := a.Gate(gate.Snapshot)
	switch {
	case !w.Listed:
		return OtherOS
	case snapshot.Code == gate.CodeStale || snapshot.Code == gate.CodeDetectFailed:
		return Stale
	case snapshot.Code == gate.CodeNever || w.Verdict >= patch.Unknown:
		return Unknown
	case w.Verdict == patch.NotPatched:
		return Eligible
	case w.Verdict == patch.Patched:
		return Patched
	case w.Verdict == patch.Faulty:
		return Faulty
	}
	return NotApplicable
}

// holds reports whether a group counts machines of which this is known.
func (g Group) holds(w gate.World, a gate.Answer) bool {
	place := placeOf(w, a)
	if g.OS != nil && *g.OS != w.OS {
		return false
	}
	switch g.Place {
	case "":
		return true
	case Unsure:
		return place == Unknown || place == Stale || place == Faulty
	case NotApplicable:
		return place == NotApplicable && (g.Code == "" || g.Code == a.Gate(gate.Prerequisites).Code)
	case Deployable:
		return place == Eligible && would(a)
	case Closed:
		return place == Eligible && !would(a) && a.Closed.Name == g.Gate && a.Closed.Code == g.Code
	case Needing:
		u := needed(w, a)
		return place == Eligible && u != nil && u.Patch == g.Needs && u.Policy.Stand == g.Stand
	}
	return place == g.Place
}

// says is why machines are in their place.
func says(w gate.World, a gate.Answer) phrase.Phrase {
	switch placeOf(w, a) {
	case NotApplicable:
		return a.Gate(gate.Prerequisites).Text
	case Eligible:
		if !would(a) {
			return a.Closed.Text
		}
		return a.Gate(gate.Prerequisites).Text
	case Stale, Unknown:
		return a.Gate(gate.Snapshot).Text
	}
	return a.Gate(gate.InstalledTest).Text
}

// Pairs lists what one number of a request's preview counts, by machine, and says how many there are.
func (d *Desk) Pairs(ctx context.Context, r Request, g Group, offset, limit int) ([]Pair, int, error) {
	c, err := d.counter(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	look, err := c.view.Look(ctx)
	if err != nil {
		return nil, 0, err
	}
	var all []Pair
	for i := range c.patches {
		id := c.patches[i].Patch.ID
		if g.Patch != "" && g.Patch != id {
			continue
		}
		cohorts, err := c.cohorts(ctx, world.Ask{Patch: id, Assume: c.assume, Reason: true})
		if err != nil {
			return nil, 0, err
		}
		for j := range cohorts {
			x := &cohorts[j]
			if !g.holds(x.World, x.Answer) {
				continue
			}
			for it := x.Seats.Iterator(); it.HasNext(); {
				m := look.At(it.Next()).Machine
				all = append(all, Pair{Machine: m.ID, Name: m.Name, OS: x.World.OS, Patch: id, Text: says(x.World, x.Answer)})
			}
		}
		c.view.Forget()
	}
	slices.SortFunc(all, func(a, b Pair) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Machine, b.Machine), cmp.Compare(a.Patch, b.Patch))
	})
	n := len(all)
	return all[min(offset, n):min(offset+limit, n)], n, nil
}
