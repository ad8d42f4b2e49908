package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/whatif"
)

type whatIfCmd struct {
	Approve  whatIfApproveCmd  `cmd:"" help:"What approving would change."`
	Decline  whatIfDeclineCmd  `cmd:"" help:"What declining would change."`
	Hold     whatIfHoldCmd     `cmd:"" help:"What holding back would change."`
	Clear    whatIfClearCmd    `cmd:"" help:"What taking a decision back would change."`
	Label    whatIfLabelCmd    `cmd:"" help:"What a new or changed label would change."`
	Rule     whatIfRuleCmd     `cmd:"" help:"What a new or changed rule would change at once."`
	Schedule whatIfScheduleCmd `cmd:"" help:"What a new or changed schedule would change."`
	Remove   whatIfRemoveCmd   `cmd:"" help:"What removing a label, a schedule, or a rule with its decisions would change."`
	Catalog  whatIfCatalogCmd  `cmd:"" help:"What publishing a catalog that waits for a person would change."`
}

func (whatIfCmd) Help() string {
	return `Compares, for every machine that a change concerns, which approved patches are deployable before and after it, by the same gates that plan
and explain. Nothing is stored, and no agent learns of it.

Examples:
  fettle what-if approve perl --label web
  fettle what-if label web --expr 'machine.name.startsWith("web-")'
  fettle what-if schedule nightly --label all --window "every day 22:00-04:00"
  fettle what-if catalog debian-12-amd64`
}

// supposedDecision is what a decision names.
type supposedDecision struct {
	Patch []string `arg:"" help:"Ids, or anything that fits one patch; label:NAME is every patch of a label of patches."`
	Label string   `short:"l" required:"" help:"The label that it would be decided for." placeholder:"LABEL"`
}

func (d supposedDecision) ask(ctx context.Context, s *screen, verb patch.Verb, until time.Time) error {
	r := approval.Request{Label: d.Label, Verb: verb, Until: until}
	for _, p := range d.Patch {
		r.Patches = append(r.Patches, patch.ID(p))
	}
	return whatIf(ctx, s, api.WhatIfRequest{Decide: &r})
}

type whatIfApproveCmd struct{ supposedDecision }

func (whatIfApproveCmd) Help() string { return "Example:\n  fettle what-if approve perl --label web" }

func (c whatIfApproveCmd) Run(ctx context.Context, s *screen) error {
	return c.ask(ctx, s, patch.Approve, time.Time{})
}

type whatIfDeclineCmd struct{ supposedDecision }

func (whatIfDeclineCmd) Help() string { return "Example:\n  fettle what-if decline perl --label web" }

func (c whatIfDeclineCmd) Run(ctx context.Context, s *screen) error {
	return c.ask(ctx, s, patch.Decline, time.Time{})
}

type whatIfHoldCmd struct {
	supposedDecision
	Until string `default:"7d" help:"Until when: 2026-12-01, or a span such as 3d."`
}

func (whatIfHoldCmd) Help() string {
	return "Example:\n  fettle what-if hold perl --label web --until 3d"
}

func (c whatIfHoldCmd) Run(ctx context.Context, s *screen) error {
	until, err := parseMoment(c.Until, time.Now())
	if err != nil {
		return err
	}
	return c.ask(ctx, s, patch.Hold, until)
}

type whatIfClearCmd struct{ supposedDecision }

func (whatIfClearCmd) Help() string { return "Example:\n  fettle what-if clear perl --label web" }

func (c whatIfClearCmd) Run(ctx context.Context, s *screen) error {
	return c.ask(ctx, s, patch.Clear, time.Time{})
}

type whatIfLabelCmd struct{ newLabel }

func (whatIfLabelCmd) Help() string {
	return "Example:\n  fettle what-if label web --expr 'machine.name.startsWith(\"web-\")'"
}

func (c whatIfLabelCmd) Run(ctx context.Context, s *screen) error {
	in, err := c.request()
	if err != nil {
		return err
	}
	return whatIf(ctx, s, api.WhatIfRequest{Label: &api.NamedLabel{Name: c.Label, LabelRequest: in}})
}

