package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// uninstalled is what uninstall tells.
type uninstalled struct {
	agent.Removed
	Program string `json:"program,omitempty"` // the file that is gone, or goes at the next restart of Windows
}

// packaged is where packages for Linux put the program, and nothing else does.
const packaged = "/usr/bin/fettle-agent"

// uninstall takes everything away that an installation brought: service, state and program.
func uninstall(ctx context.Context, c *call) error {
	keep := c.Bool("keep-program", false, "leave the program file where it is, for a package manager that removes it itself")
	state := c.Bool("keep-state", false, "leave key and state, for an agent that comes back; patch services are given back all the same")
	if _, err := c.only(0, "no words besides its flags"); err != nil {
		return err
	}
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return patch.Errorf(patch.Unavailable, "cannot find this program's file: %w", err)
	}
	if !*keep && program == packaged {
		return &patch.Error{Kind: patch.Conflict, What: phrase.Of("cannot uninstall {1}", program), Why: "it came as a package, and the package manager would not learn of it",
			Do: "Remove it with dpkg -P fettle-agent, or rpm -e fettle-agent."}
	}
	if err := dropService(ctx, c, program); err != nil {
		return err
	}
	var out uninstalled
	if out.Removed, err = agent.Uninstall(ctx, c.config(), *state); err != nil {
		return err
	}
	if !*keep {
		if err := removeProgram(program); err != nil {
			return err
		}
		out.Program = program
	}
	return c.show(out, func(w io.Writer) {
		for _, name := range out.GivenBack {
			fmt.Fprintf(w, "%s is given back: it installs updates again as before.\n", name)
		}
		fmt.Fprintln(w, "The agent is gone from this machine. On the appliance its history stays: \"fettle machines revoke\" shuts its key out.")
	})
}
