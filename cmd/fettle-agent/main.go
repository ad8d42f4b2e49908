// Command fettle-agent is the agent: one small program on every machine. It also detects and explains with no server at all.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/standalone"
)

// version is set by the linker: -X main.version=…
var version = "dev"

// Exit codes.
const (
	exitNo     = 1 // a "no" where the command is a question
	exitUsage  = 2
	exitCannot = 3
)

// command is one verb of the program.
type command struct {
	name, args, does, example string
	run                       func(ctx context.Context, c *call) error
}

func commands() []command {
	return append([]command{
		{"enrol", "--server URL --token TOKEN", "make this machine known to an appliance", "fettle-agent enrol --server https://patches.example.org:8461 --token fettle1.…", enrol},
		{"run", "", "serve: check in, detect, carry out signed orders", "fettle-agent run", serve},
		{"status", "", "show this machine's local state", "fettle-agent status --json", status},
		{"explain", "PATCH", "say what the newest detect and the newest order say about a patch", "fettle-agent explain perl", explain},
		{"detect", "--catalog FILE", "judge every patch of a catalog bundle; no server, no state", "fettle-agent detect --catalog bookworm.bundle --root /mnt", detectAlone},
		{"facts", "", "print the facts that a detect judges", "fettle-agent facts --root /mnt", facts},
		{"offers", "", "ask the system's own updater (Windows Update, softwareupdate) what it would install", "fettle-agent offers --source online", offers},
		{"reboot", "now|snooze|when", "answer a restart that this machine's appliance asks for, or ask when it comes", "fettle-agent reboot snooze", answerReboot},
		{"uninstall", "", "take the agent away from this machine, and give back what it turned off", "fettle-agent uninstall", uninstall},
		{"repair", "", "put a damaged journal aside and begin a new one", "fettle-agent repair", repair},
		{"version", "", "print the version", "fettle-agent version", showVersion},
	}, systemCommands()...)
}

// call is one invocation: its flags and where it prints.
type call struct {
	*flag.FlagSet
	command command
	json    *bool
	state   *string
	argv    []string
	out     io.Writer
}

func newCall(c command, argv []string, out io.Writer) *call {
	fs := flag.NewFlagSet(c.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // parse and ended say what there is to say, once
	fs.Usage = func() {}
	return &call{FlagSet: fs, command: c, json: fs.Bool("json", false, "print the answer as JSON"),
		state: fs.String("state", agent.DefaultStateDir(), "`directory` of the agent's state"), argv: argv, out: out}
}

func (c *call) help() {
	fmt.Fprintf(c.out, "fettle-agent %s %s\n%s.\n\nExample:\n  %s\n\nFlags:\n", c.command.name, c.command.args, c.command.does, c.command.example)
	var flags bytes.Buffer
	c.SetOutput(&flags)
	c.PrintDefaults()
	for line := range strings.Lines(flags.String()) {
		if strings.HasPrefix(line, "  -") { // written as everywhere else
			line = "  -" + line[2:]
		}
		fmt.Fprint(c.out, line)
	}
}

// parse reads flags wherever they stand and gives what is left.
func (c *call) parse() ([]string, error) {
	var rest []string
	args := c.argv
	for {
		if err := c.Parse(args); errors.Is(err, flag.ErrHelp) {
			c.help()
			return nil, err
		} else if err != nil {
			return nil, usage{fmt.Errorf("%w; `fettle-agent %s -h` tells more", err, c.Name())}
		}
		if c.NArg() == 0 {
			return rest, nil
		}
		rest, args = append(rest, c.Arg(0)), c.Args()[1:]
	}
}

// only is parse for commands that take exactly n words.
func (c *call) only(n int, what string) ([]string, error) {
	rest, err := c.parse()
	if err != nil {
		return nil, err
	}
	if len(rest) != n {
		return nil, usage{fmt.Errorf("%s takes %s", c.Name(), what)}
	}
	return rest, nil
}

func (c *call) config() agent.Config {
	return agent.Config{StateDir: *c.state, Version: version, ApplyDelta: catalog.Apply, ReadList: readList, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
}

// socket is where the machine's own agent takes answers; one with a state of its own elsewhere takes none.
func (c *call) socket() string {
	if *c.state != agent.DefaultStateDir() {
		return ""
	}
	return agent.DefaultAnswerSocket()
}

// show prints v as JSON where that was asked for, else as text.
func (c *call) show(v any, text func(io.Writer)) error {
	if !*c.json {
		text(c.out)
		return nil
	}
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

type usage struct{ error }

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) == 0 {
		help(errs)
		return exitUsage
	}
	if name := strings.TrimLeft(args[0], "-"); name == "help" || name == "h" {
		help(out)
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return ended(c.run(ctx, newCall(c, args[1:], out)), errs)
		}
	}
	fmt.Fprintf(errs, "fettle-agent has no command %q.\n", args[0])
	help(errs)
	return exitUsage
}

