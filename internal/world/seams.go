package world

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

// Machines is the storage of machines and of the facts that their detects judged.
type Machines interface {
	FindMachine(ctx context.Context, id patch.MachineID) (patch.Machine, error)
	ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error)
	FindFacts(ctx context.Context, hash patch.Hash) ([]byte, error)
}

// Snapshots is the storage of complete detects. NewestSnapshot fails with patch.NotFound where a machine never completed one.
type Snapshots interface {
	NewestSnapshot(ctx context.Context, id patch.MachineID) (patch.Snapshot, error)
	ListTransitions(ctx context.Context, f patch.TransitionFilter) ([]patch.Transition, error)
}

// Decisions is the storage of decisions: the newest per patch and label, and those that wait for a second person.
type Decisions interface {
	ListDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error)
	ListProposals(ctx context.Context, open bool) ([]patch.Proposal, error)
}

// Work is the storage of payloads and attempts.
type Work interface {
	ListPayloads(ctx context.Context, f patch.PayloadFilter) ([]patch.StoredPayload, error)
	FindPayload(ctx context.Context, hash patch.Hash) (patch.StoredPayload, error)
	ListAttempts(ctx context.Context, f patch.AttemptFilter) ([]patch.Attempt, error)
	// ListTries is ListAttempts of a patch, in no order, without what only people read.
	ListTries(ctx context.Context, id patch.ID) ([]patch.Attempt, error)
	// ListFlaps is ListTries of all patches, of what a detect found missing afterwards.
	ListFlaps(ctx context.Context) ([]patch.Attempt, error)
	ListResets(ctx context.Context) ([]patch.Reset, error)
	FindDeployment(ctx context.Context, id string) (patch.Deployment, error)
	// FindDeploymentHead is FindDeployment without the plan's machines.
	FindDeploymentHead(ctx context.Context, id string) (patch.Deployment, error)
	// OpenOrder fails with patch.NotFound where a machine has none.
	OpenOrder(ctx context.Context, id patch.MachineID) (patch.OrderRow, error)
}

// Schedules is the storage of what deploys by itself, and of when nothing is deployed.
type Schedules interface {
	ListSchedules(ctx context.Context) ([]patch.Schedule, error)
	ListBlackouts(ctx context.Context) ([]patch.Blackout, error)
}

// Rings is the storage of rings and of how far patches are in them. FindRingLoad leaves one machine out of its count.
type Rings interface {
	ListRings(ctx context.Context) ([]patch.Ring, error)
	ListRingProgress(ctx context.Context, id patch.ID) ([]patch.RingProgress, error)
	FindRingLoad(ctx context.Context, ring string, id patch.ID, but patch.MachineID) (patch.RingLoad, error)
	CountRebooting(ctx context.Context, ring string, but patch.MachineID) (int, error)
}

// Patches is the storage of patches and feeds.
type Patches interface {
	FindPatch(ctx context.Context, id patch.ID) (patch.PatchRow, error)
	FindPatchOn(ctx context.Context, os patch.HostOS, id patch.ID) (patch.PatchRow, error)
	ListFeeds(ctx context.Context) ([]patch.FeedStatus, error)
}

// Store is all that a Reader reads.
type Store interface {
	Machines
	Snapshots
	Decisions
	Work
	Patches
	Schedules
	Rings
}

// Catalog is the published catalog.
type Catalog interface {
	Meta(os patch.HostOS) (patch.RevisionMeta, bool)
	Signatures(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (*detect.Signatures, error)
	Payloads(ctx context.Context, os patch.HostOS, id patch.ID) ([]patch.PayloadFile, error)
	// Needs gives the dependencies of the vendor's packages on the named ones in certain versions, where their indexes tell.
	Needs(ctx context.Context, os patch.HostOS, names []string) ([]patch.Need, error)
	// Asking gives what the packages of a patch ask of others, where the vendor's indexes tell; none where they do not.
	Asking(ctx context.Context, os patch.HostOS, id patch.ID) ([]patch.Asking, error)
	// Offers gives the patches on the newest list with a package of that name, or with one that provides it.
	Offers(ctx context.Context, os patch.HostOS, name string) ([]patch.Offer, error)
	// Previous finds a package in exactly one version, and what vouches for it; offered is false where only older lists carry it.
	Previous(ctx context.Context, os patch.HostOS, p patch.InstalledPackage) (f patch.PayloadFile, o patch.Origin, offered bool, err error)
}

// List is one revision's list, in the order of its vectors.
type List = fleet.List

// Lists gives the list of one revision of a host OS: a closure over catalog.Catalog.ListOf.
type Lists = fleet.Lists

// Labels tells who carries a label now; package label implements it.
type Labels interface {
	Members(ctx context.Context, name string) ([]patch.MachineID, error)
	// Carriers is Members by numbers of seats; the caller must not change it.
	Carriers(ctx context.Context, name string, look *fleet.Look) (*roaring.Bitmap, error)
}
