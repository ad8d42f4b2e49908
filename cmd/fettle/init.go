package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/store"
)

type initCmd struct {
	Data          string   `default:"${data}" help:"The data directory to create; it must be empty or not exist; default ${data}." placeholder:"DIR"`
	Admin         string   `default:"admin" help:"The first administrator's name."`
	PasswordStdin bool     `name:"password-stdin" help:"Read the administrator's password from standard input; otherwise one is made and printed once."`
	Host          []string `help:"A name or address under which people and machines reach this appliance; may be repeated. The first one is used in addresses."`
	User          string   `help:"The system user that the appliance runs as and owns the data; default: you, or the user fettle if you are root." placeholder:"NAME"`
	Store         string   `help:"Where the data is kept: sqlite:///PATH or postgres://…; default: a file in the data directory." placeholder:"URL"`
	Feed          []string `sep:"none" help:"Subscribe to an archive: \"deb URI SUITE COMPONENT…\"; may be repeated." placeholder:"LINE"`
}

func (initCmd) Help() string {
	return `Makes the data directory, the keys, both certificate authorities and the first administrator. There is no default account or password.
An existing appliance is never touched.

Examples:
  fettle init --host patches.example.org
  fettle init --data /srv/fettle --user fettle --admin m.keller --password-stdin < password
  fettle init --feed "deb https://mirror.example.org/debian bookworm main"`
}

// made is what init tells, once.
type made struct {
	Data      string `json:"data"`
	Admin     string `json:"admin"`
	Password  string `json:"password,omitempty"` // only where init made it
	ConsoleCA string `json:"console_ca_fingerprint"`
	AgentCA   string `json:"agent_ca_fingerprint"`
	Console   string `json:"console"`
	// Agents are the systems whose agents were found beside this program: machines of theirs can install them from here.
	Agents []string `json:"agents"`
	RunsAs string   `json:"runs_as"`
}

func (c initCmd) Run(ctx context.Context, s *screen) error {
	data, err := filepath.Abs(c.Data)
	if err != nil {
		return usageError{err}
	}
	cfg := defaultConfig(data)
	cfg.Hosts, cfg.Store, cfg.User = c.Host, c.Store, c.User
	if err := cfg.check(); err != nil {
		return err
	}
	id, err := chooseIdentity(c.User)
	if err != nil {
		return err
	}
	out := made{Data: data, Admin: c.Admin, RunsAs: id.name}
	password := out.newPassword()
	if c.PasswordStdin {
		if password, err = s.password(true, ""); err != nil {
			return err
		}
		out.Password = ""
	}
	if err := auth.CheckPassword(c.Admin, password); err != nil {
		return err
	}
	beside, err := openAll(agentsBeside())
	if err != nil {
		return err
	}
	defer closeAll(beside)
	if err := makeDataDir(data, id); err != nil {
		return err
	}
	if err := c.fill(ctx, cfg, password, &out); err != nil {
		return errors.Join(err, empty(data))
	}
	agents, err := addAgents(layout{data}, beside)
	if err != nil {
		return err // the appliance is whole; what can be installed from it is not
	}
	for _, a := range agents {
		if system := a.OS + "/" + a.Arch; !slices.Contains(out.Agents, system) {
			out.Agents = append(out.Agents, system)
		}
	}
	return s.show(out, func(w io.Writer) { printMade(w, out, c) })
}

// newPassword makes a password of 120 random bits.
func (m *made) newPassword() string {
	m.Password = rand.Text()[:24]
	return m.Password
}

// makeDataDir makes the directory for its owner alone, and goes on as that owner.
func makeDataDir(data string, id identity) error {
	refuse := func(why string, err error) error {
		return &patch.Error{Kind: patch.Conflict, What: phrase.Of("cannot set an appliance up in {1}", data), Why: phrase.Verbatim(why), Err: err, Do: "Choose another directory with --data."}
	}
	entries, err := os.ReadDir(data)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refuse("", err)
	}
	if (layout{data}).initialised() {
		return refuse("there is an appliance already, and it is never overwritten", nil)
	}
	if len(entries) > 0 {
		return refuse("it is not empty", nil)
	}
	if err := os.MkdirAll(filepath.Dir(data), 0o755); err != nil {
		return refuse("", err)
	}
	if err := os.Mkdir(data, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return refuse("", err)
	}
	if err := os.Chmod(data, 0o700); err != nil {
		return refuse("", err)
	}
	if os.Geteuid() != 0 {
		return nil
	}
	if err := os.Chown(data, id.uid, id.gid); err != nil {
		return refuse("", err)
	}
	return become(id)
}

