package patch

import (
	"time"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Facts is what one detect judges: a value, collected once, serialisable, the same whether it came from a live machine,
// a directory or a file. Its hash is over canonical JSON, and it holds nothing that changes without meaning (no times).
type Facts struct {
	OS       OSFacts   `json:"os"`
	Packages []Package `json:"packages"` // sorted by name, then architecture, then version
	// Modules are the module streams that the machine has enabled or disabled (rpm), sorted by name.
	Modules []Module `json:"modules,omitempty"`
	// Objects are what definitions ask for beyond packages, each asked once, sorted by key. One with an empty key is all that the machine
	// has of its class: programs, hotfixes and MSI products are always so, and other classes may be.
	Objects []Collected `json:"objects,omitempty"`
	// Apt is the machine's own say in which versions apt chooses; nil where it has none.
	Apt *AptPolicy `json:"apt,omitempty"`
}

// Module is the state of one rpm module on a machine.
type Module struct {
	Name   string `json:"name"`
	Stream string `json:"stream,omitempty"`
	State  string `json:"state"` // "enabled", "disabled"
}

// OSFacts identifies the host OS, read at the moment of detect.
type OSFacts struct {
	Key       HostOS `json:"key"`
	ID        string `json:"id"`                 // os-release ID
	VersionID string `json:"version_id"`         // os-release VERSION_ID; of Windows "10.0.19045.3803", of macOS "14.4.1"
	Codename  string `json:"codename,omitempty"` // of Windows "22H2" or "Service Pack 2"
	Edition   string `json:"edition,omitempty"`  // of Windows: "Professional"
	Language  string `json:"language,omitempty"` // of Windows, as installed: "0407"
	Build     string `json:"build,omitempty"`    // of macOS: "23E224"
	Model     string `json:"model,omitempty"`    // of Macs: "Mac14,7", or "J493AP", the board
	Pretty    string `json:"pretty,omitempty"`
	Arch      string `json:"arch"` // the package manager's native architecture: "amd64"
	// Manager is the package manager whose database Packages come from: "dpkg", "rpm", "apk"; empty where there is none.
	Manager string `json:"manager,omitempty"`
	// Provides says that Packages tell what they provide. Agents of older versions do not read it, and nothing is known then.
	Provides bool `json:"provides,omitempty"`
}

// Package is one package known to the package manager, in whatever state.
type Package struct {
	Name          string       `json:"name"`
	Arch          string       `json:"arch"`
	Version       string       `json:"version"`
	Source        string       `json:"source"`         // source package name; the binary's own where dpkg names none
	SourceVersion string       `json:"source_version"` // likewise
	State         PackageState `json:"state"`
	Held          bool         `json:"held,omitempty"` // the machine's administrator holds it (apt-mark hold)
	// Module is the rpm module stream that the package was built for: "nodejs:18"; empty for a package of no module,
	// "*:*" for one of a stream that the database does not tell.
	Module string `json:"module,omitempty"`
	// Signer is the key ID of the package's signature, 16 hexadecimal digits; empty where the database has none.
	Signer string `json:"signer,omitempty"`
	// Provides is dpkg's field of that name, as it is written: the virtual packages that this one stands for. Of rpm it is what the package
	// provides, one capability a line ("libfoo.so.1()(64bit)", "webserver = 2"), with its programs as "bin/name".
	Provides string `json:"provides,omitempty"`
}

// PackageState is the package manager's own state of a package.
type PackageState string

const (
	Installed PackageState = "installed" // configured (pending triggers count as installed)
	Broken    PackageState = "broken"    // half-installed, unpacked, half-configured, or reinstallation required
	Removed   PackageState = "removed"   // only configuration files are left
)

// Inventory is the machine as labels and people see it. It is never mixed into detection.
type Inventory struct {
	Hostname string       `json:"hostname"`
	Zone     string       `json:"zone,omitempty"` // the machine's time zone, an IANA name; empty where it cannot be told
	OS       OSFacts      `json:"os"`
	Hardware Hardware     `json:"hardware"`
	Network  []Interface  `json:"network"`
	Kernel   Kernel       `json:"kernel"`
	Reboot   RebootSignal `json:"reboot"`
	// OldCode are the programs that run code which was replaced since they began.
	OldCode  []OldCode `json:"old_code,omitempty"`
	Updaters []string  `json:"updaters,omitempty"` // other patch services present and enabled: "unattended-upgrades"
	// Services are the same with those that do not act, and what Fettle's agent did about them.
	Services []UpdaterState `json:"services,omitempty"`
	Changes  []PkgChange    `json:"changes"` // "installed patches (via inventory)": dpkg's own history, newest first, capped
	Facts    Hash           `json:"facts"`   // hash of the Facts that go with it
}

// Hardware is the machine's own description of itself.
type Hardware struct {
	Vendor   string `json:"vendor,omitempty"`
	Model    string `json:"model,omitempty"`
	CPU      string `json:"cpu,omitempty"`
	Cores    int    `json:"cores"`
	MemoryMB int64  `json:"memory_mb"`
	DiskMB   int64  `json:"disk_mb"` // size of the root file system
	Virtual  string `json:"virtual,omitempty"`
}

// Interface is one network interface that is up.
type Interface struct {
	Name      string   `json:"name"`
	MAC       string   `json:"mac,omitempty"`
	Addresses []string `json:"addresses"`
}

// Kernel compares what runs with what is installed.
type Kernel struct {
	Running   string `json:"running"`             // uname -r
	Installed string `json:"installed,omitempty"` // newest installed kernel's release; empty where none is installed (containers)
}

// RebootSignal is derived live from the OS, so it clears by itself.
type RebootSignal struct {
	Owed    bool     `json:"owed"`
	Reasons []string `json:"reasons,omitempty"`
}

// PkgChange is one line of the package manager's own history.
type PkgChange struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"` // "upgrade", "install", "remove"
	Name   string    `json:"name"`
	Arch   string    `json:"arch"`
	From   string    `json:"from,omitempty"`
	To     string    `json:"to,omitempty"`
	By     string    `json:"by,omitempty"` // "fettle", "unattended-upgrades", "apt install …" as far as history tells
	// Who is what kind of hand By was.
	Who Doer `json:"who,omitempty"`
	// Evidence is the line of which history, or log, says so.
	Evidence string `json:"evidence,omitempty"`
}

