// Package lint looks for what people have set up that cannot do what they meant: approvals that can match nothing, labels without
// members, host OSes without a feed, rules that contradict each other, holds that end unnoticed, decisions that nobody makes.
//
// It only reads, and decides nothing. Where a patch stands for a machine it asks the gates, as everybody does.
package lint

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/criterion"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Level says how much a finding matters.
type Level string

// Levels.
const (
	Problem Level = "problem" // something cannot work as it is
	Notice  Level = "notice"  // something waits for a person, or soon will
)

// Finding is one thing to look at.
type Finding struct {
	Level   Level         `json:"level"`
	Code    string        `json:"code"`    // stable: see the Code constants
	Subject string        `json:"subject"` // the label, rule, schedule, host OS or patch that it is about
	Text    phrase.Phrase `json:"text"`    // one sentence
	Do      phrase.Phrase `json:"do"`      // what a person can do about it
}

// Codes of findings.
const (
	LabelGone      = "label-gone"          // something is decided or scheduled for a label that no longer exists
	LabelEmpty     = "label-empty"         // … or that no machine carries
	RingGone       = "ring-gone"           // a rule waits for a ring that no longer exists
	NoFeed         = "os-without-feed"     // machines of a host OS that no feed covers
	NoCatalog      = "os-without-catalog"  // … or that has no catalog yet
	MatchesNothing = "matches-nothing"     // an approval for a label none of whose machines has the patch on its list
	MeetsNothing   = "rule-meets-nothing"  // no patch on any list could ever meet a rule's conditions
	WordUnknown    = "word-unknown"        // a rule names a severity or category that no patch has and that there is not
	RulesClash     = "rules-clash"         // one rule approves what another declines for the same machines
	NotScheduled   = "not-scheduled"       // approvals are ready on machines that no schedule covers
	NeverAgain     = "window-never-opens"  // a schedule whose window is over for good
	TooShort       = "window-too-short"    // a schedule whose windows are too short for anything to begin
	Swallowed      = "freeze-takes-all"    // blackouts take every window of a schedule within five weeks
	HoldEnding     = "hold-ending"         // a hold ends within a week
	HoldEnded      = "hold-ended"          // a hold has ended and nothing is decided behind it
	Waiting        = "waits-for-decision"  // needed patches that nobody has decided about
	NeverDetected  = "never-detected"      // admitted machines without a complete detect
	Exploited      = "exploited-waits"     // needed patches for exploited CVEs that nobody approved, or that are held or declined
	ZoneUnknown    = "zone-unknown"        // a schedule in machines' own time zones covers machines whose zone is not known
	SecondPerson   = "waits-for-second"    // proposals that wait for a second person
	WaitsAdmission = "waits-for-admission" // enrolled machines that nobody admitted
)

// Store is what a Linter reads beside its Reader's store.
type Store interface {
	ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error)
	ListDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error)
	ListRules(ctx context.Context) ([]patch.Rule, error)
	ListSchedules(ctx context.Context) ([]patch.Schedule, error)
	ListBlackouts(ctx context.Context) ([]patch.Blackout, error)
	ListFeeds(ctx context.Context) ([]patch.FeedStatus, error)
	ListProposals(ctx context.Context, open bool) ([]patch.Proposal, error)
}

// Clash tells which patches a rule that approves and one that declines both mean; approval.Rules knows.
type Clash func(ctx context.Context, approve, decline patch.Rule) ([]patch.ID, error)

// Reach tells whether any patch there is could ever meet a rule's conditions; approval.Rules knows.
type Reach func(ctx context.Context, r patch.Rule) (criterion.Reach, error)

// PatchLabels tells which patches carry a label of patches.
type PatchLabels interface {
	Patches(ctx context.Context, name string) ([]patch.ID, error)
}

// Linter looks. Its methods may be called from many goroutines.
type Linter struct {
	World       *world.Reader
	Store       Store
	Clash       Clash
	Reach       Reach
	PatchLabels PatchLabels
	KEV         func(ctx context.Context) (patch.Exploits, error) // CVEs that are known to be exploited; nil: nothing to ask
	Zone        *time.Location
	// Controlled are the labels for whose machines decisions need a second person.
	Controlled []string
}

// Lint lists what there is to look at, problems first.
func (l *Linter) Lint(ctx context.Context) ([]Finding, error) {
	x, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	for _, look := range []func(context.Context) error{x.labels, x.oses, x.approvals, x.reaches, x.rules, x.schedules, x.freezes, x.holds, x.machines, x.exploited, x.proposals} {
		if err := look(ctx); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(x.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Subject, b.Subject))
	})
	return x.found, nil
}

// look is one reading of everything.
type look struct {
	*Linter
	view      *world.View
	all       []patch.Machine // admitted
	pending   []patch.Machine
	decisions []patch.Decision
	ruleList  []patch.Rule
	plans     []patch.Schedule
	blackouts []patch.Blackout
	feeds     []patch.FeedStatus
	members   map[string][]patch.MachineID
	gone      map[string]bool // labels that do not exist any more
	found     []Finding
	seats     *fleet.Look
	current   map[patch.HostOS]*roaring.Bitmap // admitted machines whose newest detect used the newest list
}

func (l *Linter) read(ctx context.Context) (x *look, err error) {
	x = &look{Linter: l, members: map[string][]patch.MachineID{}, gone: map[string]bool{}, found: []Finding{}}
	if x.view, err = l.World.View(ctx); err != nil {
		return nil, err
	}
	if err = x.seat(ctx); err != nil {
		return nil, err
	}
	if x.all, err = l.Store.ListMachines(ctx, patch.MachineFilter{State: patch.Admitted}); err != nil {
		return nil, err
	}
	if x.pending, err = l.Store.ListMachines(ctx, patch.MachineFilter{State: patch.Pending}); err != nil {
		return nil, err
	}
	if x.decisions, err = l.Store.ListDecisions(ctx, patch.DecisionFilter{}); err != nil {
		return nil, err
	}
	if x.ruleList, err = l.Store.ListRules(ctx); err != nil {
		return nil, err
	}
	if x.plans, err = l.Store.ListSchedules(ctx); err != nil {
		return nil, err
	}
	if x.blackouts, err = l.Store.ListBlackouts(ctx); err != nil {
		return nil, err
	}
	x.feeds, err = l.Store.ListFeeds(ctx)
	return x, err
}

func (x *look) find(level Level, code, subject string, text, do phrase.Phrase) {
	x.found = append(x.found, Finding{level, code, subject, text, do})
}

// carry lists who carries a label; a label that is gone has nobody.
func (x *look) carry(ctx context.Context, label string) ([]patch.MachineID, error) {
	if ids, known := x.members[label]; known {
		return ids, nil
	}
	ids, err := x.World.Labels.Members(ctx, label)
	if err != nil && patch.KindOf(err) == patch.NotFound {
		x.gone[label], err = true, nil
	}
	x.members[label] = ids
	return ids, err
}
