package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
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
	snapshot := c.String("snapshot", "", "write the compact snapshot to this `file`")
	if _, err := c.only(0, "no words besides its flags"); err != nil {
		return err
	}
	if *bundle == "" {
		return usage{errors.New("detect needs --catalog")}
	}
	b, err := catalog.OpenBundle(*bundle)
	if err != nil {
		return err
	}
	defer b.Close()
	f, err := readFacts(ctx, *root, *from)
	if err != nil {
		return err
	}
	return c.judge(b, f, *root, *snapshot)
}

func readFacts(ctx context.Context, root, from string) (patch.Facts, error) {
	if from == "" {
		return agent.LiveHost{Root: root}.Facts(ctx)
	}
	var f patch.Facts
	file, err := os.Open(from)
	if err != nil {
		return f, patch.Errorf(patch.NotFound, "cannot open the facts: %w", err)
	}
	defer file.Close()
	if err := json.NewDecoder(io.LimitReader(file, 256<<20)).Decode(&f); err != nil {
		return f, patch.Errorf(patch.Invalid, "cannot read the facts in %s: %w", from, err)
	}
	return f, nil
}

func (c *call) judge(b *catalog.Bundle, f patch.Facts, root, snapshot string) error {
	sigs, err := b.Signatures(f.OS.Key)
	if err != nil {
		return err
	}
	meta, _ := b.Meta(f.OS.Key)
	result, err := agent.Judge(sigs, meta, f, agent.LiveHost{Root: root}, version)
	if err != nil {
		return err
	}
	if snapshot != "" {
		raw, err := wire.EncodeSnapshot(result)
		if err != nil {
			return err
		}
		if err := os.WriteFile(snapshot, raw, 0o644); err != nil {
			return patch.Errorf(patch.Unavailable, "cannot write the snapshot: %w", err)
		}
	}
	list, err := b.List(f.OS.Key)
	if err != nil {
		return err
	}
	if *c.json {
		return printJSON(c.out, sigs, meta, f, list)
	}
	return printMissing(c.out, sigs, meta, f, list, result)
}

// printJSON writes the report finding by finding, so that a long list needs little memory.
func printJSON(out io.Writer, sigs *detect.Signatures, meta patch.RevisionMeta, f patch.Facts, list *catalog.List) error {
	w := bufio.NewWriterSize(out, 64<<10)
	fmt.Fprintf(w, `{"os":%q,"catalog":{"revision":%q,"patches":%d},"evaluated":%d,"patches":[`, f.OS.Key, meta.ID, sigs.Len(), sigs.Len())
	findings, err := sigs.Findings(&f)
	if err != nil {
		return err
	}
	i := 0
	for finding := range findings {
		finding.Title = list.At(i).Title
		line, err := json.Marshal(finding)
		if err != nil {
			return err
		}
		if i++; i > 1 {
			w.WriteByte(',')
		}
		w.WriteByte('\n')
		w.Write(line)
	}
	w.WriteString("\n]}\n")
	return w.Flush()
}

func printMissing(out io.Writer, sigs *detect.Signatures, meta patch.RevisionMeta, f patch.Facts, list *catalog.List, snap patch.Snapshot) error {
	w := bufio.NewWriter(out)
	counts := snap.Verdicts.Counts()
	fmt.Fprintf(w, "%s, catalog revision %s of %s\n", f.OS.Pretty, meta.ID, moment(meta.MetadataDate()))
	fmt.Fprintf(w, "%d patches judged: %d missing, %d patched, %d not applicable, %d errors\n",
		sigs.Len(), counts[patch.NotPatched], counts[patch.Patched], counts[patch.NotApplicable], counts[patch.Faulty])
	for i := range snap.Verdicts.Len() {
		if v := snap.Verdicts.At(i); v == patch.NotPatched || v == patch.Faulty {
			finding := sigs.Find(&f, i)
			fmt.Fprintf(w, "  %-8s %-11s %s\n           %s\n", list.At(i).Category, v, list.At(i).Title, finding.Reason.Text)
		}
	}
	return w.Flush()
}
