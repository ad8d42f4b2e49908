package patch

import (
	"time"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Subject is what sort of thing people want to be told of.
type Subject string

// The subjects, in the order in which pages show them. The first two are told at once, whatever the hour; the others are gathered.
const (
	AboutHalt      Subject = "halt"      // a patch is halted in a ring
	AboutAlarm     Subject = "alarm"     // evidence that does not agree, or two machines with one key
	AboutExploited Subject = "exploited" // machines lack a patch for something that is known to be exploited
	AboutDecision  Subject = "decision"  // something waits for a person's decision
	AboutStuck     Subject = "stuck"     // a deployment does not get on
	AboutFeed      Subject = "feed"      // a feed failed
	AboutMachine   Subject = "machine"   // machines are silent, or their detect failed
	AboutHold      Subject = "hold"      // a hold ends soon
)

// Subjects lists them all.
func Subjects() []Subject {
	return []Subject{AboutHalt, AboutAlarm, AboutExploited, AboutDecision, AboutStuck, AboutFeed, AboutMachine, AboutHold}
}

// AtOnce reports whether a subject is told at once instead of in a digest.
func (t Subject) AtOnce() bool { return t == AboutHalt || t == AboutAlarm }

// Notice is one thing that people may want to be told of. It is open as long as it holds, and told once for each time that it begins to.
type Notice struct {
	Key     string        `json:"key"` // what it is about, such as "alarm/ring/debian/perl"; the same as long as it holds
	Subject Subject       `json:"subject"`
	Text    phrase.Phrase `json:"text"`   // what is so, as a sentence
	Reason  phrase.Phrase `json:"reason"` // why, or what to do
	Path    string        `json:"path"`   // the console's page about it, "/patches/…"
	At      time.Time     `json:"at"`     // since when
}

// ChannelKind is the way in which a channel is reached.
type ChannelKind string

const (
	ByMail    ChannelKind = "mail"
	ByWebhook ChannelKind = "webhook" // signed JSON
	BySlack   ChannelKind = "slack"
	ByTeams   ChannelKind = "teams"
)

// Channel is where notices are sent. What must stay secret about it (an address that lets anybody post, a password, a key) is kept apart,
// sealed; Where is the part of the address that may be shown.
type Channel struct {
	Name      string      `json:"name"`
	Kind      ChannelKind `json:"kind"`
	Subjects  []Subject   `json:"subjects,omitempty"`  // none: all
	Window    int         `json:"window_minutes"`      // a digest gathers for so long
	Quiet     string      `json:"quiet,omitempty"`     // "22:00-07:00": digests wait until it has ended
	Zone      string      `json:"zone,omitempty"`      // IANA time zone of Quiet; empty: the organisation's
	Language  string      `json:"language,omitempty"`  // that messages are written in, "de"; empty: English
	Paused    bool        `json:"paused,omitempty"`    // nothing is sent, and nothing is gathered
	Where     string      `json:"where"`               // "https://hooks.example.org", "mail.example.org:587"
	Security  string      `json:"security,omitempty"`  // of mail: "starttls", "tls", or "none"
	User      string      `json:"user,omitempty"`      // of mail: who signs in at the server; empty: nobody
	From      string      `json:"from,omitempty"`      // of mail
	To        []string    `json:"to,omitempty"`        // of mail
	HasSecret bool        `json:"has_secret"`          // whether something is kept sealed
	ChangedAt time.Time   `json:"changed_at,omitzero"` // when it was last put
	ChangedBy string      `json:"changed_by,omitempty"`
}

// Wants reports whether a channel is told of a subject now.
func (c Channel) Wants(t Subject) bool {
	if c.Paused {
		return false
	}
	for _, w := range c.Subjects {
		if w == t {
			return true
		}
	}
	return len(c.Subjects) == 0
}

// WaitingNotice is a notice that a channel has not been told of yet.
type WaitingNotice struct {
	Notice
	Channel string
	Since   time.Time // when it began to wait
}

// DeliveryState is how far a message is.
type DeliveryState string

const (
	DeliveryWaiting DeliveryState = "waiting" // to be sent, or to be sent again
	DeliverySent    DeliveryState = "sent"
	DeliveryFailed  DeliveryState = "failed" // given up
)

// Delivery is one message to one channel. It may arrive more than once, always with the same ID.
type Delivery struct {
	ID        string        `json:"id"`
	Channel   string        `json:"channel"`
	Subject   Subject       `json:"subject"` // "test" for a test
	Notices   []Notice      `json:"notices,omitempty"`
	More      int           `json:"more,omitempty"` // notices of this message that are only counted
	State     DeliveryState `json:"state"`
	Tries     int           `json:"tries"`
	Text      string        `json:"text,omitempty"` // how the newest try ended
	CreatedAt time.Time     `json:"created_at"`
	NextAt    time.Time     `json:"next_at,omitzero"` // of the next try
	EndedAt   time.Time     `json:"ended_at,omitzero"`
}