// fill makes everything inside the data directory; the configuration comes last and marks it as complete.
func (c initCmd) fill(ctx context.Context, cfg config, password string, out *made) error {
	place, now := layout{cfg.Data}, time.Now()
	keys, err := auth.CreateKeys(place.keys(), now)
	if err != nil {
		return err
	}
	if err := c.fillStore(ctx, cfg, password); err != nil {
		return err
	}
	out.ConsoleCA, out.AgentCA = string(auth.CertificateHash(keys.Console.Certificate)), string(auth.CertificateHash(keys.Agents.Certificate))
	_, port, err := net.SplitHostPort(cfg.Console)
	if err != nil {
		return patch.Errorf(patch.Internal, "cannot read the address %q", cfg.Console)
	}
	out.Console = "https://" + net.JoinHostPort(cfg.Hosts[0], port)
	return c.writeConfig(place)
}

func (c initCmd) fillStore(ctx context.Context, cfg config, password string) (err error) {
	s, err := store.Open(ctx, cfg.Store, store.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	caller := auth.OnTheBox(os.Getenv("SUDO_USER"))
	if _, err := s.FindUser(ctx, c.Admin); err == nil {
		return &patch.Error{Kind: patch.Conflict, What: "cannot set an appliance up in this store", Why: "it belongs to one already", Do: "Choose another database with --store."}
	}
	if _, err := auth.NewDoor(s, auth.DefaultCost(), time.Now).PutUser(ctx, caller, c.Admin, patch.Admin, password, false); err != nil {
		return err
	}
	for _, text := range c.Feed {
		several, err := feedsFromLine(text, "amd64", "", false)
		if err != nil {
			return err
		}
		for _, f := range several {
			if err := s.PutFeed(ctx, caller, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeConfig keeps what init was told, for every later start.
func (c initCmd) writeConfig(place layout) error {
	b, err := toml.Marshal(struct {
		Hosts []string `toml:"hosts"`
		Store string   `toml:"store,omitempty"`
	}{append([]string{}, c.Host...), c.Store})
	if err == nil {
		err = os.WriteFile(place.config(), append([]byte("# Made by fettle init. The settings are described in docs.\n"), b...), 0o600)
	}
	if err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot write {1}", place.config()), Err: err}
	}
	return nil
}

// empty takes back what a failed init has made in a directory that was empty before.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

func printMade(w io.Writer, m made, c initCmd) {
	line(w, "The appliance is set up in %s.", m.Data)
	f := fields{w}
	f.put("administrator", m.Admin)
	if m.Password != "" {
		f.put("password", m.Password+"   (shown this once)")
	}
	f.put("console CA", m.ConsoleCA)
	f.put("agent CA", m.AgentCA)
	f.put("runs as", m.RunsAs)
	agents := "none yet: make agents, then fettle agents add"
	if len(m.Agents) > 0 {
		agents = strings.Join(m.Agents, ", ")
	}
	f.put("installs on", agents)
	serve := "fettle serve"
	if c.Data != defaultData {
		serve += " --data " + m.Data
	}
	fmt.Fprintf(w, `
Next:
  %s
  Open %s/start and sign in as %s: from there to the first explained machine are a few clicks.
  Your browser does not know this appliance's own certificate authority: before you accept it, compare the fingerprint it shows with the console CA above.

The same at the terminal:
  fettle login --server %s --ca-fingerprint %s --user %s
  fettle feeds add --from-apt %s && fettle catalog sync
  fettle tokens add first --admit        # prints a line for the machine
  fettle machines                        # it arrives, detects, and is there
  fettle explain MACHINE PATCH
`, serve, m.Console, m.Admin, m.Console, m.ConsoleCA, m.Admin, release())
}

// release is this machine's own, as an example for a command.
func release() string {
	b, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return "bookworm"
	}
	for l := range strings.Lines(string(b)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(l), "VERSION_CODENAME="); ok && name != "" {
			return clean(name)
		}
	}
	return "bookworm"
}
