package patch

import (
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Ring is one step on the way of every patch through the fleet. A machine belongs to the first ring, by Position, whose label it carries;
// machines of no ring come after the last one. Zero numbers mean the defaults that WithDefaults fills in, or no limit where it fills none.
type Ring struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Position int    `json:"position"` // rings are passed through in ascending order
	Note     string `json:"note,omitempty"`

	Soak    Span `json:"soak"`    // how long a patch must do well here, once proven, before the next ring begins; 24 h
	Silence Span `json:"silence"` // a machine that was given the patch and is silent, or unproven, for longer has failed; 4 h
	Share   int  `json:"share"`   // percent of the machines at it that must have proven it; 90
	Proofs  int  `json:"proofs"`  // and at least so many, where so many machines are at it; 2
	First   int  `json:"first"`   // so many unproven machines a patch may have at a time at first; it doubles with every proof; 5

	Accept int `json:"accept"` // percent of failures that is nobody's fault; 2
	Refuse int `json:"refuse"` // percent of failures at which the patch must be stopped; 15

	AtOnce  int   `json:"at_once,omitempty"` // machines that install at the same time, any patch; 0: no limit
	Reboots int   `json:"reboots,omitempty"` // machines that reboot at the same time; 0: no limit
	Rate    int64 `json:"rate,omitempty"`    // bytes a second that all its machines together may fetch; 0: no limit
	Splay   Span  `json:"splay,omitempty"`   // machines begin at a moment of their own, spread over the first part of the window

	// Probes are what a machine must answer well after an install to be counted as alive; they travel in its order.
	Probes []Probe `json:"probes,omitempty"`

	CreatedAt time.Time `json:"created_at,omitzero"`
	CreatedBy string    `json:"created_by,omitempty"`
}

// RestRing is the name of what comes after the last ring: the machines that belong to none.
const RestRing = "rest"

// WithDefaults fills in what was left out.
func (r Ring) WithDefaults() Ring {
	for _, d := range []struct {
		to        *Span
		otherwise time.Duration
	}{{&r.Soak, 24 * time.Hour}, {&r.Silence, 4 * time.Hour}} {
		if *d.to == 0 {
			*d.to = Span(d.otherwise)
		}
	}
	for _, d := range []struct {
		to        *int
		otherwise int
	}{{&r.Share, 90}, {&r.Proofs, 2}, {&r.First, 5}, {&r.Accept, 2}, {&r.Refuse, 15}} {
		if *d.to == 0 {
			*d.to = d.otherwise
		}
	}
	return r
}

// Span is a length of time that is written as people do: "24h", "90m".
type Span time.Duration

