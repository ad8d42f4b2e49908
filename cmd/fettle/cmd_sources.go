package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	notices "github.com/fettle-project/fettle/internal/feed/advisory"
	"github.com/fettle-project/fettle/internal/feed/apps"
	"github.com/fettle-project/fettle/internal/feed/apt"
	"github.com/fettle-project/fettle/internal/feed/kev"
	"github.com/fettle-project/fettle/internal/feed/msrc"
	"github.com/fettle-project/fettle/internal/feed/osv"
	"github.com/fettle-project/fettle/internal/feed/oval"
	"github.com/fettle-project/fettle/internal/feed/rpm"
	"github.com/fettle-project/fettle/internal/feed/sdp"
	"github.com/fettle-project/fettle/internal/feed/sofa"
	"github.com/fettle-project/fettle/internal/patch"
)

type feedsCmd struct {
	List   feedsListCmd   `cmd:"" default:"1" help:"List subscriptions with their newest runs."`
	Add    feedsAddCmd    `cmd:"" help:"Subscribe to an archive."`
	Remove feedsRemoveCmd `cmd:"" help:"End a subscription."`
}

type feedsListCmd struct{}

func (feedsListCmd) Help() string { return "Example:\n  fettle feeds --json" }

func (feedsListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("feeds"), nil, func(w io.Writer, l api.List[patch.FeedStatus]) {
		if len(l.Items) == 0 {
			line(w, "No feeds. Add one: fettle feeds add --from-apt bookworm, --apt \"deb URI SUITE COMPONENT…\", or --rpm BASEURL")
			return
		}
		t := table{columns: []column{{title: "feed", flex: true}, {title: "suite"}, {title: "os"}, {title: "packages", right: true}, {title: "dated"}, {title: "last run"}, {title: "outcome", flex: true}}}
		for _, f := range l.Items {
			t.add(feedCells(f)...)
		}
		t.print(w, s.width)
	})
}

func feedCells(f patch.FeedStatus) []string {
	cells := []string{f.Name, f.Suite, string(f.OS), "", "", "never", ""}
	if g := f.LastGood; g != nil {
		cells[3], cells[4] = thousands(g.Packages), when(g.Dated)
	}
	if r := f.Last; r != nil {
		cells[5], cells[6] = ago(r.Ended, time.Now()), strings.TrimSpace(r.Outcome+" "+r.Text.String())
	}
	return cells
}

type feedsAddCmd struct {
	Name         string `help:"A name of your choice; made from the address if left out."`
	Apt          string `required:"" xor:"from" help:"The archive as apt writes it: \"deb URI SUITE COMPONENT…\"." placeholder:"LINE"`
	FromApt      string `required:"" xor:"from" help:"All of this release's archives that this machine's own apt is configured with: bookworm, its security and its updates." placeholder:"RELEASE"`
	RPM          string `name:"rpm" required:"" xor:"from" help:"An rpm repository: the https address, or the directory on the appliance, that holds repodata." placeholder:"BASEURL"`
	Updateinfo   string `required:"" xor:"from" help:"An updateinfo.xml: an https address or a file on the appliance." placeholder:"FILE"`
	OSV          string `name:"osv" required:"" xor:"from" help:"OSV advisories of an rpm distribution: a zip's https address, or a zip or directory on the appliance." placeholder:"DIR"`
	OVAL         string `name:"oval" required:"" xor:"from" help:"A document of OVAL definitions, compressed or not: an https address or a file on the appliance." placeholder:"FILE"`
	SDP          string `name:"sdp" required:"" xor:"from" help:"WSUS software packages: a catalog (.cab, .xml), a package or a zip of them: an https address or a file on the appliance. Needs --os." placeholder:"FILE"`
	Apps         string `required:"" xor:"from" help:"Definitions of third-party programs for Windows: a file, or a zip of our own YAML, winget or Scoop manifests: an https address or a file on the appliance. Needs --os." placeholder:"FILE"`
	MSRC         string `name:"msrc" required:"" xor:"from" help:"Microsoft's security documents, CVRF or CSAF: one, or a zip of them: an https address or a file on the appliance. Needs --os." placeholder:"FILE"`
	SOFA         string `name:"sofa" required:"" xor:"from" help:"SOFA's feed of macOS releases: an https address or a file on the appliance. Needs --os, as in --os macos-15 --arch arm64." placeholder:"FILE"`
	Advisories   string `required:"" xor:"from" help:"Advisories that enrich the patches of apt archives: the Debian security tracker's list of DSAs, DLAs or CVEs, or Ubuntu's notices as JSON or OSV: an https address or a file on the appliance. Needs --os." placeholder:"FILE"`
	KEV          string `name:"kev" required:"" xor:"from" help:"A catalog of known exploited vulnerabilities, as JSON or CSV: an https address or a file on the appliance. Rules, labels, reports and lint know its CVEs." placeholder:"FILE"`
	OS           string `name:"os" help:"The host OS that the feed is for, such as almalinux-9; needed where the feed does not say itself." placeholder:"OS"`
	Arch         string `default:"amd64" help:"The machines' architecture."`
	Keyring      string `help:"OpenPGP keyring on the appliance that the archive's signatures must verify with." placeholder:"FILE"`
	IgnoreExpiry bool   `help:"Accept an archive whose index says that it has expired, for frozen mirrors."`
}

