package ring

import (
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Failing is a machine that failed a patch in a ring.
type Failing struct {
	Machine patch.MachineID `json:"machine"`
	Name    string          `json:"name"`
	Text    phrase.Phrase   `json:"text"` // why
	At      time.Time       `json:"at"`
	// Beside are the other patches that the same order installed: where a machine is not well afterwards, nobody can tell which of them did it.
	Beside []patch.ID `json:"beside,omitempty"`
}

// failingShown is how many machines that failed a patch are named.
const failingShown = 20

// failing names the machines of a ring that failed a patch since a person last resumed it, the newest first.
func (d *Desk) failing(ctx context.Context, v *world.View, p patch.RingProgress) ([]Failing, error) {
	if p.Failed == 0 {
		return nil, nil
	}
	attempts, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Ring: p.Ring, Patch: p.Patch})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(attempts, func(a, b patch.Attempt) int { return a.ProofAt.Compare(b.ProofAt) })
	attempts = newestOf(slices.DeleteFunc(attempts, func(a patch.Attempt) bool {
		return a.TakesBack() || a.Proof != patch.ProofGood && a.Proof != patch.ProofBad
	}))
	slices.Reverse(attempts)
	var out []Failing
	for _, a := range attempts {
		if a.Proof != patch.ProofBad || !a.ProofAt.After(p.FreshAt) || len(out) == failingShown {
			continue
		}
		s, err := v.Sight(ctx, a.Machine)
		if err != nil {
			return nil, err
		}
		f := Failing{Machine: a.Machine, Name: s.Machine.Name, Text: a.ProofText, At: a.ProofAt}
		if f.Beside, err = d.beside(ctx, a); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// unproven names the machines of a ring that prove nothing about a patch, with why, where that is known.
func (d *Desk) unproven(ctx context.Context, v *world.View, p patch.RingProgress) ([]Failing, error) {
	if p.Pending == 0 {
		return nil, nil
	}
	attempts, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Ring: p.Ring, Patch: p.Patch})
	if err != nil {
		return nil, err
	}
	var out []Failing
	for _, a := range attempts {
		if a.Proof != patch.ProofPending || a.ProofText == "" || len(out) == failingShown {
			continue
		}
		s, err := v.Sight(ctx, a.Machine)
		if err != nil {
			return nil, err
		}
		out = append(out, Failing{Machine: a.Machine, Name: s.Machine.Name, Text: a.ProofText, At: a.ProofAt})
	}
	return out, nil
}

// beside gives what else was installed by the order of an attempt whose install itself went well.
func (d *Desk) beside(ctx context.Context, a patch.Attempt) (ids []patch.ID, err error) {
	if a.State != patch.ExecDone || a.Order == "" {
		return nil, nil
	}
	all, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Machine: a.Machine, Order: a.Order})
	for _, other := range all {
		if other.Patch != a.Patch && other.Patch != patch.Restart && other.State == patch.ExecDone {
			ids = append(ids, other.Patch)
		}
	}
	return ids, err
}

// suspects adds to why a machine failed what else the same order installed there.
func (d *Desk) suspects(ctx context.Context, a patch.Attempt) (phrase.Phrase, error) {
	ids, err := d.beside(ctx, a)
	switch len(ids) {
	case 0:
		return a.ProofText, err
	case 1:
		return phrase.Of("{1}; it may be the doing of {2}, which came with it", a.ProofText, string(ids[0])), err
	}
	return phrase.Count(len(ids)-1, "{1}; it may be the doing of {2}, or of {n} other patch, which came with it", "{1}; it may be the doing of {2}, or of {n} other patches, which came with it", a.ProofText, string(ids[0])), err
}
