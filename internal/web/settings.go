package web

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/notify"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// People is who may sign in.
type People interface {
	ListUsers(ctx context.Context) ([]patch.User, error)
	PutUser(ctx context.Context, caller patch.Caller, name string, role patch.Role, password string, disabled bool) (patch.User, error)
}

// Channels is where notifications go.
type Channels interface {
	List(ctx context.Context) ([]patch.Channel, error)
	Put(ctx context.Context, by patch.Caller, r notify.Request) (notify.Put, error)
	Remove(ctx context.Context, by patch.Caller, name string) error
	Test(ctx context.Context, by patch.Caller, name string) (patch.Delivery, error)
}

// settingsPage is what only administrators change: people, and who is told what. No secret is ever on it but a signing key that was made
// just now.
type settingsPage struct {
	Users      []patch.User
	Roles      []roleRow
	Channels   []patch.Channel
	Deliveries []patch.Delivery
	Subjects   []subjectRow
	Form       channelForm
	Person     personForm
	Key        string // of the channel that was put
	Tried      *patch.Delivery
	Fault      *faultPage
}

// roleRow is a role and what it may do.
type roleRow struct {
	Role patch.Role
	May  []auth.Permission
}

// subjectRow is a subject that a channel can be limited to.
type subjectRow struct {
	Subject patch.Subject
	Word    phrase.Phrase
}

// channelForm is a channel as it was typed, its secrets left out.
type channelForm struct {
	patch.Channel
	To string
}

// MaySignIn is how many people may.
func (p settingsPage) MaySignIn() int {
	return len(keep(p.Users, func(u patch.User) bool { return !u.Disabled }))
}

// Told is how many channels are not paused.
func (p settingsPage) Told() int {
	return len(keep(p.Channels, func(c patch.Channel) bool { return !c.Paused }))
}

// About is a subject in words; that of a test is none to choose.
func (p settingsPage) About(s patch.Subject) phrase.Phrase {
	for _, row := range p.Subjects {
		if row.Subject == s {
			return row.Word
		}
	}
	return "subject\x04test"
}

// KindWord is how a channel is reached, in words.
func (p settingsPage) KindWord(k patch.ChannelKind) phrase.Phrase {
	switch k {
	case patch.ByMail:
		return "mail"
	case patch.ByWebhook:
		return "signed webhook"
	case patch.BySlack:
		return "Slack"
	case patch.ByTeams:
		return "Teams"
	}
	return phrase.Verbatim(string(k))
}

// StateWord is how far a message is, in words.
func (p settingsPage) StateWord(s patch.DeliveryState) phrase.Phrase {
	switch s {
	case patch.DeliveryWaiting:
		return "message\x04waiting"
	case patch.DeliverySent:
		return "message\x04sent"
	case patch.DeliveryFailed:
		return "message\x04failed"
	}
	return phrase.Verbatim(string(s))
}

// Has reports whether a subject is ticked.
func (f channelForm) Has(s patch.Subject) bool {
	for _, x := range f.Subjects {
		if x == s {
			return true
		}
	}
	return false
}

// personForm is a person as typed, the password left out.
type personForm struct {
	Name string
	Role string
}

const deliveriesShown = 20

func subjectWords() []subjectRow {
	words := map[patch.Subject]phrase.Phrase{patch.AboutHalt: "halted patches, at once", patch.AboutAlarm: "alarms, at once", patch.AboutExploited: "missing patches for what is being exploited", patch.AboutDecision: "what needs a decision",
		patch.AboutStuck: "stuck deployments", patch.AboutFeed: "failed feeds", patch.AboutMachine: "silent machines and failed detects", patch.AboutHold: "holds that end soon"}
	var out []subjectRow
	for _, s := range patch.Subjects() {
		out = append(out, subjectRow{s, words[s]})
	}
	return out
}

func (c *console) settings(v *visit) error {
	return c.settingsAgain(v, http.StatusOK, settingsPage{})
}

