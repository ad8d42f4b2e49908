package wire

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Paths of the agent listener. All but PathEnrol need a client certificate; a machine that is not admitted gets the same constant
// 403 body from each of them except PathCheckin, which tells it that it is pending.
const (
	PathEnrol     = "POST /v1/enrol"           // EnrolRequest → EnrolReply
	PathRenew     = "POST /v1/renew"           // RenewRequest → RenewReply
	PathCheckin   = "POST /v1/checkin"         // Checkin → CheckinReply
	PathPoll      = "GET /v1/poll"             // long poll, ≤ 55 s → PollReply
	PathBlob      = "GET /v1/blob/{hash}"      // list, signatures, vendor indexes, payloads; by content address; Range works
	PathDelta     = "GET /v1/delta/{pair}"     // OLD-NEW: what makes one list or signature file out of another; 404 where there is none
	PathRevision  = "GET /v1/revision/{os}"    // Envelope over patch.RevisionMeta: the newest for that host OS
	PathInventory = "PUT /v1/inventory/{hash}" // zstd JSON patch.Inventory
	PathFacts     = "PUT /v1/facts/{hash}"     // zstd JSON patch.Facts
	PathSnapshot  = "POST /v1/snapshot"        // EncodeSnapshot or EncodeChange, or InAddress → SnapshotReply, or 204 where nothing more is wanted; a refused change is sent whole
	PathFailed    = "POST /v1/detect-failed"   // DetectFailed → 204
	PathOrder     = "GET /v1/order"            // Envelope over Order, or 204
	PathUpdaters  = "GET /v1/updaters"         // Envelope over Stewardship
	PathStanding  = "POST /v1/standing"        // Standing → StandingReply: what of the order that a machine holds was taken back?
	PathResults   = "POST /v1/results"         // Results → ResultsReply
	PathReboot    = "POST /v1/reboot"          // RebootRequest → RebootReply: may this machine reboot now?

	PathShell      = "GET /install.sh"                     // the script that installs the agent; for everybody, and without a secret
	PathPowerShell = "GET /install.ps1"                    // likewise for Windows
	PathAgent      = "GET /v1/agents/{os}/{arch}"          // the agent's program; the secret part of a token that still works as bearer
	PathPackage    = "GET /v1/agents/{os}/{arch}/{format}" // likewise the agent as a package: "deb", "rpm", "msi"
)

// EnrolRequest asks to become a machine. The token is the secret part of what the administrator copied.
type EnrolRequest struct {
	Token    string `json:"token"`
	CSR      []byte `json:"csr"` // DER PKCS#10, ECDSA P-256; only its public key is used
	Hostname string `json:"hostname"`
	Agent    string `json:"agent"` // agent version
}

// EnrolReply makes the agent a machine. The agent pins all three keys.
type EnrolReply struct {
	Machine     patch.MachineID    `json:"machine"`
	State       patch.MachineState `json:"state"`
	Certificate []byte             `json:"certificate"`  // DER, client certificate, 7 days
	CA          []byte             `json:"ca"`           // DER, the agent listener's CA
	CatalogKey  []byte             `json:"catalog_key"`  // Ed25519 public key that signs revisions
	ApproverKey []byte             `json:"approver_key"` // Ed25519 public key that signs orders
}

// RenewRequest asks for a new certificate for the same key.
type RenewRequest struct {
	CSR []byte `json:"csr"`
}

// RenewReply carries it.
type RenewReply struct {
	Certificate []byte `json:"certificate"`
}

// Checkin says where the machine is. Hashes let the appliance ask only for what it lacks.
type Checkin struct {
	Counter    uint64           `json:"counter"` // increases with every check-in of this key; a repeat or step back marks a clone
	Boot       string           `json:"boot"`
	OS         patch.HostOS     `json:"os"`
	Agent      string           `json:"agent"`
	Hostname   string           `json:"hostname"`
	Inventory  patch.Hash       `json:"inventory"`
	Facts      patch.Hash       `json:"facts"`
	Snapshot   uint64           `json:"snapshot"` // newest local snapshot's Seq; 0 for none
	Revision   patch.RevisionID `json:"revision"` // what the newest snapshot was made with
	Results    uint64           `json:"results"`  // newest result Seq in the journal
	Busy       string           `json:"busy,omitempty"`
	RebootOwed bool             `json:"reboot_owed"`
	Policy     string           `json:"policy,omitempty"` // the owner's local policy: "", "detect-only", "no-reboot"
	Health     *patch.Health    `json:"health,omitempty"` // answers to the newest order's probes; nil where it had none
	// Updaters is the hash of the newest stewardship's list; empty for none.
	Updaters patch.Hash `json:"updaters,omitempty"`
}

// CheckinReply tells the agent what the appliance wants next. All fields are requests, none is a command with arguments.
type CheckinReply struct {
	State         patch.MachineState `json:"state"`
	NextSeconds   int                `json:"next_seconds"` // the agent adds jitter of its own
	WantInventory bool               `json:"want_inventory"`
	WantFacts     bool               `json:"want_facts"`
	WantDetect    bool               `json:"want_detect"`    // a new revision, or a person asked
	WantSnapshot  bool               `json:"want_snapshot"`  // the appliance lost or never got the newest one
	Revision      patch.RevisionID   `json:"revision"`       // newest for this machine's OS; empty where there is no catalog for it
	Built         time.Time          `json:"built,omitzero"` // when that was: an agent that has it need not ask for it
	Order         bool               `json:"order"`          // an order waits
	ResultsAck    uint64             `json:"results_ack"`
	// Updaters is the hash of the list of other patch services to keep off; where it is another one than the agent's, the agent fetches it.
	Updaters patch.Hash `json:"updaters,omitempty"`
	Now      time.Time  `json:"now"`
}

