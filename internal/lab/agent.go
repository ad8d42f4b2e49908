package lab

import (
	"context"
	"io"
	"maps"
	"path/filepath"
)

// AgentSpec says how to run an agent in a machine of its own.
type AgentSpec struct {
	Base     string // a root from MakeRoot
	Dir      string // the machine's disk
	Hostname string
	Agent    string         // the fettle-agent program
	Output   io.Writer      // the agent's log
	Args     []string       // further arguments of `fettle-agent run`
	Forward  map[int]string // further ports on the machine's loopback, as in Spec
	First    string         // shell commands that run at every boot before the agent does: mounts, terminals
}

// Program is where the agent is inside the machine.
func (s AgentSpec) Program() string { return "/opt/lab/" + filepath.Base(s.Agent) }

// Server is where a machine finds the appliance on its own loopback.
const (
	Server    = "https://127.0.0.1:8461"
	agentPort = 8461
)

// Enrol boots a machine whose disk holds no agent identity yet, enrols it with a token, and starts its agent.
func (a *Appliance) Enrol(ctx context.Context, spec AgentSpec, token string) (*Machine, error) {
	first, err := a.Start(ctx, spec)
	if err != nil {
		return nil, err
	}
	_, err = first.Exec(ctx, spec.Program(), "enrol", "--server", Server, "--token", token)
	first.Stop()
	if err != nil {
		return nil, err
	}
	return a.Boot(ctx, spec)
}

// Start starts a machine and no agent in it.
func (a *Appliance) Start(ctx context.Context, spec AgentSpec) (*Machine, error) {
	return Start(ctx, a.machine(spec))
}

// Boot starts a machine that is enrolled already, with its agent.
func (a *Appliance) Boot(ctx context.Context, spec AgentSpec) (*Machine, error) {
	m := a.machine(spec)
	m.Argv = append([]string{spec.Program(), "run"}, spec.Args...)
	if spec.First != "" {
		m.Argv = append([]string{"sh", "-ec", spec.First + "\nexec \"$@\"", "sh"}, m.Argv...)
	}
	return Start(ctx, m)
}

func (a *Appliance) machine(spec AgentSpec) Spec {
	forward := map[int]string{agentPort: a.Agents}
	maps.Copy(forward, spec.Forward)
	return Spec{Base: spec.Base, Dir: spec.Dir, Hostname: spec.Hostname, Files: []string{spec.Agent}, Forward: forward, Output: spec.Output}
}
