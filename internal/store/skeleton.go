// Package store owns all SQL.
package store

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Options are what Open needs beyond the address. Zero values are good.
type Options struct {
	Now func() time.Time
	Log *slog.Logger
}

// Store is the appliance's memory.
type Store struct{}

func notBuilt() error { return patch.Errorf(patch.Internal, "not built") }

func Open(ctx context.Context, url string, o Options) (*Store, error) { return &Store{}, notBuilt() }
func (s *Store) Close() error                                         { return nil }

// Failed is closed when the disk has failed a write: stop acknowledging and exit.
func (s *Store) Failed() <-chan struct{} { return nil }

func (s *Store) PutUser(ctx context.Context, c patch.Caller, u patch.User) error { return notBuilt() }
func (s *Store) FindUser(ctx context.Context, name string) (u patch.User, err error) {
	return u, notBuilt()
}
func (s *Store) ListUsers(ctx context.Context) ([]patch.User, error) { return nil, notBuilt() }
func (s *Store) PutSession(ctx context.Context, c patch.Caller, v patch.Session) error {
	return notBuilt()
}
func (s *Store) FindSession(ctx context.Context, h patch.Hash) (v patch.Session, err error) {
	return v, notBuilt()
}

// TouchSession moves a session's idle end.
func (s *Store) TouchSession(ctx context.Context, h patch.Hash, idleUntil time.Time) error {
	return notBuilt()
}
func (s *Store) RemoveSession(ctx context.Context, c patch.Caller, h patch.Hash) error {
	return notBuilt()
}
func (s *Store) RemoveExpiredSessions(ctx context.Context, now time.Time) error { return notBuilt() }

func (s *Store) PutToken(ctx context.Context, c patch.Caller, t patch.Token) error {
	return notBuilt()
}
func (s *Store) ListTokens(ctx context.Context) ([]patch.Token, error) { return nil, notBuilt() }
func (s *Store) RemoveToken(ctx context.Context, c patch.Caller, name string) error {
	return notBuilt()
}
func (s *Store) RedeemToken(ctx context.Context, h patch.Hash, now time.Time, m patch.Machine) (patch.Machine, error) {
	return m, notBuilt()
}

func (s *Store) FindMachine(ctx context.Context, id patch.MachineID) (m patch.Machine, err error) {
	return m, notBuilt()
}
func (s *Store) FindMachineByName(ctx context.Context, name string) ([]patch.Machine, error) {
	return nil, notBuilt()
}
func (s *Store) ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error) {
	return nil, notBuilt()
}
func (s *Store) SetMachineState(ctx context.Context, c patch.Caller, id patch.MachineID, st patch.MachineState) error {
	return notBuilt()
}
func (s *Store) PutCheckin(ctx context.Context, id patch.MachineID, u patch.CheckinUpdate) error {
	return notBuilt()
}
func (s *Store) PutDetectFailed(ctx context.Context, id patch.MachineID, at time.Time, text string) error {
	return notBuilt()
}

func (s *Store) PutFacts(ctx context.Context, id patch.MachineID, h patch.Hash, zstdJSON []byte) error {
	return notBuilt()
}
func (s *Store) FindFacts(ctx context.Context, h patch.Hash) ([]byte, error) { return nil, notBuilt() }
func (s *Store) PutInventory(ctx context.Context, id patch.MachineID, h patch.Hash, zstdJSON []byte) error {
	return notBuilt()
}
func (s *Store) FindInventory(ctx context.Context, h patch.Hash) ([]byte, error) {
	return nil, notBuilt()
}

func (s *Store) PutFeed(ctx context.Context, c patch.Caller, f patch.Feed) error { return notBuilt() }
func (s *Store) ListFeeds(ctx context.Context) ([]patch.FeedStatus, error)       { return nil, notBuilt() }
func (s *Store) RemoveFeed(ctx context.Context, c patch.Caller, name string) error {
	return notBuilt()
}

// FindFeedState gives NotFound for a feed that never had a good run.
func (s *Store) FindFeedState(ctx context.Context, name string) (f patch.FeedState, err error) {
	return f, notBuilt()
}