// PollReply wakes the agent: it then checks in.
type PollReply struct {
	Wake bool `json:"wake"`
}

// SnapshotReply acknowledges a snapshot after it is durable, and so does an answer without a body: it is one frame, and a body is a second.
type SnapshotReply struct {
	Seq       uint64 `json:"seq"`
	WantFacts bool   `json:"want_facts"`
}

// DetectFailed reports a detect that did not complete. It never touches the newest complete snapshot.
type DetectFailed struct {
	OS   patch.HostOS `json:"os"`
	At   time.Time    `json:"at"`
	Text string       `json:"text"`
}

// Stewardship names the other patch services that the agent keeps off on one machine; what it names no more is given back. It travels in an
// Envelope signed with the approver key. The agent knows by itself how each is turned off: nothing else comes from here.
type Stewardship struct {
	Machine patch.MachineID `json:"machine"`
	Issued  time.Time       `json:"issued"` // never before one that was accepted
	Off     []Off           `json:"off"`    // sorted by name
}

// Off is one service to keep off. One that was turned on again is turned off once more only when it was asked for anew.
type Off struct {
	Name  string    `json:"name"`
	Asked time.Time `json:"asked"`
}

// HashOff is the hash of a stewardship's list; empty for an empty one.
func HashOff(off []Off) (patch.Hash, error) {
	if len(off) == 0 {
		return "", nil
	}
	h, _, err := HashJSON(off)
	return h, err
}

// Order is all that an appliance may ask a machine to install: exact bytes, bound to one machine, one window, one use per attempt.
// It travels in an Envelope signed with the approver key.
type Order struct {
	ID         string           `json:"id"`
	Machine    patch.MachineID  `json:"machine"`
	Number     uint64           `json:"number"` // increases per machine; the agent refuses one it has finished or passed
	Deployment string           `json:"deployment"`
	OS         patch.HostOS     `json:"os"`
	Revision   patch.RevisionID `json:"revision"`
	Snapshot   uint64           `json:"snapshot"`
	Issued     time.Time        `json:"issued"`
	Window     patch.Window     `json:"window"`
	Expires    time.Time        `json:"expires"`
	Items      []OrderItem      `json:"items"`
	// Probes are what the machine is to answer about itself from now on, with every check-in.
	Probes []patch.Probe `json:"probes,omitempty"`
	// Reboot says when the machine may be restarted after it; nil: never.
	Reboot *patch.RebootPolicy `json:"reboot,omitempty"`
	// Manner names what the machine's own administrator has it do beside; nil: nothing.
	Manner *patch.Manner `json:"manner,omitempty"`
}

// OrderItem is one attempt at one patch.
type OrderItem struct {
	Attempt  string              `json:"attempt"`
	Patch    patch.ID            `json:"patch"`
	Title    string              `json:"title"`
	Packages []patch.PlanPackage `json:"packages"`
	// AskFirst says that the appliance must be asked right before it is installed, because the patch is still being tried: where it cannot
	// be reached, the item waits. Without it, an agent that is cut off carries out what it holds.
	AskFirst bool `json:"ask_first,omitempty"`
}

// Standing asks what of an order still stands. An agent asks at every contact while it holds an order, and right before it installs.
type Standing struct {
	Order string `json:"order"`
}

// StandingReply names the attempts that were taken back: halted, declined or withdrawn since the order went out. What has begun goes on.
type StandingReply struct {
	Withdrawn []string  `json:"withdrawn,omitempty"`
	CalledOff string    `json:"called_off,omitempty"` // why the order restarts its machine no more
	Now       time.Time `json:"now,omitzero"`         // by the appliance's clock
}

// Result is one line of the agent's journal as the appliance needs it.
type Result struct {
	Seq        uint64          `json:"seq"` // counts this machine's results; gapless
	Order      string          `json:"order"`
	Attempt    string          `json:"attempt"`
	At         time.Time       `json:"at"`
	Boot       string          `json:"boot"`
	State      patch.Execution `json:"state"`
	Cause      patch.FailCause `json:"cause,omitempty"`
	Text       string          `json:"text,omitempty"`
	Log        string          `json:"log,omitempty"` // ≤ 16 KiB tail
	Bytes      int64           `json:"bytes,omitempty"`
	Total      int64           `json:"total,omitempty"`
	RebootOwed bool            `json:"reboot_owed,omitempty"`
	// Adds says that the attempt has ended and this line only adds its text and log to what was told: how hooks after it went.
	Adds bool `json:"adds,omitempty"`
}

// Results uploads journal lines in order. Lines at or below the acknowledged Seq are ignored by the appliance.
type Results struct {
	Results []Result `json:"results"`
}

// ResultsReply acknowledges after the lines are durable.
type ResultsReply struct {
	Ack uint64 `json:"ack"`
}

// RebootRequest asks whether the machine may reboot now. It asks again where it may not.
type RebootRequest struct {
	Boot  string `json:"boot"`            // the boot that it would end
	Order string `json:"order,omitempty"` // that permits it; empty from agents of older versions
}

// RebootReply grants a reboot until a moment, or says what it waits for.
type RebootReply struct {
	Granted    bool      `json:"granted"`
	Until      time.Time `json:"until,omitzero"` // the machine should be back by then; its place is given away after it
	Text       string    `json:"text,omitempty"` // "2 of 2 machines of web reboot"
	RetryAfter int       `json:"retry_after,omitempty"`
	Stop       bool      `json:"stop,omitempty"` // it is called off: the order does not permit it any more
}

// Fault is the body of every non-2xx answer on both listeners.
type Fault struct {
	Kind  string `json:"kind"` // patch.Kind's name
	Error string `json:"error"`
	Why   string `json:"why,omitempty"`
	Do    string `json:"do,omitempty"`
}
