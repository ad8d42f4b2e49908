package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
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
	Pager    pager
	Why      *deploy.Explanation // what it waits for; nil once it has ended
	Later    string              // where Why is, which a page about many machines does not wait for
	Halting  bool
}

const deploymentSize = 50

func (c *console) deployment(v *visit) error {
	p, err := c.Deployments.Watch(v.ctx, v.r.PathValue("deployment"))
	if err != nil {
		return err
	}
	at := v.offset(deploymentSize)
	on := deploymentPage{Progress: p, Machines: page(p.Machines, at, deploymentSize)}
	on.Pager = v.pager(at, deploymentSize, len(on.Machines), len(p.Machines))
	asked := v.get("part") == "why"
	switch {
	case p.Ended:
	case len(p.Machines) > manyMachines && !asked:
		on.Later = v.with("part", "why")
	default:
		why, err := c.Stuck.Explain(v.ctx, p.Deployment.ID)
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
	p, err := c.numbers(v, v.r.PathValue("deployment"))
	if err != nil {
		return err
	}
	return show(c, v, "halt", "deployments", "Halt", deploymentPage{Progress: p})
}

// numbers is a deployment without its machines, where it is one of the newest.
func (c *console) numbers(v *visit, id string) (deploy.Progress, error) {
	list, err := c.Deployments.List(v.ctx, deploymentsKept)
	if err != nil {
		return deploy.Progress{}, err
	}
	for _, p := range list {
		if p.Deployment.ID == id {
			return p, nil
		}
	}
	return c.Deployments.Watch(v.ctx, id)
}

func (c *console) halt(v *visit) error {
	id := v.r.PathValue("deployment")
	if _, err := c.Deployments.Halt(v.ctx, v.caller, id); err != nil {
		return err
	}
	c.Changed()
	return v.see("/deployments/" + url.PathEscape(id))
}
