package ledger

import (
	"context"
	"iter"
	"log/slog"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
	"github.com/fettle-project/fettle/internal/world"
)

// Snapshots is the storage of snapshots beyond what package world reads.
type Snapshots interface {
	PutSnapshotWithEffects(ctx context.Context, s patch.Snapshot, t []patch.Transition, e []patch.EffectUpdate) error
	SnapshotsByOS(ctx context.Context, id patch.MachineID) ([]patch.Snapshot, error)
	FindInventory(ctx context.Context, hash patch.Hash) ([]byte, error)
	NewestSnapshots(ctx context.Context, os patch.HostOS) iter.Seq2[patch.Snapshot, error]
}

// People is the storage of what people typed names of, and of decisions' history.
type People interface {
	FindMachineByName(ctx context.Context, name string) ([]patch.Machine, error)
	SearchPatches(ctx context.Context, f patch.PatchFilter) ([]patch.PatchRow, int, error)
	DecisionHistory(ctx context.Context, id patch.ID) ([]patch.Decision, error)
}

// Alarms is the storage of alarms.
type Alarms interface {
	RaiseAlarm(ctx context.Context, a patch.Alarm) error
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
}

// Accept takes a snapshot that a machine uploaded, if it is complete, of a known revision and newer than what is kept. The same snapshot
// once more is acknowledged again and changes nothing. s.Machine must be the caller's own, by its certificate.
func (l *Ledger) Accept(ctx context.Context, s patch.Snapshot) (wire.SnapshotReply, error) {
	return wire.SnapshotReply{}, patch.Errorf(patch.Internal, "not built yet")
}

// Rows gives a machine's ledger: a row for every patch of its OS.
func (l *Ledger) Rows(ctx context.Context, id patch.MachineID, f RowFilter) ([]Row, Summary, error) {
	return nil, Summary{}, patch.Errorf(patch.Internal, "not built yet")
}

// PatchRows gives one patch's row on every admitted machine of its OS, and on machines where it closed if f.Closed asks.
func (l *Ledger) PatchRows(ctx context.Context, id patch.ID, f RowFilter) ([]Row, Summary, error) {
	return nil, Summary{}, patch.Errorf(patch.Internal, "not built yet")
}

// PatchCounts gives the patches of an OS with their numbers over its machines: Text, Category, Verdicts (some machine has it), Stands,
// Deployable, Limit and Offset of f apply. Without Text it leaves out patches that no machine needs or needed unless f.Closed is set.
func (l *Ledger) PatchCounts(ctx context.Context, os patch.HostOS, f RowFilter) ([]PatchCount, int, error) {
	return nil, 0, patch.Errorf(patch.Internal, "not built yet")
}

// Machines lists machines with their freshness and numbers.
func (l *Ledger) Machines(ctx context.Context, f patch.MachineFilter) ([]MachineRow, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// Status adds the whole fleet up. Machines that never detected and stale ones stay in the denominator.
func (l *Ledger) Status(ctx context.Context) (Fleet, error) {
	return Fleet{}, patch.Errorf(patch.Internal, "not built yet")
}

// Explain says why a patch is or is not on a machine, with the evidence judged once more.
func (l *Ledger) Explain(ctx context.Context, id patch.MachineID, p patch.ID) (Explanation, error) {
	return Explanation{}, patch.Errorf(patch.Internal, "not built yet")
}

// ExplainLabel adds explanations up over the machines that carry a label now.
func (l *Ledger) ExplainLabel(ctx context.Context, label string, p patch.ID) (LabelExplanation, error) {
	return LabelExplanation{}, patch.Errorf(patch.Internal, "not built yet")
}

// Resolve finds the machine that a person means: by name, by ID or by a prefix of either that fits one machine.
func (l *Ledger) Resolve(ctx context.Context, text string) (patch.Machine, error) {
	return patch.Machine{}, patch.Errorf(patch.Internal, "not built yet")
}

// ResolvePatch finds the patch that a person means: by ID, by a part of it that fits one patch, or by source package when one patch is
// its newest. An empty os searches all.
func (l *Ledger) ResolvePatch(ctx context.Context, text string, os patch.HostOS) (patch.PatchRow, error) {
	return patch.PatchRow{}, patch.Errorf(patch.Internal, "not built yet")
}
