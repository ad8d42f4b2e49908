package approval

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/fettle-project/fettle/internal/criterion"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// RuleStore is the storage of rules and of what they look at.
type RuleStore interface {
	PutRule(ctx context.Context, caller patch.Caller, r patch.Rule) (patch.Rule, error)
	ListRules(ctx context.Context) ([]patch.Rule, error)
	RemoveRule(ctx context.Context, caller patch.Caller, name string) error
	// ListDecisions includes Clear where the filter asks for it.
	ListDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error)
	ListRings(ctx context.Context) ([]patch.Ring, error)
	// ListRingProgress gives how far all patches are where none is named.
	ListRingProgress(ctx context.Context, id patch.ID) ([]patch.RingProgress, error)
}

// Rules decide for people. Their methods may be called from many goroutines.
type Rules struct {
	Desk  *Desk
	Store RuleStore
	// OSes lists the host OSes that have a list.
	OSes func(ctx context.Context) ([]patch.HostOS, error)
}

// Outlook is what a rule would do now, and later.
type Outlook struct {
	Rule     patch.Rule    `json:"rule"`
	Sentence phrase.Phrase `json:"sentence"`
	Now      []patch.ID    `json:"now"`     // decided at once
	Waiting  []Waiting     `json:"waiting"` // meet the conditions and have not been out for long enough, or not passed the ring, the next to come due first
	Settled  int           `json:"settled"` // meet them and are decided for the label already
	Preview  *Preview      `json:"preview,omitempty"`
}

// Waiting is a patch that a rule will decide by itself.
type Waiting struct {
	Patch patch.ID  `json:"patch"`
	Due   time.Time `json:"due,omitzero"` // zero: when it has passed the rule's ring
}

