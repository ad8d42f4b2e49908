// Command sabotage removes one control after another from the code, as listed in defects.go, and demands that the test which claims
// to guard it goes red. A control without such a test is decoration.
//
//	go run ./sabotage [-log FILE] [PART...]
//
// runs the defects whose name, file, test or package holds one of the parts, all without any. Nothing in the tree is changed: the
// altered file reaches the compiler through `go build -overlay`.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Defect is one control removed.
type Defect struct {
	Name string // what is broken, as a sentence
	File string
	Old  string // occurs exactly once in File
	New  string
	Test string // the test that must go red, as go test's -run wants it; a bare name is that test and no other
	In   string // its package, "./internal/…"
}

func main() {
	log := flag.String("log", "", "a `file` that takes a line for each defect; what it says is caught is not run again, so that a stopped run can be gone on with")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *log, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sabotage:", err)
		os.Exit(1)
	}
}

// all lists every defect.
func all() []Defect {
	return slices.Concat(defects, contentDefects, detectDefects, agentDefects, factDefects, aptDefects, itemDefects, ovalDefects, windowsDefects, rpmDefects, rpmDeployDefects, apiDefects, stageDefects, ringDefects, simDefects, effectDefects, storeDefects, webDefects, setupDefects, careDefects, notifyDefects, rollbackDefects, unmetDefects, restartDefects, deployDefects)
}

// chosen gives the defects of which one of the parts speaks, those of one package one after the other: its test program is built once.
func chosen(parts []string) []Defect {
	ds := slices.DeleteFunc(all(), func(d Defect) bool {
		says := func(part string) bool {
			return strings.Contains(strings.Join([]string{d.Name, d.File, d.Test, d.In}, "\n"), part)
		}
		return len(parts) > 0 && !slices.ContainsFunc(parts, says)
	})
	slices.SortStableFunc(ds, func(a, b Defect) int { return cmp.Compare(a.In, b.In) })
	return ds
}

func run(ctx context.Context, logFile string, parts []string) error {
	ds := chosen(parts)
	if len(ds) == 0 {
		return fmt.Errorf("no defect speaks of %q", parts)
	}
	log, err := openLog(logFile)
	if err != nil {
		return err
	}
	defer log.close()
	p, err := newProver(ds)
	if err != nil {
		return err
	}
	defer p.close()

	names := map[outcome][]string{}
	for i, d := range ds {
		o, took, why := caught, time.Duration(0), "by an earlier run"
		if !log.caught[d.Name] {
			began := time.Now()
			o, why = p.prove(ctx, d)
			took = time.Since(began)
			if ctx.Err() != nil {
				return errors.New("stopped")
			}
			if err := log.note(o, took, d.Name); err != nil {
				return err
			}
		}
		names[o] = append(names[o], d.Name)
		fmt.Printf("%3d/%d %5.1fs  %-16s %s\n", i+1, len(ds), took.Seconds(), o, d.Name)
		if o != caught {
			fmt.Printf("\t%s\n", why)
		}
	}
	return summary(len(ds), names)
}

// summary tells how many were caught and names the others.
func summary(of int, names map[outcome][]string) error {
	fmt.Println()
	for _, o := range outcomes() {
		fmt.Printf("%-16s %d\n", o, len(names[o]))
		if o == caught {
			continue
		}
		for _, n := range names[o] {
			fmt.Println("\t" + n)
		}
	}
	if left := of - len(names[caught]); left > 0 {
		return fmt.Errorf("every control needs a test that goes red without it, and green with it; %d of %d have none", left, of)
	}
	return nil
}
