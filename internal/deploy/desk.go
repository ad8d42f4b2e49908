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
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Deployments is the storage of deployments.
type Deployments interface {
	PutDeployment(ctx context.Context, caller patch.Caller, d patch.Deployment, a []patch.Attempt, keeps ...patch.Keep) error
	FindDeployment(ctx context.Context, id string) (patch.Deployment, error)
	// FindDeploymentHead is FindDeployment without the plan's machines, which are large.
	FindDeploymentHead(ctx context.Context, id string) (patch.Deployment, error)
	ListDeployments(ctx context.Context, limit int) ([]patch.Deployment, error)
	// PutScope keeps who carried a label when something was decided for it.
	PutScope(ctx context.Context, members []patch.MachineID) (patch.Hash, error)
	FindLabel(ctx context.Context, name string) (patch.Label, error)
	SetDeploymentState(ctx context.Context, caller patch.Caller, id string, state patch.DeploymentState, now time.Time) error
	// CallOffRestarts halts a deployment that has finished, which nothing but its restarts can notice.
	CallOffRestarts(ctx context.Context, caller patch.Caller, id string) error
}

// Attempts is the storage of attempts and orders. OpenOrder fails with patch.NotFound where there is none.
type Attempts interface {
	PutOrder(ctx context.Context, o patch.OrderRow, attempts []string, claims ...patch.RingClaim) error
	OpenOrder(ctx context.Context, id patch.MachineID) (patch.OrderRow, error)
	HasWaiting(ctx context.Context, id patch.MachineID) (bool, error)
	ListAwaiting(ctx context.Context, patches []patch.ID) ([]patch.MachineID, error)
	ApplyResults(ctx context.Context, id patch.MachineID, updates []patch.AttemptUpdate) (uint64, error)
	WithdrawAttempts(ctx context.Context, ids []string, cause patch.FailCause, text phrase.Phrase) error
	TallyAttempts(ctx context.Context, deployments ...string) ([]patch.AttemptTally, error)
	ListTakingPart(ctx context.Context, deployment string, at patch.Stage) ([]patch.MachineID, error)
	PutResets(ctx context.Context, caller patch.Caller, object, why string, rs []patch.Reset) error
}

// Store is all the storage that a Desk needs beside its Reader's.
type Store interface {
	Deployments
	Attempts
}

// Replanner makes a plan again, as of now, for what it installs: plan.Planner.Again.
type Replanner func(ctx context.Context, caller patch.Caller, p patch.Plan) (patch.Plan, error)

// Desk carries plans out. Its methods may be called from many goroutines.
type Desk struct {
	World  *world.Reader
	Store  Store
	Replan Replanner
	Key    ed25519.PrivateKey // the approver key; orders are signed with it
	Now    func() time.Time
	Log    *slog.Logger
	// Second files a rollback that needs a second person as a proposal, and gives it; nil where one person may. May be nil.
	Second func(ctx context.Context, caller patch.Caller, p patch.Plan) (*patch.Proposal, error)
	// Wake tells a machine that an order waits; may be nil.
	Wake func(patch.MachineID)
	// Settle is called after results are durable, so that a snapshot that came before them proves their effect; may be nil.
	Settle func(context.Context, patch.MachineID) error

	Life     time.Duration // how long an order without a window's end may be begun; 0: 24 h
	Lead     time.Duration // how long before its window an order goes out; 0: 1 h
	Patience time.Duration // how long an attempt may wait to be begun; 0: 7 days
	Grace    time.Duration // how long an install may go without a word; 0: 6 h

	plans plans
}

func (d *Desk) life() time.Duration     { return or(d.Life, 24*time.Hour) }
func (d *Desk) lead() time.Duration     { return or(d.Lead, time.Hour) }
func (d *Desk) patience() time.Duration { return or(d.Patience, 7*24*time.Hour) }
func (d *Desk) grace() time.Duration    { return or(d.Grace, 6*time.Hour) }

func or(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}

// appliance is who ends deployments by itself.
func appliance() patch.Caller {
	return patch.Caller{Name: "fettle", Role: patch.Admin, From: "local", Via: "appliance"}
}

func (d *Desk) wake(machines ...patch.MachineID) {
	if d.Wake == nil {
		return
	}
	for _, id := range machines {
		d.Wake(id)
	}
}
