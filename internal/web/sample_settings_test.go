package web

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/notify"
	"github.com/fettle-project/fettle/internal/patch"
)

// settings is what administrators have set up in a world.
type settings struct {
	users      []patch.User
	channels   []patch.Channel
	deliveries []patch.Delivery
	offers     []Offer
	subscribed []string
	put        []notify.Request
}

// office is the settings of a world: people, channels, what can be installed and subscribed to.
type office struct{ w *world }

func (o office) ListUsers(context.Context) ([]patch.User, error) { return o.w.users, nil }
func (o office) PutUser(_ context.Context, _ patch.Caller, name string, role patch.Role, password string, disabled bool) (patch.User, error) {
	u := patch.User{Name: name, Role: role, Disabled: disabled}
	if len(password) < 12 {
		return u, &patch.Error{Kind: patch.Invalid, What: "this password is too short"}
	}
	o.w.users = append(o.w.users, u)
	return u, nil
}
func (o office) List(context.Context) ([]patch.Channel, error) { return o.w.channels, nil }
func (o office) Put(_ context.Context, _ patch.Caller, r notify.Request) (notify.Put, error) {
	o.w.put = append(o.w.put, r)
	if r.Kind == patch.ByWebhook {
		return notify.Put{Channel: r.Channel, Key: "whsec_bWFkZSBqdXN0IG5vdw=="}, nil
	}
	if r.Kind == patch.ByMail && len(r.To) == 0 {
		return notify.Put{}, &patch.Error{Kind: patch.Invalid, What: "cannot use this channel", Why: "mail goes to 1 to 50 addresses"}
	}
	return notify.Put{Channel: r.Channel}, nil
}
func (o office) Remove(context.Context, patch.Caller, string) error { return nil }
func (o office) Test(_ context.Context, _ patch.Caller, name string) (patch.Delivery, error) {
	return patch.Delivery{Channel: name, State: patch.DeliveryFailed, Text: "it answered 403 Forbidden"}, nil
}
func (o office) deliveries(context.Context, string, int) ([]patch.Delivery, error) {
	return o.w.deliveries, nil
}
func (o office) Lines(token string) (installer.Lines, error) {
	return installer.Lines{Linux: "curl … '" + token + "'", Windows: "curl.exe … '" + token + "'", MacOS: "curl … '" + token + "'", MSI: "msiexec … TOKEN=" + token, Deb: true}, nil
}
func (o office) offers(context.Context) ([]Offer, error) { return o.w.offers, nil }
func (o office) subscribe(_ context.Context, _ patch.Caller, lines []string) error {
	o.w.subscribed = append(o.w.subscribed, lines...)
	return nil
}

func (w *world) sampleOffice() {
	w.users = []patch.User{{Name: "m.keller", Role: patch.Admin, CreatedAt: w.ago(9000 * time.Hour)}, {Name: "j.brandt", Role: patch.Auditor, CreatedAt: w.ago(90 * time.Hour), Disabled: true}}
	w.channels = []patch.Channel{
		{Name: "ops-mail", Kind: patch.ByMail, Where: "mail.example.org:587", Security: "starttls", From: "fettle@example.org", To: []string{"ops@example.org"}, Window: 60, Quiet: "22:00-07:00", Zone: "Europe/Berlin", HasSecret: true, ChangedAt: w.ago(time.Hour), ChangedBy: "m.keller"},
		{Name: "chat", Kind: patch.BySlack, Where: "https://hooks.example.org", Window: 15, Subjects: []patch.Subject{patch.AboutHalt}, Paused: true, ChangedAt: w.ago(2 * time.Hour), ChangedBy: "m.keller"},
	}
	w.deliveries = []patch.Delivery{
		{ID: "1", Channel: "ops-mail", Subject: patch.AboutHalt, State: patch.DeliverySent, Tries: 1, CreatedAt: w.ago(time.Hour), Notices: []patch.Notice{{Text: "perl is halted in the ring canary"}, {Text: "curl is halted"}}},
		{ID: "2", Channel: "chat", Subject: patch.AboutFeed, State: patch.DeliveryWaiting, Tries: 3, Text: "it answered 503 Service Unavailable", CreatedAt: w.ago(time.Minute)},
		{ID: "3", Channel: "chat", Subject: "test", State: patch.DeliveryFailed, Tries: 1, Text: "it answered 403 Forbidden", CreatedAt: w.ago(time.Minute)},
	}
}