func (feedsAddCmd) Help() string {
	return `Examples:
  fettle feeds add --from-apt bookworm
  fettle feeds add --name bookworm --apt "deb https://mirror.example.org/debian bookworm main"
  fettle feeds add --apt "deb [signed-by=/usr/share/keyrings/shop.gpg] https://apt.example.org stable main"
  fettle feeds add --name alma9-baseos --rpm https://mirror.example.org/almalinux/9/BaseOS/x86_64/os
  fettle feeds add --name rocky9-osv --osv /srv/osv/rocky --os rocky-9
  fettle feeds add --name noble-usn --oval https://mirror.example.org/oval/com.ubuntu.noble.usn.oval.xml.bz2
  fettle feeds add --name drivers --sdp https://vendor.example.com/catalog.cab --os windows-10.0.19045
  fettle feeds add --name apps --apps /srv/apps/definitions.zip --os windows-10.0.19045
  fettle feeds add --name ten-msrc --msrc /srv/msrc/cvrf.zip --os windows-10.0.19045
  fettle feeds add --name macos15 --sofa https://sofa.example.org/v2/macos_data_feed.json --os macos-15 --arch arm64
  fettle feeds add --name dsa --advisories https://tracker.example.org/DSA/list --os debian-12
  fettle feeds add --name kev --kev /srv/known_exploited_vulnerabilities.json`
}

func (c feedsAddCmd) Run(ctx context.Context, s *screen) error {
	feeds, err := c.feeds()
	if err != nil {
		return err
	}
	for i := range feeds {
		if c.Name == "" {
			continue
		}
		if feeds[i].Name = c.Name; i > 0 {
			feeds[i].Name += "-" + feeds[i].Arch
		}
	}
	return c.subscribe(ctx, s, feeds)
}

// feeds makes what the flags name.
func (c feedsAddCmd) feeds() ([]patch.Feed, error) {
	for _, from := range []struct{ kind, address string }{{rpm.Kind, c.RPM}, {rpm.UpdateinfoKind, c.Updateinfo}, {osv.Kind, c.OSV}, {oval.Kind, c.OVAL}, {sdp.Kind, c.SDP}, {apps.Kind, c.Apps}, {msrc.Kind, c.MSRC}, {sofa.Kind, c.SOFA}, {notices.Kind, c.Advisories}, {kev.Kind, c.KEV}} {
		if from.address != "" {
			f, err := feedAt(from.kind, from.address, c.OS, c.Arch, c.Keyring)
			return []patch.Feed{f}, err
		}
	}
	lines := []string{c.Apt}
	if c.FromApt != "" {
		if c.Name != "" {
			return nil, usagef("--from-apt names the feeds itself; leave --name out")
		}
		var err error
		if lines, err = apt.ReleaseSources("/", c.FromApt); err != nil {
			return nil, err
		}
	}
	var feeds []patch.Feed
	for _, text := range lines {
		several, err := feedsFromLine(text, c.Arch, c.Keyring, c.IgnoreExpiry)
		if err != nil {
			return nil, err
		}
		for i := range several {
			if c.OS != "" {
				several[i].OS = hostOS(c.OS, several[0].Arch)
			}
			if i > 0 && several[i].OS == "" {
				return nil, usagef("%s is a foreign architecture of which host OS? Name it with --os", several[i].Arch)
			}
		}
		feeds = append(feeds, several...)
	}
	return feeds, nil
}

func (c feedsAddCmd) subscribe(ctx context.Context, s *screen, feeds []patch.Feed) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	var added api.List[patch.Feed]
	for _, f := range feeds {
		f, err := api.Do[patch.Feed](ctx, client, http.MethodPut, api.Path("feeds", f.Name), nil, f)
		if err != nil {
			return err
		}
		added.Items = append(added.Items, f)
	}
	added.Total = len(added.Items)
	return s.show(added, func(w io.Writer) {
		for _, f := range added.Items {
			line(w, "Subscribed to %s as %s.", strings.TrimSpace(f.URI+" "+f.Suite), clean(f.Name))
		}
		line(w, "Fetch with: fettle catalog sync")
	})
}

