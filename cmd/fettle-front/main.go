// Command fettle-front is what people call fettle. It does the stand-alone detect itself, which cron jobs and image builds repeat,
//
//	fettle detect --catalog FILE [--root DIR | --facts FILE] [--snapshot FILE] [--explain PATCH] [--json]
//
// and becomes the whole program, fettle-server beside it, for everything else: other commands, help, recordings, and a detect that
// cannot be done or was not written as it must be, so that nothing is explained in two ways.
//
// Why there are two: a process of the whole program takes 4.7 ms before its main begins, most of it for what its libraries set up (CEL with
// protocol buffers, SQLite), and one of this 1.2 ms, where such a detect of 50,000 definitions takes 5. No build of one program avoids
// that: a language initialises whatever is linked.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fettle-project/fettle/internal/standalone"
)

var version = "dev" // set by the build

// whole is the program that can do everything.
const whole = "fettle-server"

func main() {
	if d, ok := understood(os.Args[1:]); ok {
		if d.run(context.Background()) == nil {
			return
		}
	}
	err := become(whole)
	fmt.Fprintf(os.Stderr, "fettle: cannot run %s\n  why: %v\n  do:  Install %[1]s beside fettle, from the same build.\n", whole, err)
	os.Exit(3)
}

// detection is a stand-alone detect as it was asked for.
type detection struct {
	standalone.Options
	explain string
}

// run does it; it has said nothing yet where it fails.
func (d detection) run(ctx context.Context) error {
	if d.explain != "" {
		return standalone.Explain(ctx, d.Options, d.explain)
	}
	return standalone.Detect(ctx, d.Options)
}

// understood reads the words after fettle; not ok where the whole program must look at them.
func understood(args []string) (d detection, ok bool) {
	if len(args) == 0 || args[0] != "detect" {
		return d, false
	}
	d.Options = standalone.Options{Brief: true, Version: version, Out: os.Stdout}
	values := map[string]*string{"--catalog": &d.Catalog, "--root": &d.Root, "--facts": &d.Facts, "--snapshot": &d.Snapshot, "--explain": &d.explain}
	for rest := args[1:]; len(rest) > 0; rest = rest[1:] {
		if rest[0] == "--json" || rest[0] == "-j" {
			d.JSON = true
			continue
		}
		name, value, joined := strings.Cut(rest[0], "=")
		if !joined && len(rest) > 1 {
			rest = rest[1:]
			value = rest[0]
		}
		to := values[name]
		if to == nil || *to != "" || value == "" || strings.HasPrefix(value, "-") || strings.HasPrefix(value, "~") {
			return d, false
		}
		*to = value
	}
	root, err := filepath.Abs(cmp.Or(d.Root, "/"))
	d.Root = root
	return d, err == nil && d.Catalog != ""
}

// become turns this process into another program of the same folder, and returns only where it cannot.
func become(name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return syscall.Exec(filepath.Join(filepath.Dir(self), name), os.Args, os.Environ())
}
