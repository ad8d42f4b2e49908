package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

type deployCmd struct {
	Plan    deployPlanCmd    `cmd:"" help:"Work out what a deployment would do now."`
	Back    deployBackCmd    `cmd:"" name:"rollback" help:"Work out how patches go back to the versions before them, and do it."`
	Restart deployRestartCmd `cmd:"" help:"Work out which machines that owe a restart would be restarted, with nothing installed, and do it."`
	Apply   deployApplyCmd   `cmd:"" help:"Carry a plan out."`
	Watch   deployWatchCmd   `cmd:"" help:"Follow a deployment until it ends."`
	Halt    deployHaltCmd    `cmd:"" help:"Stop a deployment, or a patch everywhere: what no machine has started is withdrawn."`
	Resume  deployResumeCmd  `cmd:"" help:"Let a patch that was halted go on through the rings."`
	Reset   deployResetCmd   `cmd:"" name:"reset-attempts" help:"Let a patch that has failed too often be tried anew."`
	List    deployListCmd    `cmd:"" help:"List deployments, newest first."`
	Show    deployShowCmd    `cmd:"" help:"Show a deployment as it stands."`
	Log     deployLogCmd     `cmd:"" help:"Show what installers, scripts and hooks said."`
}

type deployApplyCmd struct {
	Plan string `arg:"" optional:"" help:"The file that fettle deploy plan -o wrote; the plan is worked out again and refused if anything drifted." placeholder:"FILE" type:"existingfile"`
	planFlags
	Hash  string `help:"Without a file: only if the plan is still the one with this hash, as fettle deploy plan printed it." placeholder:"HASH"`
	Watch bool   `short:"w" help:"Follow it until it ends."`
}

func (deployApplyCmd) Help() string {
	return `Without a file the appliance makes the plan and carries it out at once, for however many machines.

Examples:
  fettle deploy apply plan.json --watch
  fettle deploy apply --label web --not-before "2026-12-01 22:00" --not-after "2026-12-02 04:00"`
}

func (c deployApplyCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	in, err := c.toApply()
	if err != nil {
		return err
	}
	return applyPlan(ctx, s, client, in, c.Watch)
}

// applyPlan carries a plan out, and follows it where that is wanted.
func applyPlan(ctx context.Context, s *screen, client *api.Client, in api.ApplyRequest, watch bool) error {
	d, err := api.Do[patch.Deployment](ctx, client, http.MethodPost, api.Path("deployments"), nil, in)
	if err != nil {
		return err
	}
	if watch && d.Proposal == nil {
		if !s.json {
			s.say("Deployment %s", d.ID)
		}
		return deployWatchCmd{Deployment: d.ID}.follow(ctx, s, client)
	}
	return s.show(d, func(w io.Writer) {
		if q := d.Proposal; q != nil {
			line(w, "Nothing has happened yet: it waits for a second person, who confirms it with: fettle proposals confirm %s", q.ID)
			return
		}
		if d.State == patch.Finished {
			line(w, "This plan was carried out already, %s, as deployment %s. How it went: fettle deploy show %s", when(d.At), d.ID, d.ID)
			return
		}
		line(w, "Deployment %s runs on %s. Follow it with: fettle deploy watch %s", d.ID, plural(len(d.Plan.Machines), "machine", "machines"), d.ID)
	})
}

// toApply reads the plan file, or says what a plan is wanted for as of now.
func (c deployApplyCmd) toApply() (api.ApplyRequest, error) {
	var in api.ApplyRequest
	if c.Plan == "" {
		r, err := c.request()
		in.Request, in.Hash = &r, patch.Hash(c.Hash)
		return in, err
	}
	if c.Hash != "" {
		return in, usagef("a plan file has its hash in it: --hash is for a plan that is made now")
	}
	b, err := os.ReadFile(c.Plan)
	if err != nil {
		return in, &patch.Error{Kind: patch.Invalid, What: "cannot read the plan", Err: err}
	}
	if err := json.Unmarshal(b, &in.Plan); err != nil {
		return in, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot understand the plan in {1}", c.Plan), Err: err, Do: "Make it with `fettle deploy plan -o FILE`."}
	}
	return in, nil
}

type deployHaltCmd struct {
	Deployment string `arg:"" optional:"" help:"The deployment's id."`
	Patch      string `short:"p" help:"Instead of a deployment: this patch, in every ring." placeholder:"PATCH"`
	Why        string `help:"The reason; a patch's halt needs one." placeholder:"TEXT"`
}

func (deployHaltCmd) Help() string {
	return "A halted deployment restarts no machine any more, also where all of it is installed.\n\nExamples:\n  fettle deploy halt 01J…\n  fettle deploy halt --patch nginx --why \"the shop is slow\""
}

