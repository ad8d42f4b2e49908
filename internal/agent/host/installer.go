package host

import (
	"errors"
	"log/slog"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Staged is one package file that verified completely: its bytes by size and hash, its stanza by the vendor's signed index.
type Staged struct {
	patch.PlanPackage
	Path   string // the file, in a directory that only root can write
	Stanza []byte // its paragraph of the vendor's Packages file, as signed
}

// Change is one package that a transaction installs.
type Change struct {
	Name string `json:"name"`
	Arch string `json:"arch"`
	From string `json:"from,omitempty"`
	To   string `json:"to"`
}

// Transaction is a simulated plan that was found to lie within what was approved.
type Transaction struct {
	Attempt string              `json:"attempt"`
	Want    []patch.PlanPackage `json:"want"`
	Along   []patch.PlanPackage `json:"along,omitempty"` // of other patches of the same order, because Want needs them
	Changes []Change            `json:"changes"`
	Doubt   string              `json:"doubt,omitempty"` // what could not be looked at before; it is told with the outcome

	base string // the package database that it was planned on; empty where that is not looked at
}

// Failure is why a package could not be installed: the cause that goes into the result, a sentence for a person, and the output's tail.
type Failure struct {
	Cause patch.FailCause
	Text  string
	Log   string
	// Untouched says that the package manager was not started: what the machine has become since is somebody else's doing.
	Untouched bool
	// Killed says that a signal ended the package manager: what it had started may still be at work.
	Killed bool
}

// Error gives the sentence.
func (f *Failure) Error() string { return f.Text }

// Apt installs verified .deb files with apt-get and dpkg, without their network and without the machine's sources.
type Apt struct {
	Dir      string        // private directory for the flat repository, apt's state and the locks; mode 0700
	LockWait time.Duration // how long another program may hold dpkg's lock before an item fails with its name
	Watch    Watch         // over maintainer scripts
	Log      *slog.Logger
}

// WithWatch sets the watch over maintainer scripts.
func (a *Apt) WithWatch(w Watch) { a.Watch = w }

// timedOut adds the output to a failure that is complete already; nil where err is another one.
func timedOut(err error, out []byte) *Failure {
	f := (*Failure)(nil)
	if errors.As(err, &f) {
		f.Log = lastPart(out)
	}
	return f
}
