package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/notify"
	"github.com/fettle-project/fettle/internal/patch"
)

type notifyCmd struct {
	List    notifyListCmd    `cmd:"" default:"1" help:"List where notifications go."`
	Mail    notifyMailCmd    `cmd:"" help:"Send them by mail."`
	Webhook notifyWebhookCmd `cmd:"" help:"Post them as signed JSON."`
	Slack   notifySlackCmd   `cmd:"" help:"Post them to Slack, or what understands its webhooks."`
	Teams   notifyTeamsCmd   `cmd:"" help:"Post them to Teams, as adaptive cards."`
	Test    notifyTestCmd    `cmd:"" help:"Send a test message now."`
	Remove  notifyRemoveCmd  `cmd:"" help:"Forget a channel and its secrets."`
	Log     notifyLogCmd     `cmd:"" help:"List messages, newest first, and how they fared."`
}

type notifyListCmd struct{}

func (notifyListCmd) Help() string {
	return `Halts and alarms are told at once; the rest is gathered into one message per subject and window.

Subjects: halt, alarm, exploited, decision, stuck, feed, machine, hold.

Example:
  fettle notify --json`
}

func (notifyListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("notify", "channels"), nil, func(w io.Writer, l api.List[patch.Channel]) {
		if l.Total == 0 {
			line(w, "Nobody is told anything. Try: fettle notify mail ops --server mail.example.org:587 --from fettle@example.org --to ops@example.org")
			return
		}
		t := table{columns: []column{{title: "channel", flex: true}, {title: "kind"}, {title: "to", flex: true}, {title: "about", flex: true}, {title: "digest", right: true}, {title: "quiet"}, {title: "state"}}}
		for _, c := range l.Items {
			t.add(c.Name, string(c.Kind), reach(c), about(c.Subjects), strconv.Itoa(c.Window)+" min", c.Quiet, map[bool]string{true: "paused", false: "on"}[c.Paused])
		}
		t.print(w, s.width)
	})
}

func reach(c patch.Channel) string {
	if c.Kind == patch.ByMail {
		return strings.Join(c.To, ", ")
	}
	return c.Where
}

