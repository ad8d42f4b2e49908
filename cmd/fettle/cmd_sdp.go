package main

import (
	"bufio"
	"context"

	"github.com/fettle-project/fettle/docs/schema"
	"github.com/fettle-project/fettle/internal/feed/sdp"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/standalone"
)

type sdpCmd struct {
	Eval sdpEvalCmd `cmd:"" help:"Judge every Software Distribution Package over a facts file."`
}

type sdpEvalCmd struct {
	Facts    string   `help:"The machine's facts, as fettle facts prints them; docs/facts.md says how to write some by hand." placeholder:"FILE"`
	Schema   bool     `help:"Print the JSON Schema of the answer of --json instead."`
	Packages []string `arg:"" optional:"" name:"sdp" help:"Packages (.sdp), catalogs (.xml), cabinets or zips of them, or directories."`
}

func (sdpEvalCmd) Help() string {
	return `Prints a line for each package, in the files' order: its ID, a tab, "installed" or "-", a tab, and "installable" or "-".
Installable is what the package's own rules and prerequisites say, whether it is installed or not. Where a condition can be neither
true nor false its place has the reason instead: unknown (the facts hold no answer) or error. All files together are one catalog:
prerequisites, detectoids and bundles are looked up in it. Exits with 0 whatever the answers are.

Examples:
  fettle sdp eval --facts pc7.facts.json catalog.cab
  fettle sdp eval --facts pc7.facts.json --json vendor/*.sdp
  fettle sdp eval --schema`
}

func (c sdpEvalCmd) Run(ctx context.Context, s *screen) error {
	switch {
	case c.Schema:
		_, err := s.out.Write(schema.SDP)
		return err
	case len(c.Packages) == 0:
		return usagef("name at least one software package")
	case c.Facts == "":
		return usagef("name the machine's facts with --facts")
	}
	facts, err := standalone.ReadFacts(c.Facts)
	if err != nil {
		return err
	}
	var set sdp.Set
	for _, path := range c.Packages {
		if err := set.ReadPath(path); err != nil {
			return err
		}
	}
	for _, note := range set.Notes {
		s.say("fettle: %s", clean(note))
	}
	if s.json {
		answer, err := set.Explain(ctx, &facts)
		if err != nil {
			return err
		}
		return s.show(answer, nil)
	}
	answers, err := set.Evaluate(ctx, &facts)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(s.out, 64<<10)
	for _, a := range answers {
		line(out, "%s\t%s\t%s", clean(a.Package.ID), answerWord(a.Installed, "installed"), answerWord(a.Installable, "installable"))
	}
	if err := out.Flush(); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: "cannot write the answer", Err: err}
	}
	return nil
}

func answerWord(v item.Value, yes string) string {
	switch v {
	case item.True:
		return yes
	case item.False:
		return "-"
	}
	return v.String()
}