// PutFeedRun stores a run and, where state is not nil, the new good state with it.
func (s *Store) PutFeedRun(ctx context.Context, run patch.FeedRun, state *patch.FeedState) error {
	return notBuilt()
}

// PutRevision stores a revision as its OS's newest.
func (s *Store) PutRevision(ctx context.Context, m patch.RevisionMeta, envelope []byte, patches []patch.Patch) error {
	return notBuilt()
}
func (s *Store) NewestRevision(ctx context.Context, os patch.HostOS) (m patch.RevisionMeta, envelope []byte, err error) {
	return m, nil, notBuilt()
}
func (s *Store) FindRevision(ctx context.Context, os patch.HostOS, id patch.RevisionID) (m patch.RevisionMeta, envelope []byte, err error) {
	return m, nil, notBuilt()
}

// ListRevisions gives an OS's revisions, newest first.
func (s *Store) ListRevisions(ctx context.Context, os patch.HostOS) ([]patch.RevisionMeta, error) {
	return nil, notBuilt()
}

// ListOSes gives every host OS that ever had a revision, sorted.
func (s *Store) ListOSes(ctx context.Context) ([]patch.HostOS, error) { return nil, notBuilt() }

// FindPatch gives a patch by its ID; where several OSes carry it, one that still does.
func (s *Store) FindPatch(ctx context.Context, id patch.ID) (r patch.PatchRow, err error) {
	return r, notBuilt()
}

// FindPatchOn gives a patch of one host OS.
func (s *Store) FindPatchOn(ctx context.Context, os patch.HostOS, id patch.ID) (r patch.PatchRow, err error) {
	return r, notBuilt()
}

// SearchPatches gives one page and the number of all that match.
func (s *Store) SearchPatches(ctx context.Context, f patch.PatchFilter) ([]patch.PatchRow, int, error) {
	return nil, 0, notBuilt()
}

// SetPatchFacts keeps what a changelog says; later revisions do not undo it. Zero values leave what is known.
func (s *Store) SetPatchFacts(ctx context.Context, id patch.ID, cves []string, sev patch.Severity, released time.Time) error {
	return notBuilt()
}

func (s *Store) PutSnapshot(ctx context.Context, v patch.Snapshot, ts []patch.Transition) error {
	return notBuilt()
}

// PutSnapshotWithEffects is PutSnapshot that also stores what the snapshot proved about attempts, in the same transaction.
func (s *Store) PutSnapshotWithEffects(ctx context.Context, v patch.Snapshot, ts []patch.Transition, es []patch.EffectUpdate) error {
	return notBuilt()
}

// NewestSnapshot gives NotFound for a machine that never completed a detect.
func (s *Store) NewestSnapshot(ctx context.Context, id patch.MachineID) (v patch.Snapshot, err error) {
	return v, notBuilt()
}

// SnapshotsByOS gives the machine's newest snapshot of each host OS it ever had, the present one first.
func (s *Store) SnapshotsByOS(ctx context.Context, id patch.MachineID) ([]patch.Snapshot, error) {
	return nil, notBuilt()
}

// NewestSnapshots streams the present snapshot of every machine of an OS ("" for all), by machine.
func (s *Store) NewestSnapshots(ctx context.Context, os patch.HostOS) iter.Seq2[patch.Snapshot, error] {
	return nil
}

// ListReceipts gives a machine's receipts, newest first.
func (s *Store) ListReceipts(ctx context.Context, id patch.MachineID, limit int) ([]patch.Receipt, error) {
	return nil, notBuilt()
}

// ListTransitions gives transitions, newest first.
func (s *Store) ListTransitions(ctx context.Context, f patch.TransitionFilter) ([]patch.Transition, error) {
	return nil, notBuilt()
}

func (s *Store) PutLabel(ctx context.Context, c patch.Caller, l patch.Label) error {
	return notBuilt()
}
func (s *Store) FindLabel(ctx context.Context, name string) (l patch.Label, err error) {
	return l, notBuilt()
}
func (s *Store) ListLabels(ctx context.Context) ([]patch.Label, error) { return nil, notBuilt() }
func (s *Store) RemoveLabel(ctx context.Context, c patch.Caller, name string) error {
	return notBuilt()
}

