//go:build !windows

package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	unitPath  = "etc/systemd/system/" + unitName
	jobName   = "org.fettle.agent"
	jobPath   = "Library/LaunchDaemons/" + jobName + ".plist"
	jobTarget = "system/" + jobName
)

// Service keeps the agent running: a unit of systemd, or a job of launchd. Only a live machine's service manager is told; in a directory
// the files alone are made.
type Service struct {
	Root    string // "/" but in tests
	System  string // "linux" or "darwin"; empty: this one
	Program string // the agent, where it stays
	State   string // its state directory
}

func (s Service) system() string {
	if s.System != "" {
		return s.System
	}
	return runtime.GOOS
}

// text is the file that the service manager reads. KillMode=process: dpkg finishes the package that it is at when the agent stops.
func (s Service) text() (path, text string, err error) {
	for _, word := range []string{s.Program, s.State} {
		if !filepath.IsAbs(word) || strings.ContainsAny(word, " \t\r\n\"'\\$%<>&;") {
			return "", "", &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot make a service of {1}", word), Why: "it must be an absolute path of plain characters"}
		}
	}
	switch s.system() {
	case "linux":
		return filepath.Join(s.Root, unitPath), fmt.Sprintf(`# Made by fettle-agent service install.
[Unit]
Description=Fettle agent
After=network-online.target
Wants=network-online.target
[Service]
ExecStart=%s run --state %s
Restart=always
RestartSec=30
KillMode=process
TimeoutStopSec=infinity
[Install]
WantedBy=multi-user.target
`, s.Program, s.State), nil
	case "darwin":
		return filepath.Join(s.Root, jobPath), fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>Label</key><string>%s</string>
<key>ProgramArguments</key><array><string>%s</string><string>run</string><string>--state</string><string>%s</string></array>
<key>RunAtLoad</key><true/>
<key>KeepAlive</key><true/>
<key>AbandonProcessGroup</key><true/>
<key>StandardErrorPath</key><string>/var/log/fettle-agent.log</string>
</dict></plist>
`, jobName, s.Program, s.State), nil
	}
	return "", "", &patch.Error{Kind: patch.Invalid, What: phrase.Of("there is no service for {1}", s.system())}
}

// Install makes the service, starts it and has it start with the machine; one that is there is made anew. It gives false where no service
// manager runs that could start it.
func (s Service) Install(ctx context.Context) (started bool, err error) {
	path, text, err := s.text()
	if err != nil {
		return false, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return false, patch.Errorf(patch.Unavailable, "cannot make the service: %w", err)
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		return false, patch.Errorf(patch.Unavailable, "cannot make the service: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return false, patch.Errorf(patch.Unavailable, "cannot make the service: %w", err)
	}
	return s.tell(ctx, []string{"daemon-reload", "enable", "restart"}, []string{"bootout", "bootstrap"})
}

// Start starts a service that was installed.
func (s Service) Start(ctx context.Context) (bool, error) {
	return s.tell(ctx, []string{"start"}, []string{"bootstrap"})
}

// Stop stops it until it is started or the machine restarts; a package that is being installed is finished first.
func (s Service) Stop(ctx context.Context) (bool, error) {
	return s.tell(ctx, []string{"stop"}, []string{"bootout"})
}

// Remove stops the service and takes it away; none is no error.
func (s Service) Remove(ctx context.Context) error {
	path, _, err := s.text()
	if err != nil {
		return err
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if _, err := s.tell(ctx, []string{"disable"}, []string{"bootout"}); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return patch.Errorf(patch.Unavailable, "cannot remove the service: %w", err)
	}
	_, err = s.tell(ctx, []string{"daemon-reload"}, nil)
	return err
}

// tell has the machine's service manager do some steps, if there is one.
func (s Service) tell(ctx context.Context, units, jobs []string) (bool, error) {
	if !live(s.Root) || s.system() != runtime.GOOS {
		return false, nil
	}
	if s.system() == "darwin" {
		return true, s.launch(ctx, jobs)
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return false, nil
	}
	for _, step := range units {
		if out, err := systemctl(ctx, unitArgs(step)...).CombinedOutput(); err != nil {
			return true, patch.Errorf(patch.Unavailable, "systemd cannot %s the agent: %s: %w", step, strings.TrimSpace(string(out)), err)
		}
	}
	return true, nil
}

func (s Service) launch(ctx context.Context, jobs []string) error {
	for _, step := range jobs {
		args := []string{step, jobTarget}
		if step == "bootstrap" {
			args = []string{step, "system", filepath.Join("/", jobPath)}
		}
		if out, err := launchctl(ctx, args...).CombinedOutput(); err != nil && step != "bootout" { // which fails where nothing was there
			return patch.Errorf(patch.Unavailable, "launchd cannot %s the agent: %s: %w", step, strings.TrimSpace(string(out)), err)
		}
	}
	return nil
}