type feedsRemoveCmd struct {
	Name string `arg:"" help:"The feed's name."`
}

func (feedsRemoveCmd) Help() string { return "Example:\n  fettle feeds remove bookworm" }

func (c feedsRemoveCmd) Run(ctx context.Context, s *screen) error {
	return remove(ctx, s, api.Path("feeds", c.Name), "The feed "+clean(c.Name)+" is removed; what it brought stays in the catalog until the next sync.")
}

type payloadsCmd struct {
	Patch string `arg:"" optional:"" help:"Only the files of this patch."`
	State string `enum:"wanted,fetching,ready,failed," default:"" placeholder:"WORD" help:"Only files in this state: wanted, fetching, ready or failed."`
}

func (payloadsCmd) Help() string {
	return "Examples:\n  fettle payloads\n  fettle payloads perl\n  fettle payloads --state failed --json"
}

func (c payloadsCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("payloads"), query{}.set("patch", c.Patch).set("state", c.State), func(w io.Writer, l api.List[patch.StoredPayload]) {
		t := table{columns: []column{{title: "file", flex: true}, {title: "version", flex: true}, {title: "arch"}, {title: "size", right: true}, {title: "state"}, {title: "patch", flex: true}, {title: "error", flex: true}}}
		var total int64
		for _, p := range l.Items {
			total += p.Size
			t.add(p.Name, p.Version, p.Arch, size(p.Size), string(p.State), string(p.Patch), p.Error.String())
		}
		if len(t.rows) > 0 {
			t.print(w, s.width)
		}
		line(w, "%s, %s.", plural(l.Total, "file", "files"), size(total))
	})
}

type tokensCmd struct {
	List   tokensListCmd   `cmd:"" default:"1" help:"List enrolment tokens; their secrets are not kept."`
	Add    tokensAddCmd    `cmd:"" help:"Make a token and print its secret once."`
	Remove tokensRemoveCmd `cmd:"" help:"Make a token useless; enrolled machines stay."`
}

type tokensListCmd struct{}

func (tokensListCmd) Help() string { return "Example:\n  fettle tokens" }

func (tokensListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("tokens"), nil, func(w io.Writer, l api.List[patch.Token]) {
		t := table{columns: []column{{title: "token", flex: true}, {title: "uses left", right: true}, {title: "admits"}, {title: "ends"}, {title: "by"}}}
		for _, k := range l.Items {
			t.add(k.Name, strconv.Itoa(k.Uses), yesNo(k.Admit), when(k.ExpiresAt), k.CreatedBy)
		}
		t.print(w, s.width)
	})
}

type tokensAddCmd struct {
	Name  string `arg:"" help:"A name of your choice, shown as who enrolled a machine."`
	Uses  int    `default:"1" help:"How many machines may enrol with it."`
	Hours int    `default:"24" help:"How long it works; at most 168."`
	Admit bool   `help:"Machines are admitted at once instead of waiting for a person."`
}

func (tokensAddCmd) Help() string {
	return "Examples:\n  fettle tokens add web-servers --uses 20\n  fettle tokens add build --admit --json"
}

func (c tokensAddCmd) Run(ctx context.Context, s *screen) error {
	return tell(ctx, s, http.MethodPost, api.Path("tokens"), api.TokenRequest(c), func(w io.Writer, r api.TokenReply) {
		line(w, "%s", r.Token)
		s.say("It enrols %s until %s and is shown this once. Where the agent is already:\n  %s", plural(r.Info.Uses, "machine", "machines"), when(r.Info.ExpiresAt), r.Enrol)
		for _, l := range []struct{ where, text string }{{"On Linux", r.Install.Linux}, {"On Windows, in PowerShell as an administrator", r.Install.Windows}, {"On macOS", r.Install.MacOS}} {
			if l.text != "" {
				s.say("%s, from nothing:\n  %s", l.where, l.text)
			}
		}
	})
}

type tokensRemoveCmd struct {
	Name string `arg:"" help:"The token's name."`
}

func (tokensRemoveCmd) Help() string { return "Example:\n  fettle tokens remove web-servers" }

func (c tokensRemoveCmd) Run(ctx context.Context, s *screen) error {
	return remove(ctx, s, api.Path("tokens", c.Name), "The token "+clean(c.Name)+" is removed.")
}
