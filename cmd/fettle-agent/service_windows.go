package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/mgr"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

const serviceName = "FettleAgent"

// systemCommands are those of this operating system alone.
func systemCommands() []command {
	return []command{{"service", "install|remove|start|stop", "keep the agent running as a service of Windows", "fettle-agent service install", service}, {"wua", "as-set|online|wsus|offline [CAB]", "what \"offers\" starts to speak with Windows Update", "fettle-agent wua online", wua}}
}

// wua speaks with Windows Update, in a process of its own.
func wua(_ context.Context, c *call) error {
	words, err := c.parse()
	if err != nil {
		return err
	}
	if len(words) < 1 || len(words) > 2 {
		return usage{errors.New("wua takes a source, and a catalog where that is offline")}
	}
	return host.SpeakToWindowsUpdate(host.Source(words[0]), strings.Join(words[1:], ""), c.out)
}

func service(ctx context.Context, c *call) error {
	words, err := c.only(1, "one of install, remove, start and stop")
	if err != nil {
		return err
	}
	if words[0] == "run" { // how the service manager starts it
		return runService(c)
	}
	do, known := map[string]func(context.Context, *mgr.Mgr, *call) error{"install": installService, "remove": removeService, "start": startService, "stop": stopService}[words[0]]
	if !known {
		return usage{fmt.Errorf("service takes one of install, remove, start and stop, not %q", words[0])}
	}
	m, err := mgr.Connect()
	if err != nil {
		return &patch.Error{Kind: patch.Forbidden, What: "cannot reach the service manager", Err: err, Do: "Run this as an administrator."}
	}
	defer m.Disconnect()
	if err := do(ctx, m, c); err != nil {
		return err
	}
	return c.show(map[string]string{"service": serviceName, "done": words[0]}, func(w io.Writer) {
		fmt.Fprintf(w, "The service %s: %s done.\n", serviceName, words[0])
	})
}

// installService makes a service that starts with Windows and again after a failure; one that is there already gets this program.
func installService(_ context.Context, m *mgr.Mgr, c *call) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	args := []string{"service", "run", "--state", *c.state}
	s, err := m.OpenService(serviceName)
	if err == nil {
		defer s.Close()
		line, err := windows.UTF16PtrFromString(windows.ComposeCommandLine(append([]string{program}, args...)))
		if err != nil {
			return err
		}
		const same = windows.SERVICE_NO_CHANGE
		return windows.ChangeServiceConfig(s.Handle, same, same, same, line, nil, nil, nil, nil, nil, nil)
	}
	config := mgr.Config{StartType: mgr.StartAutomatic, DisplayName: "Fettle agent",
		Description: "Detects which patches this machine needs, and installs what its appliance's approvers decide."}
	s, err = m.CreateService(serviceName, program, config, args...)
	if err != nil {
		return patch.Errorf(patch.Unavailable, "cannot make the service: %w", err)
	}
	defer s.Close()
	if config, err = s.Config(); err == nil {
		config.DelayedAutoStart = true
		_ = s.UpdateConfig(config) // Windows before 6.0 knows no delay, and starts it with the others
	}
	again := mgr.RecoveryAction{Type: mgr.ServiceRestart, Delay: time.Minute}
	return s.SetRecoveryActions([]mgr.RecoveryAction{again, again, again}, 24*60*60)
}

func opened(m *mgr.Mgr) (*mgr.Service, error) {
	s, err := m.OpenService(serviceName)
	if err != nil {
		return nil, &patch.Error{Kind: patch.NotFound, What: "there is no service " + serviceName, Err: err, Do: "Make it with \"fettle-agent service install\"."}
	}
	return s, nil
}

// startService waits while Windows is busy with starting others.
func startService(ctx context.Context, m *mgr.Mgr, _ *call) error {
	s, err := opened(m)
	if err != nil {
		return err
	}
	defer s.Close()
	err = s.Start()
	for tries := 0; errors.Is(err, windows.ERROR_SERVICE_DATABASE_LOCKED) && tries < 30; tries++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		err = s.Start()
	}
	if err != nil && !errors.Is(err, windows.ERROR_SERVICE_ALREADY_RUNNING) {
		return patch.Errorf(patch.Unavailable, "cannot start the service: %w", err)
	}
	return nil
}

// stopService waits until the service has ended: a package that is being installed is finished first.
func stopService(ctx context.Context, m *mgr.Mgr, _ *call) error {
	s, err := opened(m)
	if err != nil {
		return err
	}
	defer s.Close()
	status, err := s.Control(svc.Stop)
	if errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
		return nil
	}
	for err == nil && status.State != svc.Stopped {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		status, err = s.Query()
	}
	if err != nil {
		return patch.Errorf(patch.Unavailable, "cannot stop the service: %w", err)
	}
	return nil
}

func removeService(ctx context.Context, m *mgr.Mgr, c *call) error {
	if err := stopService(ctx, m, c); err != nil {
		return err
	}
	s, err := opened(m)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Delete()
}

// runService serves until the service manager says stop.
func runService(c *call) error {
	log, err := openLog(filepath.Join(*c.state, "agent.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cfg := c.config()
	cfg.Log = slog.New(slog.NewTextHandler(log, nil))
	h := &handler{cfg: cfg}
	if err := svc.Run(serviceName, h); err != nil {
		return err
	}
	return h.err
}

// handler is the agent as the service manager sees it.
type handler struct {
	cfg agent.Config
	err error
}

// Execute runs the agent until it is told to stop, or fails: then the service manager starts it again.
func (h *handler) Execute(_ []string, asked <-chan svc.ChangeRequest, say chan<- svc.Status) (specific bool, code uint32) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- agent.New(h.cfg).Run(ctx) }()
	running := svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	say <- running
	for {
		select {
		case h.err = <-ended:
			if h.err != nil {
				h.cfg.Log.Error("the agent ended", "err", h.err)
				return true, 1
			}
			return false, 0
		case r := <-asked:
			switch r.Cmd {
			case svc.Interrogate:
				say <- running
			case svc.Stop, svc.Shutdown:
				running = svc.Status{State: svc.StopPending, WaitHint: 60_000}
				say <- running
				stop()
			}
		}
	}
}

// maxLog is where a log is put aside for a new one, in bytes.
const maxLog = 4 << 20

// openLog opens the service's log, which only administrators can read; a long one is kept once, as agent.log.1.
func openLog(path string) (*os.File, error) {
	if st, err := os.Stat(path); err == nil && st.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// dropService removes the service where there is one.
func dropService(ctx context.Context, c *call, _ string) error {
	m, err := mgr.Connect()
	if err != nil {
		return &patch.Error{Kind: patch.Forbidden, What: "cannot reach the service manager", Err: err, Do: "Run this as an administrator."}
	}
	defer m.Disconnect()
	if err := removeService(ctx, m, c); err != nil && patch.KindOf(err) != patch.NotFound {
		return err
	}
	return nil
}

// removeProgram has Windows remove the file of a program that runs: at its next start.
func removeProgram(path string) error {
	from, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	if err := windows.MoveFileEx(from, nil, windows.MOVEFILE_DELAY_UNTIL_REBOOT); err != nil {
		return patch.Errorf(patch.Unavailable, "cannot remove %s: %w", path, err)
	}
	return nil
}
