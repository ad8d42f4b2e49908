package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/lab"
)

const (
	release  = "bookworm"
	hostname = "web-1"
	label    = "all"
)

// story is one telling: what has been set up so far, and what has been chosen.
type story struct {
	t             *terminal
	dir           string
	fettle, agent string
	archive       lab.Archive
	base          string
	appliance     *lab.Appliance
	machine       *lab.Machine
	cast          cast
	before        map[string]string // package → version on the machine before the deployment
}

// cast names the patches that play a part.
type cast struct {
	approved      []row
	declined      row
	undecided     row
	notApplicable row
}

// row is a ledger row as `fettle … --json` prints it.
type row struct {
	Patch struct {
		ID     string `json:"id"`
		Source string `json:"source"`
		Title  string `json:"title"`
	} `json:"patch"`
	Verdict   string `json:"verdict"`
	Execution string `json:"execution"`
	Effect    string `json:"effect"`
	Policy    struct {
		Stand string `json:"stand"`
	} `json:"policy"`
	Reason struct {
		Code string `json:"code"`
	} `json:"reason"`
}

type rows struct {
	Items []row `json:"items"`
	Total int   `json:"total"`
}

func (s *story) tell(ctx context.Context) error {
	for _, chapter := range []func(context.Context) error{
		s.makeMachine, s.startAppliance, s.syncCatalog, s.joinMachine, s.seeDetect, s.decide, s.fetchPayloads, s.deploy, s.seeLedger, s.explain, s.farewell,
	} {
		if err := chapter(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// end stops whatever runs; it is safe at any point of the story.
func (s *story) end() {
	if s.machine != nil {
		s.machine.Stop()
	}
	if s.appliance != nil {
		_ = s.appliance.Stop()
	}
}

func (s *story) makeMachine(ctx context.Context) (err error) {
	s.t.open("A real machine")
	if s.archive, err = lab.ReadArchive(ctx); err != nil {
		return err
	}
	err = s.t.wait("Debian 12 from the archive, without its security suite", func() (err error) {
		s.base, err = lab.MakeRoot(ctx, lab.CacheDir(), s.archive, lab.Small(release))
		return err
	})
	if err != nil {
		return err
	}
	s.t.say("It boots with mount, process, host-name and network namespaces of its own and reaches nothing but one port of the appliance: no " +
		"archive, no mirror, no name server. Whatever it installs tonight, the appliance has fetched and approved people have chosen.")
	return nil
}

func (s *story) startAppliance(ctx context.Context) (err error) {
	s.t.open("An appliance")
	err = s.t.wait("fettle init, fettle serve, fettle login", func() (err error) {
		s.appliance, err = lab.NewAppliance(ctx, s.fettle, filepath.Join(s.dir, "appliance"))
		return err
	})
	if err != nil {
		return err
	}
	s.t.say("SQLite inside, two TLS 1.3 listeners with a CA each: people at %s, agents at %s. It was started as root and runs as nobody.",
		s.appliance.Console, s.appliance.Agents)
	return nil
}

func (s *story) syncCatalog(ctx context.Context) error {
	s.t.open("The catalog")
	s.t.say("Three subscriptions: the release, its security suite, its updates. Signatures are verified with Debian's keyring; what is " +
		"unsigned, expired, cut, older or suddenly shrunken would be refused, and the last good state kept.")
	if err := s.appliance.AddFeeds(ctx, s.archive, release); err != nil {
		return err
	}
	if err := s.stream(ctx, "catalog", "sync"); err != nil {
		return err
	}
	return s.run(ctx, "catalog", "list")
}

func (s *story) joinMachine(ctx context.Context) (err error) {
	s.t.open("The machine joins")
	token, err := s.appliance.NewToken(ctx, hostname)
	if err != nil {
		return err
	}
	spec := lab.AgentSpec{Base: s.base, Dir: filepath.Join(s.dir, "machine"), Hostname: hostname, Agent: s.agent}
	if s.machine, err = s.appliance.Enrol(ctx, spec, token); err != nil {
		return err
	}
	s.t.say("The agent made its own key, spent the token (good for one machine), and is pending until a person admits it.")
	if err := s.run(ctx, "machines", "list", "--state", "pending"); err != nil {
		return err
	}
	return s.run(ctx, "machines", "admit", hostname)
}

func (s *story) seeDetect(ctx context.Context) error {
	s.t.open("Detect")
	var snap lab.Snapshot
	err := s.t.wait("the agent fetches list and signatures and judges every patch", func() (err error) {
		snap, err = s.appliance.WaitSnapshot(ctx, hostname, 1)
		return err
	})
	if err != nil {
		return err
	}
	needed, err := s.rows(ctx, "--verdict", "not-patched")
	if err != nil {
		return err
	}
	s.t.say("Detect done in %d ms: %s of %s patches judged, approved or not. The machine is eligible for %d of them.",
		snap.Ended.Sub(snap.Started).Milliseconds(), thousands(snap.Evaluated), thousands(snap.Expected), needed.Total)
	s.before, err = s.packages(ctx)
	return errors.Join(err, s.run(ctx, "machines", "rows", hostname, "--verdict", "not-patched"))
}

func (s *story) rows(ctx context.Context, filter ...string) (rows, error) {
	var r rows
	err := s.appliance.JSON(ctx, &r, append([]string{"machines", "rows", hostname, "--limit", "0", "--json"}, filter...)...)
	return r, err
}

// packages asks the machine's own dpkg.
func (s *story) packages(ctx context.Context) (map[string]string, error) {
	out, err := s.machine.Exec(ctx, "dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n")
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 && f[2] == "installed" {
			all[f[0]] = f[1]
		}
	}
	return all, nil
}

// run shows a command and what it answers.
func (s *story) run(ctx context.Context, args ...string) error {
	out, err := s.appliance.CLI(ctx, args...)
	var no lab.NoError
	if err != nil && !errors.As(err, &no) {
		return err
	}
	s.t.show(commandLine(args), out)
	return nil
}

// commandLine writes a command as one would type it.
func commandLine(args []string) string {
	line := "fettle"
	for _, a := range args {
		if strings.ContainsAny(a, " '") {
			a = `"` + a + `"`
		}
		line += " " + a
	}
	return line
}

// stream shows a command that takes its time, with its own progress.
func (s *story) stream(ctx context.Context, args ...string) error {
	fmt.Fprintf(s.t.out, "\n  %s\n", s.t.style("2", "$ "+commandLine(args)))
	cmd := s.appliance.Command(ctx, args...)
	cmd.Stdout, cmd.Stderr = s.t.out, s.t.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("fettle %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// poll asks again until done says so or two minutes have passed.
func poll(ctx context.Context, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		if ok, err := done(); err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func ids(rs []row) []string {
	out := make([]string, 0, len(rs))
	for _, r := range rs {
		out = append(out, r.Patch.ID)
	}
	slices.Sort(out)
	return out
}
