// Package calendar keeps schedules: it says what will be deployed when and to whom, and when a window opens it has it deployed.
//
// It owns schedules and the moments at which they act. What is deployed is not its decision: the planner asks the gates, and the
// deployment it asks for is one like any other, bound to the window, signed, watched and halted in the same way.
package calendar

import (
	"context"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/schedule"
	"github.com/fettle-project/fettle/internal/world"
)

// Store is the storage of schedules.
type Store interface {
	PutSchedule(ctx context.Context, caller patch.Caller, s patch.Schedule) error
	FindSchedule(ctx context.Context, name string) (patch.Schedule, error)
	ListSchedules(ctx context.Context) ([]patch.Schedule, error)
	RemoveSchedule(ctx context.Context, caller patch.Caller, name string) error
}

// Labels tells who carries a label now.
type Labels interface {
	Members(ctx context.Context, name string) ([]patch.MachineID, error)
}

// Machines is the storage of machines.
type Machines interface {
	ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error)
}

// Scope is for what a plan is made: a label or machines.
type Scope struct {
	Label    string
	Machines []patch.MachineID
	Reboot   *patch.RebootPolicy // when they may be restarted; nil: never
	Manner   *patch.Manner       // how they go about it
}

// Plan works out what is deployable inside a window: plan.Planner.Make.
type Plan func(ctx context.Context, caller patch.Caller, of Scope, w patch.Window) (patch.Plan, error)

// AskDetect asks a machine to detect unless its newest detect began after since, or it has been asked already.
type AskDetect func(ctx context.Context, id patch.MachineID, since time.Time) error

// Deployer makes a deployment of a plan; package deploy implements it.
type Deployer interface {
	Apply(ctx context.Context, caller patch.Caller, p patch.Plan) (patch.Deployment, error)
	// KeepOnly takes back what has not begun on other machines than some.
	KeepOnly(ctx context.Context, id string, machines []patch.MachineID, why phrase.Phrase) error
}

// Deployments is the storage of deployments: the newest first, their plans without machines.
type Deployments interface {
	ListDeployments(ctx context.Context, limit int) ([]patch.Deployment, error)
}

// Desk keeps schedules and acts by them. Its methods may be called from many goroutines.
type Desk struct {
	Store     Store
	Blackouts Blackouts
	Labels    Labels
	// Machines tells where the machines are and when they were away.
	Machines  Machines
	AskDetect AskDetect
	Plan      Plan
	Deploy    Deployer
	// Deployments and Ahead: how long before it opens a window is planned; 0: when it opens.
	Deployments Deployments
	Ahead       time.Duration
	Zone        *time.Location // of schedules that name none
	Now         func() time.Time
	Log         *slog.Logger

	mu    sync.Mutex
	acted map[string]time.Time // per schedule: when it last planned
}

// again is how often an open window is planned anew, for machines that have detected and decisions that were made meanwhile.
const again = 10 * time.Minute

// longest is for how long it is remembered when something was planned.
const longest = 48 * time.Hour

// MaxCatchUp is for how many hours a missed window can be made up for.
const MaxCatchUp = 7 * 24

// reserve is how much of a window must be left for a plan to be made in it.
const reserve = schedule.Shortest

