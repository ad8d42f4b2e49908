package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// prover builds test programs and runs them. Most defects of a package are in one joint program, which is built once; what it does not
// catch is proved once more by a program of that defect alone.
type prover struct {
	dir     string // temporary, its own
	defects []Defect

	in      string                   // the package of the joint program
	overlay string                   // of the joint program; empty for a whole one
	chosen  map[string]string        // by a defect's name: what chooser is to say
	green   map[string]time.Duration // what the tests took that pass with no defect
}

func newProver(ds []Defect) (*prover, error) {
	dir, err := os.MkdirTemp("", "sabotage")
	if err != nil {
		return nil, err
	}
	return &prover{dir: dir, defects: ds}, os.Mkdir(filepath.Join(dir, "alone"), 0o700)
}

func (p *prover) close() { os.RemoveAll(p.dir) }

// prove finds out whether a defect's test passes on the code as it is and fails on the code without the control; why is the end of
// what go said.
func (p *prover) prove(ctx context.Context, d Defect) (o outcome, why string) {
	src, err := os.ReadFile(d.File)
	if err != nil {
		return misplaced, err.Error()
	}
	if n := strings.Count(string(src), d.Old); n != 1 {
		return misplaced, fmt.Sprintf("%s holds the line to break %d times, not once: %q", d.File, n, d.Old)
	}
	if out, err := p.enter(ctx, d.In); err != nil {
		return redAnyway, end(out)
	}
	took, out, ok := p.passes(ctx, d)
	if !ok {
		return redAnyway, d.Test + ": " + end(out)
	}
	limit := time.Minute + 3*took
	if choice := p.chosen[d.Name]; choice != "" {
		if _, err := test(ctx, d, p.program(), limit, chooser+"="+choice, goflags(p.overlay)); err != nil {
			return caught, ""
		}
	}
	return p.alone(ctx, d, strings.Replace(string(src), d.Old, d.New, 1), limit)
}

// alone proves a defect by a program that has no other.
func (p *prover) alone(ctx context.Context, d Defect, broken string, limit time.Duration) (o outcome, why string) {
	dir := filepath.Join(p.dir, "alone")
	list, err := overlay(dir, map[string]string{d.File: broken})
	if err != nil {
		return misplaced, err.Error()
	}
	program := filepath.Join(dir, "test")
	if out, err := build(ctx, d.In, program, "-overlay", list); err != nil {
		return uncompiled, end(out)
	}
	out, err := test(ctx, d, program, limit, goflags(list))
	if err == nil {
		return survived, d.Test + ": " + end(out)
	}
	return caught, ""
}

func (p *prover) program() string { return filepath.Join(p.dir, "joint") }

// enter builds the joint program of a package, or a whole one where some of its defects do not compile.
func (p *prover) enter(ctx context.Context, pkg string) (string, error) {
	if p.in == pkg {
		return "", nil
	}
	p.in = ""
	files, chosen := joint(slices.DeleteFunc(slices.Clone(p.defects), func(d Defect) bool { return d.In != pkg }))
	list, err := overlay(p.dir, files)
	if err != nil {
		return err.Error(), err
	}
	out, err := build(ctx, pkg, p.program(), "-overlay", list)
	if err != nil {
		list, chosen = "", nil
		out, err = build(ctx, pkg, p.program())
	}
	if err == nil {
		p.in, p.overlay, p.chosen, p.green = pkg, list, chosen, map[string]time.Duration{}
	}
	return out, err
}

// passes runs a defect's test on the code as it is, once however many defects it guards against.
func (p *prover) passes(ctx context.Context, d Defect) (took time.Duration, out string, ok bool) {
	if took, ok := p.green[d.Test]; ok {
		return took, "", true
	}
	began := time.Now()
	out, err := test(ctx, d, p.program(), 10*time.Minute, goflags(p.overlay))
	took = time.Since(began)
	if err != nil || !strings.Contains(out, "--- PASS: ") {
		return took, out, false
	}
	p.green[d.Test] = took
	return took, out, true
}

// goflags breaks the programs, too, that a test builds itself. They ask chooser as well.
func goflags(overlay string) string {
	return "GOFLAGS=" + os.Getenv("GOFLAGS") + " -overlay=" + overlay
}

// build makes a package's test program: most of a proof's time, so our packages are not optimized, and the debugging tables left out.
func build(ctx context.Context, pkg, program string, flags ...string) (string, error) {
	args := append([]string{"test", "-c", "-vet=off", "-gcflags=./...=-N -l -dwarf=false", "-ldflags=-s -w", "-o", program}, flags...)
	out, err := exec.CommandContext(ctx, "go", append(args, pkg)...).CombinedOutput()
	return string(out), err
}

// test runs a defect's test in its package's folder, as `go test -v` does.
func test(ctx context.Context, d Defect, program string, limit time.Duration, env ...string) (string, error) {
	args := []string{"-test.v", "-test.run=" + only(d.Test), "-test.failfast", "-test.paniconexit0", "-test.timeout=" + limit.String()}
	code, err := os.ReadFile(program)
	if err != nil {
		return err.Error(), err
	}
	if bytes.Contains(code, []byte("rapid.nofailfile")) { // what fails here is no example for later runs, nor worth simplifying
		args = append(args, "-rapid.nofailfile", "-rapid.shrinktime=1ms")
	}
	cmd := exec.CommandContext(ctx, program, args...)
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
