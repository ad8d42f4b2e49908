package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	manyFlaws  = 50_000
	mixedFlaws = 10_000
)

// benchFlaws puts detect beside oscap and debsecan: the same flaws of this very machine, given to each in its own format.
func benchFlaws(ctx context.Context, r *report, root, dir string) error {
	fmt.Printf("%d definitions beside oscap and debsecan …\n", manyFlaws)
	flaws, err := machineFlaws(ctx, manyFlaws, root)
	if err != nil {
		return err
	}
	document, bundle := filepath.Join(dir, "flaws.xml"), filepath.Join(dir, "flaws.bundle")
	oscap, err := runOscap(ctx, document, flaws)
	if err != nil {
		return err
	}
	ours, err := detectFlaws(ctx, document, bundle, dir)
	if err != nil {
		return err
	}
	if err := sameAnswers(ctx, r, document, oscap.results); err != nil {
		return err
	}
	speed := float64(oscap.wall) / float64(ours.wall)
	r.add("50,000 definitions, whole process", seconds(ours.wall), "oscap: "+seconds(oscap.wall), fmt.Sprintf("%.0f×", speed), "≥ 1,000×", speed >= 1000)
	memory := float64(oscap.kib) / float64(ours.kib)
	r.add("50,000 definitions, peak memory", mib(ours.kib), "oscap: "+mib(oscap.kib), fmt.Sprintf("1/%.0f", memory), "≤ 1/30", memory >= 30)
	if err := benchDebsecan(ctx, r, flaws, ours, dir); err != nil {
		return err
	}
	list, signatures, err := bundleSizes(bundle)
	if err != nil {
		return err
	}
	r.add("their signatures", fmt.Sprintf("%d kB", signatures/1000), "", "", "≤ 100 kB", signatures <= 100_000)
	r.add("their list", fmt.Sprintf("%d kB", list/1000), "", "", "≤ 400 kB", list <= 400_000)
	if err := benchDelta(ctx, r, flaws, dir); err != nil {
		return err
	}
	if err := benchLinear(ctx, r, flaws, dir); err != nil {
		return err
	}
	return benchMixed(ctx, r, share(flaws, mixedFlaws), dir)
}

// benchDebsecan gives debsecan the same entries.
func benchDebsecan(ctx context.Context, r *report, flaws []flaw, ours cost, dir string) error {
	source, err := writeDebsecan(dir, flaws)
	if err != nil {
		return err
	}
	debsecan, err := measure(ctx, 5, debsecanArgv(source)...)
	if err != nil {
		return err
	}
	speed := float64(debsecan.wall) / float64(ours.wall)
	r.add("50,000 entries", seconds(ours.wall), "debsecan: "+seconds(debsecan.wall), fmt.Sprintf("%.0f×", speed), "≥ 20×", speed >= 20)
	return nil
}

// benchMixed asks for files as well as packages.
func benchMixed(ctx context.Context, r *report, flaws []flaw, dir string) error {
	fmt.Printf("%d definitions about files and packages …\n", len(flaws))
	if err := addFiles(flaws); err != nil {
		return err
	}
	document := filepath.Join(dir, "mixed.xml")
	oscap, err := runOscap(ctx, document, flaws)
	if err != nil {
		return err
	}
	ours, err := detectFlaws(ctx, document, filepath.Join(dir, "mixed.bundle"), dir)
	if err != nil {
		return err
	}
	if err := sameAnswers(ctx, r, document, oscap.results); err != nil {
		return err
	}
	speed := float64(oscap.wall) / float64(ours.wall)
	r.add("10,000 file + package definitions", seconds(ours.wall), "oscap: "+seconds(oscap.wall), fmt.Sprintf("%.0f×", speed), "≥ 400×", speed >= 400)
	return nil
}

// benchLinear doubles the definitions twice: the cost may grow four times, not more.
func benchLinear(ctx context.Context, r *report, flaws []flaw, dir string) error {
	fmt.Println("doubling the definitions …")
	var costs []time.Duration
	var words []string
	for _, n := range []int{10_000, 20_000, 40_000} {
		document, bundle := filepath.Join(dir, "some.xml"), filepath.Join(dir, "some.bundle")
		if err := writeOVAL(document, share(flaws, n)); err != nil {
			return err
		}
		c, err := detectFlaws(ctx, document, bundle, dir)
		if err != nil {
			return err
		}
		costs, words = append(costs, c.wall), append(words, seconds(c.wall))
	}
	growth := float64(costs[2]) / float64(costs[0])
	r.add("10,000, 20,000, 40,000 definitions", strings.Join(words, ", "), "linear: 4×", fmt.Sprintf("%.1f×", growth), "≤ 4×", growth <= 4)
	return nil
}

// share takes n flaws, of every package its share.
func share(flaws []flaw, n int) []flaw {
	some := make([]flaw, n)
	for i := range some {
		some[i] = flaws[i*len(flaws)/n]
	}
	return some
}

type oscapRun struct {
	cost
	results map[string]string // definition → result
}

// runOscap writes the flaws and has oscap judge them on this machine, once: it takes its time.
func runOscap(ctx context.Context, document string, flaws []flaw) (oscapRun, error) {
	run := oscapRun{results: map[string]string{}}
	if err := writeOVAL(document, flaws); err != nil {
		return run, err
	}
	out, c, err := once(ctx, "oscap", "oval", "eval", "--skip-valid", document)
	if err != nil {
		return run, err
	}
	run.cost = c
	for line := range strings.Lines(string(out)) {
		if rest, ok := strings.CutPrefix(line, "Definition "); ok {
			id, result, _ := strings.Cut(rest, ": ")
			run.results[id] = strings.TrimSpace(result)
		}
	}
	if len(run.results) != len(flaws) {
		return run, fmt.Errorf("oscap judged %d of %d definitions", len(run.results), len(flaws))
	}
	return run, nil
}

// detectFlaws compiles the document once and times whole detects of this machine with it.
func detectFlaws(ctx context.Context, document, bundle, dir string) (cost, error) {
	if out, err := exec.CommandContext(ctx, "bin/fettle", "catalog", "build", "-o", bundle, "--oval", document).CombinedOutput(); err != nil {
		return cost{}, fmt.Errorf("catalog build: %w: %.300s", err, out)
	}
	return measure(ctx, 21, "bin/fettle", "detect", "--catalog", bundle, "--root", "/", "--snapshot", filepath.Join(dir, "flaws.snapshot"))
}

// sameAnswers demands of every definition the result that oscap gives.
func sameAnswers(ctx context.Context, r *report, document string, want map[string]string) error {
	out, err := exec.CommandContext(ctx, "bin/fettle", "oval", "eval", "--root", "/", document).Output()
	if err != nil {
		return fmt.Errorf("oval eval: %w", err)
	}
	same, vulnerable := 0, 0
	for line := range strings.Lines(string(out)) {
		id, result, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if want[id] == result {
			same++
		}
		if result == "true" {
			vulnerable++
		}
	}
	r.add("answers as oscap's", fmt.Sprintf("%d", same), fmt.Sprintf("oscap: %d", len(want)), fmt.Sprintf("%d true", vulnerable), "all", same == len(want) && vulnerable > 0)
	return nil
}