var ruleName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`) })

const maxSoak = 365

func (x *Rules) check(ctx context.Context, r patch.Rule) (condition, error) {
	invalid := func(why phrase.Phrase) (condition, error) {
		return condition{}, &patch.Error{Kind: patch.Invalid, What: phrase.Format("cannot use the rule %q", r.Name), Why: why}
	}
	switch {
	case !ruleName().MatchString(r.Name):
		return invalid("a name has 1 to 63 lower-case letters, digits, dots, dashes and underscores, and begins with a letter or digit")
	case r.Verb != patch.Approve && r.Verb != patch.Decline:
		return invalid("a rule approves or declines")
	case r.SoakDays < 0 || r.SoakDays > maxSoak:
		return invalid(phrase.Format("a patch can be made to wait from 0 to %d days", maxSoak))
	case len(r.Note) > maxWhy:
		return invalid(phrase.Format("its note is longer than %d bytes", maxWhy))
	}
	if _, err := x.Desk.World.Labels.Members(ctx, r.Label); err != nil {
		return condition{}, err
	}
	if r.AfterRing != "" {
		rings, err := x.Store.ListRings(ctx)
		if err != nil {
			return condition{}, err
		}
		if !slices.ContainsFunc(rings, func(g patch.Ring) bool { return g.Name == r.AfterRing }) {
			return condition{}, patch.NothingCalled("ring", r.AfterRing)
		}
	}
	return x.compile(ctx, r)
}

// passed gives when patches passed a ring. What is halted, in whatever ring, has passed none.
func (x *Rules) passed(ctx context.Context, ring string) (map[patch.ID]time.Time, error) {
	all, err := x.Store.ListRingProgress(ctx, "")
	out := map[patch.ID]time.Time{}
	for _, p := range all {
		if p.Ring == ring && !p.PassedAt.IsZero() {
			out[p.Patch] = p.PassedAt
		}
	}
	for _, p := range all {
		if !p.HaltedAt.IsZero() {
			delete(out, p.Patch)
		}
	}
	return out, err
}

func (x *Rules) compile(ctx context.Context, r patch.Rule) (c condition, err error) {
	c.rule = r
	if c.is, err = criterion.Compile("a rule", r.Expr); err != nil {
		return c, err
	}
	if x.Desk.KEV != nil {
		if c.kev, err = x.Desk.KEV(ctx); err != nil {
			return c, err
		}
	}
	if r.AfterRing != "" {
		if c.passed, err = x.passed(ctx, r.AfterRing); err != nil {
			return c, err
		}
	}
	if r.Patches == "" {
		return c, nil
	}
	ids, err := x.Desk.PatchLabels.Patches(ctx, r.Patches)
	c.carry = make(map[patch.ID]bool, len(ids))
	for _, id := range ids {
		c.carry[id] = true
	}
	return c, err
}

// Put stores a rule and carries it out at once.
func (x *Rules) Put(ctx context.Context, caller patch.Caller, r patch.Rule) (patch.Rule, error) {
	if _, err := x.check(ctx, r); err != nil {
		return r, err
	}
	r.ChangedAt, r.ChangedBy = x.Desk.Now().UTC(), caller.Name
	stored, err := x.Store.PutRule(ctx, caller, r)
	if err != nil || stored.Paused {
		return stored, err
	}
	return stored, x.Run(ctx)
}

// Remove forgets a rule. What it has decided stays, unless takeBack: then its decisions that still count are cleared.
func (x *Rules) Remove(ctx context.Context, caller patch.Caller, name string, takeBack bool) (cleared int, err error) {
	var back []patch.Decision
	if takeBack {
		if back, err = x.TakenBack(ctx, name); err != nil {
			return 0, err
		}
		for i := range back {
			back[i].By = caller.Name
		}
	}
	if err := x.Store.RemoveRule(ctx, caller, name); err != nil {
		return 0, err
	}
	out, err := x.Desk.enact(ctx, caller, caller.Name, back)
	return len(out.Decisions), err
}

// TakenBack gives the decisions that clear what a rule has decided and what still counts.
func (x *Rules) TakenBack(ctx context.Context, name string) ([]patch.Decision, error) {
	all, err := x.Store.ListDecisions(ctx, patch.DecisionFilter{})
	if err != nil {
		return nil, err
	}
	var back []patch.Decision
	for _, d := range all {
		if ruleOf(d.By) == name {
			back = append(back, patch.Decision{ID: ulid.Make().String(), Patch: d.Patch, Label: d.Label, Verb: patch.Clear, At: x.Desk.Now(), Why: "the rule " + name + " is removed"})
		}
	}
	return back, nil
}

// ruleOf is the name of the rule that made a decision; empty where a person did.
func ruleOf(by string) string {
	rest, ok := strings.CutPrefix(by, patch.ByRule)
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, " ")
	return name
}

// Run has every rule decide what has come due. A person's decision about a patch for the rule's label, even one that was taken back, stays;
// of two rules for one label the first by name decides.
func (x *Rules) Run(ctx context.Context) error {
	all, err := x.Store.ListRules(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Paused {
			continue
		}
		if err := x.run(ctx, r); err != nil {
			return fmt.Errorf("the rule %s: %w", r.Name, err)
		}
	}
	return nil
}

func (x *Rules) run(ctx context.Context, r patch.Rule) error {
	ds, err := x.draft(ctx, r)
	if err != nil || len(ds) == 0 {
		return err
	}
	_, err = x.Desk.enact(ctx, callerOf(r), r.ChangedBy, ds)
	return err
}

func callerOf(r patch.Rule) patch.Caller {
	return patch.Caller{Name: fmt.Sprintf(patch.ByRule+"%s v%d", r.Name, r.Version), Role: patch.Operator, From: "local", Via: "appliance"}
}

// draft gives the decisions that a stored rule makes now. A rule of a label that is gone makes none.
func (x *Rules) draft(ctx context.Context, r patch.Rule) ([]patch.Decision, error) {
	c, err := x.compile(ctx, r)
	if err == nil {
		_, err = x.Desk.World.Labels.Members(ctx, r.Label)
	}
	if err != nil {
		if patch.KindOf(err) == patch.NotFound {
			return nil, nil // a label that is gone has no patches to decide about, or no machines to decide for
		}
		return nil, err
	}
	out, err := x.look(ctx, c)
	if err != nil {
		return nil, err
	}
	ds := make([]patch.Decision, 0, len(out.Now))
	for _, id := range out.Now {
		ds = append(ds, patch.Decision{ID: ulid.Make().String(), Patch: id, Label: r.Label, Verb: r.Verb, By: callerOf(r).Name, At: x.Desk.Now(), Why: r.Note, Via: r.Patches})
	}
	return ds, nil
}

// Draft checks a rule and gives the decisions that storing it would make at once, without storing anything.
func (x *Rules) Draft(ctx context.Context, r patch.Rule) ([]patch.Decision, error) {
	if _, err := x.check(ctx, r); err != nil || r.Paused {
		return nil, err
	}
	return x.draft(ctx, r)
}

// DraftWith gives what all rules that keep to a label of patches would decide at once if these patches carried it.
func (x *Rules) DraftWith(ctx context.Context, label string, ids []patch.ID) ([]patch.Decision, error) {
	all, err := x.Store.ListRules(ctx)
	if err != nil {
		return nil, err
	}
	desk := *x.Desk
	desk.PatchLabels = supposed{label, ids}
	with := *x
	with.Desk = &desk
	var out []patch.Decision
	for _, r := range all {
		if r.Patches != label || r.Paused {
			continue
		}
		ds, err := with.draft(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, ds...)
	}
	return out, nil
}

// supposed is one label of patches as it might be.
type supposed struct {
	name string
	ids  []patch.ID
}

func (s supposed) Patches(_ context.Context, name string) ([]patch.ID, error) {
	if name != s.name {
		return nil, patch.Errorf(patch.NotFound, "no label is called %q", name)
	}
	return s.ids, nil
}

// maxAtOnce bounds one transaction of a rule.
const maxAtOnce = 2000

// List gives every rule, by name.
func (x *Rules) List(ctx context.Context) ([]patch.Rule, error) { return x.Store.ListRules(ctx) }

// Clash lists the listed patches that both rules mean, whatever is decided about them already.
func (x *Rules) Clash(ctx context.Context, a, b patch.Rule) ([]patch.ID, error) {
	one, err := x.compile(ctx, a)
	if err != nil {
		return nil, err
	}
	other, err := x.compile(ctx, b)
	if err != nil {
		return nil, err
	}
	oses, err := x.OSes(ctx)
	if err != nil {
		return nil, err
	}
	v := x.Desk.World.Records()
	var both []patch.ID
	for _, os := range oses {
		shelf, err := v.Shelf(ctx, os, "")
		if err != nil {
			return nil, err
		}
		if shelf == nil {
			continue
		}
		for _, p := range shelf.List.Patches() {
			if one.meets(p, os, v.Now) && other.meets(p, os, v.Now) {
				both = append(both, p.ID)
			}
		}
	}
	return both, nil
}

// Reach tells whether any patch on the lists that there are could ever meet a rule's conditions, whatever is decided already.
func (x *Rules) Reach(ctx context.Context, r patch.Rule) (criterion.Reach, error) {
	c, err := x.compile(ctx, r)
	if err != nil {
		return criterion.Reach{}, err
	}
	survey, err := criterion.NewSurvey("a rule", r.Expr)
	if err != nil {
		return criterion.Reach{}, err
	}
	oses, err := x.OSes(ctx)
	if err != nil {
		return criterion.Reach{}, err
	}
	v := x.Desk.World.Records()
	for _, os := range oses {
		shelf, err := v.Shelf(ctx, os, "")
		if err != nil {
			return criterion.Reach{}, err
		}
		if shelf == nil {
			continue
		}
		for _, p := range shelf.List.Patches() {
			if c.carry == nil || c.carry[p.ID] {
				survey.See(criterion.Subject{Patch: p, OS: os, Now: v.Now, KEV: c.kev})
			}
		}
	}
	return survey.Reach()
}
