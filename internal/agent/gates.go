package agent

import (
	"os"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// local is a machine as its own files tell it.
type local struct {
	machine patch.Machine
	now     time.Time
	meta    patch.RevisionMeta
	snap    patch.Snapshot
}

func (cfg Config) local(l layout, st state, snap patch.Snapshot) local {
	name, _ := os.Hostname()
	m := patch.Machine{ID: snap.Machine, Name: name, State: st.State, OS: snap.OS, SeenAt: st.CheckedIn, AgentVersion: cfg.Version, Policy: cfg.policy().String()}
	if holder := host.LockedBy(); holder != "" {
		m.Busy = "locked by " + holder
	}
	return local{machine: m, now: cfg.Now(), meta: st.Newest, snap: snap}
}

// gates judges one patch by the same predicate as the appliance, as far as this machine can.
func (l local) gates(p patch.Patch, i int, f patch.Finding) []gate.Gate {
	w := gate.World{Now: l.now, Limits: gate.DefaultLimits(), Machine: l.machine, OS: l.snap.OS, PatchOS: l.snap.OS, Patch: p, Revision: &l.meta, Listed: true,
		Receipt: &l.snap.Receipt, Verdict: patch.Unknown, Finding: f}
	if i < l.snap.Verdicts.Len() && l.snap.Revision == l.meta.ID {
		w.Verdict = l.snap.Verdicts.At(i)
	}
	return gate.Local(w)
}
