package main

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

type deployLogCmd struct {
	Deployment string   `arg:"" help:"The deployment's id."`
	Machine    []string `short:"m" help:"Only of these machines, by name or id."`
	Patch      []string `short:"p" help:"Only of patches with this in their id."`
	Failed     bool     `help:"Only of what failed."`
}

func (deployLogCmd) Help() string {
	return `The last words of the package manager, of the package's scripts and of hooks, as they are kept with every attempt. Exits with 1 when none are
kept for what is asked.

Examples:
  fettle deploy log 01J… --failed
  fettle deploy log 01J… --machine web-14 --patch perl`
}

// attemptLog is what is kept of one attempt.
type attemptLog struct {
	Machine string        `json:"machine"`
	Attempt patch.Attempt `json:"attempt"`
	Text    string        `json:"text"` // how it went
}

func (c deployLogCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	w, err := api.Get[api.Watched](ctx, client, api.Path("deployments", c.Deployment), nil)
	if err != nil {
		return err
	}
	logs := c.pick(w)
	if err := s.show(api.List[attemptLog]{Items: logs, Total: len(logs)}, func(out io.Writer) { printLogs(out, logs) }); err != nil {
		return err
	}
	if len(logs) == 0 {
		s.say("Nothing is kept of that: logs are of what was begun.")
		return errNo
	}
	return nil
}

// pick finds the attempts that are asked for and left something to read.
func (c deployLogCmd) pick(w api.Watched) []attemptLog {
	logs := []attemptLog{}
	for _, m := range w.Machines {
		if len(c.Machine) > 0 && !slices.Contains(c.Machine, m.Name) && !slices.Contains(c.Machine, string(m.Machine)) {
			continue
		}
		for _, i := range m.Items {
			a := i.Attempt
			named := len(c.Patch) == 0 || slices.ContainsFunc(c.Patch, func(p string) bool { return strings.Contains(string(a.Patch), p) })
			if named && a.Log != "" && (!c.Failed || a.State == patch.ExecFailed) {
				logs = append(logs, attemptLog{m.Name, a, i.Text.String()})
			}
		}
	}
	return logs
}

func printLogs(w io.Writer, logs []attemptLog) {
	for n, l := range logs {
		if n > 0 {
			line(w, "")
		}
		line(w, "%s  %s  attempt %d, %s", clean(l.Machine), clean(string(l.Attempt.Patch)), l.Attempt.Number, when(l.Attempt.EndedAt))
		line(w, "%s", clean(l.Text))
		line(w, "%s", paragraph(strings.TrimRight(l.Attempt.Log, "\n")))
	}
}
