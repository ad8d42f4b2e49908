package ledger

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Snapshots is the storage of snapshots beyond what package world reads.
type Snapshots interface {
	KnownSnapshot(ctx context.Context, id patch.MachineID, scratch []byte) (patch.Snapshot, error)
	PutSnapshotAfter(ctx context.Context, before *patch.Snapshot, s patch.Snapshot, t []patch.Transition, e []patch.EffectUpdate) error
	PutEffects(ctx context.Context, e []patch.EffectUpdate) error
	HasFacts(ctx context.Context, hash patch.Hash) (bool, error)
	FindInventory(ctx context.Context, hash patch.Hash) ([]byte, error)
	ListLeavings(ctx context.Context, id patch.ID) ([]patch.Transition, error)
	FirstReceipt(ctx context.Context, id patch.MachineID) (patch.Receipt, error)
	ListReceipts(ctx context.Context, id patch.MachineID, limit int) ([]patch.Receipt, error)
	SnapshotsByOS(ctx context.Context, id patch.MachineID) ([]patch.Snapshot, error)
}

// People is the storage of what people typed names of, and of decisions' history.
type People interface {
	FindMachineByName(ctx context.Context, name string) ([]patch.Machine, error)
	SearchPatches(ctx context.Context, f patch.PatchFilter) ([]patch.PatchRow, int, error)
	DecisionHistory(ctx context.Context, id patch.ID) ([]patch.Decision, error)
	ListOSes(ctx context.Context) ([]patch.HostOS, error)
}

// Alarms is the storage of alarms.
type Alarms interface {
	RaiseAlarm(ctx context.Context, a patch.Alarm) error
	ClearAlarm(ctx context.Context, key string, now time.Time) error
	ListAlarms(ctx context.Context, open bool) ([]patch.Alarm, error)
}

// Store is all the storage that a Ledger needs beside its Reader's.
type Store interface {
	Snapshots
	People
	Alarms
}

// Labels tells which labels a machine carries now.
type Labels interface {
	LabelsOf(ctx context.Context, id patch.MachineID) ([]string, error)
}

// Ledger keeps the account. Its methods may be called from many goroutines.
type Ledger struct {
	World  *world.Reader
	Store  Store
	Labels Labels
	Log    *slog.Logger
	// KEV gives the CVEs that are known to be exploited, for reports; nil where there is nothing to ask.
	KEV func(ctx context.Context) (patch.Exploits, error)
	// Accepted is called after a snapshot is durable, with the machine as it was before it; may be nil.
	Accepted func(context.Context, patch.Machine, patch.Receipt)
	// Few is up to how many machines of a list are counted one by one, and not with all others; 0 is 500.
	Few int

	histories histories
	slates    sync.Pool // of *slate
}
