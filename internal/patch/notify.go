package patch

import "time"

// Topic is what sort of thing people want to be told of.
type Topic string

// The topics, in the order in which pages show them. The first two are told at once, whatever the hour; the others are gathered.
const (
	TopicHalt      Topic = "halt"      // a patch is halted in a ring
	TopicAlarm     Topic = "alarm"     // evidence that does not agree, or two machines with one key
	TopicExploited Topic = "exploited" // machines lack a patch for something that is known to be exploited
	TopicDecision  Topic = "decision"  // something waits for a person's decision
	TopicStuck     Topic = "stuck"     // a deployment does not get on
	TopicFeed      Topic = "feed"      // a feed failed
	TopicMachine   Topic = "machine"   // machines are silent, or their detect failed
	TopicHold      Topic = "hold"      // a hold ends soon
)

// Topics lists them all.
func Topics() []Topic {
	return []Topic{TopicHalt, TopicAlarm, TopicExploited, TopicDecision, TopicStuck, TopicFeed, TopicMachine, TopicHold}
}

// AtOnce reports whether a topic is told at once instead of in a digest.
func (t Topic) AtOnce() bool { return t == TopicHalt || t == TopicAlarm }

// Notice is one thing that people may want to be told of. It is open as long as it holds, and told once for each time that it begins to.
type Notice struct {
	Key    string    `json:"key"` // what it is about, such as "alarm/ring/debian/perl"; the same as long as it holds
	Topic  Topic     `json:"topic"`
	Text   string    `json:"text"`   // what is so, as a sentence
	Reason string    `json:"reason"` // why, or what to do
	Path   string    `json:"path"`   // the console's page about it, "/patches/…"
	At     time.Time `json:"at"`     // since when
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
	Topics    []Topic     `json:"topics,omitempty"`    // none: all
	Window    int         `json:"window_minutes"`      // a digest gathers for so long
	Quiet     string      `json:"quiet,omitempty"`     // "22:00-07:00": digests wait until it has ended
	Zone      string      `json:"zone,omitempty"`      // IANA time zone of Quiet; empty: the organisation's
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

// Wants reports whether a channel is told of a topic now.
func (c Channel) Wants(t Topic) bool {
	if c.Paused {
		return false
	}
	for _, w := range c.Topics {
		if w == t {
			return true
		}
	}
	return len(c.Topics) == 0
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
	Topic     Topic         `json:"topic"` // "test" for a test
	Notices   []Notice      `json:"notices,omitempty"`
	More      int           `json:"more,omitempty"` // notices of this message that are only counted
	State     DeliveryState `json:"state"`
	Tries     int           `json:"tries"`
	Text      string        `json:"text,omitempty"` // how the newest try ended
	CreatedAt time.Time     `json:"created_at"`
	NextAt    time.Time     `json:"next_at,omitzero"` // of the next try
	EndedAt   time.Time     `json:"ended_at,omitzero"`
}
