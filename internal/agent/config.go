package agent

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// Config is everything that an agent is told; it is read once. Zero fields get the defaults of a live machine.
type Config struct {
	// StateDir holds key, journal, cache and payloads; mode 0700, owned by the agent.
	StateDir string
	// PolicyFile is the machine owner's own policy, which no appliance can change. It is on Disk too.
	PolicyFile string
	// Version is this build's version, as check-ins and receipts name it.
	Version string
	// Interval is the time between check-ins where the appliance names none.
	Interval time.Duration
	// Host is the machine; nil means the live one.
	Host Host
	// Installer does package work; nil means apt or rpm on the live machine, whichever it is kept with.
	Installer Installer
	// Steward looks after other patch services; nil means those of the live machine.
	Steward Steward
	// Chain verifies payloads by the vendor's signatures with this machine's keyring; nil means apt's or rpm's, likewise.
	Chain Chain
	// Prober answers questions about the machine's health; nil means the live machine.
	Prober Prober
	// AnswerSocket is where people on the machine answer restarts; empty: only administrators do.
	AnswerSocket string
	// Room says whether n bytes of packages have room at each place; nil asks the file systems.
	Room func(n int64, places ...string) error
	// Power says why nothing should be begun with the power that the machine has; nil asks the machine.
	Power func() error
	// Runs names the first of some programs that runs; nil asks the machine.
	Runs func(names []string) (who string, err error)
	// LockWait is how long another program may hold the package manager's lock before an item fails with its name.
	LockWait time.Duration
	// ScriptLimit is how long one script of a package may run before it is ended and its patch fails.
	ScriptLimit time.Duration
	// Hooks are what this machine's administrator has provided to run before and after installations; nil means DefaultHookDir.
	Hooks Hooks
	// Services restarts services that run old code; nil means those of the live machine.
	Services Services
	// HookLimit is how long one hook may run before it is ended and has failed.
	HookLimit time.Duration
	// Restart restarts the machine, Terminals are where somebody works, and Announce tells them; nil means the live machine.
	Restart   func(context.Context) error
	Terminals func() []string
	Announce  func(terminals []string, text string)
	// RebootLook is how often a restart that is due is looked after; 0: every five seconds.
	RebootLook time.Duration
	// ReadList decodes a catalog list, for Explain and for what no package database tells of.
	ReadList func([]byte) ([]patch.Patch, error)
	// ApplyDelta makes a catalog file out of an older one and a delta; nil means that whole files are fetched.
	ApplyDelta func(before, delta []byte) ([]byte, error)
	// Transport carries requests to the appliance; nil means TLS over TCP. It is given the connection's own TLS configuration.
	Transport func(*tls.Config) http.RoundTripper
	// Disk is where StateDir is; nil means the live one.
	Disk Disk
	// Release gives memory back to the system after big work; nil does so.
	Release func()
	Now     func() time.Time
	// Jitter gives a random time below its bound; nil means a real one.
	Jitter func(bound time.Duration) time.Duration
	Log    *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.StateDir == "" {
		c.StateDir = DefaultStateDir()
	}
	if c.PolicyFile == "" {
		c.PolicyFile = DefaultPolicyFile()
	}
	if c.Interval <= 0 {
		c.Interval = 15 * time.Minute
	}
	if c.LockWait <= 0 {
		c.LockWait = 5 * time.Minute
	}
	if c.ScriptLimit <= 0 {
		c.ScriptLimit = 30 * time.Minute
	}
	if c.Runs == nil {
		c.Runs = host.Runs
	}
	if c.Hooks == nil {
		c.Hooks = host.Hooks{Root: "/", Dir: DefaultHookDir()}
	}
	if c.Services == nil {
		c.Services = host.Services{Root: "/"}
	}
	if c.HookLimit <= 0 {
		c.HookLimit = 10 * time.Minute
	}
	if c.Power == nil {
		c.Power = func() error { return host.CheckPower("/") }
	}
	if c.Restart == nil {
		c.Restart = host.Restart
	}
	if c.Terminals == nil {
		c.Terminals = func() []string { return host.Terminals("/") }
	}
	if c.Announce == nil {
		c.Announce = host.Announce
	}
	if c.Room == nil {
		c.Room = host.CheckRoom
	}
	if c.Release == nil {
		c.Release = debug.FreeOSMemory
	}
	if c.Now == nil {
		c.Now = wallClock
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if c.Host == nil {
		c.Host = LiveHost{Root: "/"}
	}
	if c.Steward == nil {
		c.Steward = liveSteward{"/"}
	}
	l := c.layout()
	c.native(l)
	rpm := (c.Installer == nil || c.Chain == nil) && host.KeptWithRPM("/")
	switch {
	case c.Installer != nil:
	case rpm:
		c.Installer = &host.Rpm{Dir: l.path("rpm"), Root: "/", LockWait: c.LockWait, Log: c.Log}
	default:
		c.Installer = &host.Apt{Dir: l.path("apt"), LockWait: c.LockWait, Log: c.Log}
	}
	if c.Prober == nil {
		c.Prober = host.Prober{}
	}
	switch {
	case c.Chain != nil:
	case rpm:
		c.Chain = &host.RpmChain{Payloads: l.payloads(), Root: "/"}
	default:
		c.Chain = &host.Chain{Dir: l.origins(), Root: "/", Now: c.Now}
	}
	return c
}

// wallClock is the time as a calendar has it, whatever the machine has slept: the monotonic clock that time.Now adds stands still while a laptop
// is asleep, so an answer of yesterday would be a moment old.
func wallClock() time.Time { return time.Now().Round(0) }
