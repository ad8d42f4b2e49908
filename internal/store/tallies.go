package store

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const tallyColumns = `deployment, total, downloading, installing, done, waiting, failed, withdrawn, verified, not_effective, unproven, reboot_owed, bytes, total_bytes`

func scanTally(r scanner) (t patch.AttemptTally, err error) {
	c := &t.Counts
	return t, r.Scan(&t.Deployment, &c.Total, &c.Downloading, &c.Installing, &c.Done, &c.Waiting, &c.Failed, &c.Withdrawn, &c.Verified, &c.NotEffective, &c.Unproven,
		&c.RebootOwed, &t.Bytes, &t.TotalBytes)
}

// TallyAttempts gives what is counted of the attempts of deployments, in no order; one without any is left out. Only those are counted of which an attempt
// changed since they were counted last.
func (s *Store) TallyAttempts(ctx context.Context, deployments ...string) ([]patch.AttemptTally, error) {
	kept, err := keptTallies(ctx, s.read(), deployments)
	if err == nil && len(kept) < len(deployments) {
		err = s.write(ctx, func(x session) error {
			if err := countAttempts(ctx, x, deployments); err != nil {
				return err
			}
			kept, err = keptTallies(ctx, x, deployments)
			return err
		})
	}
	kept = slices.DeleteFunc(kept, func(t patch.AttemptTally) bool { return t.Counts.Total == 0 })
	return kept, fault(err, "cannot count attempts")
}

func keptTallies(ctx context.Context, x session, deployments []string) ([]patch.AttemptTally, error) {
	w := where{engine: x.engine}
	if err := addOneOf(&w, `deployment`, deployments); err != nil {
		return nil, err
	}
	return list(ctx, x, scanTally, `SELECT `+tallyColumns+` FROM tallies`+w.String(), w.args...)
}

// countAttempts counts those deployments of which nothing is kept. Meanwhile no other transaction may change an attempt and forget what is not there yet.
func countAttempts(ctx context.Context, x session, deployments []string) error {
	if x.engine.lockTallies != "" {
		if _, err := x.exec(ctx, x.engine.lockTallies); err != nil {
			return err
		}
	}
	w := where{engine: x.engine}
	if err := addOneOf(&w, `id`, deployments); err != nil {
		return err
	}
	w.addFixed(`id NOT IN (SELECT deployment FROM tallies)`)
	counts := `COUNT(attempts.id), COUNT(*) FILTER (WHERE state = 'downloading'), COUNT(*) FILTER (WHERE state = 'installing'), COUNT(*) FILTER (WHERE state = 'done')`
	for _, k := range []patch.Stage{patch.StageWaiting, patch.StageFailed, patch.StageWithdrawn, patch.StageVerified, patch.StageNotEffective, patch.StageUnproven, patch.StageRebootOwed} {
		cond, _ := stage(k)
		counts += `, COUNT(*) FILTER (WHERE ` + cond + `)`
	}
	_, err := x.exec(ctx, `INSERT INTO tallies (`+tallyColumns+`) SELECT asked.deployment, `+counts+`, CAST(COALESCE(SUM(bytes), 0) AS BIGINT), CAST(COALESCE(SUM(total_bytes), 0) AS BIGINT)
		FROM (SELECT id AS deployment FROM deployments`+w.String()+`) asked LEFT JOIN attempts ON attempts.deployment = asked.deployment GROUP BY asked.deployment`, w.args...)
	return err
}

// uncount forgets what was counted of the deployments of these attempts. It comes before what changes them.
func uncount(ctx context.Context, x session, attempts string, args ...any) error {
	_, err := x.exec(ctx, `DELETE FROM tallies WHERE deployment IN (SELECT deployment FROM attempts WHERE `+attempts+`)`, args...)
	return err
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
