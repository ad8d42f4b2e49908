//go:build !windows

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// systemCommands are those of this operating system alone.
func systemCommands() []command {
	return []command{{"service", "install|remove|start|stop", "keep the agent running as a service of this machine", "fettle-agent service install", service}}
}

// service keeps the program that is asked running from where it is now.
func service(ctx context.Context, c *call) error {
	words, err := c.only(1, "one of install, remove, start and stop")
	if err != nil {
		return err
	}
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return patch.Errorf(patch.Unavailable, "cannot find this program's file: %w", err)
	}
	s := host.Service{Root: "/", Program: program, State: *c.state}
	managed := true
	switch words[0] {
	case "install":
		managed, err = s.Install(ctx)
	case "remove":
		err = s.Remove(ctx)
	case "start":
		managed, err = s.Start(ctx)
	case "stop":
		managed, err = s.Stop(ctx)
	default:
		return usage{fmt.Errorf("service takes one of install, remove, start and stop, not %q", words[0])}
	}
	if err != nil {
		return err
	}
	return c.show(map[string]any{"service": "fettle-agent", "done": words[0], "managed": managed}, func(w io.Writer) {
		if !managed {
			fmt.Fprintln(w, "No service manager runs here. The service is in place for the next start of the machine; until then: fettle-agent run")
			return
		}
		fmt.Fprintf(w, "The service fettle-agent: %s done.\n", words[0])
	})
}

func dropService(ctx context.Context, c *call, program string) error {
	return host.Service{Root: "/", Program: program, State: *c.state}.Remove(ctx)
}

func removeProgram(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return patch.Errorf(patch.Unavailable, "cannot remove %s: %w", path, err)
	}
	return nil
}