func (c *console) settingsAgain(v *visit, status int, p settingsPage) (err error) {
	if p.Users, err = c.People.ListUsers(v.ctx); err != nil {
		return err
	}
	if p.Channels, err = c.Channels.List(v.ctx); err != nil {
		return err
	}
	if p.Deliveries, err = c.DeliveryLog(v.ctx, "", deliveriesShown); err != nil {
		return err
	}
	for _, r := range []patch.Role{patch.Admin, patch.Operator, patch.Auditor} {
		p.Roles = append(p.Roles, roleRow{r, auth.Permissions(r)})
	}
	p.Subjects = subjectWords()
	if p.Form.Name == "" {
		p.Form = channelForm{Channel: patch.Channel{Kind: patch.ByMail, Window: 60, Security: "starttls"}}
		if name := v.get("channel"); name != "" {
			for _, ch := range p.Channels {
				if ch.Name == name {
					p.Form = channelForm{ch, strings.Join(ch.To, ", ")}
				}
			}
		}
	}
	f, err := c.frame(v, "settings", "Settings")
	if err != nil {
		return err
	}
	return c.write(v, status, "settings", "layout", view[settingsPage]{Frame: f, Body: p})
}

// refused shows the page with a fault and what was typed; a fault of ours is an error.
func (c *console) refused(v *visit, p settingsPage, err error) error {
	fault := faultOf(err)
	if fault.Status == http.StatusInternalServerError {
		return err
	}
	p.Fault = &fault
	return c.settingsAgain(v, fault.Status, p)
}

// putPerson adds a person or changes one; an empty password keeps the one that is.
func (c *console) putPerson(v *visit) error {
	f := personForm{Name: strings.TrimSpace(v.get("name")), Role: v.get("role")}
	_, err := c.People.PutUser(v.ctx, v.caller, f.Name, patch.Role(f.Role), v.r.PostFormValue("password"), v.get("disabled") != "")
	if err != nil {
		return c.refused(v, settingsPage{Person: f}, err)
	}
	return v.see("/settings")
}

func (c *console) putChannel(v *visit) error {
	f := channelForm{To: v.get("to"), Channel: patch.Channel{Name: strings.TrimSpace(v.get("name")), Kind: patch.ChannelKind(v.get("kind")), Where: strings.TrimSpace(v.get("server")), Security: v.get("security"),
		User: strings.TrimSpace(v.get("user")), From: strings.TrimSpace(v.get("from")), Quiet: v.get("quiet"), Language: v.get("language"), Zone: strings.TrimSpace(v.get("zone")), Paused: v.get("paused") != ""}}
	f.Window, _ = strconv.Atoi(v.get("window"))
	for _, s := range v.r.PostForm["about"] {
		f.Subjects = append(f.Subjects, patch.Subject(s))
	}
	r := notify.Request{Channel: f.Channel, URL: strings.TrimSpace(v.r.PostFormValue("url")), Key: v.r.PostFormValue("secret"), NewKey: v.get("new_key") != ""}
	for to := range strings.FieldsFuncSeq(f.To, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		r.To = append(r.To, strings.TrimSpace(to))
	}
	put, err := c.Channels.Put(v.ctx, v.caller, r)
	if err != nil {
		return c.refused(v, settingsPage{Form: f}, err)
	}
	if put.Key == "" {
		return v.see("/settings#notifications")
	}
	return c.settingsAgain(v, http.StatusOK, settingsPage{Key: put.Key})
}

func (c *console) testChannel(v *visit) error {
	d, err := c.Channels.Test(v.ctx, v.caller, v.r.PathValue("channel"))
	if err != nil {
		return err
	}
	return c.settingsAgain(v, http.StatusOK, settingsPage{Tried: &d})
}

func (c *console) removeChannel(v *visit) error {
	if err := c.Channels.Remove(v.ctx, v.caller, v.r.PathValue("channel")); err != nil {
		return err
	}
	return v.see("/settings#notifications")
}
