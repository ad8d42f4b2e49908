package notify

import (
	"cmp"
	"context"
	"crypto/x509"
	"log/slog"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Channels is the storage of channels.
type Channels interface {
	ListChannels(ctx context.Context) ([]patch.Channel, error)
	PutChannel(ctx context.Context, by patch.Caller, c patch.Channel, sealed []byte) error
	RemoveChannel(ctx context.Context, by patch.Caller, name string) error
	ChannelSecret(ctx context.Context, name string) ([]byte, error)
}

// Notices is the storage of what there is to tell.
type Notices interface {
	SyncNotices(ctx context.Context, subjects []patch.Subject, now []patch.Notice, at time.Time) (fresh int, err error)
	ListWaitingNotices(ctx context.Context) ([]patch.WaitingNotice, error)
	ForgetNotices(ctx context.Context, before time.Time) error
}

// Messages is the storage of messages.
type Messages interface {
	PutDelivery(ctx context.Context, d patch.Delivery, keys []string) error
	ListDeliveries(ctx context.Context, channel string, limit int) ([]patch.Delivery, error)
	LastDelivery(ctx context.Context, channel string, subject patch.Subject) (time.Time, error)
}

// Tries is the storage of how messages fare.
type Tries interface {
	DueDeliveries(ctx context.Context, now time.Time) ([]patch.Delivery, error)
	ClaimDelivery(ctx context.Context, id string, now, until time.Time) (bool, error)
	SettleDelivery(ctx context.Context, d patch.Delivery) error
}

// Records takes alarms and the audit log's entries.
type Records interface {
	RaiseAlarm(ctx context.Context, a patch.Alarm) error
	ClearAlarm(ctx context.Context, key string, now time.Time) error
	PutAudit(ctx context.Context, c patch.Caller, action, object string, detail any) error
}

// Store is all the storage that a Desk needs.
type Store interface {
	Channels
	Notices
	Messages
	Tries
	Records
}

// Source looks for what there is to tell of some subjects. All that holds now is in its answer; an error leaves what was known as it is.
type Source struct {
	Subjects []patch.Subject
	Look     func(ctx context.Context) ([]patch.Notice, error)
}

// Desk keeps channels and sends. Its methods may be called from many goroutines.
type Desk struct {
	Store     Store
	Sealer    Sealer
	Guard     Guard
	Console   string             // the console's address, before every link: "https://patches.example.org:8460"
	Zone      *time.Location     // of quiet hours that name none
	Roots     *x509.CertPool     // certificate authorities of servers; nil: the system's
	Languages []*phrase.Language // that messages may be written in; English always is one
	Now       func() time.Time
	NewID     func() string
	Random    func() float64 // in [0,1)
	Log       *slog.Logger
}

// Put is what a change of a channel gives.
type Put struct {
	patch.Channel
	// Key is a signing key that was made just now. It is shown this once.
	Key string `json:"secret,omitempty"`
}

// List gives all channels, by name, without what is secret about them.
func (d *Desk) List(ctx context.Context) ([]patch.Channel, error) { return d.Store.ListChannels(ctx) }

// Put adds a channel or changes one.
func (d *Desk) Put(ctx context.Context, by patch.Caller, r Request) (Put, error) {
	all, err := d.Store.ListChannels(ctx)
	if err != nil {
		return Put{}, err
	}
	var (
		old  *patch.Channel
		kept secrets
	)
	if i := slices.IndexFunc(all, func(c patch.Channel) bool { return c.Name == r.Name }); i >= 0 {
		old = &all[i]
		if kept, err = d.secrets(ctx, r.Name); err != nil && patch.KindOf(err) != patch.Untrusted {
			return Put{}, err
		}
	}
	if r.Language == phrase.English.Tag {
		r.Language = ""
	}
	if d.language(r.Channel).Tag != cmp.Or(r.Language, phrase.English.Tag) {
		return Put{}, refuse(phrase.Of(`there is no language "{1}"`, phrase.Quoted(r.Language)), "Name one that the console has, such as en or de.")
	}
	c, x, made, err := settle(r, old, kept)
	if err != nil {
		return Put{}, err
	}
	c.ChangedAt, c.ChangedBy = d.Now().UTC(), by.Name
	var sealed []byte
	if old == nil || x != kept {
		if sealed, err = d.Sealer.seal(c.Name, x); err != nil {
			return Put{}, err
		}
	}
	return Put{c, made}, d.Store.PutChannel(ctx, by, c, sealed)
}

// language is what a channel's messages are written in; English where the appliance does not know it any more.
func (d *Desk) language(c patch.Channel) *phrase.Language {
	for _, l := range d.Languages {
		if l.Tag == c.Language {
			return l
		}
	}
	return phrase.English
}

// Remove forgets a channel and its secrets.
func (d *Desk) Remove(ctx context.Context, by patch.Caller, name string) error {
	if err := d.Store.RemoveChannel(ctx, by, name); err != nil {
		return err
	}
	return d.Store.ClearAlarm(ctx, alarmKey(name), d.Now())
}

// Deliveries gives the newest messages first, of one channel or all.
func (d *Desk) Deliveries(ctx context.Context, channel string, limit int) ([]patch.Delivery, error) {
	return d.Store.ListDeliveries(ctx, channel, limit)
}

func (d *Desk) secrets(ctx context.Context, name string) (secrets, error) {
	sealed, err := d.Store.ChannelSecret(ctx, name)
	if err != nil {
		return secrets{}, err
	}
	return d.Sealer.open(name, sealed)
}

// Test sends a message now, whatever the hour and even if the channel is paused, and says how it fared. It is tried once.
func (d *Desk) Test(ctx context.Context, by patch.Caller, name string) (patch.Delivery, error) {
	c, err := d.find(ctx, name)
	if err != nil {
		return patch.Delivery{}, err
	}
	now := d.Now().UTC()
	m := patch.Delivery{ID: d.NewID(), Channel: name, Subject: aboutTest, Tries: 1, State: patch.DeliverySent, CreatedAt: now,
		Notices: []patch.Notice{{Key: "test", Subject: aboutTest, Text: "This channel works.", Reason: phrase.Of("{1} has asked for this test.", by.Name), Path: "/settings", At: now}}}
	if err := d.Store.PutAudit(ctx, by, "channel.test", name, nil); err != nil {
		return m, err
	}
	if err := d.send(ctx, c, m); err != nil {
		m.State, m.Text = patch.DeliveryFailed, failure(err)
	}
	m.EndedAt = d.Now().UTC()
	return m, d.Store.PutDelivery(ctx, m, nil)
}

func (d *Desk) find(ctx context.Context, name string) (patch.Channel, error) {
	all, err := d.Store.ListChannels(ctx)
	if err != nil {
		return patch.Channel{}, err
	}
	for _, c := range all {
		if c.Name == name {
			return c, nil
		}
	}
	return patch.Channel{}, &patch.Error{Kind: patch.NotFound, What: phrase.Of("no channel is called {1}", name), Do: "List them: fettle notify"}
}
