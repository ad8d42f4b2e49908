package plan

import (
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// rebootReserve is what an agent wants to be left of a window for a restart.
const rebootReserve = 5 * time.Minute

// outcomeOf sorts what keeps a patch out of a plan.
func outcomeOf(g gate.Gate) patch.Outcome {
	switch {
	case g.Code == gate.CodePatched:
		return patch.IsPatched
	case g.Code == gate.CodeDependency:
		return patch.NeedsDecision
	case g.Name == gate.Prerequisites && g.Code != gate.CodeHeldOnMachine, g.Code == gate.CodeSuperseded, g.Code == gate.CodeOtherOS:
		return patch.DoesNotApply
	}
	return patch.IsBlocked
}

// outcome is what becomes of an item that nothing keeps back.
func (r Request) outcome() patch.Outcome {
	if r.Rollback != nil {
		return patch.WillGoBack
	}
	return patch.WillInstall
}

// foretell fills in what will come of a machine's part: which of its installations fit into the window, what is fetched, how long it
// takes, and whether the machine restarts. Nothing of it depends on the moment it is asked, but where the window has no beginning.
func foretell(m *patch.MachinePlan, r Request, now time.Time) {
	m.Expected = patch.Expected{}
	if r.Restarts {
		if len(m.Items) > 0 {
			foretellRestart(m, r, now)
		}
		return
	}
	at, end := r.start(now), r.Window.NotAfter
	restart := ""
	seen := map[patch.Hash]bool{}
	for i := range m.Items {
		item := &m.Items[i]
		takes := patch.InstallTime(item.Packages)
		if item.Outcome != patch.WillWait {
			item.Outcome, item.Text = r.outcome(), ""
			if !end.IsZero() && at.Add(takes+patch.InstallReserve).After(end) {
				item.Outcome = patch.WillNotFit
				item.Text = phrase.Of("it takes about {1}, and the window would be over; it stays pending", takes.Round(time.Second).String())
				continue
			}
			at = at.Add(takes)
		}
		m.Expected.Seconds += int(takes / time.Second)
		for _, p := range item.Packages {
			if !seen[p.SHA256] {
				seen[p.SHA256] = true
				m.Expected.Bytes += p.Size
			}
			if patch.RestartsMachine(p) {
				item.Restart = p.Name
			}
		}
		if restart == "" {
			restart = item.Restart
		}
	}
	if len(m.Items) > 0 {
		m.Expected.Restart, m.Expected.Why = restarts(r.Reboot, restart, at, end)
	}
}

// restarts says whether a machine restarts after its installations, and why or why not; the reason is empty where it owes no restart.
func restarts(policy *patch.RebootPolicy, owed string, at, end time.Time) (bool, phrase.Phrase) {
	mode := patch.RebootNever
	if policy != nil {
		mode = policy.Mode
	}
	why := phrase.Of("{1} needs it", owed)
	switch {
	case mode == patch.RebootForce:
		why = "the plan says so"
	case owed == "":
		return false, ""
	case mode == patch.RebootNever:
		return false, phrase.Of("{1} needs a restart, and the plan says never", owed)
	}
	if !end.IsZero() && at.Add(rebootReserve).After(end) {
		return false, phrase.Of("{1}, and the window ends before it could be back", why)
	}
	if mode == patch.RebootAsk {
		why = phrase.Of("{1}; whoever works there is asked", why)
	}
	return true, why
}