type whatIfRuleCmd struct{ newRule }

func (whatIfRuleCmd) Help() string {
	return "Example:\n  fettle what-if rule rest --category security --severity critical --label all"
}

func (c whatIfRuleCmd) Run(ctx context.Context, s *screen) error {
	return whatIf(ctx, s, api.WhatIfRequest{Rule: &api.NamedRule{Name: c.Rule, RuleRequest: c.request()}})
}

type whatIfScheduleCmd struct{ newSchedule }

func (whatIfScheduleCmd) Help() string {
	return "Example:\n  fettle what-if schedule nightly --label all --window \"every day 22:00-04:00\""
}

func (c whatIfScheduleCmd) Run(ctx context.Context, s *screen) error {
	in, err := c.request()
	if err != nil {
		return err
	}
	return whatIf(ctx, s, api.WhatIfRequest{Schedule: &api.NamedSchedule{Name: c.Schedule, ScheduleRequest: in}})
}

type whatIfRemoveCmd struct {
	Label    string `xor:"what" required:"" help:"This label." placeholder:"LABEL"`
	Rule     string `xor:"what" required:"" help:"This rule, with its decisions taken back." placeholder:"RULE"`
	Schedule string `xor:"what" required:"" help:"This schedule." placeholder:"SCHEDULE"`
}

func (whatIfRemoveCmd) Help() string { return "Example:\n  fettle what-if remove --label web" }

func (c whatIfRemoveCmd) Run(ctx context.Context, s *screen) error {
	return whatIf(ctx, s, api.WhatIfRequest{RemoveLabel: c.Label, RemoveRule: c.Rule, RemoveSchedule: c.Schedule})
}

type whatIfCatalogCmd struct {
	OS       string `arg:"" name:"os" help:"The host OS whose catalog waits."`
	Revision string `help:"Only if it is this revision." placeholder:"ID"`
}

func (whatIfCatalogCmd) Help() string {
	return "Its verdicts are worked out over the facts that the machines sent last.\n\nExample:\n  fettle what-if catalog debian-12-amd64"
}

func (c whatIfCatalogCmd) Run(ctx context.Context, s *screen) error {
	return whatIf(ctx, s, api.WhatIfRequest{Catalog: &whatif.Revision{OS: patch.HostOS(c.OS), ID: patch.RevisionID(c.Revision)}})
}

func whatIf(ctx context.Context, s *screen, in api.WhatIfRequest) error {
	return tell(ctx, s, http.MethodPost, api.Path("what-if"), in, func(w io.Writer, a whatif.Answer) { printWhatIf(w, s.width, a) })
}

func printWhatIf(w io.Writer, width int, a whatif.Answer) {
	line(w, "%s", clean(a.Sentence.String()))
	f := fields{w}
	if l := a.Label; l != nil {
		f.put("in", namesOf(l.Enter))
		f.put("out", namesOf(l.Leave))
	}
	if len(a.Moves) == 0 {
		return
	}
	line(w, "")
	t := table{columns: []column{{title: "patch", flex: true}, {title: "machines", right: true}, {title: "before", flex: true}, {title: "after", flex: true}, {title: "on", flex: true}}}
	for _, m := range a.Moves {
		t.add(string(m.Patch), strconv.Itoa(m.Count), stands(m.Before), stands(m.After), namesOf(m.Bucket))
	}
	t.print(w, width)
}

func stands(s whatif.Standing) string {
	if s.Deployable {
		if !s.At.IsZero() {
			return "deployable " + when(s.At)
		}
		return "deployable"
	}
	return s.Text.String()
}

func namesOf(b whatif.Bucket) string {
	text := strings.Join(firstNames(b.Names), ", ")
	if b.Count > len(b.Names) || len(b.Names) > 5 {
		text += " (" + strconv.Itoa(b.Count) + ")"
	}
	return text
}
