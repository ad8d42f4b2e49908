package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// rebootFlags say when machines may be restarted.
type rebootFlags struct {
	Reboot string `enum:"never,if-needed,ask,force" default:"never" help:"When the machines may be restarted afterwards: never, if-needed, ask (whoever works there) or force."`
	restartFlags
}

// restartFlags say how a machine is restarted.
type restartFlags struct {
	RebootMessage  string        `help:"What whoever works on a machine is told before it restarts." placeholder:"TEXT"`
	RebootWarn     time.Duration `help:"How long before a restart that is announced, such as 10m; default: with no warning."`
	RebootSnooze   time.Duration `help:"With ask: how long a restart can be put off at a time, such as 30m; it takes --reboot-snoozes too."`
	RebootSnoozes  int           `help:"With ask: how often it can be put off; default: not at all." placeholder:"N"`
	RebootDeadline time.Duration `help:"With ask: after how long it comes all the same; default 24h."`
}

// planFlags say for what a plan is wanted.
type planFlags struct {
	Label     string   `short:"l" xor:"target" help:"For the machines that carry this label." placeholder:"LABEL"`
	Machine   []string `short:"m" xor:"target" help:"For these machines, by name or id."`
	Patch     []string `short:"p" help:"Only these patches; default: all that it can be about."`
	NotBefore string   `help:"Install not before this moment; default: at once." placeholder:"TIME"`
	NotAfter  string   `help:"Be done by this moment: a time, or a span such as 4h; default: no end." placeholder:"TIME"`

	rebootFlags
	mannerFlags
}

// mannerFlags say how machines go about what is installed.
type mannerFlags struct {
	HookBefore []string `help:"Run this hook of each machine's own administrator before the first installation; one that fails ends the order." placeholder:"NAME"`
	HookAfter  []string `help:"Run this hook after the last installation." placeholder:"NAME"`

	NotWhile []string `help:"Install nothing while this program runs." placeholder:"PROGRAM"`

	RestartService []string `help:"Restart this service after an installation where it runs code that was replaced." placeholder:"UNIT"`
}

// manner gives how the machines go about it; nil where nothing is asked for.
func (f mannerFlags) manner() (*patch.Manner, error) {
	m, err := patch.NewManner(f.HookBefore, f.HookAfter, f.RestartService, f.NotWhile)
	if err != nil {
		return nil, usagef("%s", err)
	}
	return m, nil
}

// reboot gives the policy of the flags; nil for never.
func (f rebootFlags) reboot() (*patch.RebootPolicy, error) {
	if f.Reboot == "never" || f.Reboot == "" {
		return nil, nil
	}
	return f.policy(patch.RebootMode(f.Reboot))
}

// policy gives the policy of the flags in a way to restart.
func (f restartFlags) policy(mode patch.RebootMode) (*patch.RebootPolicy, error) {
	p := &patch.RebootPolicy{Mode: mode, Message: f.RebootMessage, Snoozes: patch.Number(f.RebootSnoozes)}
	for _, d := range []struct {
		flag string
		d    time.Duration
		to   *patch.Number
	}{{"--reboot-warn", f.RebootWarn, &p.Warn}, {"--reboot-snooze", f.RebootSnooze, &p.Snooze}, {"--reboot-deadline", f.RebootDeadline, &p.Deadline}} {
		if *d.to = patch.Number(d.d / time.Minute); d.d != time.Duration(*d.to)*time.Minute {
			return nil, usagef("%s must be whole minutes, such as 15m", d.flag)
		}
	}
	if err := p.Check(); err != nil {
		return nil, usagef("%s", err)
	}
	return p, nil
}

func (f planFlags) request() (api.PlanRequest, error) {
	if f.Label == "" && len(f.Machine) == 0 {
		return api.PlanRequest{}, usagef("name a label (--label) or machines (--machine)")
	}
	return f.asked()
}

// asked is request wherever it is for.
func (f planFlags) asked() (api.PlanRequest, error) {
	r := api.PlanRequest{Label: f.Label, Machines: f.Machine, Patches: f.Patch}
	var err error
	if r.Reboot, err = f.reboot(); err != nil {
		return r, err
	}
	if r.Manner, err = f.manner(); err != nil {
		return r, err
	}
	if r.Window.NotBefore, err = parseMoment(f.NotBefore, time.Now()); err != nil {
		return r, err
	}
	r.Window.NotAfter, err = parseMoment(f.NotAfter, time.Now())
	return r, err
}

type deployPlanCmd struct {
	planFlags
	Out  string `short:"o" help:"Also write the plan to this file, for fettle deploy apply." placeholder:"FILE"`
	Rows bool   `help:"Print what each machine gets, however many there are."`
}

func (deployPlanCmd) Help() string {
	return `Nothing is changed. Exits with 1 when the plan would install nothing.

Examples:
  fettle deploy plan --label web
  fettle deploy plan --machine web-14 --patch perl -o plan.json`
}

func (c deployPlanCmd) Run(ctx context.Context, s *screen) error {
	r, err := c.request()
	if err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := api.Do[patch.Plan](ctx, client, http.MethodPost, api.Path("plans"), nil, r)
	if err != nil {
		return err
	}
	if err := s.show(p, func(w io.Writer) { printPlan(w, s.width, p, c.Rows) }); err != nil {
		return err
	}
	if c.Out != "" {
		if err := writeJSON(c.Out, p); err != nil {
			return err
		}
	}
	if !installsAny(p) {
		return errNo
	}
	return nil
}

func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(b, '\n'), 0o600)
	}
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot write {1}", path), Err: err}
	}
	return nil
}

// installsAny says whether something of a plan will be installed, at once or after it has waited.
func installsAny(p patch.Plan) bool {
	return slices.ContainsFunc(p.Machines, func(m patch.MachinePlan) bool {
		return slices.ContainsFunc(m.Items, func(i patch.PlanItem) bool { return i.Outcome != patch.WillNotFit })
	})
}
