package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// outcome is what became of a defect.
type outcome string

const (
	caught     outcome = "caught"
	survived   outcome = "NOT CAUGHT"     // the test stays green without the control
	uncompiled outcome = "DOES NOT BUILD" // the broken code does not compile, which is no merit of a test's
	redAnyway  outcome = "NOT GREEN"      // the test fails, is skipped or missing on the code as it is
	misplaced  outcome = "DOES NOT APPLY" // the control stands elsewhere now
)

func outcomes() []outcome { return []outcome{caught, survived, uncompiled, redAnyway, misplaced} }

// prover builds test programs and runs them: the whole one of a package once, a broken one for each defect.
type prover struct {
	dir   string                   // temporary, its own
	in    string                   // the package of the whole program
	green map[string]time.Duration // what the tests took that pass on the whole program
}

func newProver() (*prover, error) {
	dir, err := os.MkdirTemp("", "sabotage")
	return &prover{dir: dir}, err
}

func (p *prover) close() { os.RemoveAll(p.dir) }

// prove finds out whether a defect's test passes on the code as it is and fails on the code without the control; why is the end of
// what go said.
func (p *prover) prove(ctx context.Context, d Defect) (o outcome, why string) {
	overlay, err := d.overlay(p.dir)
	if err != nil {
		return misplaced, err.Error()
	}
	took, out, ok := p.whole(ctx, d)
	if !ok {
		return redAnyway, d.Test + ": " + end(out)
	}
	broken := filepath.Join(p.dir, "broken.test")
	if out, err := build(ctx, d.In, broken, "-overlay", overlay); err != nil {
		return uncompiled, end(out)
	}
	out, err = test(ctx, d, broken, time.Minute+3*took, "GOFLAGS="+os.Getenv("GOFLAGS")+" -overlay="+overlay)
	if err == nil {
		return survived, d.Test + ": " + end(out)
	}
	return caught, ""
}

// whole runs a defect's test on the code as it is, once however many defects it guards against.
func (p *prover) whole(ctx context.Context, d Defect) (took time.Duration, out string, ok bool) {
	program := filepath.Join(p.dir, "whole.test")
	if p.in != d.In {
		p.in = ""
		if out, err := build(ctx, d.In, program); err != nil {
			return 0, out, false
		}
		p.in, p.green = d.In, map[string]time.Duration{}
	}
	if took, ok := p.green[d.Test]; ok {
		return took, "", true
	}
	began := time.Now()
	out, err := test(ctx, d, program, 10*time.Minute)
	took = time.Since(began)
	if err != nil || !strings.Contains(out, "--- PASS: ") {
		return took, out, false
	}
	p.green[d.Test] = took
	return took, out, true
}

// overlay writes the broken file, and the list that puts it in the whole one's place.
func (d Defect) overlay(dir string) (string, error) {
	src, err := os.ReadFile(d.File)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(src), d.Old); n != 1 {
		return "", fmt.Errorf("%s holds the line to break %d times, not once: %q", d.File, n, d.Old)
	}
	broken := filepath.Join(dir, "broken"+filepath.Ext(d.File))
	if err := os.WriteFile(broken, []byte(strings.Replace(string(src), d.Old, d.New, 1)), 0o600); err != nil {
		return "", err
	}
	abs, err := filepath.Abs(d.File)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": {abs: broken}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, b, 0o600)
}

// build makes a package's test program: most of a proof's time, so our packages are not optimized, and the debugging tables left out.
func build(ctx context.Context, pkg, program string, flags ...string) (string, error) {
	args := append([]string{"test", "-c", "-vet=off", "-gcflags=./...=-N -l -dwarf=false", "-ldflags=-s -w", "-o", program}, flags...)
	out, err := exec.CommandContext(ctx, "go", append(args, pkg)...).CombinedOutput()
	return string(out), err
}

// test runs a defect's test in its package's folder, as `go test -v` does. Programs that the test builds itself are broken too by the
// overlay that env names.
func test(ctx context.Context, d Defect, program string, limit time.Duration, env ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, "-test.v", "-test.run="+only(d.Test), "-test.failfast", "-test.paniconexit0", "-test.timeout="+limit.String())
	cmd.Dir, cmd.WaitDelay = d.In, 10*time.Second
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// only makes a bare name of a test, with or without one of its parts, match that test alone.
func only(test string) string {
	return regexp.MustCompile(`^(\w+)(/|$)`).ReplaceAllString(test, "^${1}$$${2}")
}

// end gives the last lines of what a command says.
func end(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-6):], "\n\t")
}
