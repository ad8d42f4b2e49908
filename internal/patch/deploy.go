package patch

import (
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Plan is what a deployment would do, bound to exact machines, snapshots, versions and hashes. Its Hash is over its canonical JSON without Hash.
type Plan struct {
	Hash     Hash          `json:"hash,omitempty"`
	Made     time.Time     `json:"made"`
	By       string        `json:"by"`
	Label    string        `json:"label"`
	Window   Window        `json:"window"`
	Machines []MachinePlan `json:"machines"`
	// Reboot says when the machines may be restarted after it; nil: never.
	Reboot *RebootPolicy `json:"reboot,omitempty"`
	// Manner is how the machines go about it; nil: nothing beside installing.
	Manner *Manner `json:"manner,omitempty"`
	// Rollback makes it a plan that takes patches back; nil: it installs them.
	Rollback *Rollback `json:"rollback,omitempty"`
	// Restarts makes it a plan of restarts alone: nothing is installed, and each machine has one item, for the Restart.
	Restarts bool `json:"restarts,omitempty"`
}

// Restart stands where the name of a patch does, in a plan of restarts alone and in all that comes of it. No list names a patch so.
const Restart ID = "restart"

// Window bounds when installs may start and must have ended. Zero ends mean "no bound".
type Window struct {
	NotBefore time.Time `json:"not_before,omitzero"`
	NotAfter  time.Time `json:"not_after,omitzero"`
}

// MachinePlan is one machine's part of a plan.
type MachinePlan struct {
	Machine  MachineID  `json:"machine"`
	Name     string     `json:"name"`
	OS       HostOS     `json:"os"`
	Snapshot uint64     `json:"snapshot"` // the receipt's Seq that eligibility rests on
	Revision RevisionID `json:"revision"`
	Items    []PlanItem `json:"items"` // in the order in which the machine installs them
	// Left names approved patches that are not in Items, with the first closed gate's code and text. Machines of which the same is said share one list,
	// which nobody changes.
	Left     []LeftOut `json:"left,omitempty"`
	Expected Expected  `json:"expected,omitzero"`
}

// PlanItem is one patch to install on one machine.
type PlanItem struct {
	Patch    ID            `json:"patch"`
	Title    string        `json:"title"`
	Decision string        `json:"decision"` // the approving decision's ID
	Packages []PlanPackage `json:"packages"`
	Outcome  Outcome       `json:"outcome,omitempty"` // as foretold
	Text     phrase.Phrase `json:"text,omitempty"`    // why it will not be installed at once
	Restart  string        `json:"restart,omitempty"` // the package for which the machine will owe a restart
}

// PlanPackage is one package file to install: exact name, architecture, version and bytes.
type PlanPackage struct {
	Name    string `json:"name"`
	Arch    string `json:"arch"`
	From    string `json:"from,omitempty"` // installed version; empty for a new package of the same patch
	Version string `json:"version"`
	SHA256  Hash   `json:"sha256"`
	Size    int64  `json:"size"`
	Origin  Origin `json:"origin"` // the vendor index that vouches for it
	// Beside says that the installed versions stay, as those of kernels do; From is then the newest of them.
	Beside bool `json:"beside,omitempty"`
	// Replaces are the installed packages that go when it comes: those that it obsoletes. Nothing else is ever removed.
	Replaces []InstalledPackage `json:"replaces,omitempty"`
	// Back says that the version is older than From, which is the patch to take back: the one way in which anything is ever downgraded.
	Back  bool   `json:"back,omitempty"`
	Setup *Setup `json:"setup,omitempty"` // how it is installed, where no package manager does
}

// MustClose names the programs that the patch's own definition wants closed before it is installed.
func (i PlanItem) MustClose() []string { return MustClose(i.Packages) }

// MustClose names the programs that the definitions of files want closed before they are installed.
func MustClose(packages []PlanPackage) (out []string) {
	for _, p := range packages {
		if p.Setup == nil {
			continue
		}
		for _, name := range p.Setup.Blockers {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// InstalledPackage is one package as a machine has it.
type InstalledPackage struct {
	Name    string `json:"name"`
	Arch    string `json:"arch"`
	Version string `json:"version"`
}

// LeftOut is an approved patch that a plan does not install, and why.
type LeftOut struct {
	Patch ID            `json:"patch"`
	Gate  string        `json:"gate"`
	Text  phrase.Phrase `json:"text"`
	// Outcome sorts the gate: already there, does not apply, needs what nobody has decided about, or blocked.
	Outcome Outcome `json:"outcome,omitempty"`
	// Foretold says that the machine has not tried it: it follows from the vendor's index and the machine's stored facts. Needs is then the
	// patch that it needs, if there is one. Next is what ends it, of what is foretold and of a rollback.
	Foretold bool          `json:"foretold,omitempty"`
	Needs    ID            `json:"needs,omitempty"`
	Next     phrase.Phrase `json:"next,omitempty"`
}

// Outcome is what a plan foretells of one patch on one machine.
type Outcome string

// Outcomes: the first five of what is in the plan, the others of what is left out.
const (
	WillInstall   Outcome = "will-install"
	WillGoBack    Outcome = "will-go-back"       // to the versions before it
	WillRestart   Outcome = "will-restart"       // of a plan of restarts alone
	WillWait      Outcome = "waits"              // for its ring or its turn, and then comes by itself
	WillNotFit    Outcome = "window-too-short"   // it stays pending for the next window
	IsPatched     Outcome = "already-patched"    //
	NotThere      Outcome = "not-there"          // of a rollback: it is not installed
	NotOwed       Outcome = "no-restart-owed"    // of a plan of restarts alone
	DoesNotApply  Outcome = "does-not-apply"     //
	NeedsDecision Outcome = "needs-a-dependency" // which is undecided; the text names it
	IsBlocked     Outcome = "blocked"            // by another gate
)

// Expected is what a plan foretells of one machine.
type Expected struct {
	Bytes   int64         `json:"bytes"`             // that it fetches
	Seconds int           `json:"seconds"`           // that installing takes
	Restart bool          `json:"restart,omitempty"` // it will restart, inside the window
	Why     phrase.Phrase `json:"why,omitempty"`     // it restarts, or owes a restart and does not
}

// DeploymentState is how far a deployment is.
type DeploymentState string

const (
	Running   DeploymentState = "running"
	Finished  DeploymentState = "finished"
	Halted    DeploymentState = "halted"   // by a person; orders not yet started are withdrawn
	Suggested DeploymentState = "proposed" // it waits for a second person, and is no deployment yet
)

// Deployment is a plan that a person applied.
type Deployment struct {
	ID      string          `json:"id"`
	Plan    Plan            `json:"plan"`
	State   DeploymentState `json:"state"`
	By      string          `json:"by"`
	At      time.Time       `json:"at"`
	EndedAt time.Time       `json:"ended_at,omitzero"`
	// Proposal is what a second person has to confirm before anything happens, or has confirmed with this deployment, which is then stored together with
	// the answer; nil otherwise, and never stored with it.
	Proposal *Proposal `json:"proposal,omitempty"`
	// Second is who confirmed it, where two persons were needed.
	Second string `json:"second,omitempty"`
}

// MayRestart says whether machines may still be restarted for a deployment that has nothing more to install.
func (d Deployment) MayRestart() bool {
	return d.State == Finished && d.Plan.Reboot != nil && d.Plan.Reboot.Mode != RebootNever
}

// Execution is the execution axis of a ledger row and the state of an Attempt.
type Execution string

const (
	ExecNone        Execution = "none"
	ExecWaiting     Execution = "waiting"     // ordered; the machine has not fetched the order yet
	ExecDownloading Execution = "downloading" // the agent fetches and verifies payloads
	ExecInstalling  Execution = "installing"
	ExecDone        Execution = "done"      // the installer finished; the effect is what the next detect says
	ExecFailed      Execution = "failed"    // by FailCause
	ExecWithdrawn   Execution = "withdrawn" // halted, expired, or drifted before it started
)

// Ended reports whether nothing more will happen to an attempt in this state.
func (e Execution) Ended() bool { return e == ExecDone || e == ExecFailed || e == ExecWithdrawn }

// FailCause says why an attempt failed.
type FailCause string

const (
	FailPatch       FailCause = "patch"        // the installer itself failed on this patch
	FailDependency  FailCause = "dependency"   // it needs a package outside the approved closure, which is named
	FailDrift       FailCause = "drift"        // the machine is not as the plan assumed
	FailLock        FailCause = "lock"         // another program held the package manager's lock too long
	FailNetwork     FailCause = "network"      // the payload could not be fetched
	FailUntrusted   FailCause = "untrusted"    // a hash or signature did not verify
	FailDisk        FailCause = "disk"         // no room
	FailRoom        FailCause = "room"         // no room in a file system that this patch needs, /boot for a kernel
	FailWindow      FailCause = "window"       // the window ended first
	FailPolicy      FailCause = "local-policy" // the machine's owner forbids it
	FailInterrupted FailCause = "interrupted"  // killed or rebooted in the middle; recovered
	FailTimeout     FailCause = "time-out"     // a script of the patch did not end, and was ended
	FailPower       FailCause = "power"        // on battery, and too little of it is left
	FailClock       FailCause = "clock"        // the machine's clock is wrong, so no window can be kept
	FailBlocker     FailCause = "blocker"      // a program runs during whose running it is not installed
	FailHook        FailCause = "hook"         // a hook of the machine's administrator failed, or is not there
)

// UsesUp reports whether a failure for this cause is the patch's own and uses an attempt up. All others are the machine's.
func (c FailCause) UsesUp() bool { return c == FailPatch || c == FailTimeout }

// Effect is the effect axis of a ledger row.
type Effect string

const (
	EffectNone         Effect = ""
	EffectVerified     Effect = "verified"      // a later complete snapshot says patched
	EffectNeedsReboot  Effect = "needs-reboot"  // verified, but the machine owes a reboot for it
	EffectNotEffective Effect = "not-effective" // installed without error, and the snapshot still says not patched
	EffectUndone       Effect = "undone"        // was verified, is not patched any more; of a rollback: was rolled back, and is there again
	EffectRolledBack   Effect = "rolled-back"   // taken back: a later complete snapshot says missing, at exactly the versions named
)

// MaxAttempts is how many patch-caused failures a patch gets on a machine before it needs a person.
const MaxAttempts = 3

// MaxFlaps is how often a patch may be installed well and be missing afterwards on a machine before its definition is suspect.
const MaxFlaps = 3

// Attempt is one try to install one patch on one machine. Its ID is given to the agent and executed at most once.
type Attempt struct {
	ID         string        `json:"id"`
	Deployment string        `json:"deployment"`
	Machine    MachineID     `json:"machine"`
	Patch      ID            `json:"patch"`
	Decision   string        `json:"decision"`
	Number     int           `json:"number"` // 1, 2, 3 … for this machine and patch
	State      Execution     `json:"state"`
	Cause      FailCause     `json:"cause,omitempty"`
	Text       phrase.Phrase `json:"text,omitempty"` // what happened, for a person
	Log        string        `json:"log,omitempty"`  // tail of the installer's output, capped
	Order      string        `json:"order,omitempty"`
	Bytes      int64         `json:"bytes"`       // fetched so far
	TotalBytes int64         `json:"total_bytes"` // to fetch
	CreatedAt  time.Time     `json:"created_at"`
	StartedAt  time.Time     `json:"started_at,omitzero"`
	EndedAt    time.Time     `json:"ended_at,omitzero"`
	// VerifiedSeq is the snapshot that proved the effect (or its absence); 0 until then.
	VerifiedSeq uint64 `json:"verified_seq,omitempty"`
	Effect      Effect `json:"effect,omitempty"`
	RebootOwed  bool   `json:"reboot_owed,omitempty"`
	// Back makes it an attempt to take the patch back: the exact steps. Empty for one that installs it.
	Back []Step `json:"back,omitempty"`
	// Files are what it was to install: the beginnings of the hashes, sorted. Empty for attempts of older versions.
	Files []string `json:"files,omitempty"`
	// Ring is the one that the machine was in when the order went out; empty without rings. Proof is what came of it for the ring.
	Ring      string        `json:"ring,omitempty"`
	Proof     Proof         `json:"proof,omitempty"`
	ProofAt   time.Time     `json:"proof_at,omitzero"`
	ProofText phrase.Phrase `json:"proof_text,omitempty"`
}

// Reset gives a patch new attempts on a machine: failures until then count no more.
type Reset struct {
	Machine MachineID `json:"machine"`
	Patch   ID        `json:"patch"`
	Label   string    `json:"label,omitempty"` // under which it was asked for, where it was
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Why     string    `json:"why"`
}

// PayloadState is where a payload stands on the appliance.
type PayloadState string

const (
	PayloadWanted   PayloadState = "wanted"
	PayloadFetching PayloadState = "fetching"
	PayloadReady    PayloadState = "ready" // complete and verified
	PayloadFailed   PayloadState = "failed"
)

// StoredPayload is one payload's row on the appliance, keyed by its hash.
type StoredPayload struct {
	PayloadFile
	OS        HostOS        `json:"os"`
	Patch     ID            `json:"patch"`
	State     PayloadState  `json:"state"`
	Error     phrase.Phrase `json:"error,omitempty"`
	Tries     int           `json:"tries"`
	UpdatedAt time.Time     `json:"updated_at"`
	NextTry   time.Time     `json:"next_try,omitzero"`
}
