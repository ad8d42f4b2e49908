package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/patch"
)

type agentsCmd struct {
	List agentsListCmd `cmd:"" default:"1" help:"List the systems that this appliance installs its agent on."`
	Add  agentsAddCmd  `cmd:"" help:"Put the agent's programs on the appliance, for machines to install. On its own box only."`
}

type agentsListCmd struct{}

func (agentsListCmd) Help() string { return "Example:\n  fettle agents --json" }

func (agentsListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("installation"), nil, func(w io.Writer, in api.Installation) { printAgents(w, s.width, in.Agents) })
}

func printAgents(w io.Writer, width int, all []installer.Agent) {
	if len(all) == 0 {
		line(w, "There is none yet. On the appliance: make agents, then fettle agents add bin/agents/*")
		return
	}
	t := table{columns: []column{{title: "system"}, {title: "size", right: true}, {title: "SHA-256", flex: true}, {title: "source", flex: true}}}
	for _, a := range all {
		t.add(a.OS+"/"+a.Arch, size(a.Size), string(a.Hash), a.Revision)
	}
	t.print(w, width)
}

type agentsAddCmd struct {
	Files []string `arg:"" help:"Programs as make agents builds them." type:"existingfile"`
	Data  string   `default:"${data}" help:"The appliance's data directory." placeholder:"DIR"`
}

func (agentsAddCmd) Help() string {
	return `Machines that enrol run these programs as root. So they come from the appliance's own disk, and never over the network.

Example:
  make agents && sudo fettle agents add bin/agents/*`
}

func (c agentsAddCmd) Run(_ context.Context, s *screen) error {
	place := layout{c.Data}
	if !place.initialised() {
		return &patch.Error{Kind: patch.Invalid, What: c.Data + " is not an appliance's data directory", Do: "Name the right one with --data."}
	}
	if err := dropPrivileges(c.Data); err != nil {
		return err
	}
	added, err := addAgents(place, c.Files)
	if err != nil {
		return err
	}
	return s.show(added, func(w io.Writer) { printAgents(w, s.width, added) })
}

func addAgents(place layout, files []string) ([]installer.Agent, error) {
	shelf := &installer.Shelf{Dir: place.agents()}
	added := []installer.Agent{}
	for _, f := range files {
		if isPackage(f) { // make msi and make packages put them beside
			continue
		}
		a, err := shelf.Add(f)
		if err != nil {
			return added, err
		}
		added = append(added, a)
	}
	return added, nil
}

func isPackage(file string) bool {
	return slices.Contains([]string{".msi", ".deb", ".rpm"}, filepath.Ext(file))
}

// agentsBeside finds the agents that were built together with this program: beside it, and in its folder agents.
func agentsBeside() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	dir := filepath.Dir(self)
	out, _ := filepath.Glob(filepath.Join(dir, "agents", "fettle-agent-*")) // the pattern is right
	out = slices.DeleteFunc(out, isPackage)
	if own := filepath.Join(dir, "fettle-agent"); exists(own) {
		out = append([]string{own}, out...)
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
