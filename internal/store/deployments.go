package store

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

const deploymentColumns = `state, by_name, at, ended_at, second`

// PutDeployment stores a deployment, its attempts, what a rollback leaves behind and the answer to the proposal that it carries out, all or nothing. An attempt whose Number is 0 gets the
// next one of its machine and patch. It gives Conflict where one of its patches is already on its way on one of its machines.
func (s *Store) PutDeployment(ctx context.Context, c patch.Caller, d patch.Deployment, as []patch.Attempt, keeps ...patch.Keep) error {
	plan, err := toJSON(d.Plan)
	if err != nil {
		return err
	}
	short := d.Plan
	short.Machines = nil
	head, err := toJSON(short)
	if err != nil {
		return err
	}
	detail := map[string]any{"label": d.Plan.Label, "plan": d.Plan.Hash, "machines": len(d.Plan.Machines), "attempts": len(as)}
	if d.Plan.Rollback != nil {
		detail["rollback"] = d.Plan.Rollback
	}
	answered := true
	err = s.write(ctx, func(x session) error {
		// The entry comes first: it makes other deployers wait, so that attempts are numbered without gaps and repeats.
		seq, err := s.record(ctx, x, c, deed{"deploy.apply", d.ID, detail})
		if err != nil {
			return err
		}
		if _, err := x.exec(ctx, `INSERT INTO deployments (id, seq, head, plan, `+deploymentColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			d.ID, seq, head, plan, d.State, d.By, d.At, d.EndedAt, d.Second); err != nil {
			return err
		}
		if d.Proposal != nil {
			if err := s.answer(ctx, x, c, *d.Proposal, nil); err != nil {
				answered = false
				return err
			}
		}
		for _, k := range keeps {
			if err := s.insertKeep(ctx, x, c, k); err != nil {
				return err
			}
		}
		return insertAttempts(ctx, x, d.ID, as)
	})
	if err = fault(err, "cannot store the deployment"); answered && patch.KindOf(err) == patch.Conflict {
		return &patch.Error{Kind: patch.Conflict, What: "cannot start the deployment", Err: err,
			Why: "one of its patches is already on its way on one of its machines", Do: "Make the plan again; it leaves those out."}
	}
	return err
}

// insertKeep stores a label with its holds, each under an audit entry of its own.
func (s *Store) insertKeep(ctx context.Context, x session, c patch.Caller, k patch.Keep) error {
	if _, err := s.record(ctx, x, c, labelDeed(k.Label)); err != nil {
		return err
	}
	if err := s.insertLabel(ctx, x, k.Label); err != nil {
		return err
	}
	seq, err := s.record(ctx, x, c, deed{"decide." + string(patch.Hold), k.Label.Name, map[string]any{"decisions": k.Decisions}})
	if err != nil {
		return err
	}
	return insertDecisions(ctx, x, seq, k.Decisions)
}

func scanDeployment(r scanner) (patch.Deployment, error) {
	var d patch.Deployment
	err := r.Scan(&d.ID, document{&d.Plan}, &d.State, &d.By, stamp{&d.At}, stamp{&d.EndedAt}, &d.Second)
	return d, err
}

// FindDeployment gives a deployment with its whole plan, or NotFound.
func (s *Store) FindDeployment(ctx context.Context, id string) (patch.Deployment, error) {
	d, err := find(ctx, s.read(), scanDeployment, `SELECT id, plan, `+deploymentColumns+` FROM deployments WHERE id = $1`, id)
	return d, missingNamed(err, "deployment", id)
}

// FindDeploymentHead is FindDeployment without the plan's machines, which are large.
func (s *Store) FindDeploymentHead(ctx context.Context, id string) (patch.Deployment, error) {
	d, err := find(ctx, s.read(), scanDeployment, `SELECT id, head, `+deploymentColumns+` FROM deployments WHERE id = $1`, id)
	return d, missingNamed(err, "deployment", id)
}

// ListDeployments gives the newest first, their plans without machines: those are large. Limit 0 means all.
func (s *Store) ListDeployments(ctx context.Context, limit int) ([]patch.Deployment, error) {
	all, err := list(ctx, s.read(), scanDeployment, `SELECT id, head, `+deploymentColumns+` FROM deployments ORDER BY seq DESC`+page(limit, 0))
	return all, fault(err, "cannot list deployments")
}

// SetDeploymentState halts or finishes a deployment that runs; else it gives Conflict: a finished one stays finished, and one that somebody has halted
// meanwhile stays halted. The state that it has changes nothing.
func (s *Store) SetDeploymentState(ctx context.Context, c patch.Caller, id string, state patch.DeploymentState, now time.Time) error {
	d, err := s.FindDeploymentHead(ctx, id)
	if err != nil || d.State == state {
		return err
	}
	err = s.change(ctx, c, deed{"deploy." + string(state), id, map[string]any{"was": d.State}}, func(x session) error {
		n, err := x.exec(ctx, `UPDATE deployments SET state = $2, ended_at = $3 WHERE id = $1 AND state = 'running'`, id, state, now)
		if err == nil && n == 0 {
			return patch.Errorf(patch.Conflict, "the deployment %s does not run any more", id)
		}
		return err
	})
	return fault(err, "cannot change the state of the deployment %s", id)
}

// CallOffRestarts halts a deployment that has finished: its machines are not restarted for it any more. It ended when it did.
func (s *Store) CallOffRestarts(ctx context.Context, c patch.Caller, id string) error {
	err := s.change(ctx, c, deed{"deploy." + string(patch.Halted), id, map[string]any{"was": patch.Finished}}, func(x session) error {
		n, err := x.exec(ctx, `UPDATE deployments SET state = $2 WHERE id = $1 AND state = 'finished'`, id, patch.Halted)
		if err == nil && n == 0 {
			return patch.Errorf(patch.Conflict, "the deployment %s has not finished", id)
		}
		return err
	})
	return fault(err, "cannot halt the deployment %s", id)
}
