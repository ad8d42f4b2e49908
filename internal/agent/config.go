package agent

import (
	"log/slog"
	"math/rand/v2"
	"os"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Places where an agent lives unless its owner says otherwise.
const (
	DefaultStateDir   = "/var/lib/fettle-agent"
	DefaultPolicyFile = "/etc/fettle-agent/policy"
)

// Config is everything that an agent is told; it is read once. Zero fields get the defaults of a live machine.
type Config struct {
	// StateDir holds key, journal, cache and payloads; mode 0700, owned by the agent.
	StateDir string
	// PolicyFile is the machine owner's own policy, which no appliance can change.
	PolicyFile string
	// Version is this build's version, as check-ins and receipts name it.
	Version string
	// Interval is the time between check-ins where the appliance names none.
	Interval time.Duration
	// Host is the machine; nil means the live one.
	Host Host
	// Installer does package work; nil means apt on the live machine.
	Installer Installer
	// Chain verifies payloads against the vendor's signed index; nil means apt's chain with this machine's keyring.
	Chain Chain
	// ReadList decodes a catalog list, for explain and titles; nil means that titles stay empty.
	ReadList func([]byte) ([]patch.Patch, error)
	Now      func() time.Time
	Rand     *rand.Rand
	Log      *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.StateDir == "" {
		c.StateDir = DefaultStateDir
	}
	if c.PolicyFile == "" {
		c.PolicyFile = DefaultPolicyFile
	}
	if c.Interval <= 0 {
		c.Interval = 15 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return c
}
