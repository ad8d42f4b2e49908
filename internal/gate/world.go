package gate

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// World is everything that the gates judge for one machine and one patch at one moment: a value.
type World struct {
	Now    time.Time
	Start  time.Time // when the install would start; zero means Now. Policy, holds and windows are judged at this moment.
	Limits Limits

	Machine patch.Machine
	OS      patch.HostOS // the host OS that this row is about: the machine's, by its newest snapshot
	Patch   patch.Patch
	PatchOS patch.HostOS // the host OS whose list carries the patch

	Feeds    []FeedFact          // subscribed feeds of OS
	Revision *patch.RevisionMeta // newest published revision of OS; nil where there is none
	Listed   bool                // the patch is on that revision's list
	GoneAt   time.Time           // when it left the list, if it did
	Closing  phrase.Phrase       // why it left: "satisfied by upgrade: … → …", where a transition says so

	Receipt *patch.Receipt // newest complete snapshot; nil where there is none
	Verdict patch.Verdict  // by that snapshot; Unknown where it does not cover the patch
	Finding patch.Finding  // with its reason; zero where it was not looked up

	Superseding []Superseder // newer patches on the list that replace this one

	// Back asks whether the patch can be taken back, instead of installed; nil where it is not asked.
	Back *BackFact
	// Restart asks instead whether the machine may be restarted, in this way, with nothing installed; empty where it is not asked.
	Restart patch.RebootMode
	// RestartDue is the newest order for a restart alone that the machine has taken and not yet made, where its deployment still waits for that; nil otherwise.
	RestartDue *patch.Attempt

	Policy patch.Policy // at Start
	Window patch.Window
	Turn   time.Time // the machine's own moment in the window; zero: its beginning
	// Rings are those that the patch passes through before this machine, in order, the machine's own last. Quarantine is where it was halted.
	Rings      []RingFact
	Quarantine *patch.RingProgress
	// Rebooting is how many other machines of the machine's ring reboot now, where the ring bounds that and this one owes a reboot.
	Rebooting   int
	RebootsOf   string // the ring
	RebootsMost int
	// Freezes are the blackouts that cover the machine and are not over, in the order in which they begin.
	Freezes []patch.Blackout
	// Proposed is an approval for this machine that waits for a second person; nil where none does.
	Proposed *patch.Proposal
	// Schedules are those that deploy to this machine by themselves, the one that is open or opens next first.
	Schedules []ScheduleFact

	PayloadsKnown bool          // the needed files could be worked out (facts and catalog at hand)
	Payloads      []PayloadFact // the files that this machine needs for this patch

	// Unmet is a dependency that is foretold to keep it from the machine; nil where none is.
	Unmet *patch.Unmet

	Attempts []patch.Attempt // for this machine and patch, oldest first
	Order    *patch.OrderRow // that the machine holds, where the question is for a person; nil where it holds none
	Reset    patch.Reset     // from when failures count; zero: from the beginning
	Own      string          // an attempt that is being handed out now: it does not stand in its own way
	Blocked  *patch.Attempt  // the machine's newest failed attempt of any patch whose cause is the machine's (lock, network, disk), or a hook that this one's order names too
	Approved time.Time       // when any patch was last approved for this machine; zero where it plays no part
	Changed  *Change         // the newest change of the verdict away from patched, by somebody else
}

// Limits are the appliance's settings that gates rest on.
type Limits struct {
	Stale       time.Duration // a snapshot older than this says nothing about now; 72 h
	Silent      time.Duration // a machine not seen for longer is not online; 24 h
	MaxAttempts int           // patch-caused failures before a person must look; patch.MaxAttempts
	Flaps       int           // installs that were found missing afterwards before the definition is suspect; 3
	Retry       time.Duration // how long a lock or a cut network closes the preflight; 15 min
	RetryDisk   time.Duration // how long a full disk, an owner's refusal or an unapproved dependency does; 1 h
}

// DefaultLimits are the limits where nobody chose others.
func DefaultLimits() Limits {
	return Limits{Stale: 72 * time.Hour, Silent: 24 * time.Hour, MaxAttempts: patch.MaxAttempts, Flaps: patch.MaxFlaps, Retry: 15 * time.Minute, RetryDisk: time.Hour}
}

// FeedFact is a subscribed feed as far as the gates ask.
type FeedFact struct {
	Name     string
	Suite    string
	LastGood time.Time     // end of the newest good run; zero where none was
	Failing  phrase.Phrase // text of the newest run if it failed or was quarantined
}

// ScheduleFact is a schedule whose label the machine carries, with its window that is open or opens next.
type ScheduleFact struct {
	Name       string
	Start, End time.Time
	// ZoneUnknown: the window is in the machine's own time zone, which is not known; the organisation's was taken.
	ZoneUnknown bool
	// CatchUp: the machine was away for all of the newest window, and Start and End are the time in which it is made up for.
	CatchUp bool
	// MovedBy is the blackout that the window was moved or cut by; empty where none did.
	MovedBy string
}

// Superseder is a newer patch that replaces the one in question.
type Superseder struct {
	Patch      patch.ID
	Title      string
	Deployable bool // on this machine, by Walk; or being deployed right now
}

// PayloadFact is one needed file and where it stands.
type PayloadFact struct {
	Name    string
	File    string // the beginning of its hash, as attempts keep it
	Size    int64
	State   patch.PayloadState // empty where the appliance has not asked for it yet
	Error   phrase.Phrase
	NextTry time.Time
}

// Change is a verdict that somebody else changed.
type Change struct {
	At   time.Time
	Seq  uint64
	Note phrase.Phrase // who, where the machine's own history tells
}
