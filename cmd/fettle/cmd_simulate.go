package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/simulate"
)

type simulateCmd struct {
	Machines    int           `default:"1000" help:"How many machines to simulate."`
	Patches     int           `default:"0" help:"Publish a catalog of so many simulated patches first, for a host OS that no real machine has; 0: use the catalogs that are there." placeholder:"N"`
	Server      string        `help:"The agent listener, e.g. https://127.0.0.1:8461. Default: the one of the appliance that you are logged in to." placeholder:"URL"`
	Token       string        `help:"An enrolment token that admits by itself, for all machines. Default: one is made, which needs a login." placeholder:"TOKEN"`
	OS          []string      `name:"os" help:"The machines' host OS; may be repeated, the machines are spread over them. Default: all that have a catalog." placeholder:"OS"`
	Facts       string        `help:"Facts of a real machine, as fettle facts prints them: machines of its host OS have its packages." type:"existingfile" placeholder:"FILE"`
	Rounds      int           `default:"2" help:"How often each machine detects a change, and then nothing new."`
	Rate        float64       `default:"0" help:"Machines a second; 0: as many as the appliance takes."`
	Workers     int           `default:"40" help:"How many machines are at work at once."`
	Connections int           `default:"4000" help:"How many machines keep their connection; the others resume their TLS session each time."`
	Active      int           `default:"0" help:"How many machines take part in the rounds after their first detect; 0: all." placeholder:"N"`
	Applicable  int           `default:"1250" help:"How many patches apply to one machine, where the list has so many."`
	States      int           `default:"480" help:"How many different machines there are of one host OS."`
	Seed        uint64        `default:"1" help:"The same seed gives the same fleet."`
	Prefix      string        `default:"simulated-" help:"What the machines' names begin with."`
	Deploy      time.Duration `help:"Then take orders and report results for so long: 30m." placeholder:"DURATION"`
	Every       time.Duration `default:"5s" help:"With --deploy: between two contacts of a machine."`
	Failing     float64       `default:"0" help:"With --deploy: share of the installs that fail, 0 to 1." placeholder:"SHARE"`
	Silent      float64       `default:"0" help:"With --deploy: share of the machines that are not heard of any more once they have begun to install." placeholder:"SHARE"`
	Slow        float64       `default:"0" help:"With --deploy: share of the machines that take --slow-for for each patch." placeholder:"SHARE"`
	SlowFor     time.Duration `default:"2m" help:"With --deploy: how long a slow machine takes for one patch."`
	Remove      bool          `help:"Revoke all machines whose names begin with the prefix, and end the simulated subscription; simulate nothing."`
	Anywhere    bool          `name:"load-test-this-server" help:"Do it to an appliance on another machine too. Its people will notice."`
}

func (simulateCmd) Help() string {
	return `A fleet that is not there: each machine enrols with a key of its own, checks in, sends inventory and facts, and detects, over the agent
protocol and with the agent's own code. Verdicts are what the engine says about the packages that a machine claims to have. Progress goes
to standard error; the figures are one line of JSON. Interrupt it at any time: what was measured until then is printed.

With --deploy the machines go on afterwards: they ask for orders, verify them, report each step, and end with a detect of what is then installed, so that
rings, plans, windows and halts can be tried on a fleet that is not there. Which machine is slow or falls silent, and which patch fails where,
follows from --seed. Patches are deployable where the appliance can get their files: use a host OS of a real subscription (--os), and keep in mind that
what you approve is then fetched from the vendor. Nothing is installed anywhere.

Load tests are for an appliance on this machine; for another one say --load-test-this-server. What is simulated stays in the ledger, as
everything does: use an appliance that you can throw away, or --remove, which revokes the machines.

Examples:
  fettle simulate --machines 1000 --patches 30000
  fettle simulate --machines 5000 --os debian-12-amd64 --facts web-14.json --rounds 4
  fettle simulate --machines 200 --rate 20 --server https://127.0.0.1:8461 --token fettle1.…
  fettle simulate --machines 300 --os debian-12-amd64 --rounds 0 --deploy 30m --failing 0.02 --silent 0.01 --slow 0.1
  fettle simulate --remove`
}

// Run is the whole load test.
func (c simulateCmd) Run(ctx context.Context, s *screen) error {
	if c.Machines < 1 || c.Machines > 100_000 || c.States < 48 || c.States > 100_000 || c.Workers < 1 || c.Workers > 1000 || c.Patches < 0 || c.Patches > 200_000 || c.Prefix == "" {
		return usagef("--machines goes from 1 to 100,000, --states from 48 to 100,000, --workers from 1 to 1,000, --patches to 200,000, and --prefix is not empty")
	}
	if !share(c.Failing) || !share(c.Silent) || !share(c.Slow) || c.Deploy < 0 || c.Every < 0 || c.SlowFor < 0 {
		return usagef("--failing, --silent and --slow are shares from 0 to 1, and times are not negative")
	}
	if c.Remove {
		return c.remove(ctx, s)
	}
	cfg, err := c.prepare(ctx, s)
	if err != nil {
		return err
	}
	debug.SetGCPercent(400) // what this program spends on its own memory, an appliance on the same machine lacks
	b := newBars(s)
	b.every = 5 * time.Second
	var mu sync.Mutex
	cfg.Progress = func(step string, done, total int) {
		mu.Lock()
		defer mu.Unlock()
		b.set(step, int64(done), int64(total), thousands(done)+" of "+thousands(total))
	}
	figures, err := simulate.Run(ctx, cfg)
	b.stop()
	if figures.Interrupted = errors.Is(err, context.Canceled); err != nil && !figures.Interrupted {
		return err
	}
	return json.NewEncoder(s.out).Encode(figures)
}

