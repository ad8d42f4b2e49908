package agent

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// Host is the machine as the agent sees it, read live at every call.
type Host interface {
	Facts(ctx context.Context) (patch.Facts, error)
	// Collect adds to facts what signatures ask for beyond packages.
	Collect(ctx context.Context, sigs *detect.Signatures, f *patch.Facts) error
	Inventory(ctx context.Context, f patch.Facts) (patch.Inventory, error)
	Boot() string
	// Lists is of when the machine's own package lists are; zero where it has none.
	Lists() time.Time
	Reboot() patch.RebootSignal
}

// Installer is the package manager. Each call that fails gives a *host.Failure, whose cause becomes the result's cause.
// Stage may be called again for the same order; Run is called at most once per attempt; Recover may be repeated:
// it asks undone for the packages that are not as they should be, and tells it whether it knows that the transaction had begun to change
// the machine.
type Installer interface {
	Stage(ctx context.Context, files []host.Staged) error
	Plan(ctx context.Context, attempt string, f patch.Facts, want, allowed []host.Staged) (host.Transaction, error)
	Run(ctx context.Context, t host.Transaction) (log string, err error)
	Recover(ctx context.Context, attempt string, undone func(begun bool) ([]host.Staged, error)) (log string, err error)
}

// Shared is an Installer whose package manager other programs use too. Holder names one that keeps it busy now; Await waits for it to end, at
// most for a while, and fails with *host.Failure.
type Shared interface {
	Holder() (string, error)
	Await(ctx context.Context, wait time.Duration, tell func(holder string)) error
}

// Prober answers one question about the machine's health. took is how long the machine needed from its boot until the agent ran.
type Prober interface {
	Probe(ctx context.Context, p patch.Probe, took time.Duration) patch.ProbeAnswer
}

// Chain finds what the vendor says of packages, after it verified that with the machine's own keyring: their stanzas in a signed index, or
// the signed headers of the packages themselves. Any package that the vendor does not vouch for with exactly this name, architecture,
// version, size and SHA-256 is an error; a host.Unvouched says so of each.
type Chain interface {
	Verify(ctx context.Context, o host.Origin, want []patch.PlanPackage) (map[patch.Hash][]byte, error)
}
