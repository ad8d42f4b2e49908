package main

import (
	"bufio"
	"context"
	"io"

	"github.com/fettle-project/fettle/docs/schema"
	"github.com/fettle-project/fettle/internal/feed/oval"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

type ovalCmd struct {
	Eval ovalEvalCmd `cmd:"" help:"Judge every definition of OVAL documents."`
}

type ovalEvalCmd struct {
	Root      string   `xor:"machine" help:"The root directory of the machine to judge; default: /." type:"existingdir" placeholder:"DIR"`
	Syschar   string   `xor:"machine" help:"Judge what this OVAL system-characteristics file says instead." placeholder:"FILE"`
	Variables []string `sep:"none" help:"A file with values of external variables (oval_variables). May be repeated." placeholder:"FILE"`
	Schema    bool     `help:"Print the JSON Schema of the answer instead."`
	Documents []string `arg:"" optional:"" name:"oval" help:"Files of OVAL definitions, plain or compressed (.gz, .bz2, .xz, .zst)."`
}

func (ovalEvalCmd) Help() string {
	return `Prints a line for each definition, in the documents' order: its ID, a tab, and true, false, unknown, error, not evaluated or
not applicable. Exits with 0 whatever they are: the values are the answer.

A definition that cannot be understood is "error" and spoils no other. With --json it says why, and each definition has the tests that
decided it: what was expected, what was seen, and where.

Examples:
  fettle oval eval com.ubuntu.noble.usn.oval.xml.bz2
  fettle oval eval --root /srv/images/web definitions.xml --json
  fettle oval eval --syschar windows.syschar.xml --variables site.xml definitions.xml
  fettle oval eval --schema`
}

func (c ovalEvalCmd) Run(ctx context.Context, s *screen) error {
	switch {
	case c.Schema:
		_, err := s.out.Write(schema.OVAL)
		return err
	case len(c.Documents) == 0:
		return usagef("name at least one file of OVAL definitions")
	}
	o := oval.Options{Variables: map[string][]string{}}
	for _, path := range c.Variables {
		given, err := readOVAL(path, oval.ReadVariables)
		if err != nil {
			return err
		}
		for id, values := range given {
			o.Variables[id] = append(o.Variables[id], values...)
		}
	}
	m, err := c.machine(ctx, &o)
	if err != nil {
		return err
	}
	defer func() { _ = m.close() }() // only read from
	out := bufio.NewWriterSize(s.out, 64<<10)
	report := oval.Evaluation{Definitions: []oval.Result{}}
	for _, path := range c.Documents {
		d, err := readOVAL(path, func(in io.Reader) (*oval.Document, error) { return oval.Read(in, o) })
		if err != nil {
			return err
		}
		for _, note := range d.Notes {
			s.say("%s: %s", clean(path), clean(note))
		}
		if s.json {
			err = explainOVAL(ctx, &report, d, m)
		} else {
			err = printOVAL(ctx, out, d, m)
		}
		if err != nil {
			return err
		}
	}
	if s.json {
		return s.show(report, nil)
	}
	if err := out.Flush(); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: "cannot write the answer", Err: err}
	}
	return nil
}

// ovalMachine is what definitions are judged over.
type ovalMachine struct {
	facts *patch.Facts // nil: src answers for packages too
	src   item.Source
	close func() error
}

func printOVAL(ctx context.Context, out io.Writer, d *oval.Document, m ovalMachine) error {
	answers, err := d.Evaluate(ctx, m.facts, m.src)
	if err != nil {
		return err
	}
	for a := range answers {
		line(out, "%s\t%s", clean(a.Definition.ID), a.Value)
	}
	return ctx.Err()
}

func explainOVAL(ctx context.Context, report *oval.Evaluation, d *oval.Document, m ovalMachine) error {
	answers, err := d.Explain(ctx, m.facts, m.src)
	if err != nil {
		return err
	}
	for a := range answers {
		report.Definitions = append(report.Definitions, a.Result())
	}
	return ctx.Err()
}
