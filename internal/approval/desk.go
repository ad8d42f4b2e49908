// Package approval takes people's decisions about patches, and shows what a decision would do before it is made.
//
// It owns what a valid decision is, and the preview. It refuses decisions about unknown patches or labels and holds that end in the past.
// Where a patch stands for a machine is worked out by gate.PolicyOf, for everybody.
package approval

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Request is a decision as a person asks for it.
type Request struct {
	Patches []patch.ID `json:"patches"`
	Label   string     `json:"label"`
	Verb    patch.Verb `json:"verb"`
	Until   time.Time  `json:"until,omitzero"` // for a hold
	Why     string     `json:"why,omitempty"`
}

// Store is the storage of decisions.
type Store interface {
	PutDecisions(ctx context.Context, caller patch.Caller, d []patch.Decision) error
	FindPatch(ctx context.Context, id patch.ID) (patch.PatchRow, error)
	FindLabel(ctx context.Context, name string) (patch.Label, error)
}

// Desk takes decisions.
type Desk struct {
	World *world.Reader
	Store Store
	Now   func() time.Time
}

// Decide makes and stores one decision per patch; all or none.
func (d *Desk) Decide(ctx context.Context, caller patch.Caller, r Request) ([]patch.Decision, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// Preview says what a decision would do, without making it.
func (d *Desk) Preview(ctx context.Context, r Request) (Preview, error) {
	return Preview{}, patch.Errorf(patch.Internal, "not built yet")
}

// PolicyOf says where one patch stands for a machine with these labels at a moment: see gate.PolicyOf.
func PolicyOf(labels []string, decisions []patch.Decision, at time.Time) patch.Policy {
	return gate.PolicyOf(labels, decisions, at)
}
