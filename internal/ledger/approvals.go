package ledger

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// Approvals finds the decisions that installations were made under, each once. Not for several goroutines.
type Approvals struct {
	Find  func(ctx context.Context, id string) (patch.Decision, error)
	Known map[string]patch.Decision // by ID; without an ID of its own where it is no longer on record
}

// Of gives a decision; one without ID where none is named, or it is no longer on record.
func (a *Approvals) Of(ctx context.Context, id string) (patch.Decision, error) {
	d, ok := a.Known[id]
	if ok || id == "" {
		return d, nil
	}
	d, err := a.Find(ctx, id)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return d, err
	}
	if a.Known == nil {
		a.Known = map[string]patch.Decision{}
	}
	a.Known[id] = d
	return d, nil
}
