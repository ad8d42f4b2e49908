//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/store"
)

// theProgram is this test binary under the program's name: TestMain makes it behave as fettle itself.
func theProgram(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(openTemp(t), "fettle")
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// openTemp is a temporary directory that other users can reach.
func openTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fettle-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// process is a running `fettle serve`.
type process struct {
	*exec.Cmd
	log     *bytes.Buffer
	console string
	agents  string
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func startServe(t *testing.T, program, data string) *process {
	t.Helper()
	p := &process{log: &bytes.Buffer{}, console: freePort(t), agents: freePort(t)}
	p.Cmd = exec.Command(program, "serve", "--data", data, "--config", "/nonexistent", "--console", p.console, "--agents", p.agents, "--sync-every", "0", "--log-text")
	p.Stderr = p.log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Process.Kill(); _ = p.Wait() })
	for range 200 {
		if c, err := net.Dial("tcp", p.agents); err == nil {
			c.Close()
			return p
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("the appliance does not answer: %s", p.log)
	return nil
}

func initWith(t *testing.T, program string, args ...string) made {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(program, append([]string{"init", "--json", "--host", "127.0.0.1"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("init: %v: %s", err, errs.String())
	}
	var m made
	if err := json.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// Started as root, the appliance is somebody else before it opens or listens on anything, and cannot come back.
func TestRootIsGivenUp(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root to give up")
	}
	program := theProgram(t)
	data := filepath.Join(openTemp(t), "data")
	initWith(t, program, "--data", data, "--user", "nobody")
	p := startServe(t, program, data)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		name, value, _ := strings.Cut(line, ":")
		f := strings.Fields(value)
		switch name {
		case "Uid", "Gid", "Groups":
			for _, id := range f {
				if id == "0" {
					t.Errorf("still root: %s", line)
				}
			}
		case "CapEff", "CapPrm", "CapInh", "CapAmb":
			if strings.Trim(f[0], "0") != "" {
				t.Errorf("capabilities are left: %s", line)
			}
		}
	}
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", p.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range threads {
		if st, err := os.Stat(th); err == nil && st.Sys().(*syscall.Stat_t).Uid == 0 {
			t.Errorf("the thread %s is still root's", th)
		}
	}
}

func TestRootsDataIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	program := theProgram(t)
	cfg := testData(t) // belongs to root
	out, err := exec.Command(program, "serve", "--data", cfg.Data, "--config", "/nonexistent").CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitCannot || !strings.Contains(string(out), "does not run as root") {
		t.Errorf("serve over root's data ended with %v: %s", err, out)
	}
}

// A writer keeps what the server has acknowledged; whatever kills the server, all of it is there afterwards.
func TestKilledServerLosesNothingAcknowledged(t *testing.T) {
	program := theProgram(t)
	dir := openTemp(t)
	data := filepath.Join(dir, "data")
	args := []string{"--data", data}
	if os.Geteuid() == 0 {
		args = append(args, "--user", "nobody")
	}
	m := initWith(t, program, args...)
	cycles := 3
	if os.Getenv("FETTLE_TORTURE") != "" {
		cycles = 1000
	}
	var acked ledgerOfAcks
	for cycle := range cycles {
		p := startServe(t, program, data)
		writeUntilKilled(t, p, m, cycle, &acked)
	}
	s, err := store.Open(t.Context(), "sqlite://"+filepath.Join(data, "fettle.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	labels, err := s.ListLabels(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, l := range labels {
		kept[l.Name] = true
	}
	n := 0
	for _, name := range acked.all() {
		n++
		if !kept[name] {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
	if err := s.VerifyAudit(t.Context()); err != nil {
		t.Errorf("the audit log is broken: %v", err)
	}
	t.Logf("%d acknowledged writes over %d kills, none lost", n, cycles)
}

// ledgerOfAcks keeps the names that the server has acknowledged.
type ledgerOfAcks struct {
	mu    sync.Mutex
	names []string
}

func (l *ledgerOfAcks) add(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, name)
}

func (l *ledgerOfAcks) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.names)
}

// writeUntilKilled kills the server in the middle of writes, once it has acknowledged a number that changes from cycle to cycle.
func writeUntilKilled(t *testing.T, p *process, m made, cycle int, acked *ledgerOfAcks) {
	t.Helper()
	ca, err := fetchPinned(t.Context(), "https://"+p.console, m.ConsoleCA)
	if err != nil {
		t.Fatal(err)
	}
	c, err := api.NewClient("https://"+p.console, "", ca)
	if err != nil {
		t.Fatal(err)
	}
	in, err := api.Do[api.LoginReply](t.Context(), c, http.MethodPost, api.Path("login"), nil, api.LoginRequest{Name: m.Admin, Password: m.Password})
	c.Close()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() { writeLabels(t.Context(), p, in.Token, m, fmt.Sprintf("k%d-%d", cycle, w), acked) })
	}
	enough := len(acked.all()) + 10 + 7*(cycle%11)
	for begun := time.Now(); len(acked.all()) < enough; time.Sleep(time.Millisecond) {
		if time.Since(begun) > time.Minute {
			t.Fatalf("only %d of %d writes were acknowledged within a minute", len(acked.all()), enough)
		}
	}
	if err := p.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	_ = p.Wait()
}

// writeLabels writes one label after the other until the server is gone.
func writeLabels(ctx context.Context, p *process, token string, m made, prefix string, acked *ledgerOfAcks) {
	ca, err := fetchPinned(ctx, "https://"+p.console, m.ConsoleCA)
	if err != nil {
		return
	}
	c, err := api.NewClient("https://"+p.console, token, ca)
	if err != nil {
		return
	}
	defer c.Close()
	for i := range 100_000 {
		name := fmt.Sprintf("%s-%d", prefix, i)
		_, err := api.Do[json.RawMessage](ctx, c, http.MethodPut, api.Path("labels", name), nil, api.LabelRequest{Expr: "true"})
		if err != nil {
			return
		}
		acked.add(name)
	}
}

func TestPasswordsOfInitAreStrong(t *testing.T) {
	var m made
	if p := m.newPassword(); auth.CheckPassword("admin", p) != nil || p == m.newPassword() {
		t.Errorf("the password %q is not one", p)
	}
}
