package main

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// config is everything `fettle serve` needs to know before it starts. It is read once.
type config struct {
	Data         string        `toml:"-"`
	Store        string        `toml:"store"`        // "sqlite:///…" or "postgres://…"; empty: fettle.db in the data directory
	Console      string        `toml:"console"`      // listen address of console and API
	Agents       string        `toml:"agents"`       // listen address of the agent protocol
	Hosts        []string      `toml:"hosts"`        // names and addresses that the server certificates carry
	User         string        `toml:"user"`         // the system user that the appliance runs as
	SyncEvery    time.Duration `toml:"-"`            // feeds; 0 means only on demand
	SyncEveryRaw string        `toml:"sync_every"`   // as written: "1h"
	Checkin      time.Duration `toml:"-"`            // how long machines stay away between check-ins
	CheckinRaw   string        `toml:"checkin"`      // as written: "15m"
	Allowed      allowance     `toml:"allowed_days"` // how many days a security patch may be missing, by severity
	TwoPerson    twoPerson     `toml:"two_person"`   // whether a second person confirms approvals
	Zone         string        `toml:"zone"`         // IANA time zone of schedules that name none; empty: this machine's own
	Ahead        time.Duration `toml:"-"`            // how long before it opens a schedule's window is planned, and orders go out
	AheadRaw     string        `toml:"orders_ahead"` // as written: "1h"
	PayloadRate  int64         `toml:"payload_rate"` // bytes of payloads a second that go out to all machines together; 0: no limit
	// NotifyAllow are addresses inside the appliance's own machine or segment, or without TLS, that notifications may go to all the same:
	// "127.0.0.1", "10.1.0.0/16". It is in a file so that nobody can open them over the network.
	NotifyAllow []string `toml:"notify_allow"`
	NotifyCA    string   `toml:"notify_ca"` // a PEM file of further certificate authorities for servers that notifications go to
	// A new revision is first judged over the stored facts of so many machines; if more than so many percent of the verdicts change, a
	// person has to look at it.
	CanaryMachines int     `toml:"canary_machines"`
	CanaryFlips    float64 `toml:"canary_flips"`
	// KeepFactsDays is how long facts are kept that nothing names any more; 0: for ever.
	KeepFactsDays int `toml:"keep_facts_days"`
}

// twoPerson is approval.TwoPerson as it is written. It is in a file so that nobody can turn it off over the network.
type twoPerson struct {
	On     bool     `toml:"on"`
	Labels []string `toml:"labels"` // only decisions that reach machines of these; none: all
}

// allowance is patch.Allowance as it is written; a severity that is left out keeps its default, 0 stops its clock.
type allowance struct {
	Critical *int `toml:"critical"`
	High     *int `toml:"high"`
	Medium   *int `toml:"medium"`
	Low      *int `toml:"low"`
	NotGiven *int `toml:"not_given"`
}

func (a allowance) over(defaults patch.Allowance) (patch.Allowance, error) {
	for severity, days := range map[patch.Severity]*int{patch.Critical: a.Critical, patch.High: a.High, patch.Medium: a.Medium, patch.Low: a.Low, patch.NotGiven: a.NotGiven} {
		switch {
		case days == nil:
		case *days < 0 || *days > 3660:
			return nil, &patch.Error{Kind: patch.Invalid, What: "cannot use allowed_days", Why: "it must be from 0 to 3660 days", Do: "Write 0 for a severity without a clock."}
		case *days == 0:
			delete(defaults, severity)
		default:
			defaults[severity] = *days
		}
	}
	return defaults, nil
}

const (
	systemConfig = "/etc/fettle/fettle.toml"
	dataConfig   = "fettle.toml"
	defaultData  = "/var/lib/fettle"
)

func defaultConfig(data string) config {
	return config{Data: data, Console: ":8460", Agents: ":8461", SyncEveryRaw: "1h", CheckinRaw: "15m", AheadRaw: "1h", CanaryMachines: catalog.DefaultBounds().Machines, CanaryFlips: catalog.DefaultBounds().Flips,
		KeepFactsDays: patch.KeepFactsDays}
}

// readConfig lays the system's file, then the data directory's, over the defaults. A missing file is no error; an unreadable one is.
func readConfig(data, system string) (config, error) {
	c := defaultConfig(data)
	for _, path := range []string{system, filepath.Join(data, dataConfig)} {
		if err := c.overlay(path); err != nil {
			return config{}, err
		}
	}
	return c, nil
}

func (c *config) overlay(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read the configuration {1}", path), Err: err}
	}
	defer f.Close()
	if err := toml.NewDecoder(f).DisallowUnknownFields().Decode(c); err != nil {
		var strict *toml.StrictMissingError
		why := err.Error()
		if errors.As(err, &strict) {
			why = "it has settings that Fettle does not know:\n" + strict.String()
		}
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use the configuration {1}", path), Why: phrase.Verbatim(why), Do: "Correct the file and start again."}
	}
	return nil
}

