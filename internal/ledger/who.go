package ledger

import (
	"context"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

// Who names, by name, the admitted machines to which their newest complete detect gave a verdict about a patch. It is PatchRows without the
// other three axes, and without walking any gate.
func (l *Ledger) Who(ctx context.Context, id patch.ID, v patch.Verdict) ([]*fleet.Name, error) {
	if v >= patch.Unknown {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot name the machines with this verdict", Why: "no detect gives it", Do: "Ask for not-applicable, not-patched, patched or error; the rows of a patch have the others too."}
	}
	return l.World.Fleet.Who(ctx, id, v)
}
