package patch

import (
	"time"

	"github.com/fettle-project/fettle/internal/phrase"
)

// MachineID is derived from the agent's own public key (see auth.MachineIDOf) and never reused.
type MachineID string

// MachineState says whether a machine may take part.
type MachineState string

const (
	Pending  MachineState = "pending"  // enrolled, not yet admitted by a person: gets one constant answer
	Admitted MachineState = "admitted" // takes part
	Revoked  MachineState = "revoked"  // shut out; its history stays
)

// Machine is one enrolled machine. Times are zero where the thing never happened.
type Machine struct {
	ID         MachineID    `json:"id"`
	Name       string       `json:"name"` // host name as the machine gives it; hostile text
	State      MachineState `json:"state"`
	OS         HostOS       `json:"os"` // of the newest snapshot or inventory; may be empty
	EnrolledAt time.Time    `json:"enrolled_at"`
	EnrolledBy string       `json:"enrolled_by"` // the token's name
	SeenAt     time.Time    `json:"seen_at,omitzero"`
	// Zone is the machine's own time zone, an IANA name as its inventory tells it; empty where it is not known.
	Zone string `json:"zone,omitempty"`
	// AwayFrom and AwayUntil are its newest absence: check-ins that were more than half an hour apart.
	AwayFrom     time.Time `json:"away_from,omitzero"`
	AwayUntil    time.Time `json:"away_until,omitzero"`
	Address      string    `json:"address,omitempty"`
	AgentVersion string    `json:"agent_version,omitempty"`
	BootID       string    `json:"boot_id,omitempty"`
	Inventory    Hash      `json:"inventory,omitempty"`
	Facts        Hash      `json:"facts,omitempty"`
	RebootOwed   bool      `json:"reboot_owed"`
	Busy         string    `json:"busy,omitempty"` // what the agent says it is doing now
	// DetectFailed is the text of the newest failed detect after the newest complete one; empty when the newest detect completed.
	DetectFailed   string    `json:"detect_failed,omitempty"`
	DetectFailedAt time.Time `json:"detect_failed_at,omitzero"`
	// Policy is what the machine's owner allows: "" for everything, "detect-only", "no-reboot".
	Policy      string `json:"policy,omitempty"`
	SnapshotSeq uint64 `json:"snapshot_seq,omitempty"` // the newest stored snapshot; 0 for none
	ResultsAck  uint64 `json:"results_ack,omitempty"`  // the newest stored result
	OrderNumber uint64 `json:"order_number,omitempty"` // the newest order's number
}

// Quiet is for how long nothing was heard of a machine. Where it was seen at a time that is yet to come, the appliance's clock was ahead then: nobody knows when that was, and it is
// not counted as being there.
func Quiet(seen, now time.Time) time.Duration { return now.Sub(seen).Abs() }

// Receipt proves one complete detect: everything about a snapshot except its verdicts.
type Receipt struct {
	Machine   MachineID  `json:"machine"`
	Seq       uint64     `json:"seq"` // counts this machine's snapshots; strictly increasing
	OS        HostOS     `json:"os"`
	Revision  RevisionID `json:"revision"`
	Boot      string     `json:"boot"`
	Started   time.Time  `json:"started"`
	Ended     time.Time  `json:"ended"`
	Expected  int        `json:"expected"`        // definitions on the list
	Evaluated int        `json:"evaluated"`       // definitions judged; complete only if equal
	Errors    int        `json:"errors"`          // verdicts "error" among them
	Facts     Hash       `json:"facts"`           // the facts that were judged: with the signatures they reproduce every verdict
	Agent     string     `json:"agent"`           // agent version
	Order     string     `json:"order,omitempty"` // the order that this detect closes, if any
	Received  time.Time  `json:"received,omitzero"`
	// How old what was judged was: the facts, the machine's own package lists (apt update, dnf makecache), the vendor's data in the catalog.
	// Zero where it is not known. Lists is to the second.
	FactsAt time.Time `json:"facts_at,omitzero"`
	Lists   time.Time `json:"lists,omitzero"`
	Dated   time.Time `json:"dated,omitzero"`
}

// Taken is the moment that a snapshot speaks of: its end by the machine's clock, but never later than the appliance received it.
func (r *Receipt) Taken() time.Time {
	if !r.Received.IsZero() && r.Received.Before(r.Ended) {
		return r.Received
	}
	return r.Ended
}

// Begun is the moment from which a snapshot speaks, likewise: by a clock that was ahead it would have begun after what came later.
func (r *Receipt) Begun() time.Time { return r.Taken().Add(r.Started.Sub(r.Ended)) }

// Age is how old the facts were when the detect ended; 0 where it does not tell.
func (r Receipt) Age() time.Duration {
	if r.FactsAt.IsZero() {
		return 0
	}
	return r.Ended.Sub(r.FactsAt)
}

// Snapshot is one complete detect.
type Snapshot struct {
	Receipt
	Verdicts Vector `json:"-"`
}

// Check says why a snapshot may not be accepted on its own evidence; nil when it is complete.
func (s Snapshot) Check() error {
	switch {
	case s.Expected != s.Evaluated:
		return Errorf(Invalid, "the snapshot is partial: %d of %d definitions evaluated", s.Evaluated, s.Expected)
	case s.Verdicts.Len() != s.Expected:
		return Errorf(Invalid, "the snapshot is truncated: %d verdicts for %d definitions", s.Verdicts.Len(), s.Expected)
	case s.OS == "" || s.Revision == "" || s.Seq == 0 || !s.Facts.Valid():
		return Errorf(Invalid, "the snapshot does not name its OS, revision, sequence and facts")
	case !s.FactsAt.IsZero() && (s.FactsAt.Before(s.Started) || s.FactsAt.After(s.Ended)):
		return Errorf(Invalid, "the snapshot judged facts of another time than its own")
	case s.Ended.Before(s.Started):
		return Errorf(Invalid, "the snapshot ends before it starts")
	case s.Errors != s.Verdicts.Errors():
		return Errorf(Invalid, "the snapshot counts %d errors and carries %d", s.Errors, s.Verdicts.Errors())
	}
	return nil
}

// Transition is one change of one patch's verdict on one machine, kept for ever.
type Transition struct {
	Machine MachineID     `json:"machine"`
	OS      HostOS        `json:"os"`
	Patch   ID            `json:"patch"`
	From    Verdict       `json:"from"`
	To      Verdict       `json:"to"`
	At      time.Time     `json:"at"` // the snapshot's end
	Seq     uint64        `json:"seq"`
	Cause   Cause         `json:"cause"`
	Note    phrase.Phrase `json:"note,omitempty"` // "satisfied by upgrade: debian-12-amd64 → debian-13-amd64", "superseded by …"
}

// Cause says who or what changed a verdict.
type Cause string

const (
	FirstDetect   Cause = "first-detect"
	ByFettle      Cause = "fettle"    // an attempt of ours was done between the two snapshots
	ByService     Cause = "service"   // another patch service changed the machine; Note begins with its name
	ByPerson      Cause = "person"    // somebody changed the machine; Note begins with their name where history tells it
	ByOther       Cause = "other"     // something changed the machine, and its history does not tell what kind of hand
	CatalogChange Cause = "catalog"   // the definitions changed, not the machine
	OSChange      Cause = "os-change" // the host OS is another one
)