func ended(err error, errs io.Writer) int {
	var wrong usage
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errNo):
		return exitNo
	case errors.As(err, &wrong):
		fmt.Fprintln(errs, "fettle-agent:", wrong.error)
		return exitUsage
	default:
		fmt.Fprintln(errs, "fettle-agent:", err)
		return exitCannot
	}
}

// errNo is the answer "no" of a command that is a question.
var errNo = errors.New("no")

func help(w io.Writer) {
	fmt.Fprintln(w, "fettle-agent keeps this machine patched as its appliance's approvers decide. Commands:")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.does)
	}
	fmt.Fprintln(w, "`fettle-agent COMMAND -h` tells more.")
}

func enrol(ctx context.Context, c *call) error {
	server := c.String("server", "", "https `URL` of the appliance's agent listener")
	token := c.String("token", "", "the enrolment `token`; - reads it from standard input")
	if _, err := c.only(0, "no words besides its flags"); err != nil {
		return err
	}
	if *server == "" || *token == "" {
		return usage{errors.New("enrol needs --server and --token")}
	}
	if *token == "-" {
		b, err := io.ReadAll(io.LimitReader(os.Stdin, 4<<10))
		if err != nil {
			return patch.Errorf(patch.Unavailable, "cannot read the token: %w", err)
		}
		*token = string(b)
	}
	e, err := agent.Enrol(ctx, c.config(), *server, *token)
	if err != nil {
		return err
	}
	return c.show(e, func(w io.Writer) {
		fmt.Fprintf(w, "Enrolled as %s at %s.\n", e.Machine, e.Server)
		if e.State == patch.Pending {
			fmt.Fprintln(w, "The machine is pending: an administrator must admit it. Then `fettle-agent run` takes part by itself.")
		}
		if e.Clock != "" {
			fmt.Fprintln(w, e.Clock)
		}
	})
}

func serve(ctx context.Context, c *call) error {
	interval := c.Duration("interval", 0, "time between check-ins where the appliance names none")
	script := c.Duration("script-limit", 0, "how long one script of a package may run before it is ended; 30 minutes")
	lock := c.Duration("lock-wait", 0, "how long another program may keep the package manager busy before an order fails with its name; 5 minutes")
	hook := c.Duration("hook-limit", 0, "how long one hook may run before it is ended; 10 minutes")
	policy := c.String("policy", agent.DefaultPolicyFile(), "the owner's local policy `file`")
	if _, err := c.only(0, "no words"); err != nil {
		return err
	}
	cfg := c.config()
	cfg.Interval, cfg.PolicyFile, cfg.ScriptLimit = *interval, *policy, *script
	cfg.HookLimit, cfg.LockWait, cfg.AnswerSocket = *hook, *lock, c.socket()
	return agent.New(cfg).Run(ctx)
}

func answerReboot(_ context.Context, c *call) error {
	words, err := c.only(1, "one word: now, snooze or when")
	if err != nil {
		return err
	}
	cfg := c.config()
	cfg.AnswerSocket = c.socket()
	var text string
	switch words[0] {
	case "when":
		text, err = agent.AskReboot(cfg)
	case "now", "snooze":
		text, err = agent.AnswerReboot(cfg, words[0] == "now")
	default:
		return usage{fmt.Errorf("%q is not an answer: say now, snooze or when", words[0])}
	}
	if err != nil {
		return err
	}
	return c.show(map[string]string{"answer": words[0], "text": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
}

func repair(_ context.Context, c *call) error {
	if _, err := c.only(0, "no words"); err != nil {
		return err
	}
	aside, err := agent.Repair(*c.state)
	if err != nil {
		return err
	}
	return c.show(map[string]string{"aside": aside}, func(w io.Writer) {
		fmt.Fprintf(w, "The old journal is kept as %s, and a new one is in its place.\n", aside)
	})
}

func showVersion(_ context.Context, c *call) error {
	if _, err := c.only(0, "no words"); err != nil {
		return err
	}
	return c.show(map[string]string{"version": version}, func(w io.Writer) { fmt.Fprintln(w, "fettle-agent", version) })
}

func facts(ctx context.Context, c *call) error {
	root := c.String("root", "/", "the machine's root `directory`")
	catalog := c.String("catalog", "", "also collect what the definitions of this bundle `file` ask for beyond packages")
	if _, err := c.only(0, "no words"); err != nil {
		return err
	}
	return standalone.Facts(ctx, standalone.Options{Root: *root, Catalog: *catalog, Out: c.out})
}
