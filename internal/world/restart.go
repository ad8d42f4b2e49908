package world

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// restartDue finds among the restarts of a machine the one that it has taken an order for, has not made, and that is still wanted: its deployment runs as long.
func (v *View) restartDue(ctx context.Context, attempts []patch.Attempt) (*patch.Attempt, error) {
	for i := len(attempts) - 1; i >= 0; i-- {
		a := &attempts[i]
		if a.State != patch.ExecDone || !a.RebootOwed && a.VerifiedSeq != 0 {
			continue
		}
		dep, err := v.head(ctx, a.Deployment)
		if err != nil || dep.State != patch.Running {
			return nil, err
		}
		return a, nil
	}
	return nil, nil
}

// head is a deployment without its plan's machines; many machines ask for the same one.
func (v *View) head(ctx context.Context, id string) (patch.Deployment, error) {
	if dep, known := v.heads[id]; known {
		return dep, nil
	}
	dep, err := v.r.Store.FindDeploymentHead(ctx, id)
	if err != nil {
		return dep, err
	}
	if v.heads == nil {
		v.heads = map[string]patch.Deployment{}
	}
	v.heads[id] = dep
	return dep, nil
}
