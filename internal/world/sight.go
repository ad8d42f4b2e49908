package world

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// Sight is one machine as a View sees it.
type Sight struct {
	Machine patch.Machine
	OS      patch.HostOS        // that its rows are about; empty while nothing is known
	Receipt *patch.Receipt      // newest complete detect; nil where there is none
	Shelf   *Shelf              // newest list of OS; nil where none is published
	Meta    *patch.RevisionMeta // of that list

	v          *View
	seat       *fleet.Seat
	judged     *Shelf // the list that the verdicts are in the order of
	attempts   []patch.Attempt
	attempted  bool
	order      *patch.OrderRow    // see Order
	ordered    bool               // it was read
	deployable map[deployKey]bool // made when first needed
	moves      []patch.Transition // see Moves
	lastMoves  map[patch.ID]int   // in moves; nil until they were read
}

type deployKey struct {
	id     patch.ID
	start  time.Time
	window patch.Window
}

// Sight gives one machine.
func (v *View) Sight(ctx context.Context, id patch.MachineID) (*Sight, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	seat := look.Find(id)
	if seat == nil {
		return nil, patch.Errorf(patch.NotFound, "no machine has the ID %q", id)
	}
	return v.SightAt(ctx, seat)
}

// Look is all machines as the View sees them.
func (v *View) Look(ctx context.Context) (_ *fleet.Look, err error) {
	if v.look == nil {
		v.look, err = v.r.Fleet.Look(ctx)
	}
	return v.look, err
}

// SightAt is Sight for a seat of the View's Look.
func (v *View) SightAt(ctx context.Context, seat *fleet.Seat) (*Sight, error) {
	s := &Sight{v: v}
	if err := s.turn(ctx, seat); err != nil {
		return nil, err
	}
	return s, nil
}

// Turn is SightAt into a Sight that was of another machine, or is new: for questions that go through many.
func (v *View) Turn(ctx context.Context, s *Sight, seat *fleet.Seat) error {
	s.v = v
	return s.turn(ctx, seat)
}

// turn turns to another machine.
func (s *Sight) turn(ctx context.Context, seat *fleet.Seat) (err error) {
	v := s.v
	if v.r.Suppose != nil {
		if seat, err = v.r.Suppose(ctx, seat); err != nil {
			return err
		}
	}
	*s = Sight{Machine: seat.Machine, OS: seat.OS(), Receipt: seat.Receipt, v: v, seat: seat}
	if s.OS == "" {
		return nil
	}
	if s.Meta = v.meta(s.OS); s.Meta != nil {
		if s.Shelf, err = v.Shelf(ctx, s.OS, s.Meta.ID); err != nil {
			return err
		}
	}
	if s.Receipt != nil && s.Receipt.OS == s.OS {
		s.judged, err = v.Shelf(ctx, s.OS, s.Receipt.Revision)
	}
	return err
}

// Number is that of the machine's seat.
func (s *Sight) Number() uint32 { return s.seat.Number }

// Meta is an OS's newest revision; nil where none is published.
func (v *View) Meta(os patch.HostOS) *patch.RevisionMeta { return v.meta(os) }

// meta is an OS's newest revision; nil where none is published.
func (v *View) meta(os patch.HostOS) *patch.RevisionMeta {
	m, known := v.metas[os]
	if !known {
		if found, ok := v.r.Catalog.Meta(os); ok {
			m = &found
		}
		v.metas[os] = m
	}
	return m
}

// Verdict is what the newest complete detect says about a patch; Unknown where it does not cover it.
func (s *Sight) Verdict(id patch.ID) patch.Verdict {
	_, i, ok := s.judged.Find(id)
	if !ok || i >= s.Receipt.Expected {
		return patch.Unknown
	}
	return s.seat.Verdict(i)
}

// Before is what the newest complete detect says about a patch where it was made on another OS than the machine has now; else Unknown.
func (s *Sight) Before(ctx context.Context, id patch.ID) (patch.Verdict, error) {
	if s.Receipt == nil || s.Receipt.OS == s.OS {
		return patch.Unknown, nil
	}
	shelf, err := s.v.Shelf(ctx, s.Receipt.OS, s.Receipt.Revision)
	if err != nil {
		return patch.Unknown, err
	}
	_, i, ok := shelf.Find(id)
	if !ok || i >= s.Receipt.Expected {
		return patch.Unknown, nil
	}
	return s.seat.Verdict(i), nil
}

// Current gives the verdicts if they are in the order of the newest list.
func (s *Sight) Current() (patch.Vector, bool) {
	if !s.current() {
		return patch.Vector{}, false
	}
	return s.seat.Vector(), true
}

// Counts are how many patches have each verdict, if the verdicts are in the order of the newest list.
func (s *Sight) Counts() (patch.Counts, bool) {
	if !s.current() {
		return patch.Counts{}, false
	}
	return s.seat.Counts(), true
}

// Policy is View.Policy for this machine.
func (s *Sight) Policy(ctx context.Context, id patch.ID, at time.Time) (patch.Policy, error) {
	return s.v.policy(ctx, id, s.seat.Number, at, nil)
}

// Judged visits the verdicts that are not not-applicable, by column, if they are in the order of the newest list.
func (s *Sight) Judged() (iter.Seq2[int, patch.Verdict], bool) {
	if !s.current() {
		return nil, false
	}
	return s.seat.Verdicts(), true
}

// Amiss visits the verdicts that are not-patched or an error, by column, if they are in the order of the newest list.
func (s *Sight) Amiss() (iter.Seq2[int, patch.Verdict], bool) {
	if !s.current() {
		return nil, false
	}
	return s.seat.Amiss(), true
}

