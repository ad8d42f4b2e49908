package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// TallyAttempts counts the attempts of deployments, in no order; one without any is left out. None are named: of all deployments.
func (s *Store) TallyAttempts(ctx context.Context, deployments ...string) ([]patch.AttemptTally, error) {
	w := where{engine: s.engine}
	switch len(deployments) {
	case 0:
	case 1:
		w.add(`deployment = ?`, deployments[0])
	default:
		if err := addOneOf(&w, `deployment`, deployments); err != nil {
			return nil, err
		}
	}
	query := `SELECT deployment, COUNT(*), COUNT(*) FILTER (WHERE state = 'downloading'), COUNT(*) FILTER (WHERE state = 'installing'), COUNT(*) FILTER (WHERE state = 'done')`
	for _, k := range []patch.Stage{patch.StageWaiting, patch.StageFailed, patch.StageWithdrawn, patch.StageVerified, patch.StageNotEffective, patch.StageUnproven, patch.StageRebootOwed} {
		cond, _ := stage(k)
		query += `, COUNT(*) FILTER (WHERE ` + cond + `)`
	}
	all, err := list(ctx, s.read(), func(r scanner) (t patch.AttemptTally, err error) {
		c := &t.Counts
		return t, r.Scan(&t.Deployment, &c.Total, &c.Downloading, &c.Installing, &c.Done, &c.Waiting, &c.Failed, &c.Withdrawn, &c.Verified, &c.NotEffective, &c.Unproven,
			&c.RebootOwed, &t.Bytes, &t.TotalBytes)
	}, query+`, CAST(SUM(bytes) AS BIGINT), CAST(SUM(total_bytes) AS BIGINT) FROM attempts`+w.String()+` GROUP BY deployment`, w.args...)
	return all, fault(err, "cannot count attempts")
}

// ListTakingPart gives the machines that have an attempt of a deployment at a stage, in no order.
func (s *Store) ListTakingPart(ctx context.Context, deployment string, at patch.Stage) ([]patch.MachineID, error) {
	cond, ok := stage(at)
	if !ok {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("there is no state {1} of installs", string(at))}
	}
	all, err := list(ctx, s.read(), func(r scanner) (id patch.MachineID, err error) { return id, r.Scan(&id) },
		`SELECT DISTINCT machine FROM attempts WHERE deployment = $1 AND `+cond, deployment)
	return all, fault(err, "cannot list the machines of the deployment %s", deployment)
}

// stage is patch.Stage.In as a condition.
func stage(s patch.Stage) (string, bool) {
	switch s {
	case "":
		return `TRUE`, true
	case patch.StageWaiting:
		return `state NOT IN ('downloading', 'installing', 'done', 'failed', 'withdrawn')`, true
	case patch.StageMoving:
		return `state IN ('downloading', 'installing')`, true
	case patch.StageInstalled:
		return `state = 'done'`, true
	case patch.StageFailed:
		return `state = 'failed'`, true
	case patch.StageWithdrawn:
		return `state = 'withdrawn'`, true
	case patch.StageVerified:
		return `state = 'done' AND effect IN ('verified', 'needs-reboot', 'rolled-back')`, true
	case patch.StageNotEffective:
		return `state = 'done' AND effect = 'not-effective'`, true
	case patch.StageUnproven:
		return `state = 'done' AND effect = '' AND verified_seq = 0`, true
	case patch.StageRebootOwed:
		return `state IN ('done', 'failed') AND reboot_owed`, true
	}
	return ``, false
}
