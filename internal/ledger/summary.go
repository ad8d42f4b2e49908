package ledger

import "github.com/fettle-project/fettle/internal/patch"

// add counts one entry.
func (s *Summary) add(e *entry) { s.addMany(e, 1) }

// addMany counts so many entries that are alike.
func (s *Summary) addMany(e *entry, n int) {
	s.Total += n
	s.Verdicts[e.verdict] += n
	s.Stands.add(e.stand(), n)
	s.Executions.add(e.did().execution, n)
	s.Effects.add(e.did().effect, n)
	if e.deployable {
		s.Deployable += n
	}
	switch {
	case e.verdict == patch.NotPatched:
		s.Needed += n
		if e.patch.Category == patch.Security {
			s.NeededSecurity += n
		}
		if e.stand() == patch.Undecided {
			s.Undecided += n
		}
	case e.verdict == patch.NotApplicable && e.stand() == patch.Approved:
		s.ApprovedNotNeeded += n
	}
}

func (c *StandCounts) add(s patch.Stand, n int) {
	switch s {
	case patch.Approved:
		c.Approved += n
	case patch.Declined:
		c.Declined += n
	case patch.HeldBack:
		c.Held += n
	default:
		c.Undecided += n
	}
}

func (c *ExecCounts) add(e patch.Execution, n int) {
	switch e {
	case patch.ExecWaiting:
		c.Waiting += n
	case patch.ExecDownloading:
		c.Downloading += n
	case patch.ExecInstalling:
		c.Installing += n
	case patch.ExecDone:
		c.Done += n
	case patch.ExecFailed:
		c.Failed += n
	case patch.ExecWithdrawn:
		c.Withdrawn += n
	default:
		c.None += n
	}
}

func (c *EffectCounts) add(e patch.Effect, n int) {
	switch e {
	case patch.EffectVerified:
		c.Verified += n
	case patch.EffectNeedsReboot:
		c.NeedsReboot += n
	case patch.EffectNotEffective:
		c.NotEffective += n
	case patch.EffectUndone:
		c.Undone += n
	case patch.EffectRolledBack:
		c.RolledBack += n
	default:
		c.None += n
	}
}
