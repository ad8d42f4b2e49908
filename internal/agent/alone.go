package agent

import (
	"encoding/json"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// Judge makes a complete snapshot of a machine with no server and no state: its Seq is 1 and its machine has no name.
func Judge(sigs *detect.Signatures, meta patch.RevisionMeta, f patch.Facts, h Host, version string) (patch.Snapshot, error) {
	started := time.Now().UTC()
	result, err := sigs.Evaluate(&f)
	if err != nil {
		return patch.Snapshot{}, err
	}
	b, err := json.Marshal(f)
	if err != nil {
		return patch.Snapshot{}, patch.Errorf(patch.Internal, "cannot encode the facts: %w", err)
	}
	snap := patch.Snapshot{Verdicts: result.Verdicts, Receipt: patch.Receipt{
		Seq: 1, OS: f.OS.Key, Revision: meta.ID, Boot: h.Boot(), Started: started, Ended: time.Now().UTC(),
		Expected: sigs.Len(), Evaluated: result.Verdicts.Len(), Errors: result.Errors, Facts: hashOf(b), Agent: version,
	}}
	return snap, snap.Check()
}