func (s *Store) PutDecisions(ctx context.Context, c patch.Caller, ds []patch.Decision) error {
	return notBuilt()
}

// ListDecisions gives the decisions that count now: the newest of each (patch, label), Clear left out.
func (s *Store) ListDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error) {
	return nil, notBuilt()
}

// DecisionHistory gives every decision ever made about a patch, newest first.
func (s *Store) DecisionHistory(ctx context.Context, id patch.ID) ([]patch.Decision, error) {
	return nil, notBuilt()
}

func (s *Store) PutPayloads(ctx context.Context, ps []patch.StoredPayload) error { return notBuilt() }
func (s *Store) SetPayload(ctx context.Context, h patch.Hash, state patch.PayloadState, text string, tries int, next time.Time) error {
	return notBuilt()
}
func (s *Store) FindPayload(ctx context.Context, h patch.Hash) (p patch.StoredPayload, err error) {
	return p, notBuilt()
}
func (s *Store) ListPayloads(ctx context.Context, f patch.PayloadFilter) ([]patch.StoredPayload, error) {
	return nil, notBuilt()
}

// PutDeployment stores a deployment and its attempts. An attempt whose Number is 0 gets the machine's and patch's next one.
func (s *Store) PutDeployment(ctx context.Context, c patch.Caller, d patch.Deployment, as []patch.Attempt) error {
	return notBuilt()
}
func (s *Store) FindDeployment(ctx context.Context, id string) (d patch.Deployment, err error) {
	return d, notBuilt()
}

// ListDeployments gives the newest first, their plans without machines.
func (s *Store) ListDeployments(ctx context.Context, limit int) ([]patch.Deployment, error) {
	return nil, notBuilt()
}
func (s *Store) SetDeploymentState(ctx context.Context, c patch.Caller, id string, st patch.DeploymentState, now time.Time) error {
	return notBuilt()
}
func (s *Store) ListAttempts(ctx context.Context, f patch.AttemptFilter) ([]patch.Attempt, error) {
	return nil, notBuilt()
}

// PutOrder binds waiting attempts of the order's machine to the order; its Number must be above the machine's newest.
func (s *Store) PutOrder(ctx context.Context, o patch.OrderRow, attempts []string) error {
	return notBuilt()
}

// OpenOrder gives the machine's newest order with an attempt that has not ended, or NotFound.
func (s *Store) OpenOrder(ctx context.Context, id patch.MachineID) (o patch.OrderRow, err error) {
	return o, notBuilt()
}
func (s *Store) ApplyResults(ctx context.Context, id patch.MachineID, us []patch.AttemptUpdate) (ack uint64, err error) {
	return 0, notBuilt()
}
func (s *Store) PutEffects(ctx context.Context, es []patch.EffectUpdate) error { return notBuilt() }
func (s *Store) WithdrawAttempts(ctx context.Context, ids []string, cause patch.FailCause, text string) error {
	return notBuilt()
}

func (s *Store) RaiseAlarm(ctx context.Context, a patch.Alarm) error             { return notBuilt() }
func (s *Store) ClearAlarm(ctx context.Context, key string, now time.Time) error { return notBuilt() }
func (s *Store) ListAlarms(ctx context.Context, open bool) ([]patch.Alarm, error) {
	return nil, notBuilt()
}

// ListAudit gives entries since a time, newest first.
func (s *Store) ListAudit(ctx context.Context, since time.Time, limit int) ([]patch.AuditEntry, error) {
	return nil, notBuilt()
}
func (s *Store) VerifyAudit(ctx context.Context) error { return notBuilt() }

// PutAudit records something that a person caused and that changes nothing here, such as a failed sign-in.
func (s *Store) PutAudit(ctx context.Context, c patch.Caller, action, object string, detail any) error {
	return notBuilt()
}

// FindSetting gives NotFound for a setting that was never put.
func (s *Store) FindSetting(ctx context.Context, key string) (string, error) { return "", notBuilt() }
func (s *Store) PutSetting(ctx context.Context, c patch.Caller, key, value string) error {
	return notBuilt()
}
