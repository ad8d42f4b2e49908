package main

import (
	"context"
	"errors"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/standalone"
)

func readList(b []byte) ([]patch.Patch, error) {
	l, err := catalog.DecodeList(b)
	if err != nil {
		return nil, err
	}
	return l.Patches(), nil
}

// detectAlone judges a machine, a directory or a facts file by a bundle.
func detectAlone(ctx context.Context, c *call) error {
	bundle := c.String("catalog", "", "catalog bundle `file`, made by `fettle catalog build`")
	root := c.String("root", "/", "root `directory` of the machine to judge")
	from := c.String("facts", "", "judge this facts `file` instead of a machine")
	record := c.String("record", "", "also keep facts and catalog in this `file`, to be judged again anywhere")
	replay := c.String("replay", "", "judge what --record kept in this `file`")
	snapshot := c.String("snapshot", "", "write the compact snapshot to this `file`")
	why := c.String("explain", "", "say why this `patch` or package has the verdict it has, instead of the summary")
	if _, err := c.only(0, "no words besides its flags"); err != nil {
		return err
	}
	if (*bundle == "") == (*replay == "") {
		return usage{errors.New("detect needs --catalog or --replay")}
	}
	o := standalone.Options{Brief: true, Catalog: *bundle, Root: *root, Facts: *from, Record: *record, Replay: *replay,
		Snapshot: *snapshot, JSON: *c.json, Version: version, Out: c.out}
	if *why != "" {
		return standalone.Explain(ctx, o, *why)
	}
	return standalone.Detect(ctx, o)
}