// ActionWord says what a package manager's history calls an action.
func ActionWord(action string) phrase.Phrase {
	switch action {
	case "upgrade":
		return "package change\x04upgrade"
	case "install":
		return "package change\x04install"
	case "remove":
		return "package change\x04remove"
	case "purge":
		return "package change\x04purge"
	case "downgrade":
		return "package change\x04downgrade"
	case "reinstall":
		return "package change\x04reinstall"
	}
	return phrase.Verbatim(action)
}

// Reason says why a verdict is what it is: the smallest set of clauses that decided it.
type Reason struct {
	Code    string        `json:"code"` // stable: see the Reason* constants
	Text    phrase.Phrase `json:"text"` // one sentence for a person
	Clauses []Clause      `json:"clauses,omitempty"`
}

// What clauses expect and see most.
const (
	WordInstalled    phrase.Phrase = "installed"
	WordNotInstalled phrase.Phrase = "not installed"
)

// Clause is one test that decided a verdict.
type Clause struct {
	Subject  string        `json:"subject,omitempty"` // "perl-base:amd64"
	Expected phrase.Phrase `json:"expected"`
	Seen     phrase.Phrase `json:"seen"`
	From     phrase.Phrase `json:"from,omitempty"` // where it was seen: "/var/lib/dpkg/status"
}

// Stable reason codes of verdicts.
const (
	ReasonNotInstalled = "not-installed"   // not-applicable: none of the patch's packages is installed
	ReasonHeld         = "held"            // not-applicable: the machine's administrator holds the package; an answer of its own
	ReasonPinned       = "pinned"          // not-applicable: the machine's apt preferences choose another version
	ReasonPhased       = "phased"          // not-applicable: a phased update, and it is not this machine's turn yet
	ReasonOptIn        = "opt-in"          // not-applicable: from a suite that serves only who asks for it (backports), and the machine does not
	ReasonNotEntitled  = "not-entitled"    // not-applicable: from an archive for subscribers (ESM, Pro) that the machine has not enabled
	ReasonOlder        = "older"           // not-patched: an installed package is older than the patch, whatever else is wrong with it
	ReasonCurrent      = "current"         // patched: every installed package is at the patch's version or newer
	ReasonBroken       = "broken"          // error: the package manager left the package half-installed, and the patch does not change it
	ReasonPrerequisite = "prerequisite"    // not-applicable: another prerequisite of the definition does not hold
	ReasonUnreadable   = "unreadable"      // error: a version or definition could not be understood
	ReasonExcluded     = "excluded"        // not-applicable: the package manager is told to leave the package as it is (dnf exclude, versionlock)
	ReasonModuleOther  = "module-other"    // not-applicable: the fix is for another module stream than the installed package
	ReasonModuleOff    = "module-disabled" // not-applicable: the fix is for a module that the machine has disabled
)

// AffectedPackage is one installed package that a patch is about.
type AffectedPackage struct {
	Name      string `json:"name"`
	Arch      string `json:"arch"`
	Installed string `json:"installed"`
	Fixed     string `json:"fixed"`
}

// NewPackage is a package that a patch brings beside those that it updates, under a name that is not installed yet.
type NewPackage struct {
	Name    string `json:"name"`
	Arch    string `json:"arch"`
	Version string `json:"version"`
}

// Finding is one patch's answer in full, as detect and explain print it.
type Finding struct {
	ID       ID                `json:"id"`
	Title    string            `json:"title"`
	Verdict  Verdict           `json:"verdict"`
	Reason   Reason            `json:"reason"`
	Packages []AffectedPackage `json:"packages"`
	// Brings are the new packages of a needed patch: kernels, whose every version has a name of its own.
	Brings []NewPackage `json:"brings,omitempty"`
}