func share(v float64) bool { return v >= 0 && v <= 1 }

// prepare settles what the run needs: where, with which token, of which host OSes. Only what is missing needs a login.
func (c simulateCmd) prepare(ctx context.Context, s *screen) (simulate.Config, error) {
	cfg := simulate.Config{Server: c.Server, Token: c.Token, Machines: c.Machines, Applicable: c.Applicable, States: c.States, Rounds: c.Rounds, Rate: c.Rate,
		Workers: c.Workers, Connections: c.Connections, Active: c.Active, Seed: c.Seed, Prefix: c.Prefix, Version: "simulated " + version}
	if c.Deploy > 0 {
		cfg.Work = &simulate.Work{For: c.Deploy, Every: c.Every, Failing: c.Failing, Silent: c.Silent, Slow: c.Slow, SlowFor: c.SlowFor}
	}
	for _, name := range c.OS {
		cfg.OSes = append(cfg.OSes, patch.HostOS(name))
	}
	var err error
	if cfg.Facts, err = c.facts(); err != nil {
		return cfg, err
	}
	if cfg.Facts != nil && len(c.OS) == 0 && c.Patches == 0 {
		cfg.OSes = []patch.HostOS{cfg.Facts.OS.Key}
	}
	if cfg.Server != "" && cfg.Token != "" && len(cfg.OSes) > 0 && c.Patches == 0 {
		return cfg, c.allowed(ctx, cfg.Server)
	}
	client, err := s.client(ctx)
	if err != nil {
		return cfg, err
	}
	defer client.Close()
	if err := c.allowed(ctx, client.Server()); err != nil {
		return cfg, err
	}
	if err := c.fill(ctx, s, client, &cfg); err != nil {
		return cfg, err
	}
	return cfg, c.allowed(ctx, cfg.Server)
}

func (c simulateCmd) facts() (*patch.Facts, error) {
	if c.Facts == "" {
		return nil, nil
	}
	b, err := os.ReadFile(c.Facts)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot read the facts", Err: err}
	}
	f := new(patch.Facts)
	if err := json.Unmarshal(b, f); err != nil || f.OS.Key == "" {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use {1}", c.Facts), Why: "it does not hold the facts of a machine", Do: "Make it with fettle facts."}
	}
	return f, nil
}

// fill asks the appliance for what was not given.
func (c simulateCmd) fill(ctx context.Context, s *screen, client *api.Client, cfg *simulate.Config) error {
	if c.Patches > 0 {
		if err := publishSimulated(ctx, s, client, c.Patches, c.Seed); err != nil {
			return err
		}
		cfg.OSes = append(cfg.OSes, simulate.OS)
	}
	if len(cfg.OSes) == 0 {
		l, err := api.Get[api.List[patch.RevisionMeta]](ctx, client, api.Path("catalogs"), nil)
		if err != nil {
			return err
		}
		for _, m := range l.Items {
			cfg.OSes = append(cfg.OSes, m.OS)
		}
		if len(cfg.OSes) == 0 {
			return &patch.Error{Kind: patch.NotFound, What: "there is no catalog yet", Do: "Subscribe with fettle feeds add and run fettle catalog sync, or publish a simulated one with --patches."}
		}
	}
	var reply api.TokenReply
	if cfg.Token == "" || cfg.Server == "" || cfg.Server == client.Server() {
		var err error
		reply, err = api.Do[api.TokenReply](ctx, client, http.MethodPost, api.Path("tokens"), nil, api.TokenRequest{Name: simulatedName + "-" + newID(), Uses: c.Machines, Hours: 24, Admit: true})
		if err != nil {
			return err
		}
	}
	if cfg.Token == "" {
		cfg.Token = reply.Token
	}
	return settleServer(cfg, client.Server(), reply.Server)
}

// settleServer finds the agent listener: it is on the console's host, at the port that enrolments are sent to.
func settleServer(cfg *simulate.Config, console, enrolment string) error {
	if cfg.Server != "" && cfg.Server != console {
		return nil
	}
	people, err := url.Parse(console)
	if err != nil {
		return err
	}
	machines, err := url.Parse(enrolment)
	if err != nil {
		return err
	}
	cfg.Server = "https://" + net.JoinHostPort(people.Hostname(), machines.Port())
	return nil
}

// allowed holds a load test back from an appliance that is not this machine's own.
func (c simulateCmd) allowed(ctx context.Context, server string) error {
	u, err := url.Parse(server)
	if err != nil || u.Hostname() == "" {
		return usagef("--server must look like https://127.0.0.1:8461")
	}
	if c.Anywhere || onLoopback(ctx, u.Hostname()) {
		return nil
	}
	return &patch.Error{Kind: patch.Forbidden, What: "a load test stays on this machine", Why: phrase.Of("{1} is not a loopback address", u.Hostname()), Do: "Add --load-test-this-server if that is what you mean."}
}

func onLoopback(ctx context.Context, host string) bool {
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	for _, ip := range ips {
		if !ip.IP.IsLoopback() {
			return false
		}
	}
	return err == nil && len(ips) > 0
}
