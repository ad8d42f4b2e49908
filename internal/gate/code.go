package gate

// Stable codes of closed gates, by gate.
const (
	CodeNotOwed = "not-owed" // owed: the machine owes no restart

	CodeNoFeed    = "no-feed"              // feed: none is subscribed for this OS or suite
	CodeNeverSync = "never-synced"         // feed: none has had a good run yet
	CodeNoCatalog = "no-catalog"           // catalog: no revision is published for this OS
	CodeOtherOS   = "other-os"             // list: the patch is for another host OS
	CodeUpgraded  = "satisfied-by-upgrade" // list: the machine's host OS became another one
	CodeLeftList  = "left-list"            // list: the vendor took it off
	CodeNotListed = "not-listed"           // list: it never was on it

	CodeNever        = "never-detected" // snapshot: no complete detect ever
	CodeDetectFailed = "detect-failed"  // snapshot: a detect failed after the newest complete one
	CodeStale        = "stale"          // snapshot: too old
	CodeOSMoved      = "os-changed"     // snapshot: it was made on another host OS
	CodeNoList       = "no-list"        // snapshot: it was made on another host OS, and none can be made: the present one has no list
	CodeOldRevision  = "old-revision"   // snapshot: made with an older list
	CodeNotJudged    = "not-judged"     // snapshot: made with an older list that does not carry the patch
	CodeIncomplete   = "incomplete"     // snapshot: it does not account for every patch

	CodeNotApplicable = "not-applicable"  // prerequisites: no reason is at hand; else the reason's own code
	CodeHeldOnMachine = "held-on-machine" // prerequisites: the machine's administrator holds the package
	CodePatched       = "patched"         // installed test: nothing to install
	CodeError         = "error"           // installed test: it could not be judged
	CodeSuperseded    = "superseded"      // superseded

	CodeNotThere  = "not-there"        // installed test, of a rollback: the patch is not installed, nothing can be taken back
	CodeNotOurs   = "not-ours"         // previous: Fettle did not install it, so what was before is not known
	CodeNothing   = "nothing-to-undo"  // previous: it only added packages, and nothing is ever removed
	CodeNoWayBack = "no-way-back"      // previous: the package manager, or the kind of package, has none
	CodeNewer     = "changed-since"    // previous: the machine has another version by now
	CodeLost      = "previous-lost"    // previous: the version before is nowhere to be had
	CodeNeeded    = "needed"           // previous: something that is installed needs the newer version
	CodeOnApply   = "fetched-on-apply" // payload, of a rollback: the vendor offers it, and the appliance fetches it once the plan is applied

	CodeUndecided  = "undecided"    // policy
	CodeDeclined   = "declined"     // policy
	CodeProposed   = "proposed"     // policy: an approval waits for a second person
	CodeNotInLabel = "not-in-label" // label
	CodeHeld       = "held"         // hold
	CodeSuspect    = "suspect"      // hold: installed and found missing too often; a person must look
	CodeNotYet     = "window-not-yet"
	CodeWindowOver = "window-over"
	CodeTurn       = "splay" // window: it is open, and this machine's own moment in it comes later

	CodeRingHalted = "ring-halted" // ring: the patch is in quarantine
	CodeRingWaits  = "ring-waits"  // ring: an earlier ring has not proven it
	CodeRingSoaks  = "ring-soaks"  // ring: an earlier ring has, and soaks
	CodeRingFull   = "ring-full"   // ring: as many machines as may have it unproven
	CodeRingBusy   = "ring-busy"   // ring: as many machines as may install at once do

	CodeFrozen = "frozen" // freeze: a blackout covers the moment

	CodePending   = "pending"        // machine: waits to be admitted
	CodeRevoked   = "revoked"        // machine: shut out
	CodeSilent    = "silent"         // machine: not seen lately
	CodeNoFacts   = "facts-missing"  // payload: which files are needed is not known
	CodeNoFiles   = "no-files"       // payload: the catalog has none that this machine needs
	CodeFetching  = "payload-wanted" // payload: on its way to the appliance
	CodeFetchFail = "payload-failed" // payload: the appliance could not fetch or verify it

	CodeLocked    = "locked"        // preflight: another program has the package manager
	CodeDisk      = "disk-full"     // preflight
	CodeNetwork   = "network"       // preflight: the machine could not fetch from the appliance
	CodePower     = "on-battery"    // preflight: too little battery is left
	CodeClock     = "clock-wrong"   // preflight: the machine's clock is wrong
	CodeHook      = "hook-failed"   // preflight: a hook of the machine's administrator failed, or is not there
	CodeUntrusted = "untrusted"     // preflight: bytes did not verify on the machine
	CodeNoInstall = "no-installer"  // preflight: Fettle detects on this host OS and cannot install there yet
	CodeOwner     = "owner-forbids" // preflight: the machine's owner does not allow deploys

	CodeUnderWay   = "under-way"       // attempts: one is open
	CodeAwaiting   = "awaiting-detect" // attempts: installed, and the detect after it has not come
	CodeDependency = "dependency"      // attempts: it needs an unapproved package
	CodeDrift      = "drift"           // attempts: the machine was not as planned, and has not detected since
	CodeBlocker    = "program-runs"    // attempts: a program runs during whose running it is not installed
	CodeRoom       = "no-room"         // attempts: a file system that it needs has too little room
	CodeOutOf      = "out-of-attempts" // attempts: a person must look

	CodeFailed       = "failed"        // installed
	CodeRebootOwed   = "reboot-owed"   // reboot
	CodeNotEffective = "not-effective" // verified
	CodeUndone       = "undone"        // undone

	codeOpen = "open"
)
