package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/catalog"
)

// benchDelta makes the catalog as it was a day before and as it is. 50,000 entries are what twenty years have brought, of late some 8,000 a
// year: so a day brings two dozen new ones, in a dozen packages, and other versions for a few old ones.
func benchDelta(ctx context.Context, r *report, flaws []flaw, dir string) error {
	fmt.Println("a day's change …")
	const added, changed = 24, 5
	before := make([]flaw, 0, len(flaws))
	for i := range flaws {
		if i%(manyFlaws/12) < added/12 {
			continue
		}
		before = append(before, flaws[i])
	}
	after := append([]flaw{}, flaws...)
	for i := range changed {
		after[i*9000+4000].fixed += "+deb12u1"
	}
	var parts [2]catalog.Built
	var err error
	for i, some := range [][]flaw{before, after} {
		if parts[i], err = builtOf(ctx, some, dir); err != nil {
			return err
		}
	}
	list, err := catalog.Delta(parts[0].List, parts[1].List)
	if err != nil {
		return err
	}
	signatures, err := catalog.Delta(parts[0].Signatures, parts[1].Signatures)
	if err != nil {
		return err
	}
	for _, d := range []struct{ old, delta, want []byte }{{parts[0].List, list, parts[1].List}, {parts[0].Signatures, signatures, parts[1].Signatures}} {
		if got, err := catalog.Apply(d.old, d.delta); err != nil || string(got) != string(d.want) {
			return fmt.Errorf("a delta does not give the new file: %w", err)
		}
	}
	total := len(list) + len(signatures)
	r.add("a day's change of both", fmt.Sprintf("%.1f kB", float64(total)/1000), "", "", "≤ 10 kB", total <= 10_000)
	return nil
}

// builtOf compiles flaws as the program does.
func builtOf(ctx context.Context, flaws []flaw, dir string) (catalog.Built, error) {
	document, bundle := filepath.Join(dir, "day.xml"), filepath.Join(dir, "day.bundle")
	if err := writeOVAL(document, flaws); err != nil {
		return catalog.Built{}, err
	}
	if out, err := exec.CommandContext(ctx, "bin/fettle", "catalog", "build", "-o", bundle, "--oval", document).CombinedOutput(); err != nil {
		return catalog.Built{}, fmt.Errorf("catalog build: %w: %.300s", err, out)
	}
	b, err := catalog.OpenBundle(bundle)
	if err != nil {
		return catalog.Built{}, err
	}
	defer b.Close()
	return b.Slice(b.OSes()[0])
}
