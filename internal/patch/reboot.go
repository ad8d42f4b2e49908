package patch

import (
	"strconv"
	"strings"
	"time"
	"unicode"
)

// RebootMode says when a deployment may restart its machines.
type RebootMode string

const (
	RebootNever    RebootMode = "never"     // what is owed stays owed, and is shown
	RebootIfNeeded RebootMode = "if-needed" // where the machine itself says that one is owed
	RebootAsk      RebootMode = "ask"       // likewise, and whoever works there may put it off, until the deadline
	RebootForce    RebootMode = "force"     // after every deployment that installed something
)

// RebootPolicy is part of a signed order. Times are whole minutes, so that no text of them can mean another unit. It only ever
// permits: the machine's owner, its window, its ring and the loop breaker may all keep it from rebooting.
type RebootPolicy struct {
	Mode     RebootMode `json:"mode"`
	Message  string     `json:"message,omitempty"`  // for whoever works on the machine
	Warn     Number     `json:"warn,omitempty"`     // minutes between the announcement and the reboot; 0 where nobody works there
	Snooze   Number     `json:"snooze,omitempty"`   // ask: minutes that a reboot is put off at a time
	Snoozes  Number     `json:"snoozes,omitempty"`  // ask: how often
	Deadline Number     `json:"deadline,omitempty"` // ask: minutes after which it reboots all the same, inside the window; 0: 24 hours
}

// Number is a whole number that was said. In JSON null is none, as little as "15" and 15.5 are: nothing that somebody left open may come to mean 0,
// which is "at once".
type Number int

// UnmarshalJSON reads a whole number.
func (n *Number) UnmarshalJSON(b []byte) error {
	v, err := strconv.Atoi(string(b))
	if err != nil {
		return Errorf(Invalid, "%.40s is not a whole number", b)
	}
	*n = Number(v)
	return nil
}

// Limits of a reboot policy.
const (
	maxRebootWarn     = 24 * 60
	maxRebootDeadline = 14 * 24 * 60
	maxRebootMessage  = 500
)

// Check says what is wrong with a policy; nil where it may be signed and carried out.
func (p RebootPolicy) Check() error {
	switch p.Mode {
	case RebootNever, RebootIfNeeded, RebootAsk, RebootForce:
	default:
		return Errorf(Invalid, "%.40q is not a way to reboot: never, if-needed, ask or force", string(p.Mode))
	}
	for _, n := range []struct {
		what      string
		n, lowest Number
		most      Number
	}{{"warning", p.Warn, 0, maxRebootWarn}, {"snooze", p.Snooze, 0, maxRebootWarn}, {"number of snoozes", p.Snoozes, 0, 100}, {"deadline", p.Deadline, 0, maxRebootDeadline}} {
		if n.n < n.lowest || n.n > n.most {
			return Errorf(Invalid, "the reboot's %s cannot be %d; it is 0 to %d", n.what, n.n, n.most)
		}
	}
	if p.Mode != RebootAsk && (p.Snooze != 0 || p.Snoozes != 0 || p.Deadline != 0) {
		return Errorf(Invalid, "only a reboot that is asked for can be put off")
	}
	if len(p.Message) > maxRebootMessage || strings.ContainsFunc(p.Message, func(r rune) bool { return unicode.IsControl(r) && r != '\n' || r == unicode.ReplacementChar }) {
		return Errorf(Invalid, "the message is longer than %d bytes or has control characters", maxRebootMessage)
	}
	return nil
}

// DeadlineOf is when a reboot that was announced at a moment may not be put off any more.
func (p RebootPolicy) DeadlineOf(since time.Time) time.Time {
	if p.Mode != RebootAsk {
		return since
	}
	if p.Deadline == 0 {
		return since.Add(24 * time.Hour)
	}
	return since.Add(time.Duration(p.Deadline) * time.Minute)
}
