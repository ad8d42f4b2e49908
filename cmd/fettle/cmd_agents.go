package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/installer"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

type agentsCmd struct {
	List agentsListCmd `cmd:"" default:"1" help:"List the systems that this appliance installs its agent on."`
	Add  agentsAddCmd  `cmd:"" help:"Put the agent's programs and packages on the appliance, for machines to install. On its own box only."`
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
	t := table{columns: []column{{title: "system"}, {title: "as"}, {title: "size", right: true}, {title: "version", flex: true}, {title: "SHA-256", flex: true}}}
	for _, a := range all {
		t.add(a.OS+"/"+a.Arch, string(a.Format), size(a.Size), cmp.Or(a.Version, a.Revision), string(a.Hash))
	}
	t.print(w, width)
}

type agentsAddCmd struct {
	Files []string `arg:"" help:"Programs and packages (.deb, .rpm, .msi) as make agents, make packages and make msi build them." type:"existingfile"`
	Data  string   `default:"${data}" help:"The appliance's data directory; default ${data}." placeholder:"DIR"`
}

func (agentsAddCmd) Help() string {
	return `Machines that enrol run these programs as root. So they come from the appliance's own disk, and never over the network.
What a file is, for which system and of which version, is read from its bytes; its name does not matter.

Where a .deb or .rpm is there, the line for Linux installs it on machines whose programs dpkg or rpm keeps; the others get the program alone.

Examples:
  make agents && sudo fettle agents add bin/agents/*
  make msi packages && sudo fettle agents add bin/agents/*.msi bin/agents/*.deb bin/agents/*.rpm`
}

func (c agentsAddCmd) Run(_ context.Context, s *screen) error {
	place := layout{c.Data}
	if !place.initialised() {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("{1} is not an appliance's data directory", c.Data), Do: "Name the right one with --data."}
	}
	files, err := openAll(c.Files) // as who called: the appliance's user may not reach them
	if err != nil {
		return err
	}
	defer closeAll(files)
	if err := dropPrivileges(c.Data); err != nil {
		return err
	}
	added, err := addAgents(place, files)
	if err != nil {
		return err
	}
	return s.show(added, func(w io.Writer) { printAgents(w, s.width, added) })
}

func openAll(paths []string) (files []*os.File, err error) {
	for _, p := range paths {
		f, err := os.Open(p)
		if err != nil {
			closeAll(files)
			return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot take {1}", p), Err: err}
		}
		files = append(files, f)
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

func addAgents(place layout, files []*os.File) ([]installer.Agent, error) {
	shelf := &installer.Shelf{Dir: place.agents()}
	added := []installer.Agent{}
	for _, f := range files {
		a, err := shelf.Take(f)
		if err != nil {
			return added, err
		}
		added = append(added, a)
	}
	return added, nil
}

// agentsBeside finds the agents that were built together with this program: beside it, and in its folder agents.
func agentsBeside() []string {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	dir := filepath.Dir(self)
	out, _ := filepath.Glob(filepath.Join(dir, "agents", "fettle-agent-*")) // the pattern is right
	if own := filepath.Join(dir, "fettle-agent"); exists(own) {
		out = append([]string{own}, out...)
	}
	return out
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
