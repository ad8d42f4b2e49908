package world

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// maxChain bounds over how many approved patches it is followed what the last one lacks.
const maxChain = 8

// closing says whether another patch will be there for one that needs it.
type closing func(ctx context.Context, id patch.ID) (bool, patch.Policy, error)

// unmet foretells which dependency keeps a patch from this machine: the first that nothing installed, nothing of the patch itself and nothing
// approved for the machine satisfies. It is nil where there is none, and wherever that is not certain: then the machine's own package manager
// is who says so.
func (s *Sight) unmet(ctx context.Context, a Ask) (*patch.Unmet, error) {
	start := a.Start
	if start.IsZero() {
		start = s.v.Now
	}
	return s.lacking(ctx, a.Patch, nil, s.approvedAt(start, a.Assume))
}

func (s *Sight) approvedAt(start time.Time, assume []patch.Decision) closing {
	return func(ctx context.Context, id patch.ID) (bool, patch.Policy, error) {
		p, err := s.v.policy(ctx, id, s.seat.Number, start, assumed(assume, id))
		return p.Stand == patch.Approved, p, err
	}
}

// Outside foretells which dependency of a patch that is approved is met neither by what is installed nor by the patches of a plan for this
// machine; what is under way already counts as met.
func (s *Sight) Outside(ctx context.Context, id patch.ID, start time.Time, plan []patch.ID) (*patch.Unmet, error) {
	approved := s.approvedAt(start, nil)
	return s.lacking(ctx, id, nil, func(ctx context.Context, other patch.ID) (bool, patch.Policy, error) {
		_, p, err := approved(ctx, other)
		if err != nil || slices.Contains(plan, other) {
			return true, p, err
		}
		tried, _, err := s.tries(ctx, other)
		return slices.ContainsFunc(tried, func(t patch.Attempt) bool { return !t.State.Ended() || t.State == patch.ExecDone && t.VerifiedSeq == 0 }), p, err
	})
}

func (s *Sight) lacking(ctx context.Context, id patch.ID, above []patch.ID, comes closing) (*patch.Unmet, error) {
	all, err := s.lacks(ctx, id)
	if err != nil || len(above) > maxChain {
		return nil, err
	}
	above = append(above[:len(above):len(above)], id)
	for _, l := range all {
		if u, err := s.resolve(ctx, l, above, comes); u != nil || err != nil {
			return u, err
		}
	}
	return nil, nil
}

// resolve looks among the patches for one that ends a lack; nil where one comes, and where that cannot be told.
func (s *Sight) resolve(ctx context.Context, l lack, above []patch.ID, comes closing) (*patch.Unmet, error) {
	offers, err := s.v.offersFor(ctx, s.OS, l)
	if err != nil {
		return nil, err
	}
	plain := patch.Unmet{By: l.by.Payload, Clause: l.words(), Breaks: l.breaks, RPM: l.need != nil, Here: l.here, Held: l.held, Origin: s.origin(l.by.Origin)}
	best := plain
	for _, o := range offers {
		if o.Patch == above[len(above)-1] {
			continue
		}
		verdict := s.Verdict(o.Patch)
		if slices.Contains(above, o.Patch) || verdict == patch.Unknown || verdict == patch.Faulty {
			return nil, nil
		}
		brings, known, err := s.carries(ctx, o, verdict)
		if err != nil || !known {
			return nil, err
		}
		u := plain
		u.Patch, u.Absent = o.Patch, !brings
		if brings {
			ok := false
			if ok, u.Policy, err = comes(ctx, o.Patch); err != nil {
				return nil, err
			}
			if ok {
				if u.Further, err = s.lacking(ctx, o.Patch, above, comes); err != nil || u.Further == nil {
					return nil, err
				}
			}
		}
		if rank(u) > rank(best) {
			best = u
		}
	}
	return &best, nil
}

// rank tells which of the patches that would end a lack is the one to name.
func rank(u patch.Unmet) int {
	switch {
	case u.Patch == "":
		return 0
	case u.Absent:
		return 1
	case u.Policy.Stand != patch.Approved:
		return 2
	}
	return 3
}

// carries reports whether a patch would bring what it offers onto this machine.
func (s *Sight) carries(ctx context.Context, o patch.Offer, verdict patch.Verdict) (brings, known bool, err error) {
	if verdict != patch.NotPatched {
		return false, true, nil
	}
	pkgs, known, err := s.Packages(ctx, o.Patch)
	return slices.ContainsFunc(pkgs, func(p patch.PlanPackage) bool {
		if o.Away {
			return slices.ContainsFunc(p.Replaces, func(old patch.InstalledPackage) bool { return old.Name == o.Name })
		}
		return p.Name == o.Name
	}), known, err
}

func (s *Sight) origin(i int) patch.Origin {
	if s.Meta == nil || i < 0 || i >= len(s.Meta.Origins) {
		return patch.Origin{}
	}
	return s.Meta.Origins[i]
}

// offersFor gives what would end a lack, the newest versions first.
func (v *View) offersFor(ctx context.Context, os patch.HostOS, l lack) ([]patch.Offer, error) {
	if l.need != nil {
		return v.offersRPM(ctx, os, l)
	}
	var out []patch.Offer
	for _, r := range l.clause {
		all, err := v.offers(ctx, os, r.Name)
		if err != nil {
			return nil, err
		}
		for _, o := range all {
			ends := debian.Holds(r, o.Version)
			if l.breaks {
				ends = !o.Virtual && !ends && version.DpkgCompare(o.Version, l.here.Version) > 0
			}
			if ends {
				out = append(out, o)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b patch.Offer) int {
		if a.Name == b.Name && !a.Virtual && !b.Virtual {
			return cmp.Or(-version.DpkgCompare(a.Version, b.Version), strings.Compare(string(a.Patch), string(b.Patch)))
		}
		return 0
	})
	return out, nil
}

func (v *View) offers(ctx context.Context, os patch.HostOS, name string) ([]patch.Offer, error) {
	k := string(os) + " " + name
	if o, known := v.offered[k]; known {
		return o, nil
	}
	o, err := v.r.Catalog.Offers(ctx, os, name)
	if err != nil {
		return nil, err
	}
	if v.offered == nil {
		v.offered = map[string][]patch.Offer{}
	}
	v.offered[k] = o
	return o, nil
}
