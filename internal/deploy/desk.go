// Package deploy carries applied plans out: it queues attempts, hands signed orders to machines, takes their results and ends what nobody ends.
//
// It owns deployments, attempts and orders. At most one attempt is open for a machine and patch, an order is handed out unchanged until it
// has ended, and attempts only move forward. It refuses plans that have drifted, results of other machines and anything that gate.Walk does not let
// through at the moment of handing out.
package deploy

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
	"github.com/fettle-project/fettle/internal/world"
)

// Deployments is the storage of deployments.
type Deployments interface {
	PutDeployment(ctx context.Context, caller patch.Caller, d patch.Deployment, a []patch.Attempt) error
	FindDeployment(ctx context.Context, id string) (patch.Deployment, error)
	ListDeployments(ctx context.Context, limit int) ([]patch.Deployment, error)
	SetDeploymentState(ctx context.Context, caller patch.Caller, id string, state patch.DeploymentState, now time.Time) error
}

// Attempts is the storage of attempts and orders. OpenOrder fails with patch.NotFound where there is none.
type Attempts interface {
	PutOrder(ctx context.Context, o patch.OrderRow, attempts []string) error
	OpenOrder(ctx context.Context, id patch.MachineID) (patch.OrderRow, error)
	ApplyResults(ctx context.Context, id patch.MachineID, updates []patch.AttemptUpdate) (uint64, error)
	WithdrawAttempts(ctx context.Context, ids []string, cause patch.FailCause, text string) error
}

// Store is all the storage that a Desk needs beside its Reader's.
type Store interface {
	Deployments
	Attempts
}

// Replanner makes a plan again for the same request; package plan implements it.
type Replanner func(ctx context.Context, caller patch.Caller, p patch.Plan) (patch.Plan, error)

// Desk carries plans out. Its methods may be called from many goroutines.
type Desk struct {
	World  *world.Reader
	Store  Store
	Replan Replanner
	Key    ed25519.PrivateKey    // the approver key; orders are signed with it
	Wake   func(patch.MachineID) // tells a machine that an order waits; may be nil
	NewID  func() string
	Now    func() time.Time
	Log    *slog.Logger
	Life   time.Duration // how long an order without a window's end may stay open; 0: 24 h
}

// Apply makes a deployment of a plan after working it out again. Where the new plan differs, it fails with patch.Conflict and names what drifted.
// Applying the same plan twice gives the same deployment.
func (d *Desk) Apply(ctx context.Context, caller patch.Caller, p patch.Plan) (patch.Deployment, error) {
	return patch.Deployment{}, patch.Errorf(patch.Internal, "not built yet")
}

// Halt stops a deployment: what no machine has started is withdrawn, what is being installed finishes.
func (d *Desk) Halt(ctx context.Context, caller patch.Caller, id string) (patch.Deployment, error) {
	return patch.Deployment{}, patch.Errorf(patch.Internal, "not built yet")
}

// Watch gives a deployment's progress as of now.
func (d *Desk) Watch(ctx context.Context, id string) (Progress, error) {
	return Progress{}, patch.Errorf(patch.Internal, "not built yet")
}

// List gives the newest deployments with their progress in numbers.
func (d *Desk) List(ctx context.Context, limit int) ([]Progress, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// OrderFor gives the order that a machine should carry out now, and whether there is one. The machine is the one of the caller's certificate.
func (d *Desk) OrderFor(ctx context.Context, id patch.MachineID) (wire.Envelope, bool, error) {
	return wire.Envelope{}, false, patch.Errorf(patch.Internal, "not built yet")
}

// HasOrder reports, cheaply, whether OrderFor would be worth a call.
func (d *Desk) HasOrder(ctx context.Context, id patch.MachineID) (bool, error) {
	return false, patch.Errorf(patch.Internal, "not built yet")
}

// Accept takes a machine's results and acknowledges up to which line of its journal they are durable.
func (d *Desk) Accept(ctx context.Context, id patch.MachineID, r wire.Results) (wire.ResultsReply, error) {
	return wire.ResultsReply{}, patch.Errorf(patch.Internal, "not built yet")
}

// Sweep withdraws what has expired and finishes deployments that have nothing open. Call it every minute.
func (d *Desk) Sweep(ctx context.Context) error { return patch.Errorf(patch.Internal, "not built yet") }
