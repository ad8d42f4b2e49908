package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/oklog/ulid/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// repeats is how many of the newest deployments are searched for one of the same plan.
const repeats = 200

// Apply makes a deployment of a plan after working it out again. What the plan installs must still be installable in the same way; else it
// fails with patch.Conflict and names what drifted. What has become installable since is not added. Applying the same plan again gives the
// same deployment.
//
// A rollback that needs a second person becomes no deployment, but one that is only proposed: see ApplySeconded.
func (d *Desk) Apply(ctx context.Context, caller patch.Caller, p patch.Plan) (patch.Deployment, error) {
	return d.apply(ctx, caller, p, nil)
}

// ApplySeconded is Apply for a plan that one person has proposed, and the caller confirms. The answer is stored with the deployment, or neither is.
func (d *Desk) ApplySeconded(ctx context.Context, caller patch.Caller, p patch.Plan, confirmed patch.Proposal) (patch.Deployment, error) {
	return d.apply(ctx, caller, p, &confirmed)
}

func (d *Desk) apply(ctx context.Context, caller patch.Caller, p patch.Plan, confirmed *patch.Proposal) (patch.Deployment, error) {
	if !p.Hash.Valid() {
		return patch.Deployment{}, &patch.Error{Kind: patch.Invalid, What: "this is not a plan", Why: "it has no hash", Do: "Make one: fettle deploy plan"}
	}
	if done, ok, err := d.applied(ctx, p); err != nil || ok {
		return done, err
	}
	fresh, err := d.Replan(ctx, caller, p)
	if err != nil {
		return patch.Deployment{}, err
	}
	if drift := drifted(p, fresh); len(drift) > 0 {
		// Somebody may have applied the same plan while this one was worked out.
		if done, ok, err := d.applied(ctx, p); err != nil || ok {
			return done, err
		}
		return patch.Deployment{}, &patch.Error{Kind: patch.Conflict, What: "the plan no longer fits", Why: phrase.Join(head(drift, 5), "; "),
			Do: "Make the plan again and look at it."}
	}
	fresh.Made, fresh.Hash = p.Made, p.Hash
	now := d.Now()
	dep := patch.Deployment{ID: ulid.Make().String(), Plan: fresh, State: patch.Running, By: caller.Name, At: now}
	if confirmed != nil {
		dep.By, dep.Second, dep.Proposal = confirmed.By, caller.Name, confirmed
	}
	if p.Rollback != nil && confirmed == nil && d.Second != nil {
		proposal, err := d.Second(ctx, caller, fresh)
		if err != nil || proposal != nil {
			return patch.Deployment{Plan: fresh, State: patch.Suggested, By: caller.Name, At: now, Proposal: proposal}, err
		}
	}
	attempts, machines := queue(dep)
	keeps, err := d.keeps(ctx, dep)
	if err != nil {
		return patch.Deployment{}, err
	}
	if err := d.Store.PutDeployment(ctx, caller, dep, attempts, keeps...); err != nil {
		if patch.KindOf(err) == patch.Conflict {
			if done, ok, findErr := d.applied(ctx, p); findErr == nil && ok {
				return done, nil
			}
		}
		return patch.Deployment{}, err
	}
	d.Log.InfoContext(ctx, "deployment begins", "deployment", dep.ID, "by", caller.Name, "machines", len(machines), "attempts", len(attempts))
	d.wake(machines...)
	return dep, nil
}

// applied finds the deployment that this very plan was made into.
func (d *Desk) applied(ctx context.Context, p patch.Plan) (patch.Deployment, bool, error) {
	all, err := d.Store.ListDeployments(ctx, repeats)
	if err != nil {
		return patch.Deployment{}, false, err
	}
	for _, old := range all {
		if old.Plan.Hash == p.Hash && old.Plan.Made.Equal(p.Made) {
			found, err := d.Store.FindDeployment(ctx, old.ID)
			return found, err == nil, err
		}
	}
	return patch.Deployment{}, false, nil
}

