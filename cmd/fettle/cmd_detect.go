package main

import (
	"context"

	"github.com/fettle-project/fettle/docs/schema"
	"github.com/fettle-project/fettle/internal/standalone"
)

type factsCmd struct {
	Root    string `default:"/" help:"The root directory of the machine to look at." type:"existingdir"`
	Catalog string `help:"A catalog bundle: also collect what its definitions ask for beyond packages." type:"existingfile" placeholder:"FILE"`
	Schema  bool   `help:"Print the JSON Schema of facts instead."`
}

func (factsCmd) Help() string {
	return "Examples:\n  fettle facts > facts.json\n  fettle facts --root /srv/images/web --catalog debian.bundle\n  fettle facts --schema"
}

func (c factsCmd) Run(ctx context.Context, s *screen) error {
	if c.Schema {
		_, err := s.out.Write(schema.Facts)
		return err
	}
	return standalone.Facts(ctx, standalone.Options{Root: c.Root, Catalog: c.Catalog, Out: s.out})
}

type detectCmd struct {
	Catalog  string `help:"The bundle that fettle catalog build wrote." placeholder:"FILE"`
	Root     string `default:"/" help:"The root directory of the machine to judge." type:"existingdir"`
	Facts    string `help:"Judge the facts in this file instead, as fettle facts printed them." placeholder:"FILE"`
	Record   string `help:"Also keep what was judged and by what in this file: facts, the catalog's part for this host OS, versions." placeholder:"FILE"`
	Replay   string `help:"Judge again what --record kept, instead of a catalog and a machine." placeholder:"FILE"`
	Schema   bool   `help:"Print the JSON Schema of the answer of --json instead."`
	Snapshot string `help:"Also write the compact snapshot, as agents upload it, to this file." placeholder:"FILE"`
	Explain  string `help:"Say why this patch or package has the verdict it has, instead of the summary." placeholder:"PATCH"`
}

func (detectCmd) Help() string {
	return `Judges every patch of the catalog; approvals play no part. Exits with 0 whatever is missing: the verdicts are the answer.

Examples:
  fettle detect --catalog bookworm.bundle
  fettle detect --catalog bookworm.bundle --root /srv/images/web --json
  fettle detect --catalog bookworm.bundle --facts facts.json --snapshot web.snapshot
  fettle detect --catalog bookworm.bundle --explain perl
  fettle detect --catalog bookworm.bundle --record web.recording
  fettle detect --replay web.recording --json

A recording gives the same answer anywhere. Where this program judges otherwise than the one that recorded, it says so and exits with 3.`
}

func (c detectCmd) Run(ctx context.Context, s *screen) error {
	switch {
	case c.Schema:
		_, err := s.out.Write(schema.Detect)
		return err
	case c.Catalog == "" && c.Replay == "":
		return usagef("name the catalog with --catalog, or a recording with --replay")
	case c.Replay != "" && (c.Catalog != "" || c.Facts != "" || c.Root != "/"):
		return usagef("a recording has its own catalog and facts: leave --catalog, --facts and --root out")
	}
	o := standalone.Options{Catalog: c.Catalog, Root: c.Root, Facts: c.Facts, Record: c.Record, Replay: c.Replay, Snapshot: c.Snapshot,
		JSON: s.json, Brief: true, Version: version, Out: s.out}
	if c.Explain != "" {
		return standalone.Explain(ctx, o, c.Explain)
	}
	return standalone.Detect(ctx, o)
}
