package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Appliance is a real `fettle serve` with a signed-in `fettle` beside it.
type Appliance struct {
	Fettle   string // the program
	Dir      string // holds data/, home/ and serve.log
	Console  string // address of console and API, "127.0.0.1:8460"
	Agents   string // address of the agent listener
	Admin    string
	Password string
	CA       string // fingerprint of the console's CA
	cmd      *exec.Cmd
	ended    chan struct{}
}

// NewAppliance sets an appliance up in dir (which must not hold one), starts it and signs its first administrator in.
// Started as root it runs as the user nobody.
func NewAppliance(ctx context.Context, fettle, dir string) (*Appliance, error) {
	a := &Appliance{Fettle: fettle, Dir: dir, Admin: "admin"}
	var err error
	if a.Console, err = freeAddress("127.0.0.1:8460"); err != nil {
		return nil, err
	}
	if a.Agents, err = freeAddress("127.0.0.1:8461"); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "home"), 0o755); err != nil {
		return nil, err
	}
	args := []string{"init", "--data", a.data(), "--admin", a.Admin, "--host", "127.0.0.1", "--host", "localhost", "--json"}
	if os.Geteuid() == 0 {
		args = append(args, "--user", "nobody")
	}
	var made struct {
		Password string `json:"password"`
		CA       string `json:"console_ca_fingerprint"`
	}
	if err := a.JSON(ctx, &made, args...); err != nil {
		return nil, err
	}
	a.Password, a.CA = made.Password, made.CA
	if err := a.Serve(ctx); err != nil {
		return nil, err
	}
	login := a.Command(ctx, "login", "--server", "https://"+a.Console, "--ca-fingerprint", a.CA, "--user", a.Admin, "--password-stdin")
	login.Stdin = strings.NewReader(a.Password + "\n")
	if out, err := login.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot sign in: %w: %s", err, out), a.Stop())
	}
	return a, nil
}

func freeAddress(wanted string) (string, error) {
	for _, addr := range []string{wanted, "127.0.0.1:0"} {
		l, err := net.Listen("tcp4", addr)
		if err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", errors.New("no free port on the loopback")
}

func (a *Appliance) data() string { return filepath.Join(a.Dir, "data") }

// Log is the file that the server writes its log to.
func (a *Appliance) Log() string { return filepath.Join(a.Dir, "serve.log") }

// Serve starts the server and returns when it answers.
func (a *Appliance) Serve(ctx context.Context) error {
	log, err := os.OpenFile(a.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	a.cmd = exec.Command(a.Fettle, "serve", "--data", a.data(), "--console", a.Console, "--agents", a.Agents, "--sync-every", "0")
	a.cmd.Stdout, a.cmd.Stderr = log, log
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	ended := make(chan struct{})
	a.ended = ended
	if err := startLocked(a.cmd, ended); err != nil {
		return err
	}
	cmd := a.cmd
	go func() { _ = cmd.Wait(); close(ended) }()
	return a.ready(ctx)
}

func (a *Appliance) ready(ctx context.Context) error {
	for range 300 {
		if c, err := net.DialTimeout("tcp", a.Agents, time.Second); err == nil {
			return c.Close()
		}
		select {
		case <-a.ended:
			b, _ := os.ReadFile(a.Log())
			return fmt.Errorf("the appliance did not start: %s", lastLines(string(b), 4))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errors.New("the appliance does not answer within 15 seconds")
}

// Stop ends the server in good order.
func (a *Appliance) Stop() error { return a.end(syscall.SIGTERM) }

// Kill ends the server as a crash does.
func (a *Appliance) Kill() error { return a.end(syscall.SIGKILL) }

func (a *Appliance) end(sig syscall.Signal) error {
	if a.cmd == nil {
		return nil
	}
	if err := a.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-a.ended:
	case <-time.After(15 * time.Second):
		_ = a.cmd.Process.Kill()
		<-a.ended
	}
	return nil
}

// PID is the server's process.
func (a *Appliance) PID() int { return a.cmd.Process.Pid }

// Command makes a `fettle` command of the signed-in administrator.
func (a *Appliance) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, a.Fettle, args...)
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(a.Dir, "home"), "XDG_CONFIG_HOME="+filepath.Join(a.Dir, "home"))
	return cmd
}

// CLI runs `fettle` and gives its standard output; a failure carries what it said. An exit status of 1, a "no", is a NoError.
func (a *Appliance) CLI(ctx context.Context, args ...string) (string, error) {
	var out, errOut bytes.Buffer
	cmd := a.Command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("fettle %s: exit status %d: %s", strings.Join(args, " "), exit.ExitCode(), lastLines(errOut.String(), 4))
		if exit.ExitCode() == 1 {
			err = NoError{err}
		}
	}
	return out.String(), err
}

// NoError is the answer "no" of a command that is a question.
type NoError struct{ error }

// JSON runs `fettle … ` (name --json yourself) and decodes its output; the answer "no" still decodes.
func (a *Appliance) JSON(ctx context.Context, v any, args ...string) error {
	out, err := a.CLI(ctx, args...)
	var no NoError
	if err != nil && !errors.As(err, &no) {
		return err
	}
	if err := json.Unmarshal([]byte(out), v); err != nil {
		return fmt.Errorf("fettle %s: cannot read its JSON: %w", strings.Join(args, " "), err)
	}
	return nil
}

// AgentSpec says how to run an agent in a machine of its own.
type AgentSpec struct {
	Base     string // a root from MakeRoot
	Dir      string // the machine's disk
	Hostname string
	Agent    string    // the fettle-agent program
	Output   io.Writer // the agent's log
}

// agentPort is where a machine finds the appliance on its own loopback.
const agentPort = 8461

// Enrol boots a machine whose disk holds no agent identity yet, enrols it with a token, and starts its agent.
func (a *Appliance) Enrol(ctx context.Context, spec AgentSpec, token string) (*Machine, error) {
	server := fmt.Sprintf("https://127.0.0.1:%d", agentPort)
	program := "/opt/lab/" + filepath.Base(spec.Agent)
	first, err := Start(ctx, a.machine(spec))
	if err != nil {
		return nil, err
	}
	_, err = first.Exec(ctx, program, "enrol", "--server", server, "--token", token)
	first.Stop()
	if err != nil {
		return nil, err
	}
	return a.Boot(ctx, spec)
}

// Boot starts a machine that is enrolled already.
func (a *Appliance) Boot(ctx context.Context, spec AgentSpec) (*Machine, error) {
	m := a.machine(spec)
	m.Argv = []string{"/opt/lab/" + filepath.Base(spec.Agent), "run"}
	return Start(ctx, m)
}

func (a *Appliance) machine(spec AgentSpec) Spec {
	return Spec{Base: spec.Base, Dir: spec.Dir, Hostname: spec.Hostname, Files: []string{spec.Agent},
		Forward: map[int]string{agentPort: a.Agents}, Output: spec.Output}
}