// check settles what follows from other settings.
func (c *config) check() error {
	if c.PayloadRate < 0 {
		return &patch.Error{Kind: patch.Invalid, What: "cannot use payload_rate", Why: "it is a number of bytes a second, or 0 for no limit"}
	}
	if c.SyncEveryRaw != "" {
		d, err := time.ParseDuration(c.SyncEveryRaw)
		if err != nil || (d != 0 && d < time.Minute) {
			return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use sync_every = {1}", c.SyncEveryRaw), Why: "it must be a duration of at least a minute, such as 1h, or 0 for never"}
		}
		c.SyncEvery = d
	}
	if _, err := c.Allowed.over(patch.DefaultAllowance()); err != nil {
		return err
	}
	if _, err := c.location(); err != nil {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use zone = {1}", c.Zone), Why: "it is not a time zone", Do: "Write a name such as Europe/Berlin."}
	}
	d, err := time.ParseDuration(c.CheckinRaw)
	if err != nil || d < 10*time.Second || d > 24*time.Hour {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use checkin = {1}", c.CheckinRaw), Why: "it must be a duration from 10s to 24h, such as 15m"}
	}
	c.Checkin = d
	if c.Ahead, err = time.ParseDuration(c.AheadRaw); err != nil || c.Ahead < 0 || c.Ahead > calendar.MaxAhead {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use orders_ahead = {1}", c.AheadRaw), Why: "it must be a duration from 0 to 12h, such as 1h"}
	}
	if c.CanaryMachines < 1 || c.CanaryFlips <= 0 || c.CanaryFlips > 100 {
		return &patch.Error{Kind: patch.Invalid, What: "cannot use the settings of the canary", Why: "canary_machines must be at least 1 and canary_flips a percentage above 0"}
	}
	if c.KeepFactsDays < 0 || c.KeepFactsDays > 3660 {
		return &patch.Error{Kind: patch.Invalid, What: "cannot use keep_facts_days", Why: "it must be from 1 to 3660 days, or 0 for ever"}
	}
	if _, err := c.notifyAllow(); err != nil {
		return err
	}
	if c.Store == "" {
		abs, err := filepath.Abs(filepath.Join(c.Data, "fettle.db"))
		if err != nil {
			return patch.Errorf(patch.Internal, "cannot find the data directory: %w", err)
		}
		c.Store = "sqlite://" + abs
	}
	c.Hosts = hostNames(c.Hosts)
	return nil
}

// hostNames adds the names that are always right, this machine's own and loopback's, after those that were given.
func hostNames(given []string) []string {
	names := slices.Clone(given)
	if h, err := os.Hostname(); err == nil && h != "" {
		names = append(names, h)
	}
	var all []string
	for _, n := range append(names, "localhost", "127.0.0.1", "::1") {
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// layout names the places in a data directory.
type layout struct{ dir string }

func (l layout) keys() string     { return filepath.Join(l.dir, "keys") }
func (l layout) feeds() string    { return filepath.Join(l.dir, "feeds") }    // vendors' raw indexes
func (l layout) catalogs() string { return filepath.Join(l.dir, "catalogs") } // lists, signatures, payload indexes
func (l layout) payloads() string { return filepath.Join(l.dir, "payloads") }
func (l layout) lists() string    { return filepath.Join(l.dir, "lists") }  // of patches, which addresses of the console name by their hash
func (l layout) agents() string   { return filepath.Join(l.dir, "agents") } // the agent's programs, for machines to install
func (l layout) config() string   { return filepath.Join(l.dir, dataConfig) }

// initialised reports whether `fettle init` has been here.
func (l layout) initialised() bool {
	_, err := os.Stat(l.config())
	return err == nil
}

// location is the organisation's time zone.
func (c *config) location() (*time.Location, error) {
	if c.Zone == "" {
		return time.Local, nil
	}
	return time.LoadLocation(c.Zone)
}

// notifyAllow reads addresses and networks.
func (c *config) notifyAllow() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range c.NotifyAllow {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, single := netip.ParseAddr(text)
			if single != nil {
				return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use notify_allow = {1}", text), Why: "it is neither an address nor a network", Do: "Write 127.0.0.1 or 10.1.0.0/16."}
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

// notifyRoots adds the operator's certificate authorities to the system's; nil is the system's alone.
func (c *config) notifyRoots() (*x509.CertPool, error) {
	if c.NotifyCA == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	b, err := os.ReadFile(c.NotifyCA)
	if err == nil && !pool.AppendCertsFromPEM(b) {
		err = errors.New("it holds no certificate in PEM form")
	}
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use notify_ca = {1}", c.NotifyCA), Err: err}
	}
	return pool, nil
}