// queue makes the attempts of a deployment.
func queue(dep patch.Deployment) (attempts []patch.Attempt, machines []patch.MachineID) {
	for _, m := range dep.Plan.Machines {
		for _, item := range m.Items {
			a := patch.Attempt{ID: ulid.Make().String(), Deployment: dep.ID, Machine: m.Machine, Patch: item.Patch, Decision: item.Decision,
				State: patch.ExecWaiting, CreatedAt: dep.At, Files: files(item)}
			if dep.Plan.Rollback != nil {
				a.Back = patch.StepsOf(item.Packages)
			}
			for _, pkg := range item.Packages {
				a.TotalBytes += pkg.Size
			}
			attempts = append(attempts, a)
		}
		if len(m.Items) > 0 {
			machines = append(machines, m.Machine)
		}
	}
	return attempts, machines
}

// drifted names what of a plan is not so any more.
func drifted(old, fresh patch.Plan) []phrase.Phrase {
	now := map[patch.MachineID]patch.MachinePlan{}
	for _, m := range fresh.Machines {
		now[m.Machine] = m
	}
	var out []phrase.Phrase
	for _, m := range old.Machines {
		out = append(out, driftedOn(m, now[m.Machine])...)
		if f := now[m.Machine].Expected; f.Restart && !m.Expected.Restart && len(m.Items) > 0 {
			out = append(out, phrase.Of("{1} would restart now: {2}", m.Name, f.Why))
		}
	}
	return out
}

func driftedOn(old, fresh patch.MachinePlan) []phrase.Phrase {
	var out []phrase.Phrase
	for _, item := range old.Items {
		i := slices.IndexFunc(fresh.Items, func(x patch.PlanItem) bool { return x.Patch == item.Patch })
		if i < 0 {
			out = append(out, phrase.Of("{1} on {2}: {3}", string(item.Patch), old.Name, left(fresh, item.Patch)))
			continue
		}
		if change := differ(item.Packages, fresh.Items[i].Packages); change != "" {
			out = append(out, phrase.Of("{1} on {2}: {3}", string(item.Patch), old.Name, change))
		} else if f := fresh.Items[i]; f.Outcome == patch.WillNotFit && (item.Outcome == patch.WillInstall || item.Outcome == patch.WillRestart) {
			out = append(out, phrase.Of("{1} on {2} does not fit any more: {3}", string(item.Patch), old.Name, f.Text))
		}
	}
	return out
}

func left(m patch.MachinePlan, id patch.ID) phrase.Phrase {
	for _, l := range m.Left {
		if l.Patch == id {
			return l.Text
		}
	}
	if m.Machine == "" {
		return "the machine is not among those that the plan is for any more"
	}
	return "it is not approved for this machine any more"
}

// differ says how what has to be installed for a patch has changed; empty where it has not.
func differ(old, fresh []patch.PlanPackage) phrase.Phrase {
	for _, o := range old {
		i := slices.IndexFunc(fresh, func(x patch.PlanPackage) bool { return x.Name == o.Name && x.Arch == o.Arch })
		switch {
		case i < 0:
			return phrase.Of("{1} need not be installed any more", o.Name)
		case fresh[i].Version != o.Version || fresh[i].SHA256 != o.SHA256:
			return phrase.Of("the file of {1} {2} is another one now", o.Name, o.Version)
		case fresh[i].From != o.From:
			return phrase.Of("{1} is at {2}, and the plan was made for {3}", o.Name, orNone(fresh[i].From), orNone(o.From))
		case !slices.Equal(fresh[i].Replaces, o.Replaces):
			return phrase.Of("{1} would replace other packages than the plan names", o.Name)
		case fresh[i].Beside != o.Beside || fresh[i].Back != o.Back || !sameSetup(fresh[i].Setup, o.Setup):
			return phrase.Of("{1} would be installed in another way than the plan says", o.Name)
		}
	}
	for _, f := range fresh {
		if !slices.ContainsFunc(old, func(x patch.PlanPackage) bool { return x.Name == f.Name && x.Arch == f.Arch }) {
			return phrase.Of("{1} has to be installed too", f.Name)
		}
	}
	return ""
}

// sameSetup compares what is written down: who has read a plan back has no empty lists in it.
func sameSetup(a, b *patch.Setup) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func orNone(version string) phrase.Phrase {
	if version == "" {
		return "no version"
	}
	return phrase.Verbatim(version)
}

func head(s []phrase.Phrase, n int) []phrase.Phrase {
	if len(s) > n {
		return append(s[:n:n], phrase.Count(len(s)-n, "and {n} more", "and {n} more"))
	}
	return s
}
