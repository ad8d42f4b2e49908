package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
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
	store    string
	checkin  time.Duration
	claims   []net.Listener
	cmd      *exec.Cmd
	ended    chan struct{}
}

// Option changes how an appliance is set up.
type Option func(*Appliance)

// WithStore keeps the appliance's data at an address as `fettle init --store` takes it, instead of in its own folder.
func WithStore(url string) Option { return func(a *Appliance) { a.store = url } }

// WithCheckin sets how long machines stay away between check-ins.
func WithCheckin(d time.Duration) Option { return func(a *Appliance) { a.checkin = d } }

// NewAppliance sets an appliance up in dir (which must not hold one), starts it and signs its first administrator in.
// Started as root it runs as the user nobody. Its addresses are its own until Stop, also while it is killed.
func NewAppliance(ctx context.Context, fettle, dir string, options ...Option) (*Appliance, error) {
	a := &Appliance{Fettle: fettle, Dir: dir, Admin: "admin"}
	for _, o := range options {
		o(a)
	}
	if err := a.setUp(ctx); err != nil {
		return nil, errors.Join(err, a.Stop())
	}
	return a, nil
}

// kept is what a later OpenAppliance must know.
type kept struct{ Password, CA string }

// OpenAppliance starts an appliance again that NewAppliance has set up in dir, with the data that it had when it was stopped.
func OpenAppliance(ctx context.Context, fettle, dir string) (*Appliance, error) {
	b, err := os.ReadFile(filepath.Join(dir, "kept.json"))
	if err != nil {
		return nil, err
	}
	var k kept
	if err := json.Unmarshal(b, &k); err != nil {
		return nil, err
	}
	a := &Appliance{Fettle: fettle, Dir: dir, Admin: "admin", Password: k.Password, CA: k.CA}
	if err := a.start(ctx); err != nil {
		return nil, errors.Join(err, a.Stop())
	}
	return a, nil
}

// Keep has OpenAppliance find the appliance in its folder.
func (a *Appliance) Keep() error {
	b, err := json.Marshal(kept{a.Password, a.CA})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(a.Dir, "kept.json"), b, 0o600)
}

func (a *Appliance) setUp(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(a.Dir, "home"), 0o755); err != nil {
		return err
	}
	if err := a.init(ctx); err != nil {
		return err
	}
	return a.start(ctx)
}

// start claims addresses, serves there and signs in.
func (a *Appliance) start(ctx context.Context) error {
	for _, at := range []struct {
		address *string
		wanted  int
	}{{&a.Console, 8460}, {&a.Agents, 8461}} {
		address, claim, err := claimAddress(at.wanted)
		if err != nil {
			return err
		}
		*at.address, a.claims = address, append(a.claims, claim)
	}
	if err := a.Serve(ctx); err != nil {
		return err
	}
	return a.SignIn(ctx)
}

// SignIn signs the first administrator in.
func (a *Appliance) SignIn(ctx context.Context) error {
	login := a.Command(ctx, "login", "--server", "https://"+a.Console, "--ca-fingerprint", a.CA, "--user", a.Admin, "--password-stdin")
	login.Stdin = strings.NewReader(a.Password + "\n")
	if out, err := login.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot sign in: %w: %s", err, out)
	}
	return nil
}

func (a *Appliance) init(ctx context.Context) error {
	args := []string{"init", "--data", a.Data(), "--admin", a.Admin, "--host", "127.0.0.1", "--host", "localhost", "--json"}
	if os.Geteuid() == 0 {
		args = append(args, "--user", "nobody")
	}
	if a.store != "" {
		args = append(args, "--store", a.store)
	}
	var made struct {
		Password string `json:"password"`
		CA       string `json:"console_ca_fingerprint"`
	}
	if err := a.JSON(ctx, &made, args...); err != nil {
		return err
	}
	a.Password, a.CA = made.Password, made.CA
	return nil
}

// Data is the appliance's data directory.
func (a *Appliance) Data() string { return filepath.Join(a.Dir, "data") }

// Log is the file that the server writes its log to.
func (a *Appliance) Log() string { return filepath.Join(a.Dir, "serve.log") }

// Serve starts the server and returns when it answers.
func (a *Appliance) Serve(ctx context.Context) error {
	log, err := os.OpenFile(a.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"serve", "--data", a.Data(), "--console", a.Console, "--agents", a.Agents, "--sync-every", "0"}
	if a.checkin > 0 {
		args = append(args, "--checkin", a.checkin.String())
	}
	a.cmd = exec.Command(a.Fettle, args...)
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

// ready waits until the console answers under the CA of this very appliance, which it does only after both its ports are its own.
func (a *Appliance) ready(ctx context.Context) error {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{TLSClientConfig: a.pinned(), DisableKeepAlives: true}}
	var err error
	for range 300 {
		var resp *http.Response
		if resp, err = client.Get("https://" + a.Console + "/healthz"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = errors.New("its health is " + resp.Status)
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
	return fmt.Errorf("the appliance does not answer within 15 seconds: %w", err)
}

// pinned trusts only what shows this appliance's own CA.
func (a *Appliance) pinned() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		roots := x509.NewCertPool()
		for _, c := range s.PeerCertificates {
			if sum := sha256.Sum256(c.Raw); hex.EncodeToString(sum[:]) == a.CA {
				roots.AddCert(c)
			}
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: "127.0.0.1"})
		return err
	}}
}

// Stop ends the server in good order and gives its addresses back.
func (a *Appliance) Stop() error {
	err := a.end(syscall.SIGTERM)
	for _, c := range a.claims {
		err = errors.Join(err, c.Close())
	}
	a.claims = nil
	return err
}

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