func (s *Sight) current() bool {
	return s.judged != nil && s.judged == s.Shelf && s.Receipt.Expected == len(s.Shelf.List.Patches())
}

// Attempts lists this machine's attempts, oldest first, or those for one patch.
func (s *Sight) Attempts(ctx context.Context, id patch.ID) ([]patch.Attempt, error) {
	if !s.attempted {
		all, err := s.v.Attempts(ctx, s.Machine.ID)
		if err != nil {
			return nil, err
		}
		s.attempts, s.attempted = all, true
	}
	if id == "" {
		return s.attempts, nil
	}
	var mine []patch.Attempt
	for _, a := range s.attempts {
		if a.Patch == id {
			mine = append(mine, a)
		}
	}
	return mine, nil
}

// Attempts lists a machine's attempts, oldest first.
func (v *View) Attempts(ctx context.Context, id patch.MachineID) ([]patch.Attempt, error) {
	all, err := v.r.Store.ListAttempts(ctx, patch.AttemptFilter{Machine: id})
	slices.SortStableFunc(all, func(a, b patch.Attempt) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return all, err
}

// Moves lists all transitions of this machine, the newest first.
func (s *Sight) Moves(ctx context.Context) ([]patch.Transition, error) {
	if s.lastMoves != nil {
		return s.moves, nil
	}
	all, err := s.v.r.Store.ListTransitions(ctx, patch.TransitionFilter{Machine: s.Machine.ID})
	if err != nil {
		return nil, err
	}
	s.moves, s.lastMoves = all, map[patch.ID]int{}
	for i, t := range all {
		if _, newer := s.lastMoves[t.Patch]; !newer {
			s.lastMoves[t.Patch] = i
		}
	}
	return all, nil
}

// lastMove is the newest transition of a patch: of Moves if these have been read, else it alone is.
func (s *Sight) lastMove(ctx context.Context, id patch.ID) (t patch.Transition, ok bool, err error) {
	if s.lastMoves != nil {
		i, ok := s.lastMoves[id]
		if ok {
			t = s.moves[i]
		}
		return t, ok, nil
	}
	ts, err := s.v.r.Store.ListTransitions(ctx, patch.TransitionFilter{Machine: s.Machine.ID, Patch: id, Limit: 1})
	if err != nil || len(ts) == 0 {
		return t, false, err
	}
	return ts[0], true, nil
}

// Ask is a question about one patch on a machine.
type Ask struct {
	Patch  patch.ID
	Start  time.Time        // when the install would start; zero: now
	Window patch.Window     // of the deployment in question, if any
	Manner *patch.Manner    // likewise
	Own    string           // an attempt that is being handed out
	Assume []patch.Decision // decisions to take as made, for previews
	Reason bool             // with the finding's reason
	// Eligible, for Cohorts: machines that are told apart only by gates after the hold need not be, and what only these look at is not read.
	Eligible bool
	Deep     bool // with the reason, the order that the machine holds and what others changed: for what a person reads
	// Restart asks whether the machine may be restarted, in this way, with nothing installed; Patch is then patch.Restart.
	Restart patch.RebootMode
	// Back asks whether the patch can be taken back, instead of installed. Planned is what exactly was planned; nil: it is worked out.
	Back    bool
	Planned []patch.PlanPackage
	Among   []patch.ID // that go back on the machine together with it
}

// Walk judges all gates for a patch on this machine.
func (s *Sight) Walk(ctx context.Context, a Ask) (gate.Answer, error) {
	w, err := s.World(ctx, a)
	if err != nil {
		return gate.Answer{}, err
	}
	return gate.Walk(w), nil
}

// blocked is the newest attempt of this machine that failed by the machine's own cause, unless something worked after it. One that ended at a time that is yet to
// come, by a clock that was ahead, is not the newest because of that.
func blocked(all []patch.Attempt, now time.Time) *patch.Attempt {
	var newest *patch.Attempt
	for i := range all {
		a := &all[i]
		if (a.State == patch.ExecDone || a.State == patch.ExecFailed) && !a.EndedAt.After(now) && (newest == nil || a.EndedAt.After(newest.EndedAt)) {
			newest = a
		}
	}
	if newest == nil || newest.State != patch.ExecFailed || !gate.Blocks(newest.Cause) {
		return nil
	}
	return newest
}

// Readiness judges what can keep this machine from every patch, and the schedules that deploy to it.
func (s *Sight) Readiness(ctx context.Context) ([]gate.Gate, []gate.ScheduleFact, error) {
	if _, err := s.Attempts(ctx, ""); err != nil {
		return nil, nil, err
	}
	schedules, err := s.scheduled(ctx)
	block := blocked(s.attempts, s.v.Now)
	if block != nil && block.Cause == patch.FailHook {
		block = nil // it keeps orders that name the hook, and not every one
	}
	return gate.Readiness(gate.World{Now: s.v.Now, Limits: s.v.Limits, Machine: s.Machine, OS: s.OS, Revision: s.Meta, Receipt: s.Receipt, Blocked: block}), schedules, err
}

// Freshness judges whether the newest complete detect speaks of now.
func (s *Sight) Freshness() gate.Gate { return gate.Freshness(s.detected()) }

// FreshnessCode is Freshness without its words: the code, empty where it does speak of now.
func (s *Sight) FreshnessCode() string {
	return gate.FreshnessCode(gate.Detected{Now: s.v.Now, Stale: s.v.Limits.Stale, Machine: &s.Machine, OS: s.OS, Revision: s.Meta, Receipt: s.Receipt})
}

func (s *Sight) detected() gate.World {
	return gate.World{Now: s.v.Now, Limits: s.v.Limits, Machine: s.Machine, OS: s.OS, Revision: s.Meta, Receipt: s.Receipt}
}