// MarshalText writes it without the zero parts that time.Duration adds.
func (s Span) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the text of MarshalText.
func (s Span) String() string {
	text := time.Duration(s).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

// UnmarshalText reads what time.ParseDuration reads; a negative span is none.
func (s *Span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil || d < 0 {
		return Errorf(Invalid, "%q is not a span of time such as 24h or 90m", string(b))
	}
	*s = Span(d)
	return nil
}

// Proof is what an attempt says about its patch for the rings.
type Proof string

const (
	ProofPending Proof = ""        // not known yet
	ProofGood    Proof = "proven"  // installed, judged patched by a complete detect, alive and healthy since
	ProofBad     Proof = "failed"  // the patch failed, did nothing, or the machine has been silent or sick since
	ProofNone    Proof = "neutral" // it never came to the patch: lock, network, disk, window, the owner
)

// ProofUpdate is a new judgement about an attempt.
type ProofUpdate struct {
	Attempt string
	Proof   Proof
	At      time.Time
	Text    phrase.Phrase // why, for ProofBad
}

// RingProgress is how far one patch is in one ring. The zero value means that nothing has been tried.
type RingProgress struct {
	Patch   ID     `json:"patch"`
	Ring    string `json:"ring"`
	Proven  int    `json:"proven"`
	Failed  int    `json:"failed"`
	Pending int    `json:"pending"`          // handed out, and neither proven nor failed yet
	Waiting int    `json:"waiting"`          // deployed to, seen lately, and not begun
	Away    int    `json:"away"`             // deployed to, not begun and not seen lately
	Silent  int    `json:"silent,omitempty"` // of those that failed
	Margin  int    `json:"margin,omitempty"` // so many failures in a row from now on halt it
	Need    int    `json:"need"`             // proofs that let the next ring begin after the soak

	EnoughAt time.Time     `json:"enough_at,omitzero"` // since when there are enough proofs
	PassedAt time.Time     `json:"passed_at,omitzero"` // when the next ring was let begin
	HaltedAt time.Time     `json:"halted_at,omitzero"` // the patch is in quarantine: nobody gets it any more
	Text     phrase.Phrase `json:"text,omitempty"`     // "3 of 12 failed: silent since …", or why a person let it pass

	// FreshAt is when a person resumed it: failures before count no more.
	FreshAt time.Time `json:"fresh_at,omitzero"`
	By      string    `json:"by,omitempty"` // who resumed it, let it pass or halted it
}

// Tried is how many machines have an answer.
func (p RingProgress) Tried() int { return p.Proven + p.Failed }

// RingClaim is a place in a ring that an order takes for one attempt: granted only while less than Room machines are unproven with the
// patch and less than AtOnce of the ring install anything.
type RingClaim struct {
	Attempt string
	Patch   ID
	Ring    string
	Room    int
	AtOnce  int // 0: no limit
	Probes  []Probe
}

// RebootLease is a machine's leave to reboot until a moment. It ends when the machine is back with another boot.
type RebootLease struct {
	Machine MachineID
	Name    string // of the machine; read, never written
	Ring    string
	Boot    string // that it ends
	Until   time.Time
	Says    string // what is shown of the machine from then on until it says something itself, as an agent would
}

// RingLoad is what is going on in a ring.
type RingLoad struct {
	Unproven int // attempts at one patch that were handed out and are not judged
	Busy     int // machines with any attempt that was handed out and has not ended
}

// Probe is a question that a machine answers about its own health: "service:nginx", "port:443", "command:systemd", "boot:5m".
type Probe string

// Cut gives the two parts of a probe.
func (p Probe) Cut() (kind, arg string) {
	kind, arg, _ = strings.Cut(string(p), ":")
	return kind, arg
}

// ProbeCommands are the names that "command:" takes. The agent alone knows what they run.
func ProbeCommands() []string { return []string{"packages", "systemd"} }

// Check says why a probe may not be asked.
func (p Probe) Check() error {
	kind, arg := p.Cut()
	ok := false
	switch kind {
	case "service":
		ok = arg != "" && len(arg) <= 128 && strings.Trim(arg, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.@-") == "" && arg[0] != '-'
	case "port":
		n := 0
		for _, c := range arg {
			if c < '0' || c > '9' || n > 65535 {
				n = 0
				break
			}
			n = n*10 + int(c-'0')
		}
		ok = n >= 1 && n <= 65535 && arg[0] != '0'
	case "command":
		for _, name := range ProbeCommands() {
			ok = ok || name == arg
		}
	case "boot":
		d, err := time.ParseDuration(arg)
		ok = err == nil && d > 0
	}
	if ok {
		return nil
	}
	return &Error{Kind: Invalid, What: phrase.Of("cannot ask a machine {1}", strings.ToValidUTF8(string(p), "?")),
		Why: phrase.Of("a probe is service:NAME, port:NUMBER, command:{1}, or boot:SPAN", strings.Join(ProbeCommands(), " or command:"))}
}

// Health is what a machine answered to its probes.
type Health struct {
	At     time.Time     `json:"at"`
	Boot   string        `json:"boot"`
	Order  string        `json:"order,omitempty"` // the newest order whose probes these are
	Probes []ProbeAnswer `json:"probes"`
}

// ProbeAnswer is one answer.
type ProbeAnswer struct {
	Probe Probe  `json:"probe"`
	OK    bool   `json:"ok"`
	Seen  string `json:"seen"` // "active", "nothing listens", "41s"
	// Ill is when it was answered badly right before an order's installs, and has not been answered well since: what was installed after that has not done it.
	Ill time.Time `json:"ill,omitzero"`
}

// Sick is the first probe that was answered badly and had not been before what ended at a time, as a clause; empty where none was.
func (h Health) Sick(ended time.Time) phrase.Phrase {
	for _, p := range h.Probes {
		if !p.OK && !p.illBefore(ended) {
			return phrase.Of("{1} is not well: {2}", string(p.Probe), p.Seen)
		}
	}
	return ""
}

// SickBefore is the first probe that is answered badly and was so before what ended at a time: it proves nothing about that, neither for it nor against it.
func (h Health) SickBefore(ended time.Time) phrase.Phrase {
	for _, p := range h.Probes {
		if !p.OK && p.illBefore(ended) {
			return phrase.Of("not proven: {1} was not well before the install already ({2}); it counts again once it has been well", string(p.Probe), p.Seen)
		}
	}
	return ""
}

func (p ProbeAnswer) illBefore(ended time.Time) bool { return !p.Ill.IsZero() && !p.Ill.After(ended) }
