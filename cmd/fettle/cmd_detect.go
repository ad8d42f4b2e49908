package main

import (
	"context"

	"github.com/fettle-project/fettle/internal/standalone"
)

type factsCmd struct {
	Root string `default:"/" help:"The root directory of the machine to look at." type:"existingdir"`
}

func (factsCmd) Help() string {
	return "Examples:\n  fettle facts > facts.json\n  fettle facts --root /srv/images/web"
}

func (c factsCmd) Run(ctx context.Context, s *screen) error {
	return standalone.Facts(ctx, c.Root, s.out)
}

type detectCmd struct {
	Catalog  string `required:"" help:"The bundle that fettle catalog build wrote." placeholder:"FILE"`
	Root     string `default:"/" help:"The root directory of the machine to judge." type:"existingdir"`
	Facts    string `help:"Judge the facts in this file instead, as fettle facts printed them." placeholder:"FILE"`
	Snapshot string `help:"Also write the compact snapshot, as agents upload it, to this file." placeholder:"FILE"`
	Explain  string `help:"Say why this patch or package has the verdict it has, instead of the summary." placeholder:"PATCH"`
}

func (detectCmd) Help() string {
	return `Judges every patch of the catalog; approvals play no part. Exits with 0 whatever is missing: the verdicts are the answer.

Examples:
  fettle detect --catalog bookworm.bundle
  fettle detect --catalog bookworm.bundle --root /srv/images/web --json
  fettle detect --catalog bookworm.bundle --facts facts.json --snapshot web.snapshot
  fettle detect --catalog bookworm.bundle --explain perl`
}

func (c detectCmd) Run(ctx context.Context, s *screen) error {
	o := standalone.Options{Catalog: c.Catalog, Root: c.Root, Facts: c.Facts, Snapshot: c.Snapshot, JSON: s.json, Version: version, Out: s.out}
	if c.Explain != "" {
		return standalone.Explain(ctx, o, c.Explain)
	}
	return standalone.Detect(ctx, o)
}
