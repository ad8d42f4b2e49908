package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// deploymentsPage lists deployments, the running ones first.
type deploymentsPage struct {
	Running, Ended []deploy.Progress
}

const deploymentsKept = 200

func (c *console) deployments(v *visit) error {
	list, err := c.Deployments.List(v.ctx, deploymentsKept)
	if err != nil {
		return err
	}
	p := deploymentsPage{
		Running: keep(list, func(d deploy.Progress) bool { return !d.Ended }),
		Ended:   keep(list, func(d deploy.Progress) bool { return d.Ended }),
	}
	if v.partial() {
		return showPart(c, v, "deployments", "live", p)
	}
	return show(c, v, "deployments", "deployments", "Deployments", p)
}

// deploymentPage is one deployment as it stands now.
type deploymentPage struct {
	Progress deploy.Progress
	Machines []deploy.MachineProgress // of the page
	Tabs     []tab
	Pager    pager
	Here     string              // this page's address
	Why      *deploy.Explanation // what it waits for; nil once it has ended
	Later    string              // where Why is, which a page about many machines does not wait for
	Halting  bool
}

const (
	deploymentSize = 40
	waitsNamed     = 20 // of those that wait for the same thing; the template leads to all
)

func (c *console) deployment(v *visit) error {
	id, asked := v.r.PathValue("deployment"), v.get("part") == "why"
	if v.get("wait") != "" {
		return c.waiting(v, id)
	}
	want := deploy.Part{Stage: patch.Stage(v.get("state")), Offset: v.offset(deploymentSize), Limit: deploymentSize}
	if asked && v.partial() {
		want.Limit = 0
	}
	p, machines, err := c.Deployments.WatchPart(v.ctx, id, want)
	if err != nil {
		return err
	}
	on := deploymentPage{Progress: p, Machines: p.Machines, Here: v.with("page", v.get("page")), Tabs: stageTabs(v, p.Counts, want.Stage)}
	on.Pager = v.pager(want.Offset, deploymentSize, len(on.Machines), machines)
	switch {
	case p.Ended:
	case p.Counts.Total > manyMachines && !asked:
		on.Later = v.with("part", "why")
	default:
		why, err := c.Stuck.ExplainFirst(v.ctx, id, waitsNamed)
		if err != nil {
			return err
		}
		on.Why = &why
	}
	if v.partial() && asked {
		return showPart(c, v, "deployment", "why", on)
	}
	if v.partial() {
		return showPart(c, v, "deployment", "live", on)
	}
	f, err := c.frame(v, "deployments", "Deployment")
	if err != nil {
		return err
	}
	f.Refresh = !p.Ended
	return c.write(v, http.StatusOK, "deployment", "layout", view[deploymentPage]{Frame: f, Body: on})
}

// Waits is where all installs are that wait for the same thing.
func (p deploymentPage) Waits(g deploy.Wait) string {
	q := url.Values{"wait": {g.Code}}
	if g.Gate != "" {
		q.Set("gate", string(g.Gate))
	}
	return deploymentURL(p.Progress.Deployment.ID) + "?" + q.Encode()
}

// waitingPage is the installs of a deployment that wait for the same thing.
type waitingPage struct {
	deploy.Explanation
	Group *deploy.Wait // nil where none waits for it any more
	Pager pager
}

func (c *console) waiting(v *visit, id string) (err error) {
	var p waitingPage
	at := v.offset(rowsSize)
	if p.Explanation, err = c.Stuck.ExplainWait(v.ctx, id, gate.Name(v.get("gate")), v.get("wait"), at, rowsSize); err != nil {
		return err
	}
	if len(p.Groups) > 0 {
		p.Group = &p.Groups[0]
		p.Pager = v.pager(at, rowsSize, len(p.Group.Attempts), p.Group.Count)
	}
	return show(c, v, "waiting", "deployments", "What installs wait for", p)
}

// stageTabs narrow a deployment to the installs that stand alike, where there are any.
func stageTabs(v *visit, n deploy.Counts, now patch.Stage) []tab {
	var out []tab
	for _, t := range []struct {
		stage patch.Stage
		word  phrase.Phrase
		count int
	}{
		{"", "All", n.Total}, {patch.StageVerified, "Verified by a detect", n.Verified}, {patch.StageUnproven, "Installed, not yet proven", n.Unproven},
		{patch.StageInstalled, "Installed", n.Done}, {patch.StageMoving, "Installing or downloading", n.Installing + n.Downloading}, {patch.StageWaiting, "Waiting", n.Waiting}, {patch.StageFailed, "Failed", n.Failed},
		{patch.StageNotEffective, "Not effective", n.NotEffective}, {patch.StageWithdrawn, "Withdrawn", n.Withdrawn}, {patch.StageRebootOwed, "Reboots owed", n.RebootOwed},
	} {
		if t.count > 0 || t.stage == now || t.stage == "" {
			out = append(out, tab{Word: t.word, URL: v.with("state", string(t.stage)), Count: t.count, Current: t.stage == now})
		}
	}
	return out
}

// resetAttempts gives a patch new attempts: on the machine that "of" names before it, or wherever they are used up under a label.
func (c *console) resetAttempts(v *visit) error {
	r := deploy.ResetRequest{Patch: patch.ID(v.get("patch")), Machine: patch.MachineID(v.get("machine")), Label: v.get("label"), Why: v.get("why")}
	if machine, id, both := strings.Cut(v.get("of"), " "); both {
		r.Machine, r.Patch = patch.MachineID(machine), patch.ID(id)
	}
	if r.Why == "" {
		r.Why = "looked at in the console"
	}
	done, err := c.Deployments.ResetAttempts(v.ctx, v.caller, r)
	if err != nil {
		return err
	}
	c.Changed()
	return v.see(explainURL(done[0].Machine, r.Patch))
}

// haltPage asks once more, in numbers.
func (c *console) haltPage(v *visit) error {
	p, _, err := c.Deployments.WatchPart(v.ctx, v.r.PathValue("deployment"), deploy.Part{})
	if err != nil {
		return err
	}
	return show(c, v, "halt", "deployments", "Halt", deploymentPage{Progress: p})
}

func (c *console) halt(v *visit) error {
	id := v.r.PathValue("deployment")
	if _, err := c.Deployments.Halt(v.ctx, v.caller, id); err != nil {
		return err
	}
	c.Changed()
	return v.see("/deployments/" + url.PathEscape(id))
}
