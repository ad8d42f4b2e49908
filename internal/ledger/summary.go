package ledger

import "github.com/fettle-project/fettle/internal/patch"

// add counts one entry.
func (s *Summary) add(e *entry) {
	s.Total++
	s.Verdicts[e.verdict]++
	s.Stands.add(e.policy.Stand)
	s.Executions.add(e.execution)
	s.Effects.add(e.effect)
	if e.deployable {
		s.Deployable++
	}
	switch {
	case e.verdict == patch.NotPatched:
		s.Needed++
		if e.patch.Category == patch.Security {
			s.NeededSecurity++
		}
		if e.policy.Stand == patch.Undecided {
			s.Undecided++
		}
	case e.verdict == patch.NotApplicable && e.policy.Stand == patch.Approved:
		s.ApprovedNotNeeded++
	}
}

func (c *StandCounts) add(s patch.Stand) {
	switch s {
	case patch.Approved:
		c.Approved++
	case patch.Declined:
		c.Declined++
	case patch.HeldBack:
		c.Held++
	default:
		c.Undecided++
	}
}

func (c *ExecCounts) add(e patch.Execution) {
	switch e {
	case patch.ExecWaiting:
		c.Waiting++
	case patch.ExecDownloading:
		c.Downloading++
	case patch.ExecInstalling:
		c.Installing++
	case patch.ExecDone:
		c.Done++
	case patch.ExecFailed:
		c.Failed++
	case patch.ExecWithdrawn:
		c.Withdrawn++
	default:
		c.None++
	}
}

func (c *EffectCounts) add(e patch.Effect) {
	switch e {
	case patch.EffectVerified:
		c.Verified++
	case patch.EffectNeedsReboot:
		c.NeedsReboot++
	case patch.EffectNotEffective:
		c.NotEffective++
	case patch.EffectUndone:
		c.Undone++
	case patch.EffectRolledBack:
		c.RolledBack++
	default:
		c.None++
	}
}