func (c deployHaltCmd) Run(ctx context.Context, s *screen) error {
	switch {
	case (c.Deployment == "") == (c.Patch == ""):
		return usagef("name a deployment, or a patch with --patch")
	case c.Patch != "":
		return rollout(ctx, s, "halt", api.RolloutRequest{Patch: c.Patch, Why: c.Why})
	}
	return tell(ctx, s, http.MethodPost, api.Path("deployments", c.Deployment, "halt"), nil, func(w io.Writer, d patch.Deployment) {
		line(w, "Deployment %s is %s. What is being installed finishes; nothing new starts, and no machine is restarted for it. What is still approved comes with the next deployment.", d.ID, d.State)
	})
}

type deployResumeCmd struct {
	Patch string `arg:"" help:"The patch that was halted."`
	Why   string `required:"" help:"The reason; it is kept." placeholder:"TEXT"`
}

func (deployResumeCmd) Help() string {
	return "The failures until now are forgiven, and its ring soaks anew.\n\nExample:\n  fettle deploy resume nginx --why \"two of the three had a broken disk\""
}

func (c deployResumeCmd) Run(ctx context.Context, s *screen) error {
	return rollout(ctx, s, "resume", api.RolloutRequest{Patch: c.Patch, Why: c.Why})
}

type deployResetCmd struct {
	Patch   string `arg:"" help:"The patch, by id or by a part of it that is only its own."`
	Machine string `short:"m" xor:"where" required:"" help:"On this machine." placeholder:"MACHINE"`
	Label   string `short:"l" xor:"where" required:"" help:"On every machine of this label on which it is out of attempts." placeholder:"LABEL"`
	Why     string `required:"" help:"The reason; it is kept." placeholder:"TEXT"`
}

func (deployResetCmd) Help() string {
	return `A patch that has failed three times by its own fault on a machine waits until a person has looked. Where its files have changed since, it is
tried anew by itself.

Examples:
  fettle deploy reset-attempts perl --machine web-14 --why "the disk is mended"
  fettle deploy reset-attempts perl --label web --why "the proxy let half a file through"`
}

func (c deployResetCmd) Run(ctx context.Context, s *screen) error {
	r := api.ResetRequest{Patch: c.Patch, Machine: c.Machine, Label: c.Label, Why: c.Why}
	return tell(ctx, s, http.MethodPost, api.Path("attempts", "reset"), r, func(w io.Writer, l api.List[patch.Reset]) {
		line(w, "%s has new attempts on %s. The next deployment takes it along.", clean(string(l.Items[0].Patch)), plural(len(l.Items), "machine", "machines"))
	})
}

type deployListCmd struct {
	Limit int `default:"20" help:"At most so many."`
}

func (deployListCmd) Help() string { return "Example:\n  fettle deploy list" }

func (c deployListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("deployments"), query{}.set("limit", strconv.Itoa(c.Limit)), func(w io.Writer, l api.List[deploy.Progress]) {
		t := table{columns: []column{{title: "deployment"}, {title: "state"}, {title: "at"}, {title: "by"}, {title: "for", flex: true}, {title: "progress", flex: true}}}
		for _, p := range l.Items {
			t.add(p.Deployment.ID, p.Stands().String(), when(p.Deployment.At), p.Deployment.By, p.Deployment.Plan.Label, p.Sentence.String())
		}
		t.print(w, s.width)
	})
}

type deployShowCmd struct {
	Deployment string `arg:"" help:"The deployment's id."`
}

func (deployShowCmd) Help() string { return "Example:\n  fettle deploy show 01J… --json" }

func (c deployShowCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("deployments", c.Deployment), nil, func(w io.Writer, p api.Watched) { printProgress(w, s.width, p) })
}

func printProgress(w io.Writer, width int, p api.Watched) {
	line(w, "%s  %s  %s", p.Deployment.ID, clean(p.Stands().String()), clean(p.Sentence.String()))
	t := table{columns: []column{{title: "machine", flex: true}, {title: "patch", flex: true}, {title: "state"}, {title: "effect"}, {title: "what", flex: true}}}
	for _, m := range p.Machines {
		for _, i := range m.Items {
			text := strings.TrimSpace(i.Text.String())
			if a := i.Attempt; a.State == patch.ExecDownloading && a.Bytes < a.TotalBytes {
				text += ", " + size(a.Bytes) + " of " + size(a.TotalBytes)
			}
			t.add(m.Name, string(i.Attempt.Patch), string(i.Attempt.State), string(i.Attempt.Effect), text)
		}
	}
	t.print(w, width)
	if p.Counts.Failed > 0 {
		line(w, "What the installers said: fettle deploy log %s --failed", p.Deployment.ID)
	}
}