var nameRule = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`) })

// Put checks a schedule and stores it with its window in canonical form.
func (d *Desk) Put(ctx context.Context, caller patch.Caller, s patch.Schedule) (patch.Schedule, error) {
	s, err := d.Draft(ctx, s)
	if err != nil {
		return s, err
	}
	s.CreatedBy = caller.Name
	if err := d.Store.PutSchedule(ctx, caller, s); err != nil {
		return s, err
	}
	if err := d.recallNow(ctx); err != nil {
		return s, err
	}
	return d.Store.FindSchedule(ctx, s.Name)
}

// Draft checks a schedule and gives it as it would be stored, without storing it.
func (d *Desk) Draft(ctx context.Context, s patch.Schedule) (patch.Schedule, error) {
	if !nameRule().MatchString(s.Name) {
		return s, &patch.Error{Kind: patch.Invalid, What: "cannot store the schedule", Why: "its name must be made of a-z, 0-9, dot, dash and underscore, at most 64"}
	}
	rule, err := schedule.Parse(s.Window)
	switch {
	case err != nil:
		return s, err
	case s.CatchUp < 0 || s.CatchUp > MaxCatchUp:
		return s, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot store the schedule {1}", s.Name), Why: phrase.Format("a window can be made up for within 0 to %d hours", MaxCatchUp)}
	case s.Detect && s.CatchUp > 0:
		return s, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot store the schedule {1}", s.Name), Why: "a machine that was away detects by itself when it is back"}
	}
	if s.Reboot != nil {
		if err := s.Reboot.Check(); err != nil {
			return s, err
		}
		if s.Detect {
			return s, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot store the schedule {1}", s.Name), Why: "a detect needs no restart"}
		}
	}
	if s.Manner.Empty() {
		s.Manner = nil
	}
	if err := s.Manner.Check(); err != nil {
		return s, err
	}
	if s.Detect && s.Manner != nil {
		return s, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot store the schedule {1}", s.Name), Why: "a detect runs no hooks, waits for no program and restarts no service"}
	}
	if _, ok := rule.At(d.Now(), d.Zone); !ok {
		return s, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot store the schedule {1}", s.Name), Why: "its window never opens again"}
	}
	if _, err := d.Labels.Members(ctx, s.Label); err != nil {
		return s, err
	}
	s.Window, s.CreatedAt = rule.String(), d.Now().UTC()
	return s, nil
}

// Remove forgets a schedule.
func (d *Desk) Remove(ctx context.Context, caller patch.Caller, name string) error {
	if err := d.Store.RemoveSchedule(ctx, caller, name); err != nil {
		return err
	}
	return d.recallNow(ctx)
}

func (d *Desk) recallNow(ctx context.Context) error {
	all, err := d.Store.ListSchedules(ctx)
	if err != nil {
		return err
	}
	return d.recall(ctx, all)
}

// Coming is a schedule with its next window.
type Coming struct {
	patch.Schedule
	Next     schedule.Occurrence `json:"next"`               // open now or the next to open; zero where none is left
	Open     bool                `json:"open"`               // it is open now
	MovedBy  string              `json:"moved_by,omitempty"` // the blackout that Next is moved or cut by
	Machines int                 `json:"machines"`           // that carry the label now
	// OfMachine: the window is in each machine's own time zone; Next is that of the organisation. Zoneless machines have none that is known,
	// and take the organisation's.
	OfMachine bool `json:"of_machine,omitempty"`
	Zoneless  int  `json:"zoneless,omitempty"`
}

// List gives every schedule with its next window, by name.
func (d *Desk) List(ctx context.Context) ([]Coming, error) {
	all, err := d.Store.ListSchedules(ctx)
	if err != nil {
		return nil, err
	}
	frozen, err := d.freezes(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Coming, 0, len(all))
	for _, s := range all {
		c := Coming{Schedule: s}
		machines, err := d.carriers(ctx, s.Label)
		if err != nil {
			return nil, err
		}
		c.Machines = len(machines)
		if rule, err := schedule.Parse(s.Window); err == nil {
			if c.OfMachine = rule.OfMachine(); c.OfMachine {
				for _, m := range machines {
					if _, known := world.ZoneOf(rule, m, d.Zone); !known {
						c.Zoneless++
					}
				}
			}
			if c.Next, c.MovedBy, _ = world.NextWindow(rule, d.Now(), d.Zone, common(s, frozen)); !s.Paused {
				c.Open = c.Next.Contains(d.Now())
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// common are the blackouts that cover all machines of a schedule: those of the organisation and of its own label. Detects go on in them.
func common(s patch.Schedule, f freezes) (out []patch.Blackout) {
	for _, b := range f.all {
		if !s.Detect && (b.Label == patch.LabelAll || b.Label == s.Label) {
			out = append(out, b)
		}
	}
	return out
}