func about(subjects []patch.Subject) string {
	if len(subjects) == 0 {
		return "everything"
	}
	var out []string
	for _, s := range subjects {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

// channelFlags is what all kinds have in common.
type channelFlags struct {
	Name     string          `arg:"" help:"What the channel is called."`
	About    []patch.Subject `help:"Only these subjects: halt, alarm, exploited, decision, stuck, feed, machine, hold; default: all." placeholder:"SUBJECT"`
	Every    time.Duration   `default:"1h" help:"Gather what is no halt and no alarm for so long."`
	Quiet    string          `help:"Hold digests back in these hours." placeholder:"22:00-07:00"`
	Zone     string          `help:"Time zone of the quiet hours; default: the appliance's." placeholder:"ZONE"`
	Language string          `help:"Write messages in this language, such as de; default: English." placeholder:"TAG"`
	Paused   bool            `help:"Send nothing for now."`
}

func (f channelFlags) request(kind patch.ChannelKind) notify.Request {
	return notify.Request{Channel: patch.Channel{Name: f.Name, Kind: kind, Subjects: f.About, Window: int(f.Every.Minutes()), Quiet: f.Quiet, Zone: f.Zone, Language: f.Language, Paused: f.Paused}}
}

func putChannel(ctx context.Context, s *screen, r notify.Request) error {
	return tell(ctx, s, http.MethodPut, api.Path("notify", "channels", r.Name), r, func(w io.Writer, p notify.Put) {
		line(w, "%s: %s, about %s.", clean(p.Name), clean(reach(p.Channel)), about(p.Subjects))
		if p.Key != "" {
			line(w, "Its signing key, shown this once:\n  %s", p.Key)
		}
		line(w, "Try it: fettle notify test %s", clean(p.Name))
	})
}

type notifyMailCmd struct {
	channelFlags
	Server        string   `required:"" help:"The mail server." placeholder:"HOST:PORT"`
	From          string   `required:"" help:"The sender's address." placeholder:"ADDRESS"`
	To            []string `required:"" help:"Who gets it; may be repeated."`
	Security      string   `enum:"starttls,tls,none" default:"starttls" help:"starttls, tls (from the first byte), or none (without a password, and only to addresses under notify_allow)."`
	User          string   `help:"Sign in at the server as this user; the password is asked for." placeholder:"NAME"`
	KeepPassword  bool     `help:"Leave the password as it is."`
	PasswordStdin bool     `name:"password-stdin" help:"Read the password from standard input."`
}

func (notifyMailCmd) Help() string {
	return `The password goes to the server and user that it was given for, and to no other: when one of them changes it is needed again.

Examples:
  fettle notify mail ops --server mail.example.org:587 --from fettle@example.org --to ops@example.org --user fettle --password-stdin < password
  fettle notify mail night --server mail.example.org:465 --security tls --from fettle@example.org --to oncall@example.org --about halt,alarm
  fettle notify mail betrieb --server mail.example.org:587 --from fettle@example.org --to betrieb@example.org --language de`
}

func (c notifyMailCmd) Run(ctx context.Context, s *screen) error {
	r := c.request(patch.ByMail)
	r.Where, r.Security, r.User, r.From, r.To = c.Server, c.Security, c.User, c.From, c.To
	if c.User != "" && !c.KeepPassword {
		var err error
		if r.Key, err = s.password(c.PasswordStdin, "Password of "+c.User+" at "+c.Server+": "); err != nil {
			return err
		}
	}
	return putChannel(ctx, s, r)
}

// hookFlags is what the kinds with an address have in common. The address lets whoever knows it post, so it is no argument, which every
// user of the machine could read.
type hookFlags struct {
	channelFlags
	KeepURL  bool `name:"keep-url" help:"Leave the address as it is."`
	URLStdin bool `name:"url-stdin" help:"Read the address from standard input; otherwise it is asked for."`
}

func (c hookFlags) put(ctx context.Context, s *screen, r notify.Request) error {
	if !c.KeepURL {
		var err error
		if r.URL, err = s.password(c.URLStdin, "Address to post to (not shown): "); err != nil {
			return err
		}
	}
	return putChannel(ctx, s, r)
}

type notifyWebhookCmd struct {
	hookFlags
	NewKey bool `help:"Make a new signing key."`
}

func (notifyWebhookCmd) Help() string {
	return `Messages carry Webhook-Id, Webhook-Timestamp and Webhook-Signature as Standard Webhooks describes them. A signing key is made and shown once.

Examples:
  fettle notify webhook ticketing --url-stdin < address
  fettle notify webhook ticketing --keep-url --new-key`
}

func (c notifyWebhookCmd) Run(ctx context.Context, s *screen) error {
	r := c.request(patch.ByWebhook)
	r.NewKey = c.NewKey
	return c.put(ctx, s, r)
}

type notifySlackCmd struct{ hookFlags }

func (notifySlackCmd) Help() string {
	return "Example:\n  fettle notify slack ops --url-stdin --quiet 22:00-07:00 < address"
}

func (c notifySlackCmd) Run(ctx context.Context, s *screen) error {
	return c.put(ctx, s, c.request(patch.BySlack))
}

type notifyTeamsCmd struct{ hookFlags }

func (notifyTeamsCmd) Help() string {
	return "Example:\n  fettle notify teams ops --url-stdin --about halt,alarm,exploited < address"
}

func (c notifyTeamsCmd) Run(ctx context.Context, s *screen) error {
	return c.put(ctx, s, c.request(patch.ByTeams))
}

type notifyTestCmd struct {
	Name string `arg:"" help:"The channel."`
}

func (notifyTestCmd) Help() string {
	return "Exits with 1 if the message did not arrive.\n\nExample:\n  fettle notify test ops"
}

func (c notifyTestCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	d, err := api.Do[patch.Delivery](ctx, client, http.MethodPost, api.Path("notify", "channels", c.Name, "test"), nil, nil)
	if err != nil {
		return err
	}
	arrived := d.State == patch.DeliverySent
	err = s.show(d, func(w io.Writer) {
		if arrived {
			line(w, "A test message has arrived at %s.", clean(d.Channel))
			return
		}
		line(w, "The test message did not arrive: %s", clean(d.Text))
	})
	if err == nil && !arrived {
		return errNo
	}
	return err
}

type notifyRemoveCmd struct {
	Name string `arg:"" help:"The channel."`
}

func (notifyRemoveCmd) Help() string { return "Example:\n  fettle notify remove ops" }

func (c notifyRemoveCmd) Run(ctx context.Context, s *screen) error {
	return remove(ctx, s, api.Path("notify", "channels", c.Name), "The channel "+clean(c.Name)+" is forgotten, with its secrets.")
}

type notifyLogCmd struct {
	Channel string `help:"Only this channel's." placeholder:"CHANNEL"`
	Limit   int    `default:"50" help:"At most so many."`
}

func (notifyLogCmd) Help() string { return "Example:\n  fettle notify log --channel ops" }

func (c notifyLogCmd) Run(ctx context.Context, s *screen) error {
	q := query{}.set("limit", strconv.Itoa(c.Limit))
	if c.Channel != "" {
		q.set("channel", c.Channel)
	}
	return ask(ctx, s, api.Path("notify", "deliveries"), q, func(w io.Writer, l api.List[patch.Delivery]) {
		t := table{columns: []column{{title: "at"}, {title: "channel"}, {title: "about"}, {title: "notices", right: true}, {title: "state"}, {title: "tries", right: true}, {title: "", flex: true}}}
		for _, d := range l.Items {
			t.add(when(d.CreatedAt), d.Channel, string(d.Subject), strconv.Itoa(len(d.Notices)+d.More), string(d.State), strconv.Itoa(d.Tries), d.Text)
		}
		t.print(w, s.width)
	})
}
